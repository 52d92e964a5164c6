"""The pages in ``docs`` say what the code says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.pages.__main__ import FOLDER, PAGES, main, stale
from tests.pages.library import FIELDS_OF_EVENTS
from utd_stream import errors
from utd_stream.engine import Config
from utd_stream.errors import UTDErrorCode
from utd_stream.models import MAX_SEAT_COUNT, RoomEvent, UTDSeatGrid
from utd_stream.reactive import Events, Latest
from utd_stream.testing import faults
from utd_stream.testing.models import grids
from utd_stream.wire import grid_to_metadata

DOCS = FOLDER.parent
LINK = re.compile(r"\]\(([^)#:]+)\)")


def test_pages_are_fresh() -> None:
    """The pages in the repository are those that `make pages` would write."""
    assert stale(PAGES) == []


def test_no_page_is_left_over() -> None:
    """A page that nobody generates any more is gone."""
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES)


def test_check_names_the_stale(capsys: pytest.CaptureFixture[str]) -> None:
    """What `make check` runs fails by status, and says which page and what to do."""
    changed = {**PAGES, "errors.md": lambda: "another page"}

    assert main(["--check"], changed) == 1
    assert "run `make pages`; stale: errors.md" in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Each link to a file of the repository finds it."""
    found = LINK.findall(path.read_text(encoding="utf-8"))

    assert [link for link in found if not (path.parent / link).exists()] == []


def test_the_index_knows_every_page() -> None:
    """Whoever begins at the index finds each page."""
    index = (DOCS / "README.md").read_text(encoding="utf-8")

    assert [name for name in PAGES if name not in index] == []


def read(name: str) -> str:
    """Return a page."""
    return (FOLDER / name).read_text(encoding="utf-8")


def test_lists_are_whole() -> None:
    """No event, fault, exception, code, setting or member of our own is left out."""
    listed = {
        "room_events.md": [kind.__name__ for kind in get_args(RoomEvent)],
        "faults.md": faults.__all__,
        "errors.md": [
            *(code.value for code in UTDErrorCode),
            *(name for name in errors.__all__ if name.endswith(("Error", "Exception"))),
        ],
        "settings.md": [f.name for f in attrs.fields(Config) if f.name != "apps"],
        "values.md": [
            f"{kind.__name__}.{name}"
            for kind in (Latest, Events)
            for name in vars(kind)
            if not name.startswith("_")
        ],
    }

    for page, names in listed.items():
        text = read(page)
        assert [name for name in names if f"`{name}" not in text] == [], page


def test_every_field_of_an_event_has_a_meaning() -> None:
    """Each field is told, and nothing that no event has."""
    fields = {f.name for kind in get_args(RoomEvent) for f in attrs.fields(kind)}

    assert set(FIELDS_OF_EVENTS) == fields


@pytest.mark.parametrize("kind", [Latest, Events])
def test_help_begins_with_our_own_members(kind: Any) -> None:
    """Before RxPY's hundred members the docstring names those of this package."""
    own = [name for name in vars(kind) if not name.startswith("_")]
    told = (kind.__doc__ or "").split("RxPY's")[0]

    assert [name for name in own if f"`{name}`" not in told] == []


@given(grids(seat_index=st.integers(0, MAX_SEAT_COUNT - 1)))
def test_the_schema_in_a_file_stands_alone(grid: UTDSeatGrid) -> None:
    """A validator needs the file only, to take what an engine writes."""
    schema = orjson.loads(read("metadata.schema.json"))
    whole = {**schema, "$ref": "#/$defs/RoomMetadata"}
    metadata = {
        "_seats": grid_to_metadata(grid),
        "_room": {"type": "audio_room", "owner_identity": None, "rev": 7},
    }
    value = orjson.loads(orjson.dumps(metadata))

    assert Draft202012Validator(whole).is_valid(value)
    del value["_seats"]["rev"]
    assert not Draft202012Validator(whole).is_valid(value)
