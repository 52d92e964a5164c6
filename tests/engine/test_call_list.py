"""Calls are listed newest first, by the page, and narrowed by what a query says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlencode

import attrs
import orjson
import pytest
from sqlalchemy import insert

from tests.engine.calling import BACK_END, Callers, callers, pass_seconds
from tests.engine.house import OPEN
from utd_stream.engine._schema import CALLS
from utd_stream.engine.store import Store

__all__ = ["callers"]

BEGAN = 1_700_000_000  # the oldest call, in seconds since 1970


@attrs.frozen
class Past:
    """A call that is over."""

    number: int
    caller: str
    callee: str
    type: str
    status: str

    @property
    def call_id(self) -> str:
        """As the engine would have named it."""
        return f"call_{self.number:024x}"

    @property
    def at(self) -> int:
        """When it began, in seconds since 1970; two at each second."""
        return BEGAN + self.number // 2

    @property
    def row(self) -> dict[str, object]:
        """As it is on disk."""
        return {
            "app_id": OPEN.id,
            "call_id": self.call_id,
            "caller": self.caller,
            "callee": self.callee,
            "type": self.type,
            "status": self.status,
            "initiated_at": float(self.at),
            "state": orjson.dumps({"call_id": self.call_id}).decode(),
        }


def past_calls(count: int) -> list[Past]:
    """Return calls of three people, oldest first."""
    people = ("ana", "ben", "cid")
    return [
        Past(
            number=number,
            caller=people[number % 3],
            callee=people[(number + 1 + number % 2) % 3],
            type="video_call" if number % 7 == 0 else "audio_call",
            status="missed" if number % 5 == 0 else "ended",
        )
        for number in range(count)
    ]


def keep(store: Store, calls: Sequence[Past]) -> None:
    """Put them into the database."""
    store.connection.execute(insert(CALLS), [call.row for call in calls])


def said(at: int) -> str:
    """Return a time as queries say it."""
    return datetime.fromtimestamp(at, UTC).isoformat()


async def test_calls_are_listed_newest_first(callers: Callers) -> None:
    """One's own, on either side; all for the back end; by the page."""
    made: list[str] = []
    for caller, callee in (("ana", "ben"), ("cid", "ana"), ("cid", "dan")):
        await callers.dial(caller, callee)
        made.append(callers.call_id)
        await callers.say(caller, "end")
        await pass_seconds(callers, 1)

    own = (await callers.calls("ana")).body
    everybody = (await callers.calls(BACK_END, "?per_page=2&page=2")).body

    assert [row["call_id"] for row in own["data"]] == [made[1], made[0]]
    assert [row["call_id"] for row in everybody["data"]] == [made[0]]
    assert everybody["pagination"] == {
        "page": 2,
        "per_page": 2,
        "total": 3,
        "total_pages": 2,
    }


async def test_a_list_is_narrowed(callers: Callers) -> None:
    """By status, type, party and time; the end is not in it."""
    await callers.dial("ana", "ben", type="video_call")
    first = (await callers.row(BACK_END)).body
    await callers.say("ben", "reject")
    await pass_seconds(callers, 10)
    await callers.dial("ana", "cid")
    second = (await callers.row(BACK_END)).body

    async def listed(query: str) -> list[str]:
        return [
            row["call_id"]
            for row in (await callers.calls(BACK_END, f"?{query}")).body["data"]
        ]

    both = [second["call_id"], first["call_id"]]
    at = second["initiated_at"].replace("+", "%2B")
    assert await listed("status=rejected") == both[1:]
    assert await listed("type=audio_call") == both[:1]
    assert await listed("identity=ben") == both[1:]
    assert await listed("identity=ana") == both
    assert await listed(f"start_date={at}") == both[:1]
    assert await listed(f"end_date={at}") == both[1:]
    assert await listed("start_date=2000-01-01&end_date=2001-01-01") == []


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("status=dead", "$.status"),
        ("type=audio_room", "$.type"),
        ("start_date=yesterday", "$.start_date"),
        ("end_date=2024-02-30", "$.end_date"),
        ("identity=", "$.identity"),
        ("room=lounge", "$.room"),
        ("page=0", "$.page"),
        ("status=ended&status=busy", "$.status"),
    ],
)
async def test_a_wrong_filter_is_refused(
    callers: Callers, query: str, path: str
) -> None:
    """422 with the path of the word."""
    answer = await callers.calls("ana", f"?{query}")

    assert (answer.status, answer.paths) == (422, [path])


async def test_calls_of_others_are_not_listed(callers: Callers) -> None:
    """A bearer lists its own calls."""
    answer = await callers.calls("ana", "?identity=ben")

    assert (answer.status, answer.code) == (403, "forbidden")


@pytest.mark.parametrize(
    ("query", "takes"),
    [
        ({}, lambda _: True),
        ({"identity": "ana"}, lambda call: "ana" in {call.caller, call.callee}),
        ({"status": "missed"}, lambda call: call.status == "missed"),
        (
            {"identity": "ben", "type": "video_call"},
            lambda call: (
                "ben" in {call.caller, call.callee} and call.type == "video_call"
            ),
        ),
        ({"start_date": said(BEGAN + 400)}, lambda call: call.at >= BEGAN + 400),
        (
            {"end_date": said(BEGAN + 700), "start_date": said(BEGAN + 30)},
            lambda call: BEGAN + 30 <= call.at < BEGAN + 700,
        ),
        (
            {"identity": "cid", "end_date": said(BEGAN + 20)},
            lambda call: "cid" in {call.caller, call.callee} and call.at < BEGAN + 20,
        ),
        ({"identity": "dan"}, lambda _: False),
    ],
)
async def test_every_page_and_total_is_right(
    callers: Callers, query: dict[str, str], takes: Callable[[Past], bool]
) -> None:
    """As a list in memory would have it, whatever is asked for, and past the end."""
    kept = past_calls(1_600)
    await callers.house.services.writer.transact(partial(keep, calls=kept))
    wanted = [call.call_id for call in reversed(kept) if takes(call)]
    wanted.sort(key=lambda call_id: -(int(call_id[5:], 16) // 2))
    last = max(1, -(-len(wanted) // 100))
    for page in {1, 2, last, last + 1}:
        asked = urlencode({**query, "page": page, "per_page": 100})
        told = (await callers.calls(BACK_END, f"?{asked}")).body

        first = 100 * (page - 1)
        found = [row["call_id"] for row in told["data"]]
        assert found == wanted[first : first + 100]
        assert told["pagination"]["total"] == len(wanted)


async def test_a_total_is_bounded(callers: Callers) -> None:
    """More than 10,000 calls are told as 10,000, with and without a filter."""
    kept = past_calls(20_000)
    await callers.house.services.writer.transact(partial(keep, calls=kept))
    for query in ("", "?status=ended", "?identity=ana"):
        told = (await callers.calls(BACK_END, query)).body

        assert told["pagination"]["total"] == 10_000
        assert len(told["data"]) == 20
