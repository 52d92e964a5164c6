"""A grid is as new as its revision, and my seat is where the grid says."""

from __future__ import annotations

from functools import reduce
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utd_stream.machines import place as p
from utd_stream.machines import track as t
from utd_stream.models.participants import LocalParticipant, Permission, TrackSource
from utd_stream.models.rooms import UTDConnectionState
from utd_stream.models.seats import Invitation, SpeakerRequest, UTDSeat, UTDSeatGrid
from utd_stream.snapshots import AudioRoomSnapshot, SessionSnapshot
from utd_stream.snapshots.audio_room import (
    fold_grid,
    my_invitation,
    my_seat,
    my_seat_index,
    right_of,
    sending_facts,
    speaker_requests,
)
from utd_stream.snapshots.session import changed, fold_room_facts
from utd_stream.testing.models import grids

CONNECTED = UTDConnectionState.CONNECTED
GONE = (UTDConnectionState.DISCONNECTED, UTDConnectionState.FORCE_EXIT)
PRESENT = (CONNECTED, UTDConnectionState.RECONNECTING)
MICROPHONE = TrackSource.MICROPHONE
SPEAKS = Permission(can_publish=True, can_publish_sources=(TrackSource.MICROPHONE,))
LISTENS = attrs.evolve(SPEAKS, can_publish=False)
people = st.sampled_from(["me", "ann", "bob"])


def start(state: UTDConnectionState = CONNECTED) -> AudioRoomSnapshot:
    """A session of mine without a grid."""
    local = LocalParticipant(identity="me")
    return AudioRoomSnapshot(local=local, connection_state=state)


def grid(
    rev: int, *occupants: str | None, muted: bool = False, grant: int = 0
) -> UTDSeatGrid:
    """A grid with these people on its seats."""
    seats = [
        UTDSeat(seat_index=index, occupant_identity=who, muted=muted, grant=grant)
        for index, who in enumerate(occupants)
    ]
    return UTDSeatGrid(rev=rev, seats=tuple(seats))


def with_right(
    snapshot: AudioRoomSnapshot, right: Permission, metadata: str = ""
) -> AudioRoomSnapshot:
    """The snapshot after my right was told, and my metadata."""
    local = attrs.evolve(snapshot.local, permission=right, metadata=metadata)
    return changed(snapshot, local=local)


# Grids.


@given(data=st.data(), told=st.lists(grids(3), min_size=1, max_size=6))
def test_the_newest_grid_wins_whatever_the_order(
    data: st.DataObject, told: list[UTDSeatGrid]
) -> None:
    """An older one never overwrites a newer one (L2, T14)."""
    told = [attrs.evolve(one, rev=rev) for rev, one in enumerate(told)]
    shuffled = data.draw(st.permutations(told + told))

    folded = reduce(fold_grid, shuffled, start())

    assert folded.grid == told[-1]


@given(told=st.lists(st.builds(grid, st.integers(0, 5), people), max_size=10))
def test_revisions_never_go_back(told: list[UTDSeatGrid]) -> None:
    """Each fold keeps or raises the revision; what stays is the same object."""
    snapshot = start()
    for one in told:
        folded = fold_grid(snapshot, one)
        assert (folded is snapshot) == (one.rev <= snapshot.grid.rev)
        assert folded.grid.rev == max(one.rev, snapshot.grid.rev)
        snapshot = folded


def test_the_first_grid_counts_even_at_revision_zero() -> None:
    """A room begins at 0, a client before every revision."""
    assert start().grid.rev == -1
    assert fold_grid(start(), grid(0, None)).grid.seat_count == 1


def test_a_grid_of_the_same_revision_is_not_told_twice() -> None:
    """Equal revision, equal grid: no notification (L14)."""
    snapshot = fold_grid(start(), grid(3, "me"))

    assert fold_grid(snapshot, grid(3, "me")) is snapshot


# Selectors.


@pytest.mark.parametrize("state", UTDConnectionState, ids=lambda state: state.value)
def test_without_a_connection_i_sit_nowhere(state: UTDConnectionState) -> None:
    """The grid may still say so; nobody would hear me."""
    snapshot = fold_grid(start(state), grid(1, "ann", "me"))

    assert my_seat_index(snapshot) == (1 if state in PRESENT else None)
    assert (my_seat(snapshot) is not None) == (state in PRESENT)


