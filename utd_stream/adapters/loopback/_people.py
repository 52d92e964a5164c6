"""Who is in a room of the loopback plane, and what the others are told of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

import attrs

from utd_stream.adapters.loopback._line import Line
from utd_stream.adapters.loopback._sound import AnyFeed
from utd_stream.adapters.loopback._timers import Timer
from utd_stream.adapters.loopback._tokens import Entry
from utd_stream.models.participants import (
    Permission,
    RemoteParticipant,
    TrackPublication,
)
from utd_stream.models.rooms import DisconnectReason
from utd_stream.ports import SfuParticipant, SfuRoom

__all__ = [
    "SILENCE_LIMIT",
    "Info",
    "Listener",
    "Member",
    "Room",
    "Track",
    "Update",
    "may_receive",
]

# How often the SFU counts who is in a room, in seconds.
_COUNT_PERIOD = 5.0
# How long a connection may be silent, in seconds (T38).
SILENCE_LIMIT = 20.0


@attrs.frozen
class Info:
    """Somebody, as the others see them.

    Attributes:
        participant: Who, and their tracks.
        permission: What they may do.
        is_active: Whether they are ready for data.
        number: Counts connections; a later one has a higher number.
    """

    participant: RemoteParticipant
    permission: Permission
    is_active: bool
    number: int


@attrs.frozen
class Update:
    """A change of somebody, as it is told."""

    info: Info
    is_gone: bool = False
    reason: DisconnectReason = DisconnectReason.UNKNOWN_REASON


class Listener(Protocol):
    """The client at the other end, as the SFU speaks to it."""

    @property
    def line(self) -> Line:
        """The way to it."""
        ...

    def wants(self, identity: str, sent: TrackPublication) -> bool:
        """Whether it is to receive a track."""
        ...

    def told_people(self, updates: tuple[Update, ...]) -> None:
        """Take news of people."""

    def told_everybody(self, updates: tuple[Update, ...]) -> None:
        """Take everybody who is there, and lose the others."""

    def told_metadata(self, metadata: str) -> None:
        """Take the room's metadata."""

    def told_data(
        self, data: bytes, identity: str | None, *, topic: str, reliable: bool
    ) -> None:
        """Take a data message."""

    def told_text(self, text: str, identity: str, *, topic: str, text_id: str) -> None:
        """Take a text."""

    def told_subscribed(self, identity: str, sid: str, feed: AnyFeed) -> None:
        """Take the sound of a track."""

    def told_deaf(self) -> None:
        """Lose the sound of every track; nobody says so."""

    def told_heard(self, sid: str) -> None:
        """Learn that a track of one's own is being heard."""

    def told_speakers(self, identities: tuple[str, ...]) -> None:
        """Learn who begins to speak; nobody, if somebody ended."""

    def told_quality(self, identity: str, quality: str) -> None:
        """Learn how well somebody is connected."""

    def told_token(self, entry: Entry) -> None:
        """Take a newer token."""

    def told_left(self, reason: DisconnectReason) -> None:
        """Learn that the SFU ended the connection."""


@attrs.define(eq=False)
class Track:
    """A track as the SFU has it.

    Attributes:
        publication: As announced.
        feed: Its sound.
        flows: Whether media came, so that it is listed and told.
        is_heard: Whether anybody ever received it.
    """

    publication: TrackPublication
    feed: AnyFeed
    flows: bool = False
    is_heard: bool = False


