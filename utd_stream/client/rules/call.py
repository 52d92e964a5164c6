"""What a session of a call decides.

`CallState.take` is all of it: a fact goes in; the state, the effects and the facts
that follow come out.

Source: contract.md section 5, Calls; lessons L31, L38 to L45, L50, L53 to L55.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

import attrs

from utd_stream.client.rules.facts import (
    EventTold,
    OwnMuteRead,
    RoleTold,
    RoomRead,
    SessionFact,
)
from utd_stream.client.rules.sending import (
    Sending,
    SendingEffect,
    SendingFact,
    Track,
)
from utd_stream.client.rules.session import (
    Connecting,
    Taken,
    fold_connection,
    fold_room_fact,
)
from utd_stream.errors import DisconnectedError, PublishError
from utd_stream.machines import calling as k
from utd_stream.machines import connection as c
from utd_stream.machines import place as p
from utd_stream.machines import track as t
from utd_stream.models.calls import EndInfo, RingEndReason, UTDCall, end_of
from utd_stream.models.failures import Failure, failure_of
from utd_stream.models.participants import LocalParticipant, TrackSource
from utd_stream.models.room_events import LocalTrackRepublished
from utd_stream.models.rooms import DisconnectReason, UTDStreamType
from utd_stream.snapshots import call as fold
from utd_stream.snapshots.call import CallSnapshot
from utd_stream.snapshots.session import GONE, changed, is_connected

__all__ = [
    "AnswerCall",
    "CallAnswered",
    "CallDeclined",
    "CallEffect",
    "CallFact",
    "CallFollowed",
    "CallState",
    "CallTaken",
    "DialCall",
    "RowTold",
]

_SOURCES = (TrackSource.MICROPHONE, TrackSource.CAMERA, TrackSource.SCREEN_SHARE)
_PICTURES = frozenset(_SOURCES[1:])
_S = k.CallingState


@attrs.frozen(kw_only=True)
class DialCall:
    """Call somebody.

    Attributes:
        callee: Identity.
        callee_name: Shown to people.
        type: Of the call.
        metadata: The app's own.
        key: Idempotency-Key.
    """

    callee: str
    callee_name: str | None = None
    type: UTDStreamType
    metadata: Mapping[str, Any] | None = None
    key: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class AnswerCall:
    """Accept the call *call_id*; *key* is the Idempotency-Key."""

    call_id: str
    key: str = attrs.field(repr=False)


# Facts.


@attrs.frozen
class CallAnswered:
    """The engine made or accepted the call, as operation *op*."""

    op: int
    call: UTDCall


@attrs.frozen
class CallDeclined:
    """The engine said no to operation *op*, and changed nothing."""

    op: int
    error: Failure


@attrs.frozen
class CallFollowed:
    """The engine answered what was said to a call that rings."""

    call: UTDCall


@attrs.frozen
class RowTold:
    """A row of a call was told, or how it stopped ringing here."""

    call: UTDCall
    ended: EndInfo | None = None


_CallingFact: TypeAlias = (
    k.HangUp
    | k.HangUpAnswered
    | k.RequestVoided
    | k.HangUpFailed
    | k.Entered
    | k.EnterFailed
    | k.CallOver
    | k.RemovedFromRoom
    | k.TakenOver
)
CallFact: TypeAlias = (
    SessionFact
    | DialCall
    | AnswerCall
    | CallAnswered
    | CallDeclined
    | CallFollowed
    | RowTold
    | _CallingFact
    | SendingFact
)
CallEffect: TypeAlias = c.ConnectionEffect | k.CallingEffect | SendingEffect[None]


@attrs.frozen(kw_only=True)
class CallState:
    """All that a session of a call decides by.

    Attributes:
        snapshot: What observers see.
        connecting: The connection.
        sending: Microphone, and in a session of video calls camera and screen.
        data: What the machine of the part remembers.
        asked: What the engine was asked for last.
        call_id: Of the call that is made, answered or followed; empty for none.
        failure: Why the newest call was not made, or not entered.
    """

    snapshot: CallSnapshot
    connecting: Connecting = attrs.field(factory=Connecting)
    sending: Sending[None]
    data: k.CallingData = attrs.field(factory=k.CallingData)
    asked: DialCall | AnswerCall | None = None
    call_id: str = ""
    failure: Failure | None = None

    @classmethod
    def first(
        cls, identity: str, kind: UTDStreamType, given: Collection[TrackSource]
    ) -> CallState:
        """Return the state of a session before its first call.

        Args:
            identity: Whose.
            kind: Audio calls or video calls.
            given: The sources that the client has.
        """
        sources = _SOURCES if kind.has_video else _SOURCES[:1]
        tracks = tuple(
            Track(
                data=t.TrackData(
                    source=source,
                    # A screen is shown only where that is said.
                    default=source in given and source is not TrackSource.SCREEN_SHARE,
                    keeps=source is TrackSource.MICROPHONE,
                )
            )
            for source in sources
        )
        return cls(
            snapshot=CallSnapshot(local=LocalParticipant(identity=identity)),
            sending=Sending(name="call", tracks=tracks),
        )

    @property
    def sources(self) -> tuple[TrackSource, ...]:
        """What a session of this kind may send."""
        return tuple(each.data.source for each in self.sending.tracks)

    @property
    def part(self) -> k.CallingState:
        """Where this client's part stands."""
        return self.snapshot.part

    def is_late(self, fact: CallFact) -> bool:
        """Whether *fact* belongs to something that has ended, and is no news."""
        match fact:
            case CallAnswered() | CallDeclined() | p.Cancelled() | p.AskFailed():
                return k.is_late(self.data, fact)
            case _ if isinstance(fact, _CallingFact):
                return k.is_late(self.data, fact)
            case _ if isinstance(fact, SendingFact):
                return self.sending.is_late(fact)
            case _:
                return c.is_late(self.connecting.data, fact)

    def take(self, fact: CallFact) -> CallTaken:  # noqa: C901, PLR0911, PLR0912 -- a line each
        """Take one fact.

        Raises:
            InvalidTransitionError: If no row of a machine takes it.
            RefusedError: If the row that takes it refuses.
        """
        if isinstance(fact, c.ConnectionEvent):
            return _connect(self, fact)
        if isinstance(fact, k.EnterFailed):
            return _step(attrs.evolve(self, failure=fact.error), fact)
        if isinstance(fact, _CallingFact):
            return _step(self, fact)
        match fact:
            case DialCall():
                return _ask(self, fact, k.Dial())
            case AnswerCall(call_id=call_id):
                return _ask(self, fact, k.Answer(call_id == self.call_id))
            case CallAnswered():
                return _answered(self, fact)
            case CallDeclined(op, error):
                return _declined(self, op, error)
            case CallFollowed(call):
                return _follow(self, call)
            case RowTold():
                return _row(self, fact)
            case p.AskFailed(_, error):
                return _step(attrs.evolve(self, failure=error), fact)
            case p.Cancelled():
                return _step(self, fact)
            case p.ConnectionReplaced() | p.ConnectionEnded():
                return _both(self, fact)
            case EventTold(_, LocalTrackRepublished(publication)):
                return _republish(self, fact, publication.source)
            case EventTold() | RoomRead() | OwnMuteRead() | RoleTold():
                return _see(self, fold_room_fact(self.snapshot, fact))
            case _:
                return _send(self, fact)


