"""What ``serve`` and ``dev`` print once they can be used."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping

from rich.console import Console
from rich.text import Text

from utd_stream.cli._output import lost

__all__ = ["print_json", "print_ready"]

_LOG = logging.getLogger(__name__)


def print_json(told: Mapping[str, str]) -> None:
    """Print one line that programs read."""
    sys.stdout.write(json.dumps(dict(told)) + "\n")
    _go_on()


def print_ready(title: str, *told: tuple[str, str]) -> None:
    """Print what a person needs, each by its name."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(title, style="bold green"))
    for name, value in told:
        console.print(Text.assemble((f"  {name:<12}", "dim"), value))
    _go_on()


def _go_on() -> None:
    # The message is not the service, which is there whether anybody reads or not.
    if (error := lost()) is not None:
        _LOG.warning("the ready message could not be printed: %s", error.strerror)
