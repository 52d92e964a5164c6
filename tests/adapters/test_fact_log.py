"""The fact log: what each line promises, and what none ever holds."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import pairwise
from types import FrameType
from typing import Any, cast, get_args

import attrs
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.testing.rich_run import RichRun
from utd_stream import embedded
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.client._journal import Changed
from utd_stream.client.rules.audio_room import AudioRoomEffect, AudioRoomFact
from utd_stream.client.rules.facts import EventTold
from utd_stream.engine._rows import OutboxRow
from utd_stream.engine.notes import Answered, CommittedRoom
from utd_stream.engine.orders import Order
from utd_stream.engine.rules.commands import Command
from utd_stream.errors import BannedError, ConflictError
from utd_stream.machines import invitation, request, seat
from utd_stream.media import Silence
from utd_stream.models.room_events import DataReceived, RoomEvent
from utd_stream.ports import FactKind
from utd_stream.testing import FACT_LOG_SCHEMA, JsonLines, VirtualLoop, run
from utd_stream.testing.models import values

# Whatever a log of this package may be told, but for what holds an error.
WORDS: tuple[type, ...] = (
    *get_args(RoomEvent),
    *get_args(AudioRoomFact),
    *get_args(AudioRoomEffect),
    *get_args(seat.SeatEvent),
    *get_args(seat.SeatEffect),
    *get_args(request.RequestEvent),
    *get_args(invitation.InvitationEvent),
    *get_args(Command),
    *(OutboxRow, Answered, CommittedRoom, Changed),
)

SCHEMA = Draft202012Validator(dict(FACT_LOG_SCHEMA))
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class StoppedClock(AsyncioClock):
    """Time that does not pass."""

    def now(self) -> datetime:
        """Return noon."""
        return NOON


@pytest.fixture(scope="module")
def rich() -> RichRun:
    """A run in which much happens."""
    return RichRun(5)


def log_of(write: Callable[[str], object] | None = None, **given: Any) -> JsonLines:
    """Return a log at noon."""
    return JsonLines(StoppedClock(), write, **given)


def line_of(what: object, who: str = "ana", kind: FactKind = "fact") -> Any:
    """Return what one line says, once it was found to fit the schema."""
    log = log_of()
    log.note(who, kind, what)
    read = orjson.loads(log.lines[0])
    SCHEMA.validate(read)
    return read


# A whole run.


def test_every_line_fits_the_schema(rich: RichRun) -> None:
    """Whatever happened, of every kind, and on one line of text."""
    Draft202012Validator.check_schema(dict(FACT_LOG_SCHEMA))
    for line in rich.lines:
        SCHEMA.validate(orjson.loads(line))
        assert "\n" not in line

    kinds = {orjson.loads(line)["kind"] for line in rich.lines}
    assert kinds == set(FACT_LOG_SCHEMA["properties"]["kind"]["enum"])


def test_a_line_that_says_less_or_more_does_not_fit(rich: RichRun) -> None:
    """The schema is no empty promise: each field is asked for, and no other."""
    whole = orjson.loads(rich.lines[0])
    for name in whole:
        assert not SCHEMA.is_valid({k: v for k, v in whole.items() if k != name})
    assert not SCHEMA.is_valid({**whole, "more": 1})
    assert not SCHEMA.is_valid({**whole, "n": 0})
    assert not SCHEMA.is_valid({**whole, "kind": "rumor"})


def test_numbers_rise_by_one_and_time_never_goes_back(rich: RichRun) -> None:
    """The order of the lines is that in which things happened."""
    read = [orjson.loads(line) for line in rich.lines]

    assert [line["n"] for line in read] == list(range(1, len(read) + 1))
    times = [datetime.fromisoformat(line["at"]) for line in read]
    assert all(a <= b for a, b in pairwise(times))
    assert times[0] < times[-1]


def test_everything_told_is_a_line(rich: RichRun) -> None:
    """None is left out, none is put in, each by its name."""
    names = [orjson.loads(line)["name"] for line in rich.lines]

    assert names == [type(what).__name__ for what in rich.told]


def test_each_answer_of_the_engine_names_its_order(rich: RichRun) -> None:
    """Nobody has to count lines to know what was refused, and why."""
    orders = [what for what in rich.told if isinstance(what, Order)]
    answers = [what for what in rich.told if isinstance(what, Answered)]

    asked = Counter((type(each.command).__name__, each.request_id) for each in orders)
    assert answers
    assert Counter((each.to, each.request_id) for each in answers) <= asked
    assert {(each.status, each.code) for each in answers} >= {
        *((200, ""), (409, "seat_taken"), (409, "settled")),
    }


def test_nothing_secret_is_in_any_line(rich: RichRun) -> None:
    """No token, key, secret, bearer or signature of the run, and nothing said."""
    known = {"token", "user_token", "bearer", "key", "secret", "signature"}
    assert known | {"said", "told"} <= set(rich.secrets)
    text = "\n".join(rich.lines)

    found = [
        (name, secret)
        for name, secrets in rich.secrets.items()
        for secret in secrets
        if secret in text or orjson.dumps(secret).decode()[1:-1] in text
    ]

    assert found == []


# One line.


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.__name__)
@settings(max_examples=10)
@given(data=st.data())
def test_every_word_of_the_vocabularies_is_a_line(
    word: type, data: st.DataObject
) -> None:
    """By its name, with each field that it shows, and none that it hides."""
    what = data.draw(values(word))

    read = line_of(what)

    assert read["name"] == word.__name__
    shown = {field.name for field in attrs.fields(word) if field.repr}
    assert set(read["data"]) == shown


@given(sent=st.binary(min_size=4))
def test_bytes_are_only_counted(sent: bytes) -> None:
    """What people say to each other is theirs."""
    event = DataReceived(sent, "ana", "chat", reliable=True)
    read = line_of(EventTold(1, event))

    assert read["data"]["event"]["data"] == {"bytes": len(sent)}


class Color(Enum):
    """A value that is no text."""

    RED = (255, 0, 0)


@attrs.frozen
class Holder:
    """Something with a field of any kind, and one that it hides."""

    held: Any
    hidden: str = attrs.field(default="psst", repr=False)


class Foreign:
    """What is not ours, and holds what nobody may see."""

    name = "secret-token"

    def __repr__(self) -> str:
        return self.name


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (Color.RED, [255, 0, 0]),
        (NOON, "2026-01-01T12:00:00.000Z"),
        (NOON + timedelta(microseconds=1_999), "2026-01-01T12:00:00.001Z"),
        (datetime(2026, 1, 1, 12), "2026-01-01T12:00:00.000"),  # noqa: DTZ001 -- naive
        ({"a": {1: {"b": (Holder(2),)}}}, {"a": {"1": {"b": [2]}}}),
        ({3, 1, 2}, [1, 2, 3]),
        pytest.param(frozenset({"b", "a"}), ["a", "b"], id="any-order"),
        (Foreign(), {"is": "Foreign"}),
        (ValueError("secret-token"), {"is": "ValueError"}),
        (bytearray(b"secret-token"), {"is": "bytearray"}),
        (b"secret-token", {"bytes": 12}),
        (2**63 - 1, 2**63 - 1),
        (2**64, str(2**64)),
        (-(2**70), str(-(2**70))),
        (float("nan"), None),
        ("half \ud800", "half ?"),
        (True, True),
        (None, None),
    ],
    ids=repr,
)
def test_fields_are_told_plainly(held: Any, told: Any) -> None:
    """Whatever stands in a field has its one spelling."""
    read = line_of(Holder(held))["data"]

    if isinstance(held, dict):
        assert read["held"]["a"]["1"]["b"][0].pop("is") == "Holder"
        told = {"a": {"1": {"b": [{"held": 2}]}}}
    assert read == {"held": told}


def test_a_refusal_tells_its_code_and_its_words() -> None:
    """Of our errors both, of another's only what it is."""
    ours = line_of(BannedError("no"), kind="refusal")
    others = line_of(ValueError("secret-token"), kind="refusal")
    inside = line_of(Holder(ConflictError("taken", code="seat_taken")))["data"]["held"]

    assert (ours["name"], ours["data"]) == (
        "BannedError",
        {"code": "banned", "message": "no"},
    )
    assert (others["name"], others["data"]) == ("ValueError", {})
    assert inside == {
        "is": "ConflictError",
        "code": "seat_taken",
        "message": "taken",
    }