@attrs.define(eq=False, kw_only=True)
class Member:
    """One connection of somebody, as the SFU knows it."""

    entry: Entry
    room: Room
    sid: str
    number: int
    joined_at: datetime
    permission: Permission
    metadata: str
    client: Listener | None
    is_active: bool = False
    is_publisher: bool = False
    tracks: dict[str, Track] = attrs.field(factory=dict[str, Track])
    withdrawn: dict[str, None] = attrs.field(factory=dict[str, None])
    heard: dict[str, None] = attrs.field(factory=dict[str, None])
    refresh: Timer | None = None
    silence: Timer | None = None
    quality: str = ""
    told: Info | None = None

    @property
    def identity(self) -> str:
        """Of the participant."""
        return self.entry.identity

    @property
    def is_present(self) -> bool:
        """Whether this connection is the one in the room."""
        return self.room.people.get(self.identity) is self

    @property
    def silent_since(self) -> float | None:
        """When it was heard last, on the plane's clock; None while it is heard."""
        return None if self.silence is None else self.silence.due - SILENCE_LIMIT

    def flowing(self) -> tuple[Track, ...]:
        """The tracks that media came of."""
        return tuple(track for track in self.tracks.values() if track.flows)

    def info(self) -> Info:
        """Return what the others are told; the same object while it is the same."""
        publications = tuple(track.publication for track in self.flowing())
        if (
            self.told is None
            or self.told.participant.metadata != self.metadata
            or self.told.participant.publications != publications
            or self.told.permission != self.permission
            or self.told.is_active is not self.is_active
        ):
            someone = RemoteParticipant(
                identity=self.identity,
                sid=self.sid,
                name=self.entry.name,
                metadata=self.metadata,
                attributes=self.entry.attributes,
                publications=publications,
            )
            self.told = Info(someone, self.permission, self.is_active, self.number)
        return self.told

    def shown(self) -> SfuParticipant:
        """Return what the server API tells."""
        return SfuParticipant(
            identity=self.identity,
            sid=self.sid,
            joined_at=self.joined_at,
            permission=self.permission,
            metadata=self.metadata,
            track_sources=tuple(each.publication.source for each in self.flowing()),
        )

    def send(self, deliver: Callable[..., object], *given: Any) -> None:
        """Send to the client, where there is one."""
        if self.client is not None:
            self.client.line.send(deliver, *given)


def may_receive(listener: Member, member: Member, sid: str) -> bool:
    """Whether *listener* is to receive a track of *member*, and does not yet."""
    return (
        listener.client is not None
        and listener.is_active
        and listener.permission.can_subscribe
        and not member.permission.hidden
        and sid in member.tracks
        and sid not in member.withdrawn
        and sid not in listener.heard
        and listener.client.wants(member.identity, member.tracks[sid].publication)
    )


@attrs.define(eq=False, kw_only=True)
class Room:
    """A room of the plane.

    Attributes:
        began: When it was opened, on the plane's clock.
        dies: When it ends if nobody comes; None while somebody is there.
        max_participants: 0 for as many as come.
        counted: How many were there when the SFU counted last.
        counted_in: The period in which it did.
    """

    sid: str
    name: str
    metadata: str
    began: float
    departure_timeout: float
    max_participants: int = 0
    dies: float | None = None
    people: dict[str, Member] = attrs.field(factory=dict[str, Member])
    counted: int = 0
    counted_in: int = 0

    @classmethod
    def opened(
        cls, *, sid: str, name: str, began: float, config: Mapping[str, Any]
    ) -> Room:
        """Return a room as a token's configuration wants it."""
        return cls(
            sid=sid,
            name=name,
            metadata=config.get("metadata", ""),
            began=began,
            departure_timeout=config.get("departureTimeout") or 20.0,
            max_participants=config.get("maxParticipants", 0),
        )

    def others(self, member: Member) -> tuple[Member, ...]:
        """Return everybody else."""
        return tuple(each for each in self.people.values() if each is not member)

    def seen_by(self, member: Member) -> tuple[Info, ...]:
        """Return everybody whom *member* may know of."""
        return tuple(
            each.info() for each in self.others(member) if not each.permission.hidden
        )

    def count(self, now: float, *, at_once: bool = False) -> None:
        """Count everybody, as the SFU does: every 5 s, or *at_once*.

        To be called before anybody comes or goes.
        """
        period = int((now - self.began) // _COUNT_PERIOD)
        if at_once or period != self.counted_in:
            self.counted_in = period
            self.counted = len(self.people)

    def shown(self) -> SfuRoom:
        """Return what the server API tells; how many are there lags behind."""
        return SfuRoom(
            name=self.name,
            sid=self.sid,
            metadata=self.metadata,
            num_participants=self.counted,
        )
