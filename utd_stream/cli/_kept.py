"""What ``utd-stream dev`` keeps from one start to the next, for its user alone."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from utd_stream.errors import InvalidArgumentError

__all__ = ["KEPT_IN", "kept_settings"]

KEPT_IN = Path(".utd-stream")

_FILE = "engine.toml"
_TEXT = """\
# Made by `utd-stream dev`, which reads it at its next start.  Do not publish it.
secret = "{secret}"
app_id = "{app_id}"
app_key = "{app_key}"
app_secret = "{app_secret}"
allow_appkey_identity_mint = true
"""


def kept_settings(folder: Path = KEPT_IN) -> Path:
    """Return the file of settings in *folder*; what is missing is made.

    The folder is its owner's alone (0700), and so is the file (0600).

    Raises:
        InvalidArgumentError: If it cannot be written there.
    """
    file = folder / _FILE
    try:
        folder.mkdir(exist_ok=True)
        _close_to_others(folder, 0o700)
        if not file.exists():
            _write(folder / ".gitignore", "*\n")
            _write(file, _drawn())
        _close_to_others(file, 0o600)
    except OSError as error:
        message = (
            f"nothing can be kept in {folder}{os.sep}: {error.strerror};"
            " it must be your own and writable: chown it, or start in another folder"
        )
        raise InvalidArgumentError(message) from error
    return file


def _close_to_others(path: Path, mode: int) -> None:
    # Where nothing may be written that has no need to be: read-only, and private.
    if path.stat().st_mode & 0o777 != mode:
        path.chmod(mode)


def _drawn() -> str:
    return _TEXT.format(
        secret=secrets.token_urlsafe(32),
        app_id=str(secrets.randbelow(9 * 10**9) + 10**9),
        app_key=secrets.token_urlsafe(18),
        app_secret=secrets.token_urlsafe(32),
    )


def _write(file: Path, text: str) -> None:
    # Whoever is killed meanwhile leaves no half a file; mkstemp's are 0600.
    descriptor, scratch = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as writing:
        writing.write(text)
    Path(scratch).replace(file)
