"""What a session's mailbox takes beside the events of its machines."""

from __future__ import annotations

from typing import Generic, TypeAlias, TypeVar

import attrs

from utd_stream.contract.answers import UTDTokenResponse
from utd_stream.machines.connection import ConnectionEvent
from utd_stream.models.failures import Failure
from utd_stream.models.participants import TrackPublication
from utd_stream.models.room_events import RoomEvent
from utd_stream.models.rooms import UTDRole
from utd_stream.models.seats import UTDSeatGrid
from utd_stream.ports import RoomState

__all__ = [
    "AnswerRefused",
    "AnswerUnknown",
    "EventTold",
    "GaveBack",
    "GridTold",
    "OwnMuteRead",
    "PlaceAnswered",
    "RoleTold",
    "RoomRead",
    "SessionFact",
    "TokenMinted",
]

_A = TypeVar("_A")  # what the engine answers


@attrs.frozen
class EventTold:
    """The SFU told *event* on connection *number*."""

    number: int
    event: RoomEvent


@attrs.frozen
class RoomRead:
    """All that connection *number* knows was read at once."""

    number: int
    state: RoomState


@attrs.frozen
class OwnMuteRead:
    """This client muted or unmuted *publication*; the SFU's event comes later."""

    publication: TrackPublication


@attrs.frozen
class RoleTold:
    """The engine told this member's role."""

    role: UTDRole


# What every kind of session takes.
SessionFact: TypeAlias = ConnectionEvent | EventTold | RoomRead | OwnMuteRead | RoleTold


@attrs.frozen
class TokenMinted:
    """The engine let this client in again, for connection *number*.

    Where the mint *resumes*, the life of the room goes on that was known before.
    """

    number: int
    answer: UTDTokenResponse
    resumes: bool


@attrs.frozen
class GridTold:
    """The engine told a grid, in an answer or by the room's metadata."""

    grid: UTDSeatGrid


# Answers to what asks for a place and to what gives it back, as operation *op*.


@attrs.frozen
class PlaceAnswered(Generic[_A]):
    """The engine gave the place."""

    op: int
    answer: _A


@attrs.frozen
class AnswerRefused:
    """The engine said no, and changed nothing."""

    op: int
    error: Failure


@attrs.frozen
class AnswerUnknown:
    """No answer came: the engine may have given the place, or not."""

    op: int
    error: Failure


@attrs.frozen
class GaveBack(Generic[_A]):
    """The engine freed the place, or knows of none; *answer* is what it said."""

    op: int
    answer: _A | None