CallTaken: TypeAlias = Taken[CallState, CallEffect, CallFact]


# This client's part.


def _step(state: CallState, event: k.CallingEvent) -> CallTaken:
    step = k.CALLING.step(state.part, state.data, event)
    after = changed(state.snapshot, part=step.state)
    state = attrs.evolve(state, snapshot=after, data=step.data)
    derived: list[CallFact] = []
    for effect in step.effects:
        match effect:
            case k.EnterMedia():
                derived += p.Confirmed(speaks=True, agreed=True), *_silenced(state)
                derived.append(c.Connect())
            case k.LeaveMedia():
                derived += p.Lost(), c.Leave()
            case _:
                pass
    return Taken(state, step.effects, tuple(derived))


def _ask(
    state: CallState, asked: DialCall | AnswerCall, event: k.Dial | k.Answer
) -> CallTaken:
    taken = _step(state, event)
    call_id = asked.call_id if isinstance(asked, AnswerCall) else ""
    kept = taken.state.snapshot
    if call_id != state.call_id or not call_id:
        kept = fold.forget_call(kept)
    after = attrs.evolve(
        taken.state,
        snapshot=changed(kept, end_info=None),
        asked=asked,
        call_id=call_id,
        failure=None,
    )
    return attrs.evolve(taken, state=after)


