"""The ``utd-stream`` command.

Modules behind a command are imported when it runs: LiveKit and SQLAlchemy
take a second, and ``--help`` needs neither.
"""

from __future__ import annotations

import logging
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal

import typer

from utd_stream._version import version
from utd_stream.cli._output import lost, outlive_readers, say
from utd_stream.errors import UsageError, UTDStreamException

__all__ = ["main"]

_BAD_USAGE = 2
_FAILED = 1

_app = typer.Typer(
    name="utd-stream",
    help="Audio rooms on LiveKit: an engine to host, and a show of what it does.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_Json = Annotated[
    bool, typer.Option("--json", help="Print one line of JSON when ready.")
]
_Port = Annotated[
    int | None, typer.Option(min=0, max=65_535, help="Of the engine; 0 is a free one.")
]


def main() -> None:
    """Run the command and end the process with its exit status.

    0 is well, 1 is something that failed, 2 is something to set right first.
    """
    outlive_readers()
    _set_up_logging()
    sys.exit(_status())


def _status() -> int:
    status = _FAILED
    try:
        _app()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 0
    except UTDStreamException as error:
        say(str(error))
        return _BAD_USAGE if isinstance(error, UsageError) else _FAILED
    if (unprinted := lost()) is not None:
        say(f"not all could be printed: {unprinted.strerror}")
        return status or _FAILED
    return status


def _set_up_logging() -> None:
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    # LiveKit's client tells there what the calls it fails in tell as well.
    logging.getLogger("livekit").setLevel(logging.CRITICAL)


def _end_well_when_told() -> None:
    # Until the loop listens there is nothing to end but the process.
    def end(number: int, frame: FrameType | None) -> None:
        sys.exit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 -- typer's signature
    if wanted:
        sys.stdout.write(f"utd-stream {version()}\n")
        raise typer.Exit


@_app.callback()
def _command(  # pyright: ignore[reportUnusedFunction] -- typer calls it
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print it."
        ),
    ] = False,
) -> None:
    del version


@_app.command()
def serve(  # noqa: PLR0913 -- what may be told by flags
    *,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML, as the README shows.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Say what is in force, and stop.")
    ] = False,
    as_json: _Json = False,
    host: Annotated[str | None, typer.Option(help="Where to listen.")] = None,
    port: _Port = None,
    database: Annotated[
        str | None, typer.Option(metavar="URL", help="Such as sqlite:///rooms.db.")
    ] = None,
    livekit_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Of the LiveKit server.")
    ] = None,
) -> None:
    """Serve the engine, over a LiveKit server that runs already.

    A flag goes before the environment (UTD_STREAM_* and LIVEKIT_*), that before
    the file.  Secrets are taken from these two only.
    """
    _end_well_when_told()
    from utd_stream.cli._serve import main as run  # noqa: PLC0415 -- see the top

    flags = {
        "host": host,
        "port": port,
        "database": database,
        "livekit_url": livekit_url,
    }
    raise typer.Exit(run(config, flags, check=check, as_json=as_json))


@_app.command()
def dev(*, as_json: _Json = False, port: _Port = None) -> None:
    """Serve an engine and a LiveKit server of its own, for programs to be tried on.

    Its secret, its app and its rooms are kept in ./.utd-stream/.
    """
    _end_well_when_told()
    from utd_stream.cli._dev import main as run  # noqa: PLC0415 -- see the top

    raise typer.Exit(run(port=port, as_json=as_json))


@_app.command()
def demo(
    scene: Annotated[
        Literal["room", "call", "video-call"], typer.Argument(help="What is played.")
    ] = "room",
    *,
    livekit: Annotated[
        bool, typer.Option("--livekit", help="Bring a LiveKit server of its own.")
    ] = False,
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="Of an engine that runs.")
    ] = None,
    app_id: Annotated[str | None, typer.Option(help="Of an app there.")] = None,
    app_key: Annotated[str | None, typer.Option(help="Its publishable key.")] = None,
) -> None:
    """Show an audio room (a host, two speakers and a listener), or calls of two.

    Engine, SFU and people are in this process; no server is needed.  The same
    script runs on a real LiveKit server with --livekit, or at an engine that
    runs, such as that of `utd-stream dev`.  The exit status is 0 if all went as
    declared.
    """
    from utd_stream.cli._demo import main as run  # noqa: PLC0415 -- see the top

    raise typer.Exit(run(scene, base_url, app_id, app_key, livekit=livekit))