class Rude:
    """Something that fails whoever looks at it."""

    def __getattribute__(self, name: str) -> Any:
        message = f"secret-token of {name}"
        raise RuntimeError(message)


def endless() -> list[Any]:
    """Return a list that holds itself."""
    one: list[Any] = []
    one.append(one)
    return one


@pytest.mark.parametrize("make", [Rude, endless], ids=["rude", "endless"])
def test_what_cannot_be_encoded_says_so(make: Callable[[], object]) -> None:
    """A log never raises, whatever it is told, and keeps no word of the error."""
    read = line_of(Holder(make()))

    assert read["name"] == "Holder"
    assert list(read["data"]) == ["unreadable"]
    assert "secret-token" not in str(read)


def test_who_is_told_as_far_as_it_is_text() -> None:
    """Also what no JSON can hold."""
    assert line_of(Holder(1), who="half \udfff")["who"] == "half ?"


@given(whatever=st.recursive(st.from_type(object), st.lists, max_leaves=5))
def test_nothing_makes_it_raise(whatever: object) -> None:
    """Any object of the standard library, in a field and by itself."""
    line_of(Holder(whatever))
    line_of(whatever)


# The log as a whole.


@given(keep=st.integers(0, 5), count=st.integers(0, 8))
def test_the_newest_are_kept_and_every_one_is_written(keep: int, count: int) -> None:
    """`keep` bounds what is held, never what is written."""
    written: list[str] = []
    log = log_of(written.append, keep=keep)
    for number in range(count):
        log.note("ana", "fact", Holder(number))

    assert [orjson.loads(line)["n"] for line in written] == [*range(1, count + 1)]
    assert list(log.lines) == (written[-keep:] if keep else [])