def _answered(state: CallState, fact: CallAnswered) -> CallTaken:
    call = fact.call
    state = attrs.evolve(state, call_id=call.call_id)
    state = _known(state, call)
    newest = state.snapshot.call or call
    return _step(state, k.Granted(fact.op, newest.status.is_final))


def _declined(state: CallState, op: int, error: Failure) -> CallTaken:
    newest = state.snapshot.call
    is_over = newest is not None and newest.status.is_final
    after = state.snapshot
    elsewhere = RingEndReason.ANSWERED_ELSEWHERE
    if newest is not None and error.fields.get("code") == elsewhere.value:
        is_over = True
        after = changed(after, end_info=EndInfo(status=newest.status, reason=elsewhere))
    state = attrs.evolve(state, snapshot=after, failure=error)
    return _step(state, k.CallRefused(op, is_over, error))


def _follow(state: CallState, call: UTDCall) -> CallTaken:
    is_followed = state.call_id == call.call_id
    taken = _step(state, k.Followed(is_followed))
    if taken.state.part is not _S.OFFERED:
        return taken
    after = taken.state
    if not is_followed:
        forgotten = fold.forget_call(after.snapshot)
        after = attrs.evolve(after, snapshot=forgotten, call_id=call.call_id)
    return _over_or_not(attrs.evolve(taken, state=_known(after, call)))


def _row(state: CallState, fact: RowTold) -> CallTaken:
    call = fact.call
    if call.call_id != state.call_id:
        return Taken(state)
    elsewhere = RingEndReason.ANSWERED_ELSEWHERE
    if fact.ended is not None and fact.ended.reason is elsewhere:
        # Whoever did not answer never turns active.
        if state.part is not _S.OFFERED:
            return Taken(state)
        after = changed(state.snapshot, end_info=fact.ended)
        return Taken(attrs.evolve(state, snapshot=after), (), (k.CallOver(),))
    return _over_or_not(Taken(_known(state, call)))


def _known(state: CallState, call: UTDCall) -> CallState:
    after = fold.fold_call(state.snapshot, call)
    newest = after.call
    if newest is not None and (ended := end_of(newest)) is not None:
        after = changed(after, end_info=ended)
    return attrs.evolve(state, snapshot=after)


def _over_or_not(taken: CallTaken) -> CallTaken:
    newest = taken.state.snapshot.call
    if newest is None or not newest.status.is_final:
        return taken
    return attrs.evolve(taken, derived=(*taken.derived, k.CallOver()))


# The connection.


def _connect(state: CallState, event: c.ConnectionEvent) -> CallTaken:
    connecting, effects = state.connecting.take(event)
    before = state.snapshot
    after = fold_connection(before, event, connecting)
    taken = attrs.evolve(state, snapshot=after, connecting=connecting)
    if isinstance(event, c.Rejoined):
        # Whatever else changed belongs to the connection that was replaced.
        return Taken(taken, effects, (p.ConnectionReplaced(),))
    derived: tuple[CallFact, ...] = fold.right_facts(before, after, state.sources)
    has_gone = after.connection_state in GONE and before.connection_state not in GONE
    if has_gone:
        derived = (*derived, *_gone(state, event), p.ConnectionEnded())
    return _entered(Taken(taken, effects, derived))


