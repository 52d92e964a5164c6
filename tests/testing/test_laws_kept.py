"""No law has a word to say where all is well."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st

from tests.testing.agreed import (
    ANA,
    BEN,
    CLEO,
    GRID,
    LISTENS,
    MICROPHONE,
    SOUND,
    SPEAKS,
    grid_with,
    knows,
    person,
    sending,
)
from utd_stream.models.rooms import SeatOccupancy, UTDConnectionState
from utd_stream.models.seats import Invitation, SpeakerRequest, UTDSeat, UTDSeatGrid
from utd_stream.ports import SfuParticipant
from utd_stream.snapshots import AudioRoomSnapshot
from utd_stream.testing import laws


@st.composite
def good_grids(draw: st.DrawFn) -> UTDSeatGrid:
    """Grids as an engine could tell them, with people of seven names."""
    names = draw(st.permutations([f"p{n}" for n in range(7)]))
    kinds = st.sampled_from(["free", "locked", "taken", "held"])
    seats: list[UTDSeat] = []
    invited: list[Invitation] = []
    for index, kind in enumerate(draw(st.lists(kinds, min_size=1, max_size=4))):
        who = names.pop() if kind in {"taken", "held"} else None
        if who is not None and kind == "held":
            invited.append(Invitation(id=index, identity=who, seat_index=index))
        seats.append(
            UTDSeat(
                seat_index=index,
                occupant_identity=who if kind == "taken" else None,
                reserved_for=who if kind == "held" else None,
                locked=kind == "locked",
                muted=draw(st.booleans()),
            )
        )
    asking = [SpeakerRequest(id=9 + n, identity=who) for n, who in enumerate(names[:2])]
    anywhere = [Invitation(id=20, identity=names[2])] if draw(st.booleans()) else []
    return UTDSeatGrid(
        rev=draw(st.integers(0, 9)),
        seats=tuple(seats),
        requests=tuple(asking[: draw(st.integers(0, 2))]),
        invitations=(*invited, *anywhere),
    )


def settled(who: str, grid: UTDSeatGrid) -> tuple[AudioRoomSnapshot, SfuParticipant]:
    """What a client knows, and the SFU of it, once everything was told."""
    seat = grid.seat_of(who)
    is_heard = seat is not None and not seat.muted
    right = SPEAKS if is_heard else LISTENS
    occupancy = (
        SeatOccupancy.LISTENING
        if seat is None
        else SeatOccupancy.SPEAKING
        if is_heard
        else SeatOccupancy.SILENT
    )
    snapshot = knows(
        who,
        permission=right,
        publications=(SOUND,) if is_heard else (),
        grid=grid,
        occupancy=occupancy,
    )
    return snapshot, person(who, right, *[MICROPHONE] * is_heard)


@given(grid=good_grids())
def test_nothing_is_told_where_all_is_well(grid: UTDSeatGrid) -> None:
    """Engine, SFU and clients agree: no law has a word to say."""
    members = [f"p{n}" for n in range(7)]
    everybody = [settled(who, grid) for who in members]
    people = [person for _, person in everybody]

    assert list(laws.grid_laws(grid)) == []
    assert list(laws.rights_laws(grid, members, people)) == []
    assert list(laws.rights_laws(None, (), ())) == []
    assert list(laws.track_laws(people)) == []
    for snapshot, person_ in everybody:
        assert list(laws.snapshot_laws(snapshot)) == []
        assert list(laws.agreement_laws(snapshot, grid, person_)) == []


@given(grid=good_grids(), state=st.sampled_from(UTDConnectionState))
def test_who_is_not_connected_need_not_agree(
    grid: UTDSeatGrid, state: UTDConnectionState
) -> None:
    """What a client knows is judged again when it is back."""
    snapshot = attrs.evolve(ANA, connection_state=state, grid=grid)

    told = list(laws.agreement_laws(snapshot, GRID, None))

    assert bool(told) == (state is UTDConnectionState.CONNECTED)


def test_seated_and_silent_is_well() -> None:
    """Who switched the microphone off sits in silence with the right to speak."""
    quiet = attrs.evolve(sending(ANA), occupancy=SeatOccupancy.SILENT)

    assert list(laws.agreement_laws(quiet, GRID, person("ana", SPEAKS))) == []
    assert list(laws.snapshot_laws(quiet)) == []
    assert list(laws.silence_laws(quiet)) == []


def test_who_is_heard_as_wished_is_well() -> None:
    """Nor is anybody asked to be heard who may not, or is not connected."""
    gone = attrs.evolve(ANA, connection_state=UTDConnectionState.RECONNECTING)

    for snapshot in (ANA, BEN, CLEO, sending(gone)):
        assert list(laws.voice_laws(snapshot)) == []
    assert list(laws.silence_laws(gone)) == []
    assert list(laws.patience_laws(grid_with(requests=(), invitations=()))) == []