def test_all_are_kept_where_nobody_says_how_many() -> None:
    """The whole run can be read at its end."""
    log = log_of()
    for number in range(1_000):
        log.note("ana", "fact", Holder(number))

    assert len(log.lines) == 1_000


def test_a_writer_that_raises_is_logged_and_stays(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A full disk harms neither the run nor the lines that are kept."""
    calls: list[str] = []

    def full(line: str) -> None:
        calls.append(line)
        raise OSError(28)

    log = log_of(full)
    log.note("ana", "fact", Holder(1))
    log.note("ana", "fact", Holder(2))

    assert len(calls) == len(log.lines) == 2
    assert "could not be written" in caplog.text


@pytest.mark.parametrize("has_log", [True, False])
def test_without_a_log_nothing_is_encoded(*, has_log: bool) -> None:
    """Who keeps no log pays for none: nothing is even made to be told."""
    made: set[type] = set()

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name in {"__init__", "note"}:
            made.add(type(frame.f_locals["self"]))

    async def program() -> None:
        clock = cast("VirtualLoop", asyncio.get_running_loop()).clock
        log = JsonLines(clock) if has_log else None
        async with embedded(clock=clock, fact_log=log) as world:
            client = world.client(microphone=Silence())
            session = await client.join_audio_room("ana", "lounge")
            await session.take_seat(0)
            await session.dispose()

    sys.setprofile(profile)
    try:
        run(program())
    finally:
        sys.setprofile(None)

    for_logs = {Changed, CommittedRoom, Answered, JsonLines}
    assert made & for_logs == (for_logs if has_log else set())


def test_without_a_clock_the_time_is_the_real_one() -> None:
    """A log can be had before there is a world."""
    before = datetime.now(UTC).replace(microsecond=0)
    log = JsonLines()
    log.note("ana", "fact", Holder(1))
    after = datetime.now(UTC)

    assert before <= datetime.fromisoformat(orjson.loads(log.lines[0])["at"]) <= after
