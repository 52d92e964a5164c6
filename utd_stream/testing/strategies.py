"""Hypothesis strategies for what the machines hear and what they remember.

Events come from few names, seats and moments, so that they meet: two people
want one seat, a fact is about the operation under way.  Data fit the state
they are drawn for, as the laws of the machine promise.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TypeVar

from hypothesis import strategies as st

from utd_stream.errors import ConflictError, PublishError, TransportTimeoutError
from utd_stream.machines import call, calling, live, stage
from utd_stream.machines import connection as c
from utd_stream.machines import invitation as i
from utd_stream.machines import place as p
from utd_stream.machines import request as r
from utd_stream.machines import seat as s
from utd_stream.machines import signal as sig
from utd_stream.machines import track as t
from utd_stream.models.calls import CallEndReason, UTDCallStatus
from utd_stream.models.failures import Failure, failure_of
from utd_stream.models.participants import TrackSource
from utd_stream.models.rooms import DisconnectReason, UTDConnectionState
from utd_stream.models.stage import LiveState, StageState

__all__ = [
    "NOON",
    "call_data",
    "call_events",
    "calling_data",
    "calling_events",
    "connection_data",
    "connection_events",
    "identities",
    "invitation_data",
    "invitation_events",
    "live_data",
    "live_events",
    "moments",
    "place_data",
    "place_events",
    "request_data",
    "request_events",
    "seat_data",
    "seat_events",
    "seat_indexes",
    "signal_data",
    "signal_events",
    "stage_data",
    "stage_events",
    "track_data",
    "track_events",
]

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)

_T = TypeVar("_T")

_CALL_LASTS_UNTIL = NOON + timedelta(seconds=60)
_LONGEST = 90  # seconds; longer than every grace and timer


def identities() -> st.SearchStrategy[str]:
    """Return who acts: one of three, so that they get in each other's way."""
    return st.sampled_from(("ann", "bob", "cho"))


def seat_indexes() -> st.SearchStrategy[int]:
    """Return the indexes of a grid of three seats."""
    return st.integers(0, 2)


def moments() -> st.SearchStrategy[datetime]:
    """Return whole seconds of the minute and a half after `NOON`."""
    return _seconds().map(lambda past: NOON + timedelta(seconds=past))


def seat_events() -> st.SearchStrategy[s.SeatEvent]:
    """Return anything a seat may hear."""
    who, at = identities(), moments()
    return st.one_of(
        st.builds(s.Take, who, at, st.booleans()),
        st.builds(s.Reserve, who),
        st.builds(s.Seated, who, at),
        st.builds(s.Replaced, who, at),
        st.builds(s.Absent, at),
        st.builds(s.GraceOver, who, at, st.sampled_from((0.0, 15.0))),
        *_each(s.Kick(), s.Lock(), s.Unlock(), s.Mute(), s.Unmute()),
        *_each(s.Vacated(), s.MovedAway(), s.Released(), s.Dropped(), s.Present()),
    )


def seat_data(state: s.SeatState) -> st.SearchStrategy[s.SeatData]:
    """Return what a seat in *state* may remember."""
    if state is s.SeatState.TAKEN:
        return st.builds(
            s.SeatData,
            occupant=identities(),
            since=moments(),
            muted=st.booleans(),
            absent_since=st.none() | moments(),
        )
    reserved = state is s.SeatState.RESERVED
    return st.builds(
        s.SeatData,
        muted=st.booleans(),
        reserved_for=identities() if reserved else st.none(),
    )


def request_events() -> st.SearchStrategy[r.RequestEvent]:
    """Return anything a speaker request may hear."""
    return st.one_of(
        st.builds(r.Approve, identities(), st.none() | seat_indexes()),
        st.builds(r.Reject, identities()),
        *_each(r.Cancel(), r.RequesterSeated(), r.RequesterGone()),
        *_each(r.ModeFreed(), r.RequestExpired()),
    )


def request_data(state: r.RequestState) -> st.SearchStrategy[r.RequestData]:
    """Return what a speaker request in *state* may remember."""
    answered = state in {r.RequestState.APPROVED, r.RequestState.REJECTED}
    return st.builds(
        r.RequestData,
        identity=identities(),
        created_at=st.just(NOON),
        expires_at=moments(),
        settled_by=identities() if answered else st.none(),
    )


def invitation_events(
    data: i.InvitationData,
) -> st.SearchStrategy[i.InvitationEvent]:
    """Return anything the invitation which remembers *data* may hear.

    Who accepts an invitation that holds a seat is given that seat.
    """
    return _invitation_events(data.seat_index)


