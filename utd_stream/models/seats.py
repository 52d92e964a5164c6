"""The seat grid of an audio room, and who asked or was asked to sit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, cast

import attrs

from utd_stream.models._frozen_map import frozen_map
from utd_stream.models.rooms import SeatMode

__all__ = [
    "DEFAULT_SEAT_COUNT",
    "MAX_SEAT_COUNT",
    "Invitation",
    "SpeakerRequest",
    "UTDSeat",
    "UTDSeatGrid",
    "aware",
]

DEFAULT_SEAT_COUNT = 9
MAX_SEAT_COUNT = 100


def aware(
    instance: object, attribute: attrs.Attribute[Any], value: datetime | None
) -> None:
    """Refuse a datetime without a time zone."""
    if value is not None and value.tzinfo is None:
        message = f"{attribute.name} must be an aware datetime"
        raise ValueError(message)


def _shown(value: attrs.AttrsInstance) -> str:
    """Return *value* as it could be written; what is by default is left out."""
    told = {field.name: getattr(value, field.name) for field in _told(value)}
    fields = ", ".join(f"{name}={_written(each)}" for name, each in told.items())
    return f"{type(value).__name__}({fields})"


def _told(value: attrs.AttrsInstance) -> Iterator[attrs.Attribute[Any]]:
    for field in attrs.fields(type(value)):
        if getattr(value, field.name) != field.default:
            yield field


def _written(value: Any) -> str:
    match value:
        case Enum():
            return str(value)
        case Mapping():
            return repr(dict(cast("Mapping[str, str]", value)))
        case _:
            return repr(value)


@attrs.frozen(kw_only=True)
class UTDSeat:
    """One place of the grid.

    Attributes:
        seat_index: Number of the seat, from 0.
        occupant_identity: Who has the seat, or None.
        locked: Whether the seat is closed: nobody can take it.
        muted: Whether the occupant may not speak; holds for the next one too.
        reserved_for: The only identity that can take it, or None.
        name: Display name of the occupant, if there is one.
        attributes: Attributes of the occupant, from the mint; ``image`` so far.
        grant: Number of the occupant's right to speak; 0 without one.  Each right
            that begins in rooms of one name has a higher number, and a right that
            moves to another seat keeps its own.
    """

    seat_index: int
    occupant_identity: str | None = None
    locked: bool = False
    muted: bool = False
    reserved_for: str | None = None
    name: str | None = None
    attributes: Mapping[str, str] = attrs.field(
        default=frozen_map({}), converter=frozen_map, hash=False
    )
    grant: int = 0

    def __repr__(self) -> str:
        return _shown(self)

    @property
    def is_free(self) -> bool:
        """Whether anybody whom the mode lets could sit down now."""
        return not (self.occupant_identity or self.locked or self.reserved_for)


@attrs.frozen(kw_only=True)
class SpeakerRequest:
    """Somebody asks for a seat and waits for a moderator.

    Attributes:
        id: Number of the request; never used twice in rooms of one name.
        identity: Who asks.
        created_at: When it was made, UTC.
    """

    id: int
    identity: str
    created_at: datetime | None = attrs.field(default=None, validator=aware)

    def __repr__(self) -> str:
        return _shown(self)


@attrs.frozen(kw_only=True)
class Invitation:
    """A moderator asks somebody to sit down.

    Attributes:
        id: Number of the invitation; never used twice in rooms of one name.
        identity: Who is invited.
        seat_index: The seat reserved for it, or None for the first free one.
        expires_at: When it expires, UTC.
    """

    id: int
    identity: str
    seat_index: int | None = None
    expires_at: datetime | None = attrs.field(default=None, validator=aware)

    def __repr__(self) -> str:
        return _shown(self)


@attrs.frozen(kw_only=True)
class UTDSeatGrid:
    """All seats of a room at one revision.

    Attributes:
        seat_mode: Who may take an open seat.
        mode_id: The app's own name for its layout, if there is one.
        rev: Counts the visible changes of rooms of this name; a grid with a
            lower one is older.
        seats: The seats, by index.
        requests: Those that wait for a moderator, oldest first.
        invitations: Those that wait for their invitee, oldest first.
    """

    seat_mode: SeatMode = SeatMode.FREE
    mode_id: str | None = None
    rev: int = 0
    seats: tuple[UTDSeat, ...] = ()
    requests: tuple[SpeakerRequest, ...] = ()
    invitations: tuple[Invitation, ...] = ()

    def __repr__(self) -> str:
        return _shown(self)

    @property
    def seat_count(self) -> int:
        """How many seats there are."""
        return len(self.seats)

    def seat_of(self, identity: str) -> UTDSeat | None:
        """Return the seat *identity* sits on, or None."""
        for seat in self.seats:
            if seat.occupant_identity == identity:
                return seat
        return None