def test_i_sit_where_the_grid_says() -> None:
    """And nowhere, where it does not name me."""
    assert my_seat(fold_grid(start(), grid(1, "ann", None))) is None


def test_who_asks_and_who_is_asked_is_the_engines_word() -> None:
    """Both lists come with the grid, never from what was sent (L3)."""
    requests = (SpeakerRequest(id=1, identity="me"),)
    mine = Invitation(id=3, identity="me")
    invitations = (Invitation(id=2, identity="ann"), mine)
    told = UTDSeatGrid(rev=1, requests=requests, invitations=invitations)
    snapshot = fold_grid(start(), told)

    assert speaker_requests(snapshot) == requests
    assert my_invitation(snapshot) == mine
    assert my_invitation(start()) is None


# What place and tracks hear.


def facts(before: AudioRoomSnapshot, after: AudioRoomSnapshot) -> list[Any]:
    """What a change means."""
    return list(sending_facts(before, after))


def test_a_seat_that_comes_is_confirmed() -> None:
    """With the right to come, or without where it is muted."""
    none = fold_grid(start(), grid(1, None))
    open_seat, muted = grid(2, "me"), grid(2, "me", muted=True)

    assert facts(none, fold_grid(none, open_seat)) == [p.Confirmed(speaks=True)]
    assert facts(none, fold_grid(none, muted)) == [p.Confirmed(speaks=False)]


def test_a_seat_that_goes_is_lost() -> None:
    """By a kick, a lock, a resize: the grid does not name me any more."""
    mine = fold_grid(start(), grid(1, "me"))

    assert facts(mine, fold_grid(mine, grid(2, "ann"))) == [p.Lost()]


def test_another_seat_is_no_loss() -> None:
    """A move keeps place and right: the microphone goes on (L27)."""
    mine = with_right(fold_grid(start(), grid(1, "me", None)), SPEAKS)

    assert facts(mine, fold_grid(mine, grid(2, None, "me"))) == []


def test_a_mute_is_told_once() -> None:
    """When it begins, also by moving into it."""
    mine = fold_grid(start(), grid(1, "me", None))
    muted = fold_grid(mine, grid(2, "me", None, muted=True))
    moved = fold_grid(mine, grid(2, None, "me", muted=True))

    assert facts(mine, muted) == [t.Silenced(MICROPHONE)]
    assert facts(mine, moved) == [t.Silenced(MICROPHONE)]
    assert facts(muted, fold_grid(muted, grid(3, "me", "ann", muted=True))) == []
    assert facts(muted, fold_grid(muted, grid(3, "me"))) == []


def test_others_seats_are_not_mine() -> None:
    """What happens beside me is nothing to my machines."""
    mine = fold_grid(start(), grid(1, "me", None))

    assert facts(mine, fold_grid(mine, grid(2, "me", "ann"))) == []


def test_rights_are_told_when_they_change() -> None:
    """By value: an equal permission told again is no news (T2, T3)."""
    listens, speaks = with_right(start(), LISTENS), with_right(start(), SPEAKS)
    hidden = with_right(start(), attrs.evolve(SPEAKS, hidden=True))

    assert facts(listens, speaks) == [t.RightGranted(MICROPHONE)]
    assert facts(speaks, listens) == [t.RightRevoked(MICROPHONE)]
    assert facts(speaks, hidden) == []
    assert facts(start(), start()) == []


@pytest.mark.parametrize(
    ("seat", "metadata", "right"),
    [
        (0, "", 0),  # an engine that numbers no rights
        (0, '{"grant": 4}', 4),
        (4, '{"grant": 4}', 4),
        (4, '{"grant": 5}', 5),  # the grid comes late
        (5, '{"grant": 4}', None),
        (5, "", None),
        (5, '{"grant": "5"}', None),
        (5, '{"grant": true}', None),
        (5, "[5]", None),
    ],
)
def test_a_right_counts_if_its_number_is_that_of_my_seat(
    seat: int, metadata: str, right: int | None
) -> None:
    """A lower number is the right of a seat before, which is about to go."""
    mine = fold_grid(start(), grid(1, "me", grant=seat))

    assert right_of(with_right(mine, SPEAKS, metadata), MICROPHONE) == right
    assert right_of(with_right(mine, LISTENS, metadata), MICROPHONE) is None
    assert right_of(with_right(mine, SPEAKS, metadata), TrackSource.CAMERA) is None