# A walk asks for a strategy at every step, and making one takes milliseconds.
@lru_cache
def _invitation_events(held: int | None) -> st.SearchStrategy[i.InvitationEvent]:
    seat = st.just(held) if held is not None else st.none() | seat_indexes()
    gone = () if held is None else (i.SeatDropped(),)
    return st.one_of(
        st.builds(i.Accept, seat),
        st.builds(i.InviteeSeated, seat_indexes()),
        *_each(i.Decline(), i.InviteeGone(), i.InvitationExpired(), *gone),
    )


def invitation_data() -> st.SearchStrategy[i.InvitationData]:
    """Return what an invitation may remember; its state adds nothing."""
    return st.builds(
        i.InvitationData,
        identity=identities(),
        seat_index=st.none() | seat_indexes(),
        created_at=st.just(NOON),
        expires_at=moments(),
    )


def connection_events(
    data: c.ConnectionData,
) -> st.SearchStrategy[c.ConnectionEvent]:
    """Return anything the connection which remembers *data* may hear.

    Some facts are late, as those of connections that are gone are.
    """
    return _connection_events(data.number)


@lru_cache
def _connection_events(current: int) -> st.SearchStrategy[c.ConnectionEvent]:
    number, at = _now_or_late(current), _seconds().map(float)
    reasons = st.sampled_from([reason.value for reason in DisconnectReason])
    return st.one_of(
        st.builds(c.Connect, st.integers(0, 2)),
        *_each(c.Leave(), c.ExitDue()),
        st.builds(c.Admitted, number),
        st.builds(c.ConnectFailed, number),
        st.builds(c.ConnectRefused, number),
        st.builds(c.TransportLost, number, at),
        st.builds(c.Resumed, number, at),
        st.builds(c.GaveUp, number, at),
        st.builds(c.Rejoined, number),
        st.builds(c.RejoinFailed, number),
        st.builds(c.Removed, number, reasons),
    )


def connection_data(state: UTDConnectionState) -> st.SearchStrategy[c.ConnectionData]:
    """Return what a connection in *state* may remember."""
    return st.integers(1, 5).flatmap(lambda number: _connection_data(state, number))


def _connection_data(
    state: UTDConnectionState, number: int
) -> st.SearchStrategy[c.ConnectionData]:
    lost = state is UTDConnectionState.RECONNECTING
    gone = state is UTDConnectionState.DISCONNECTED
    return st.builds(
        c.ConnectionData,
        number=st.just(number),
        tries=st.integers(0, 2),
        lost_at=_seconds().map(float) if lost else st.none(),
        broken=st.booleans() if lost else st.just(value=False),
        may_be_listed=st.booleans() if gone else st.just(value=False),
    )


def call_events() -> st.SearchStrategy[call.CallEvent]:
    """Return anything a call may hear; it rings for 30 s and lasts for 60 s."""
    at, party = moments(), st.sampled_from(call.Party)
    devices = st.sampled_from(("phone", "laptop"))
    return st.one_of(
        st.builds(call.Accept, devices, at, st.just(_CALL_LASTS_UNTIL)),
        st.builds(call.End, at, st.none() | party, st.booleans()),
        *(
            st.builds(kind, at)
            for kind in (
                *(call.Ring, call.Reject, call.SayBusy),
                *(call.RingDue, call.DurationDue),
            )
        ),
        st.builds(call.CallAbsent, party, at),
        st.builds(call.CallPresent, party),
        st.builds(call.CallGraceOver, party, at, st.sampled_from((0.0, 15.0))),
        st.builds(call.MediaRemoved, party, at),
    )


def live_events() -> st.SearchStrategy[live.LiveEvent]:
    """Return anything a live stream may hear."""
    at, successor = moments(), st.none() | identities()
    return st.one_of(
        st.builds(live.GoLive, at),
        st.builds(live.HostMissed, at),
        st.builds(live.HostsGone, st.sampled_from(live.HostLoss), successor),
        st.builds(live.HostGraceOver, at, st.just(2.0), st.just(60.0), successor),
        *_each(live.StopLive(), live.HostPresent(), live.StreamEnded()),
    )


def live_data(state: LiveState) -> st.SearchStrategy[live.LiveData]:
    """Return what a live stream in *state* may remember."""
    if state is LiveState.BACKSTAGE:
        return st.just(live.LiveData())
    is_away = state is LiveState.HOST_AWAY
    return st.builds(
        live.LiveData,
        since=moments(),
        missing_since=moments() if is_away else st.none() | moments(),
    )


