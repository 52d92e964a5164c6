"""What the fact log is told of an answer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.rules.scene import KEY, NOON
from utd_stream.contract import Who
from utd_stream.engine.notes import Answered, CommittedRoom, note_answer
from utd_stream.engine.orders import Order, Outcome
from utd_stream.engine.rules import Room
from utd_stream.engine.rules.audio_room import AudioRoom
from utd_stream.engine.rules.commands import TakeSeat
from utd_stream.errors import ConflictError, EngineError, UnavailableError

ROOM = Room(app_id=KEY[0], name=KEY[1], created_at=NOON, content=AudioRoom())
TAKEN = ConflictError("the seat is taken", code="seat_taken")


def told(result: Outcome | EngineError | None) -> list[tuple[str, Any]]:
    """Return what a log is told of the answer to a request, by its kind."""
    lines: list[tuple[str, Any]] = []

    class Log:
        def note(self, who: str, kind: str, what: object) -> None:
            assert who == "engine"
            lines.append((kind, what))

    assert result is not None
    command = TakeSeat(index=0)
    order = Order(key=KEY, command=command, who=Who.SELF, request_id="r7")
    note_answer(Log(), order, result)
    return lines


@pytest.mark.parametrize(
    ("result", "status", "code", "message"),
    [
        (TAKEN, 409, "seat_taken", "the seat is taken"),
        (Outcome.refused(TAKEN, "r1"), 409, "seat_taken", "the seat is taken"),
        (UnavailableError("the disk is full"), 503, "unavailable", "the disk is full"),
        (EngineError("new"), 503, EngineError.code, "new"),
    ],
    ids=["at once", "kept", "failed", "without a status"],
)
def test_a_refusal_names_what_was_asked_and_why_not(
    result: Outcome | EngineError, status: int, code: str, message: str
) -> None:
    """Likewise whether it is kept for an Idempotency-Key or not."""
    (line,) = told(result)

    answered = Answered(
        to="TakeSeat", request_id="r7", status=status, code=code, message=message
    )
    assert line == ("refusal", answered)


def test_an_answer_follows_the_revision_it_tells_of() -> None:
    """The room comes first, and a replay has changed none."""
    served = Answered(to="TakeSeat", request_id="r7", status=200)

    revision, answer = told(Outcome(body=b"{}", room=ROOM))
    replay = told(Outcome(body=b"{}"))

    assert (revision[0], type(revision[1])) == ("revision", CommittedRoom)
    assert revision[1].by == "TakeSeat"
    assert answer == ("fact", served)
    assert replay == [("fact", served)]