def test_another_number_is_another_right() -> None:
    """Missed in an outage, it went and came back: the SFU took the track (T24)."""
    mine = fold_grid(start(), grid(1, "me", grant=4))
    before = with_right(mine, SPEAKS, '{"grant": 4}')
    after = with_right(mine, SPEAKS, '{"grant": 6}')

    revoked, granted = t.RightRevoked(MICROPHONE), t.RightGranted(MICROPHONE)
    assert facts(before, after) == [revoked, granted]


def test_a_right_of_a_seat_before_goes_as_the_next_one_comes() -> None:
    """Before the place is told, so that nothing is published by it."""
    left = with_right(fold_grid(start(), grid(1, None)), SPEAKS, '{"grant": 4}')
    taken = fold_grid(left, grid(2, "me", grant=5))

    assert facts(left, taken) == [t.RightRevoked(MICROPHONE), p.Confirmed()]


MUTED = '{"muted": {"audio": true}}'


def test_a_mute_of_mine_ends_that_i_agreed_to_be_heard() -> None:
    """Whether the SFU tells it before the right goes, or after (T5)."""
    speaks = with_right(fold_grid(start(), grid(1, "me")), SPEAKS)
    told_first = with_right(speaks, SPEAKS, MUTED)
    told_last = with_right(speaks, LISTENS)
    silent = with_right(speaks, LISTENS, MUTED)
    ends = [t.RightRevoked(MICROPHONE, agreed=False)]

    assert facts(speaks, told_first) == []
    assert facts(told_first, silent) == ends
    assert facts(speaks, told_last) == [t.RightRevoked(MICROPHONE)]
    assert facts(told_last, silent) == ends
    assert facts(silent, silent) == []
    assert facts(silent, told_last) == []
    assert facts(told_last, speaks) == [t.RightGranted(MICROPHONE)]


def test_a_mute_of_all_is_one_of_mine() -> None:
    """It comes with the room's metadata, after the right has gone."""
    told_last = with_right(fold_grid(start(), grid(1, "me")), LISTENS)
    silent = fold_room_facts(told_last, '{"_room": {"muted": {"audio": true}}}')

    assert facts(told_last, silent) == [t.RightRevoked(MICROPHONE, agreed=False)]


def test_whoever_is_muted_gets_a_seat_without_a_voice() -> None:
    """And has not agreed to be heard, should they be unmuted there."""
    muted = with_right(start(), LISTENS, MUTED)

    assert facts(muted, fold_grid(muted, grid(1, "me"))) == [
        p.Confirmed(speaks=False),
        t.RightRevoked(MICROPHONE, agreed=False),
    ]


@pytest.mark.parametrize("state", GONE, ids=lambda state: state.value)
def test_a_connection_that_ends_is_told_alone_and_once(
    state: UTDConnectionState,
) -> None:
    """Seat and right go with it, whatever else changed at the same time."""
    mine = with_right(fold_grid(start(), grid(1, "me")), SPEAKS)
    ended = with_right(changed(mine, connection_state=state), LISTENS)

    assert facts(mine, ended) == [p.ConnectionEnded()]
    assert facts(ended, fold_grid(ended, grid(2, "me"))) == []


def test_an_outage_keeps_the_seat() -> None:
    """Reconnecting is a kind of presence."""
    mine = fold_grid(start(), grid(1, "me"))
    lost = changed(mine, connection_state=UTDConnectionState.RECONNECTING)

    assert facts(mine, lost) == facts(lost, mine) == []


def test_coming_back_to_a_seat_confirms_it() -> None:
    """Who joins while the grid names him sits."""
    away = fold_grid(start(UTDConnectionState.CONNECTING), grid(1, "me"))
    back = changed(away, connection_state=CONNECTED)

    assert facts(away, back) == [p.Confirmed(speaks=True)]


def test_where_a_session_stands_is_said_in_words() -> None:
    """The connection, and in an audio room the place too."""
    session = SessionSnapshot(local=LocalParticipant(identity="me"))

    assert session.standing == "disconnected"
    assert start().standing == f"connected, {start().occupancy.value}"