def stage_events() -> st.SearchStrategy[stage.StageEvent]:
    """Return anything the place of a member of a live stream may hear."""
    at, who, number = moments(), identities(), st.integers(1, 9)
    return st.one_of(
        st.builds(stage.Ask, at, number, at),
        st.builds(stage.Promote, at, who),
        st.builds(stage.Invite, at, who, number, at),
        st.builds(stage.Accept, at),
        st.builds(stage.Reject, who),
        st.builds(stage.Remove, who, st.booleans()),
        st.builds(stage.StepDown, st.booleans()),
        st.builds(stage.BecameHost, at),
        st.builds(stage.MemberAbsent, at, st.sampled_from((2.0, 15.0, 60.0))),
        st.builds(stage.StageGraceOver, at),
        *_each(stage.TakeBack(), stage.Decline(), stage.MemberGone()),
        *_each(stage.WaitExpired(), stage.MemberPresent(), stage.RightsChanged()),
    )


def stage_data(state: StageState) -> st.SearchStrategy[stage.StageData]:
    """Return what is remembered of a member's place in *state*."""
    number = st.integers(1, 9)
    if state is StageState.AUDIENCE:
        return st.builds(stage.StageData, settled_by=st.none() | identities())
    if state is StageState.REQUESTED:
        return st.builds(
            stage.StageData, since=moments(), request_id=number, expires_at=moments()
        )
    if state is StageState.INVITED:
        return st.builds(
            stage.StageData,
            since=moments(),
            invitation_id=number,
            expires_at=moments(),
        )
    absent = st.builds(
        stage.StageData, since=moments(), absent_since=moments(), grace=st.just(15.0)
    )
    here = st.builds(
        stage.StageData, since=moments(), settled_by=st.none() | identities()
    )
    return here | absent


def call_data(status: UTDCallStatus) -> st.SearchStrategy[call.CallData]:
    """Return what a call of that status may remember."""
    is_answered = status is UTDCallStatus.ACTIVE
    was_answered = is_answered or status is UTDCallStatus.ENDED
    is_over = status.is_final
    return st.builds(
        call.CallData,
        rev=st.integers(1, 5),
        ring_until=st.just(NOON + timedelta(seconds=30)),
        ringing_at=st.just(NOON)
        if status is UTDCallStatus.RINGING
        else st.none() | st.just(NOON),
        answered_at=moments() if is_answered else st.none(),
        answered_by=st.just("phone") if is_answered else st.none(),
        lasts_until=st.just(_CALL_LASTS_UNTIL) if was_answered else st.none(),
        caller_absent_since=st.none() | moments(),
        callee_absent_since=st.none() | moments() if was_answered else st.none(),
        ended_at=moments() if is_over else st.none(),
        end_reason=st.sampled_from(CallEndReason) if is_over else st.none(),
        ended_by=st.none() | st.sampled_from(call.Party) if is_over else st.none(),
    )


def calling_events(
    data: calling.CallingData,
) -> st.SearchStrategy[calling.CallingEvent]:
    """Return anything a client's part in a call may hear.

    Some facts are late, as those of operations that have ended are.
    """
    return _calling_events(data.op)


@lru_cache(maxsize=1_000)
def _calling_events(current: int) -> st.SearchStrategy[calling.CallingEvent]:
    op, any_bool = _now_or_late(current), st.booleans()
    return st.one_of(
        st.builds(calling.Answer, any_bool),
        st.builds(calling.Followed, any_bool),
        st.builds(calling.Granted, op, any_bool),
        st.builds(calling.CallRefused, op, any_bool),
        st.builds(p.Cancelled, op, st.sampled_from(p.WaitEnd)),
        *(
            st.builds(kind, op)
            for kind in (
                *(p.AskFailed, calling.Entered, calling.EnterFailed),
                *(calling.HangUpAnswered, calling.RequestVoided, calling.HangUpFailed),
            )
        ),
        *_each(calling.Dial(), calling.HangUp(), calling.CallOver()),
        *_each(calling.RemovedFromRoom(), calling.TakenOver()),
        *_each(p.ConnectionReplaced(), p.ConnectionEnded()),
    )


def calling_data(
    state: calling.CallingState,
) -> st.SearchStrategy[calling.CallingData]:
    """Return what a client's part in a call may remember; its state adds nothing."""
    return st.builds(calling.CallingData, op=st.integers(0, 5))


def signal_events(data: sig.SignalData) -> st.SearchStrategy[sig.SignalEvent]:
    """Return anything the signaling socket which remembers *data* may hear.

    Some facts are late, as those of sockets that were given up are.
    """
    return _signal_events(data.number)


@lru_cache(maxsize=1_000)
def _signal_events(current: int) -> st.SearchStrategy[sig.SignalEvent]:
    number = _now_or_late(current)
    return st.one_of(
        *(
            st.builds(kind, number)
            for kind in (
                *(sig.SocketReadied, sig.SocketLost, sig.PauseOver),
                *(sig.SignInRefused, sig.SignInDue),
                *(sig.SocketBanned, sig.SocketReplaced),
            )
        ),
        st.builds(sig.RenewFailed, number, st.booleans()),
        *_each(sig.Open(), sig.Close(), sig.Hinted()),
    )


