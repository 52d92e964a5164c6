"""Fuzz an engine as every role, and show what came of it.

``--requests`` is how many each role sends, ``--minutes`` when to stop anyhow,
``--seed`` what is drawn.  The status is 1 when anything was off.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from urllib.request import urlopen

import orjson
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from tests.fuzz.people import ROLES, People
from tests.fuzz.walk import Ground, Tally, walk
from utd_stream.contract.endpoints import ENDPOINTS

_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
)


def main() -> int:
    """Fuzz, and return the exit status."""
    asked = _arguments()
    until = time.monotonic() + asked.minutes * 60
    with engine() as url:
        with urlopen(f"{url}/api/v1/openapi.json", timeout=10) as answer:  # noqa: S310 -- our own
            document = orjson.loads(answer.read())
        people = People(url, asked.seed)
        with Progress(*_COLUMNS, console=Console(stderr=True)) as progress:
            task = progress.add_task("as each role", total=asked.requests)
            ground = Ground(
                document=document,
                url=url,
                people=people,
                seed=asked.seed,
                is_over=lambda: time.monotonic() > until,
                tell=lambda sent: progress.update(task, completed=sent),
            )
            tallies = walk(ground, asked.role or ROLES, asked.requests)
        people.close()
    return _show(tallies, asked.requests)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--role", action="append", choices=ROLES)
    return parser.parse_args()


@contextmanager
def engine() -> Iterator[str]:
    """Run an engine in a process of its own; yield its URL."""
    command = [sys.executable, "-m", "tests.fuzz.served"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 -- our own
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _show(tallies: list[Tally], wanted: int) -> int:
    table = Table(title="fuzz: requests as each role, and what was answered")
    for column in ("role", "requests", "operations", "served", "statuses", "off"):
        table.add_column(column, justify="left")
    for tally in tallies:
        statuses = " ".join(f"{s}:{n}" for s, n in sorted(tally.statuses.items()))
        table.add_row(
            tally.role,
            str(tally.requests),
            f"{len(tally.reached)}/{len(ENDPOINTS)}",
            str(len(tally.served)),
            statuses,
            str(sum(tally.failures.values())),
        )
    console = Console(width=120)
    console.print(table)
    for tally in tallies:
        for message, times in tally.failures.most_common():
            example = tally.examples[message]
            told = f"{tally.role}, {times} times: {message}\n    {example}"
            console.print(told, markup=False)
    errors = HTTPStatus.INTERNAL_SERVER_ERROR
    broken = sum(n for t in tallies for s, n in t.statuses.items() if s >= errors)
    short = [tally.role for tally in tallies if tally.requests < wanted]
    if short:
        console.print(f"stopped before the end: {', '.join(short)}")
    served = set().union(*(tally.served for tally in tallies))
    never = sorted({endpoint.name for endpoint in ENDPOINTS} - served)
    console.print(f"served to nobody: {', '.join(never) or 'nothing'}")
    sent = sum(tally.requests for tally in tallies)
    console.print(f"{sent} requests, {broken} answered with a 5xx")
    return 1 if broken or any(tally.failures for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