def _gone(state: CallState, event: c.ConnectionEvent) -> tuple[CallFact, ...]:
    """Return what the end of the connection means for this client's part."""
    if state.part is _S.ENTERING:
        return (k.EnterFailed(state.data.op, _lost(event)),)
    if isinstance(event, c.Removed):
        replaced = event.reason == DisconnectReason.DUPLICATE_IDENTITY.value
        return (k.TakenOver(),) if replaced else (k.RemovedFromRoom(),)
    return ()


def _lost(event: c.ConnectionEvent) -> Failure | None:
    if not isinstance(event, c.Removed):
        return None  # the connector knows why
    message = "the SFU ended the connection while the call was entered"
    return failure_of(DisconnectedError(message, event.reason))


def _both(
    state: CallState, event: p.ConnectionReplaced | p.ConnectionEnded
) -> CallTaken:
    sent = _send(state, event)
    if isinstance(event, p.ConnectionReplaced):
        silenced = _silenced(state)
        sent = attrs.evolve(sent, derived=(*sent.derived, *silenced))
    was_removed = state.snapshot.reason in {
        DisconnectReason.PARTICIPANT_REMOVED.value,
        DisconnectReason.ROOM_DELETED.value,
        DisconnectReason.DUPLICATE_IDENTITY.value,
    }
    if isinstance(event, p.ConnectionEnded) and was_removed:
        return sent  # the outcome is asked for first
    stepped = _step(sent.state, event)
    return Taken(
        stepped.state,
        (*sent.effects, *stepped.effects),
        (*sent.derived, *stepped.derived),
    )


def _see(state: CallState, after: CallSnapshot, *more: SendingFact) -> CallTaken:
    before = state.snapshot
    if after is before and not more:
        return Taken(state)
    derived = (*fold.right_facts(before, after, state.sources), *more)
    return Taken(attrs.evolve(state, snapshot=after), (), derived)


def _republish(state: CallState, fact: EventTold, source: TrackSource) -> CallTaken:
    after = fold_room_fact(state.snapshot, fact)
    return _see(
        state, after, *((t.Republished(source),) if source in state.sources else ())
    )


# The tracks.


def _send(state: CallState, fact: SendingFact) -> CallTaken:
    sending, effects = state.sending.take(fact)
    tracks = {
        fold.TRACK_FIELDS[each.data.source]: each.state for each in sending.tracks
    }
    after = changed(state.snapshot, **tracks)
    taken = attrs.evolve(state, snapshot=after, sending=sending)
    derived: tuple[CallFact, ...] = ()
    if state.part is _S.ENTERING and isinstance(fact, t.PublishFailed | t.Overdue):
        message = f"the {fact.source.value} could not be published"
        told = fact.error if isinstance(fact, t.PublishFailed) else None
        error = told or failure_of(PublishError(message))
        derived = (k.EnterFailed(state.data.op, error),)
    return _entered(Taken(taken, effects, derived))


def _silenced(state: CallState) -> tuple[t.Silenced, ...]:
    """Tell the tracks that a call of sound alone has no right for (L46)."""
    call = state.snapshot.call
    if call is None or call.type.has_video:
        return ()
    return tuple(t.Silenced(s) for s in state.sources if s in _PICTURES)


def _entered(taken: CallTaken) -> CallTaken:
    """Say that the call is entered, once all that is wanted is there."""
    state = taken.state
    if state.part is not _S.ENTERING or not is_connected(state.snapshot):
        return taken
    if any(isinstance(fact, k.EnterFailed) for fact in taken.derived):
        return taken
    missing = _silenced(state)
    for track in state.sending.tracks:
        is_wanted = track.data.wanted and t.Silenced(track.data.source) not in missing
        wanted = t.TrackState.UP if is_wanted else t.TrackState.OFF
        if track.state not in {wanted, t.TrackState.UP}:
            return taken
    entered = k.Entered(state.data.op)
    return attrs.evolve(taken, derived=(*taken.derived, entered))
