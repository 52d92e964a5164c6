"""Write the pages; with ``--check`` name those that are not as they would be."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.pages import engine, library

__all__ = ["FOLDER", "PAGES", "stale"]

FOLDER = Path(__file__).parents[2] / "docs" / "reference"

PAGES: Mapping[str, Callable[[], str]] = {
    "endpoints.md": engine.rest_page,
    "errors.md": library.errors_page,
    "faults.md": library.faults_page,
    "metadata.schema.json": engine.metadata_schema,
    "room_events.md": library.events_page,
    "settings.md": engine.settings_page,
    "signaling.md": engine.signaling_page,
    "values.md": library.values_page,
    "wire.md": engine.wire_page,
}


def stale(pages: Mapping[str, Callable[[], str]]) -> list[str]:
    """Return those of *pages* that are not as they would be written now."""
    return [
        name
        for name, make in pages.items()
        if not (FOLDER / name).exists()
        or (FOLDER / name).read_text(encoding="utf-8") != make()
    ]


def main(
    arguments: Sequence[str], pages: Mapping[str, Callable[[], str]] = PAGES
) -> int:
    """Write, or check, and return the exit status."""
    if "--check" in arguments:
        old = stale(pages)
        if old:
            sys.stderr.write(f"run `make pages`; stale: {', '.join(old)}\n")
        return 1 if old else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in pages.items():
        (FOLDER / name).write_text(make(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
