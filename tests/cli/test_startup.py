"""Laws of a start that fails: one line that says what to set right, status 2."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.cli.commands import command
from tests.cli.test_serve import COMPLETE

LONG_NAME = "a" * 70 + ".example"


def refused(
    *arguments: str, folder: Path, within: Sequence[str] = (), **told: str
) -> str:
    """Return the one line that a command says before it ends with status 2."""
    ended = command(*arguments, folder=folder, within=within, **told)

    assert ended.returncode == 2, ended.stderr
    assert not ended.stdout
    assert len(ended.stderr.splitlines()) == 1
    return ended.stderr


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"UTD_STREAM_DATABASE": "sqlite:///missing/rooms.db"}, "missing/rooms.db"),
        ({"UTD_STREAM_DATABASE": "sqlite:///folder"}, "the database folder cannot"),
        ({"UTD_STREAM_DATABASE": "sqlite:///text"}, "the database text cannot"),
        ({"UTD_STREAM_DATABASE": "rooms.db"}, "the database must be a URL"),
        ({"UTD_STREAM_DATABASE": "sqlite+other:///r.db"}, "sqlite+other is not"),
        ({"UTD_STREAM_DATABASE": "sqlite:///r.db?timeout=x"}, "the database r.db"),
        ({"UTD_STREAM_HOST": "nowhere.invalid"}, "cannot listen on nowhere.invalid"),
        ({"UTD_STREAM_HOST": "192.0.2.1"}, "cannot listen on 192.0.2.1"),
        ({"UTD_STREAM_HOST": LONG_NAME}, "host must be an address or the name of"),
        ({"UTD_STREAM_HOST": "a..b"}, "host must be an address or the name of"),
        ({"LIVEKIT_URL": f"ws://{LONG_NAME}"}, "livekit_url must be a URL such as"),
    ],
    ids=str,
)
def test_serve_names_what_it_cannot_use(
    tmp_path: Path, told: dict[str, str], words: str
) -> None:
    """A database or an address that cannot be had is no traceback."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "text").write_text("This is no database, as anybody can see.\n" * 99)

    said = refused("serve", "--port", "0", folder=tmp_path, **{**COMPLETE, **told})

    assert words in said


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_serve_names_the_file_that_it_cannot_read(tmp_path: Path, name: str) -> None:
    """A file of settings that is not there, or is no file."""
    said = refused("serve", "--config", name, folder=tmp_path, **COMPLETE)

    assert f"{name} cannot be read" in said


def test_a_start_in_a_folder_that_is_gone_is_refused(tmp_path: Path) -> None:
    """Whoever has removed the folder under a shell is told what is missing."""
    gone = ("/bin/sh", "-c", 'cd "$1" && rmdir "$1" && shift && exec "$@"', "sh")
    folder = tmp_path / "gone"
    for arguments in (("serve", "--port", "0"), ("dev", "--port", "0")):
        folder.mkdir()

        said = refused(
            *arguments,
            folder=tmp_path,
            within=(*gone, str(folder)),
            LIVEKIT_SERVER="/bin/true",
            **COMPLETE,
        )

        assert "No such file or directory" in said


def no_program(folder: Path) -> None:
    """Leave something that can be executed, and is no program."""
    program = folder / "server"
    program.write_bytes(b"\x7fELF, but not quite")
    program.chmod(0o755)


def lost_settings(folder: Path) -> None:
    """Leave what a power cut may: the file, and nothing in it."""
    (folder / ".utd-stream").mkdir(mode=0o700)
    (folder / ".utd-stream" / "engine.toml").touch(mode=0o600)


def a_file_in_the_way(folder: Path) -> None:
    """Leave a file where `dev` makes a folder."""
    (folder / ".utd-stream").touch()


@pytest.mark.parametrize(
    ("prepare", "server", "words"),
    [
        (no_program, "./server", "the LiveKit server cannot be run"),
        (a_file_in_the_way, "/bin/true", "nothing can be kept in .utd-stream"),
        (lost_settings, "/bin/true", "remove it, and the next start makes a new one"),
        (lambda _: None, ".", "LIVEKIT_SERVER names no program"),
    ],
    ids=["no program", "in the way", "lost settings", "folder"],
)
def test_dev_names_what_it_cannot_use(
    tmp_path: Path, prepare: Callable[[Path], None], server: str, words: str
) -> None:
    """A program or a folder that cannot be used is no traceback."""
    prepare(tmp_path)

    said = refused("dev", "--port", "0", folder=tmp_path, LIVEKIT_SERVER=server)

    assert words in said


def test_a_machine_without_a_shell_is_told(tmp_path: Path) -> None:
    """LiveKit is watched by a shell, which the barest images do not have."""
    if os.geteuid() != 0:
        pytest.skip("needs root to be without a shell")
    hidden = ("unshare", "--mount", "sh", "-c")
    hide = 'mount --bind /dev/null "$(readlink -f /bin/sh)" && exec "$@"'

    said = refused(
        *("dev", "--port", "0"),
        folder=tmp_path,
        within=(*hidden, hide, "sh"),
        LIVEKIT_SERVER="/bin/true",
    )

    assert "/bin/sh" in said
