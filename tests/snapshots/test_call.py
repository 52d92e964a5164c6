"""What a session of a call knows: the newest row, and its right to be heard."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs
import pytest
from hypothesis import given

from utd_stream.machines.track import RightGranted, RightRevoked, TrackState
from utd_stream.models.calls import CallDirection, UTDCall, UTDCallStatus
from utd_stream.models.participants import (
    LocalParticipant,
    Permission,
    TrackKind,
    TrackPublication,
    TrackSource,
)
from utd_stream.models.rooms import UTDConnectionState, UTDStreamType
from utd_stream.snapshots.call import (
    TRACK_FIELDS,
    CallSnapshot,
    fold_call,
    forget_call,
    is_settled,
    right_facts,
    right_of,
    status_of,
    track_of,
)
from utd_stream.snapshots.session import changed
from utd_stream.testing.models import values

MICROPHONE = TrackSource.MICROPHONE
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BLANK = CallSnapshot(local=LocalParticipant(identity="ana"))
SPEAKS = Permission(can_publish=True, can_publish_sources=(MICROPHONE,))

# Where a track stands, and whether it is still announced to the room.
SETTLED = {
    (TrackState.OFF, False),
    (TrackState.WAITING, False),
    (TrackState.UP, False),
    (TrackState.UP, True),
}


def row(rev: int) -> UTDCall:
    """Return a row of ana's call of ben."""
    return UTDCall(
        call_id="call_1",
        type=UTDStreamType.AUDIO_CALL,
        status=UTDCallStatus.INITIATING,
        caller_identity="ana",
        callee_identity="ben",
        room_name="call_1",
        rev=rev,
        ring_until=NOON,
        initiated_at=NOON,
    )


def with_right(number: int | None) -> CallSnapshot:
    """Return who is connected, with right *number* or none."""
    local = LocalParticipant(identity="ana")
    if number is not None:
        metadata = f'{{"grant": {number}}}'
        local = attrs.evolve(local, permission=SPEAKS, metadata=metadata)
    state = UTDConnectionState.CONNECTED
    return changed(BLANK, local=local, connection_state=state)


@given(first=values(UTDCall), second=values(UTDCall))
def test_the_newest_row_is_kept(first: UTDCall, second: UTDCall) -> None:
    """By its revision, whatever the order; of another call it takes the place."""
    now = fold_call(fold_call(BLANK, first), second)

    assert now.call is not None
    same = first.call_id == second.call_id
    older = same and second.rev <= first.rev
    assert now.call.rev == (first.rev if older else second.rev)
    assert status_of(now) is now.call.status
    assert now.call.token is None
    assert fold_call(now, first if older else second) is now


@pytest.mark.parametrize("rev", [1, 2])
def test_an_older_row_changes_nothing(rev: int) -> None:
    """The same object stays."""
    now = fold_call(BLANK, row(2))

    assert fold_call(now, row(rev)) is now
    newer = fold_call(now, row(3)).call
    assert newer is not None
    assert newer.rev == 3


def test_the_caller_goes_out() -> None:
    """Whoever is called has an incoming call."""
    out, back = row(1), attrs.evolve(row(1), caller_identity="ben")

    assert fold_call(BLANK, out).direction is CallDirection.OUTGOING
    assert fold_call(BLANK, back).direction is CallDirection.INCOMING
    assert forget_call(fold_call(BLANK, out)).direction is None


def test_it_says_where_it_stands() -> None:
    """The part, and the call's status once it is known."""
    assert BLANK.standing == "idle"
    assert status_of(BLANK) is None
    assert fold_call(BLANK, row(1)).standing == "idle, initiating"


def test_a_right_comes_and_goes() -> None:
    """Another number is another right; without a connection it went with that."""
    none, one, two = with_right(None), with_right(1), with_right(2)
    granted, revoked = RightGranted(MICROPHONE), RightRevoked(MICROPHONE)
    gone = changed(none, connection_state=UTDConnectionState.DISCONNECTED)

    assert (right_of(none, MICROPHONE), right_of(two, MICROPHONE)) == (None, 2)
    assert right_facts(none, one, (MICROPHONE,)) == (granted,)
    assert right_facts(one, one, (MICROPHONE,)) == ()
    assert right_facts(one, two, (MICROPHONE,)) == (revoked, granted)
    assert right_facts(two, none, (MICROPHONE,)) == (revoked,)
    assert right_facts(two, gone, (MICROPHONE,)) == ()


@pytest.mark.parametrize("source", TRACK_FIELDS)
@pytest.mark.parametrize("state", TrackState)
@pytest.mark.parametrize("is_sent", [False, True])
def test_what_is_settled_is_neither_on_its_way_nor_being_withdrawn(
    source: TrackSource, state: TrackState, *, is_sent: bool
) -> None:
    """It is up, or it is down and no track of that source is left; others are too."""
    others = {each for each in TRACK_FIELDS if each is not source}
    sent = others | {source} if is_sent else others
    tracks = tuple(
        TrackPublication(sid=each.value, kind=TrackKind.VIDEO, source=each)
        for each in sent
    )
    local = attrs.evolve(BLANK.local, publications=tracks)
    now = changed(BLANK, local=local, **{TRACK_FIELDS[source]: state})

    assert track_of(now, source) is state
    assert is_settled(now, source) is ((state, is_sent) in SETTLED)
