"""A room as the engine keeps it: one frozen aggregate with a version.

Its members are rows beside it, so that a room of twenty thousand is no larger.

Nothing here reaches network, clock or chance.  A room outlives its lives: the
revision of its grid and the counter of its ids go on in the next life of its name,
if that begins within a day of the end.

Source: contract.md sections 1, 3 and 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Protocol, TypeAlias

import attrs

from utd_stream.models.rooms import RoomEndReason, UTDRole, UTDStreamType

__all__ = ["Content", "Ending", "Life", "Member", "Mutes", "Room", "Rules"]

Life: TypeAlias = tuple[str, str, int]  # app id, room name, which life


@attrs.frozen(kw_only=True)
class Rules:
    """The numbers of section 5, in seconds.

    Attributes:
        seat_grace: How long a seat waits for somebody the SFU lost.
        leave_grace: How long for somebody whose client said goodbye to the
            SFU: a full reconnect looks like that.  Also how long the SFU may
            show somebody who said goodbye to the engine.
        request_expiry: How long a request or invitation waits.
        ring_timeout: How long a call rings.
        max_call: How long a call may last.
        call_grace: How long a call waits for a party that is not in its media room.
        room_empty: How long a room lives with nobody in it.
        forget_idle: How long a member without a connection is kept who holds
            nothing: longer than a token opens the door.
        max_requests: How many requests may wait in a room.
        max_metadata_bytes: What a grid may encode to in its room's metadata.
    """

    seat_grace: float = 15.0
    leave_grace: float = 2.0
    request_expiry: float = 60.0
    ring_timeout: float = 30.0
    max_call: float = 3_600.0
    call_grace: float = 15.0
    room_empty: float = 300.0
    forget_idle: float = 900.0
    max_requests: int = 100
    max_metadata_bytes: int = 400_000

    @property
    def longest(self) -> float:
        """The longest time that anything waits, in seconds."""
        waits = (self.seat_grace, self.leave_grace, self.request_expiry)
        calls = (self.ring_timeout, self.max_call, self.call_grace)
        return max(*waits, *calls, self.room_empty)


@attrs.frozen(kw_only=True)
class Mutes:
    """What a hard mute takes from somebody, or from everybody.

    Attributes:
        audio: Microphone and sound of a shared screen; None where nothing was said.
        video: Camera and shared screen, likewise.
    """

    audio: bool | None = None
    video: bool | None = None

    def over(self, others: Mutes) -> Mutes:
        """Return what holds for whom these are said beside *others* for all."""
        return Mutes(
            audio=others.audio if self.audio is None else self.audio,
            video=others.video if self.video is None else self.video,
        )


NOT_MUTED = Mutes()


@attrs.frozen(kw_only=True)
class Member:
    """Somebody a token was minted for in this life.

    Attributes:
        identity: Who.
        name: Shown to people.
        role: In this life.
        attributes: Shown on the seat; ``image`` so far.
        metadata: The app's own keys, a JSON object as text.
        connection: Rises with every mint, over all lives of the name.
        muted: Their own setting, which outranks the room's, through leaving and
            minting again.
        admitted: Whether the SFU may have them: not kicked since the mint.
        sid: Of the SFU connection seen last; None when none is there.
        joined_at: When that connection came.
        seen_at: When the engine was told last of that connection, that it came
            or that it ended; a listing asked for earlier does not know it.
        left_at: When they said goodbye, until another connection comes.
        idle_since: Since when they have had no connection; None while they do.
    """

    identity: str
    name: str | None = None
    role: UTDRole = UTDRole.AUDIENCE
    attributes: Mapping[str, str] = MappingProxyType({})
    metadata: str = ""
    connection: int = 0
    muted: Mutes = NOT_MUTED
    admitted: bool = True
    sid: str | None = None
    joined_at: datetime | None = None
    seen_at: datetime | None = None
    left_at: datetime | None = None
    idle_since: datetime | None = None

    @property
    def is_connected(self) -> bool:
        """Whether the SFU sees them, as far as the engine knows."""
        return self.sid is not None


@attrs.frozen(kw_only=True)
class Ending:
    """How a life ended.

    Attributes:
        by: Who ended it; None for the app's back end, and where nobody did.
        reason: Why.
    """

    by: str | None = None
    reason: RoomEndReason


class Content(Protocol):
    """What a room of one type holds beside what rooms of every type hold.

    A frozen value of attrs; the store writes its fields as JSON.
    """

    @property
    def weight(self) -> int:
        """About how many bytes it takes in memory."""
        ...


@attrs.frozen(kw_only=True)
class Room:
    """Everything about one room name of one app.

    Attributes:
        app_id: Whose.
        name: As the app names it.
        version: Counts the writes of this aggregate.
        as_of: When it was changed last; None where an older version wrote it.
        type: Of this life.
        life: Counts the lives of the name, from 1.
        created_at: When this life began.
        ended_at: When it ended, or None while it goes on.
        ending: How it ended, or None while it goes on.
        empty_since: Since when nobody is in it nor was let in, or None.
        owner: The first granted host of this life, until the app's secret takes
            that role away; then the next granted host.
        muted: What is taken from everybody below admin who has no setting of
            their own.
        chat_locked: Only moderators may chat.
        metadata: The app's own keys, a JSON object as text.
        rev: Counts the visible changes of the content, over all lives.
        metadata_rev: Counts all changes of the room's metadata, likewise.
        first_id: The first request or invitation of this life.
        next_id: The next one, over all lives.
        next_grant: Number of the next right to speak that begins, over all lives.
        content: Of its type.
        lost_before: The SFU has forgotten the connections seen before then; None
            if it has not in this life.
    """

    app_id: str
    name: str
    version: int = 0
    as_of: datetime | None = None
    type: UTDStreamType = UTDStreamType.AUDIO_ROOM
    life: int = 1
    created_at: datetime
    ended_at: datetime | None = None
    ending: Ending | None = None
    empty_since: datetime | None = None
    owner: str | None = None
    muted: Mutes = NOT_MUTED
    chat_locked: bool = False
    metadata: str = ""
    rev: int = 0
    metadata_rev: int = 0
    first_id: int = 1
    next_id: int = 1
    next_grant: int = 1
    content: Content
    lost_before: datetime | None = None

    @property
    def is_live(self) -> bool:
        """Whether its life goes on."""
        return self.ended_at is None

    @property
    def life_key(self) -> Life:
        """What tells this life from those of all rooms."""
        return (self.app_id, self.name, self.life)