def signal_data(state: sig.SignalState) -> st.SearchStrategy[sig.SignalData]:
    """Return what a signaling socket in *state* may remember."""
    is_anew = state in {sig.SignalState.OFF, sig.SignalState.READY}
    return st.builds(
        sig.SignalData,
        number=st.integers(1, 5),
        tries=st.just(0) if is_anew else st.integers(0, 3),
        renewed=st.just(value=False) if is_anew else st.booleans(),
    )


def place_events(data: p.PlaceData) -> st.SearchStrategy[p.PlaceEvent]:
    """Return anything the place which remembers *data* may hear.

    Some facts are late, as those of operations that have ended are.
    """
    return _place_events(data.op)


@lru_cache(maxsize=1_000)
def _place_events(current: int) -> st.SearchStrategy[p.PlaceEvent]:
    op = _now_or_late(current)
    return st.one_of(
        st.builds(p.Ask, st.booleans(), st.booleans()),
        st.builds(p.LeavePlace, st.booleans()),
        st.builds(p.Confirmed, st.booleans(), st.booleans()),
        st.builds(p.Refused, op, _failures()),
        st.builds(p.AskFailed, op, _failures()),
        st.builds(p.Cancelled, op, st.sampled_from(p.WaitEnd)),
        st.builds(p.SendFailed, _failures()),
        st.builds(p.Freed, op),
        st.builds(p.GiveBackFailed, op),
        *_each(p.Settled(), p.Lost()),
        *_each(p.ConnectionReplaced(), p.ConnectionEnded()),
    )


def place_data(state: p.PlaceState) -> st.SearchStrategy[p.PlaceData]:
    """Return what a place in *state* may remember."""
    may_wait = state is p.PlaceState.HELD
    waits = st.booleans() if may_wait else st.just(state is p.PlaceState.ASKING)
    return st.builds(p.PlaceData, op=st.integers(1, 5), waits=waits)


def track_events(data: t.TrackData) -> st.SearchStrategy[t.TrackEvent]:
    """Return anything the track which remembers *data* may hear.

    Some facts are late, as those of publications that have ended are.
    """
    return _track_events(data.source, data.publication, data.wait)


@lru_cache(maxsize=1_000)
def _track_events(
    source: TrackSource, current_publication: int, current_wait: int
) -> st.SearchStrategy[t.TrackEvent]:
    publication, wait = _now_or_late(current_publication), _now_or_late(current_wait)
    mine = st.just(source)
    return st.one_of(
        st.builds(t.PlaceGained, st.booleans(), st.booleans()),
        st.builds(t.RightRevoked, mine, st.booleans()),
        st.builds(t.Overdue, mine, wait),
        st.builds(t.Published, mine, publication),
        st.builds(t.PublishFailed, mine, publication, _failures()),
        *_each(t.TurnOn(source), t.TurnOff(source), t.RightGranted(source)),
        *_each(t.PlaceAsked(), t.PlaceLost()),
        *_each(t.Silenced(source), t.Republished(source)),
        *_each(p.ConnectionReplaced(), p.ConnectionEnded()),
    )


def track_data(state: t.TrackState) -> st.SearchStrategy[t.TrackData]:
    """Return what a track in *state* may remember."""
    is_off, is_waiting = state is t.TrackState.OFF, state is t.TrackState.WAITING
    place = st.booleans() if is_off else st.just(value=True)
    return place.flatmap(
        lambda held: st.builds(
            t.TrackData,
            source=st.sampled_from((TrackSource.MICROPHONE, TrackSource.CAMERA)),
            default=st.booleans(),
            keeps=st.booleans(),
            wish=st.sampled_from(t.Wish),
            asked=st.just(value=False) if held else st.booleans(),
            place=st.just(held),
            agreed=st.booleans() if is_off and held else st.just(held),
            right=st.booleans() if is_off else st.just(not is_waiting),
            publication=st.integers(0, 5),
            wait=st.integers(0, 5),
        )
    )


def _failures() -> st.SearchStrategy[Failure | None]:
    errors = ConflictError("taken"), TransportTimeoutError("late"), PublishError("no")
    return st.sampled_from((None, *map(failure_of, errors)))


def _seconds() -> st.SearchStrategy[int]:
    return st.integers(0, _LONGEST)


def _each(*events: _T) -> Iterator[st.SearchStrategy[_T]]:
    # One strategy each, so that each comes as often as one that has fields.
    return map(st.just, events)


def _now_or_late(number: int) -> st.SearchStrategy[int]:
    # Mostly the current one, or walks do not get far.
    return st.sampled_from([number] * 4 + [number - 1] * (number > 0))
