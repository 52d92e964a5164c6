"""Laws of what ``dev`` keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from utd_stream.cli._kept import kept_settings
from utd_stream.engine import read_config
from utd_stream.errors import InvalidArgumentError


def mode(path: Path) -> int:
    """Return the permission bits."""
    return path.stat().st_mode & 0o777


def test_kept_settings_are_their_owners_alone(tmp_path: Path) -> None:
    """0700 for the folder, 0600 for all that is in it."""
    file = kept_settings(tmp_path / "kept")

    assert mode(tmp_path / "kept") == 0o700
    assert {mode(each) for each in (tmp_path / "kept").iterdir()} == {0o600}
    assert file.parent == tmp_path / "kept"


def test_what_was_opened_to_others_is_closed_again(tmp_path: Path) -> None:
    """A copy or an editor may have loosened it."""
    file = kept_settings(tmp_path)
    file.chmod(0o644)
    tmp_path.chmod(0o755)

    kept_settings(tmp_path)

    assert mode(file) == 0o600
    assert mode(tmp_path) == 0o700


def test_kept_settings_stay_what_they_were(tmp_path: Path) -> None:
    """The app of yesterday is the app of today, and no other folder's."""
    first = kept_settings(tmp_path / "a").read_text(encoding="utf-8")

    assert kept_settings(tmp_path / "a").read_text(encoding="utf-8") == first
    assert kept_settings(tmp_path / "b").read_text(encoding="utf-8") != first


def test_kept_settings_are_an_engines(tmp_path: Path) -> None:
    """They are read like any file of settings, with an app that lets its key mint."""
    config = read_config(file=kept_settings(tmp_path))

    assert len(config.secret) >= 32
    assert [app.allow_appkey_identity_mint for app in config.apps] == [True]
    assert config.apps[0].id.isdecimal()


def test_what_cannot_be_kept_is_told(tmp_path: Path) -> None:
    """A file where the folder should be is an error that names it."""
    (tmp_path / "kept").write_text("", encoding="utf-8")

    with pytest.raises(InvalidArgumentError, match="kept"):
        kept_settings(tmp_path / "kept")
