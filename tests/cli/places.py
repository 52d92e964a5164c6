"""Places as containers make them, each a program that starts another one in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

__all__ = ["NAMELESS", "PLACES", "enter"]

# A user whom no list of users names, as containers are told to run as.
NAMELESS = 54_321

_SETPRIV = ("setpriv", f"--reuid={NAMELESS}", f"--regid={NAMELESS}", "--clear-groups")
# Every mount that can be written, the one with the tests' folder too.
_READ_ONLY = """
mount --make-rprivate /
mount --bind / /
mount -o remount,bind,ro /
while read -r _ place _; do
  case $place in / | /proc* | /sys* | /dev*) ;;
  *) mount -o remount,bind,ro "$place" 2> /dev/null ;; esac
done < /proc/mounts
mount -o remount,bind,ro /dev/shm 2> /dev/null
cd "$1" && shift
exec "$@"
"""

PLACES = ("no home", "no name", "read-only root")


def enter(place: str, folder: Path) -> tuple[str, ...]:
    """Return what starts a program in *place*; skip the test where it cannot be.

    Args:
        place: One of `PLACES`.
        folder: Of the test; it belongs to whoever is in the place.
    """
    within = _within(place, folder)
    probe = [*within, sys.executable, "-c", "import utd_stream, livekit"]
    try:
        run = subprocess.run(  # noqa: S603 -- words from above
            probe, cwd=folder, check=False, capture_output=True, text=True, timeout=60
        )
    except OSError as error:
        pytest.skip(f"{place}: {error}")
    if run.returncode:
        pytest.skip(f"{place}: {run.stderr.strip()[-200:]}")
    return within


def _within(place: str, folder: Path) -> tuple[str, ...]:
    if place == "no home":
        return ("env", "-u", "HOME")
    if place == "read-only root":
        root = () if os.geteuid() == 0 else ("--map-root-user",)
        shell = ("/bin/sh", "-c", _READ_ONLY, "sh", str(folder))
        return ("unshare", "--mount", *root, *shell)
    if os.geteuid() == 0:
        for each in (folder, *folder.rglob("*")):
            shutil.chown(each, NAMELESS, NAMELESS)
    return ("env", "-u", "HOME", *_SETPRIV)
