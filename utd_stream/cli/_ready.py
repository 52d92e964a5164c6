"""What ``serve`` and ``dev`` print once they can be used."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from rich.console import Console
from rich.text import Text

__all__ = ["print_json", "print_ready"]


def print_json(told: Mapping[str, str]) -> None:
    """Print one line that programs read."""
    sys.stdout.write(json.dumps(dict(told)) + "\n")
    sys.stdout.flush()


def print_ready(title: str, *told: tuple[str, str]) -> None:
    """Print what a person needs, each by its name."""
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text(title, style="bold green"))
    for name, value in told:
        console.print(Text.assemble((f"  {name:<12}", "dim"), value))
