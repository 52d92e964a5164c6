"""Calls, as the rules of every room see them.

Source: contract.md sections 2, 4 and 5, Calls; traps T10, T27, T38.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import attrs

from utd_stream.contract.requests import TokenRequest
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules.call import commands
from utd_stream.engine.rules.call.changing import conflict, fire, miss
from utd_stream.engine.rules.call.state import CallContent, call_of, row_of_call
from utd_stream.engine.rules.draft import Draft
from utd_stream.engine.rules.kind import Due, Handlers, handlers, on
from utd_stream.engine.rules.late import late
from utd_stream.engine.rules.state import Content, Member, Room, Rules
from utd_stream.machines.call import (
    CallGraceOver,
    CallPresent,
    DurationDue,
    End,
    MediaRemoved,
    Party,
    RingDue,
)
from utd_stream.models.calls import UTDCall
from utd_stream.models.participants import TrackSource

__all__ = ["AUDIO_CALL", "VIDEO_CALL", "CallKind"]

_GRANT = 1  # a call has one right for each party, which never begins anew


@attrs.frozen
class CallKind:
    """`RoomKind` of calls: two parties, who may both publish.

    Attributes:
        sources: What a party may publish.
    """

    sources: tuple[TrackSource, ...]

    @property
    def content(self) -> type[CallContent]:
        """The class of the content."""
        return CallContent

    @property
    def commands(self) -> Handlers:
        """The commands about a call."""
        return _COMMANDS

    @property
    def is_begun_by_a_mint(self) -> bool:
        """A call begins with its creation."""
        return False

    @property
    def most_participants(self) -> int:
        """Two parties, and nobody else."""
        return 2

    def grace(self, rules: Rules) -> float:
        """Return how long a party that was lost is waited for, in seconds."""
        return rules.call_grace

    # Changing.

    def begin(self) -> CallContent:
        """Return a call of nobody."""
        return CallContent()

    def ended(self, content: Content) -> Content:
        """Return the call: its outcome is asked for later."""
        return content

    def check_enters(self, draft: Draft, request: TokenRequest) -> None:
        """Refuse a token to whoever may not be in the media room now.

        Raises:
            NotFoundError: If they are no party, or the call is over.
            ConflictError: If the callee has not answered, or answered with another
                device.
        """
        if not draft.room.is_live:
            raise commands.nothing_there()
        content = call_of(draft.room)
        party = content.party_of(draft.person)
        if party is None:
            raise commands.nothing_there()
        if not content.may_enter(party):
            raise conflict(draft, "invalid_transition")
        if request.party_id is not None and (
            request.party_id != content.device_of(party)
        ):
            raise conflict(draft, "answered_elsewhere")

    def entered(self, draft: Draft, member: Member, request: TokenRequest) -> None:
        """Nothing follows from a mint."""

    def gone(self, draft: Draft, identity: str) -> None:
        """Hang up for a party that left for good."""
        party = call_of(draft.room).party_of(identity)
        if party is not None:
            fire(draft, End(draft.now, party))

    def absent(self, draft: Draft, identity: str, grace: float | None) -> None:
        """Wait for the party, or end the call."""
        party = call_of(draft.room).party_of(identity)
        if party is None:
            return
        if grace is None:
            fire(draft, MediaRemoved(party, draft.now))
        else:
            miss(draft, party, grace)

    def present(self, draft: Draft, identity: str) -> None:
        """Wait for the party no more."""
        party = call_of(draft.room).party_of(identity)
        if party is not None:
            fire(draft, CallPresent(party))

    def listed(self, draft: Draft, asked_at: datetime) -> None:
        """End the call of a party that was waited for long enough."""
        for party in Party:
            content = call_of(draft.room)
            if not draft.room.is_live or not content.may_enter(party):
                continue
            member = draft.members.get(content.identity_of(party))
            if member is not None and member.is_connected:
                continue
            miss(draft, party, draft.rules.call_grace)
            grace = call_of(draft.room).grace_of(party)
            fire(draft, CallGraceOver(party, asked_at, grace))

    def expire(self, draft: Draft) -> None:
        """End the ring, or the call, that lasted as long as it may."""
        for event in (RingDue(draft.now), DurationDue(draft.now)):
            if draft.room.is_live:
                fire(draft, event)

    def number(self, draft: Draft, identity: str, grant: int) -> None:
        """Nothing shows the number of a call's right but its party's metadata."""

    def settled(self, content: Content, now: datetime, rules: Rules) -> CallContent:
        """Return *content* with no time later than *now*, but for its deadlines."""
        call = _call(content)
        ring_until = now + timedelta(seconds=rules.ring_timeout)
        lasts_until = now + timedelta(seconds=rules.max_call)
        times = (
            late(call.data, now, *_TIMES)
            | late(call.data, ring_until, "ring_until")
            | late(call.data, lasts_until, "lasts_until")
        )
        return attrs.evolve(call, data=attrs.evolve(call.data, **times))

    # Reading.

    def deadlines(self, room: Room) -> Iterator[tuple[datetime, Due]]:
        """Yield when the ring, the call and absences are over."""
        content = call_of(room)
        data = content.data
        if content.status.is_unanswered:
            yield data.ring_until, "time"
        elif data.lasts_until is not None:
            yield data.lasts_until, "time"
        for party in Party:
            since = data.absent_since(party)
            if since is not None:
                yield since + timedelta(seconds=content.grace_of(party)), "listing"

    def needs(self, room: Room, command: c.Command) -> Iterator[str | None]:
        """Yield both parties wherever they are looked for."""
        content = call_of(room)
        match command:
            case c.MembersListed(is_last=True):
                yield content.caller
                yield content.callee
            case _:
                pass

    def placed(self, room: Room) -> Iterator[str]:
        """Yield who may be in the media room now."""
        content = call_of(room)
        for party in Party:
            if content.may_enter(party):
                yield content.identity_of(party)

    def holds(self, room: Room, identity: str) -> bool:
        """Whether *identity* is a party: it is one for as long as the call lives."""
        return call_of(room).party_of(identity) is not None

    def granted(self, room: Room, identity: str) -> tuple[TrackSource, ...]:
        """Return all sources of the type for a party; the callee's once answered."""
        content = call_of(room)
        party = content.party_of(identity)
        may = party is not None and content.may_enter(party)
        return self.sources if may else ()

    def grant(self, room: Room, identity: str) -> int:
        """Return the number of every right in a call."""
        return _GRANT if self.granted(room, identity) else 0

    def metadata(self, room: Room) -> dict[str, Any]:
        """Return the status of a call that lives; its end is asked for."""
        content = call_of(room)
        if not content.status.is_live:
            return {}
        return {
            "_call": {
                "call_id": room.name,
                "status": content.status.value,
                "rev": content.data.rev,
            }
        }

    def shown(self, room: Room) -> UTDCall:
        """Return the call."""
        return row_of_call(room)

    def differs(self, before: Content, after: Content) -> bool:
        """Whether the parties are told another row."""
        return _call(before).data.rev != _call(after).data.rev

    def check(self, room: Room, rules: Rules) -> None:
        """A call passes no limit: its metadata is no part of it."""


_TIMES = (
    *("ringing_at", "answered_at", "ended_at"),
    *("caller_absent_since", "callee_absent_since"),
)
_COMMANDS = handlers(
    on(c.RingCall, commands.ring),
    on(c.AcceptCall, commands.accept),
    on(c.RejectCall, commands.reject),
    on(c.SayCallBusy, commands.busy),
    on(c.EndCall, commands.end),
)
_SEEN = (TrackSource.CAMERA, TrackSource.SCREEN_SHARE, TrackSource.SCREEN_SHARE_AUDIO)


def _call(content: Content) -> CallContent:
    assert isinstance(content, CallContent)  # noqa: S101 -- the type's own
    return content


AUDIO_CALL = CallKind(sources=(TrackSource.MICROPHONE,))
VIDEO_CALL = CallKind(sources=(TrackSource.MICROPHONE, *_SEEN))
