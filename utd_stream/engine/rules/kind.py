"""What the rules of every room ask of a room's type: one protocol.

A type is a folder beside this file: the content of its rooms, a class that
implements `RoomKind`, and the functions that its commands call.  `kinds` lists
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias, TypeVar

import attrs

from utd_stream.contract.answers import (
    Empty,
    InvitationAnswer,
    RequestAnswer,
    SeatAnswer,
    SeatedAnswer,
)
from utd_stream.contract.requests import TokenRequest
from utd_stream.engine.rules.commands import Command
from utd_stream.engine.rules.draft import Draft
from utd_stream.engine.rules.state import Content, Member, Room, Rules
from utd_stream.models.calls import UTDCall
from utd_stream.models.participants import TrackSource
from utd_stream.models.seats import UTDSeatGrid

__all__ = [
    "Answer",
    "CallEntry",
    "Due",
    "Handlers",
    "Made",
    "RoomKind",
    "Shown",
    "handlers",
    "on",
]

_C = TypeVar("_C")


@attrs.frozen
class CallEntry:
    """A call as a command left it.

    Attributes:
        row: As both parties are told it.
        member: Who may enter its media room by the command, or None.
    """

    row: UTDCall
    member: Member | None


# What everybody may see of a room's content.
Shown: TypeAlias = UTDSeatGrid | UTDCall
Answer: TypeAlias = (
    CallEntry
    | Empty
    | InvitationAnswer
    | Member
    | RequestAnswer
    | SeatAnswer
    | SeatedAnswer
)
# Makes the answer, of the room as it is committed.
Made: TypeAlias = Callable[[Room], Answer]
# What a deadline calls for: TimePassed, or a listing of the SFU.
Due: TypeAlias = Literal["time", "listing"]


Handler: TypeAlias = Callable[[Draft, Any], Made | None]
# By the class of the command, which is the class that its handler takes.
Handlers: TypeAlias = Mapping[type[object], Handler]


def on(
    command: type[_C], handler: Callable[[Draft, _C], Made | None]
) -> tuple[type[object], Handler]:
    """Return one row of a table: what a command does.

    Args:
        command: Its class.
        handler: Changes the draft; returns what makes the answer, or None for a
            fact, which has none.
    """
    return command, handler


def handlers(*rows: tuple[type[object], Handler]) -> Handlers:
    """Return the table of *rows*."""
    return dict(rows)


class RoomKind(Protocol):
    """A type of rooms.  It keeps nothing: rooms and drafts are given to it."""

    @property
    def content(self) -> type[Content]:
        """The class of the content of its rooms."""
        ...

    @property
    def sources(self) -> tuple[TrackSource, ...]:
        """All that anybody can be granted in such a room."""
        ...

    @property
    def commands(self) -> Handlers:
        """The commands that rooms of this type alone take."""
        ...

    @property
    def is_begun_by_a_mint(self) -> bool:
        """Whether the first token begins a life."""
        ...

    @property
    def most_participants(self) -> int:
        """How many the SFU lets in; 0 for any number."""
        ...

    def grace(self, rules: Rules) -> float:
        """Return how long somebody that the SFU lost is waited for, in seconds."""
        ...

    # Changing.

    def ended(self, content: Content) -> Content:
        """Return what a room with *content* holds after its end."""
        ...

    def check_enters(self, draft: Draft, request: TokenRequest) -> None:
        """Refuse a token to whoever may not enter now.

        Raises:
            NotFoundError: If there is nothing for them to enter.
            ConflictError: If they may not enter yet, or not with this client.
        """
        ...

    def begin(self) -> Content:
        """Return the content of a new life, and of a room that has ended."""
        ...

    def entered(self, draft: Draft, member: Member, request: TokenRequest) -> None:
        """Follow that a token was minted for *member*, as *request* asked."""
        ...

    def gone(self, draft: Draft, identity: str) -> None:
        """Take everything from somebody who left for good, or was removed."""
        ...

    def absent(self, draft: Draft, identity: str, grace: float | None) -> None:
        """Follow that the SFU has lost somebody.

        What they hold waits for them for *grace* seconds; for None it is free
        at once.
        """
        ...

    def present(self, draft: Draft, identity: str) -> None:
        """Follow that the SFU sees somebody."""
        ...

    def listed(self, draft: Draft, asked_at: datetime) -> None:
        """Follow that a listing asked for then shows who is connected, and no other."""
        ...

    def expire(self, draft: Draft) -> None:
        """Let lapse whatever has waited too long."""
        ...

    def number(self, draft: Draft, identity: str, grant: int) -> None:
        """Show with the place of *identity* that their right has the number *grant*."""
        ...

    def settled(self, content: Content, now: datetime, rules: Rules) -> Content:
        """Return *content* with no time later than *now*, but for its deadlines."""
        ...

    # Reading.

    def deadlines(self, room: Room) -> Iterator[tuple[datetime, Due]]:
        """Yield when somebody must look at the room, and what it calls for."""
        ...

    def needs(self, room: Room, command: Command) -> Iterator[str | None]:
        """Yield whose rows *command* looks at, beside who it is from or about."""
        ...

    def placed(self, room: Room) -> Iterator[str]:
        """Yield who has a place, which the room keeps."""
        ...

    def holds(self, room: Room, identity: str) -> bool:
        """Whether *identity* has a place, or waits for one."""
        ...

    def granted(self, room: Room, identity: str) -> tuple[TrackSource, ...]:
        """Return what a member may publish now."""
        ...

    def grant(self, room: Room, identity: str) -> int:
        """Return the number of the right of *identity*; 0 without one."""
        ...

    def metadata(self, room: Room) -> dict[str, Any]:
        """Return the keys of the SFU's room metadata that are the type's own."""
        ...

    def shown(self, room: Room) -> Shown:
        """Return what everybody may see."""
        ...

    def differs(self, before: Content, after: Content) -> bool:
        """Whether everybody sees another content after than before."""
        ...

    def check(self, room: Room, rules: Rules) -> None:
        """Refuse a room whose content passes a limit.

        Raises:
            InvalidRequestError: If so.
        """
        ...
