"""Each law finds its fault, and finds none where there is none."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utd_stream.models.participants import (
    LocalParticipant,
    Permission,
    TrackKind,
    TrackPublication,
    TrackSource,
)
from utd_stream.models.rooms import SeatOccupancy, UTDConnectionState
from utd_stream.models.seats import Invitation, SpeakerRequest, UTDSeat, UTDSeatGrid
from utd_stream.ports import SfuParticipant
from utd_stream.snapshots import AudioRoomSnapshot
from utd_stream.testing import laws

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MICROPHONE, CAMERA = TrackSource.MICROPHONE, TrackSource.CAMERA
SPEAKS = Permission(can_publish=True, can_publish_sources=(MICROPHONE,))
LISTENS = attrs.evolve(SPEAKS, can_publish=False)
SOUND = TrackPublication(sid="TR_1", kind=TrackKind.AUDIO, source=MICROPHONE)

# ana sits and is heard, ben sits on a muted seat, cleo asks, dan is asked to
# come to a seat that is held for him, eva to any.
GRID = UTDSeatGrid(
    rev=7,
    seats=(
        UTDSeat(seat_index=0, occupant_identity="ana"),
        UTDSeat(seat_index=1, occupant_identity="ben", muted=True),
        UTDSeat(seat_index=2, reserved_for="dan"),
        UTDSeat(seat_index=3, locked=True),
    ),
    requests=(SpeakerRequest(id=1, identity="cleo"),),
    invitations=(
        Invitation(id=2, identity="dan", seat_index=2),
        Invitation(id=3, identity="eva"),
    ),
)
MEMBERS = ("ana", "ben", "cleo", "dan", "eva")


def person(
    who: str, right: Permission | None = LISTENS, *sends: TrackSource
) -> SfuParticipant:
    """Somebody at the SFU."""
    return SfuParticipant(
        identity=who, sid="PA", joined_at=NOON, permission=right, track_sources=sends
    )


PEOPLE = (person("ana", SPEAKS, MICROPHONE), *map(person, MEMBERS[1:]))


def knows(who: str, **fields: Any) -> AudioRoomSnapshot:
    """What the client of somebody knows who sits and is connected."""
    local = LocalParticipant(
        identity=who,
        permission=fields.pop("permission", LISTENS),
        publications=fields.pop("publications", ()),
    )
    given: dict[str, Any] = {
        "connection_state": UTDConnectionState.CONNECTED,
        "grid": GRID,
        **fields,
    }
    return AudioRoomSnapshot(local=local, **given)


ANA = knows(
    "ana",
    permission=SPEAKS,
    publications=(SOUND,),
    occupancy=SeatOccupancy.SPEAKING,
)
BEN = knows("ben", occupancy=SeatOccupancy.SILENT)
CLEO = knows("cleo")


def grid_with(index: int | None = None, **fields: Any) -> UTDSeatGrid:
    """The grid with something else in it, or on one of its seats."""
    if index is None:
        return attrs.evolve(GRID, **fields)
    seats = list(GRID.seats)
    seats[index] = attrs.evolve(seats[index], **fields)
    return attrs.evolve(GRID, seats=tuple(seats))


def sending(snapshot: AudioRoomSnapshot, *sent: TrackPublication) -> AudioRoomSnapshot:
    """A snapshot with other tracks of one's own."""
    local = attrs.evolve(snapshot.local, publications=sent)
    return attrs.evolve(snapshot, local=local)


def among(*others: SfuParticipant) -> tuple[SfuParticipant, ...]:
    """Everybody, some of them otherwise."""
    known = {each.identity: each for each in (*PEOPLE, *others)}
    return tuple(known.values())


def right_of(who: str, **fields: Any) -> tuple[SfuParticipant, ...]:
    """Everybody, somebody with another right."""
    return among(person(who, attrs.evolve(LISTENS, **fields)))


Judged = Iterable[str]
INVITED = Invitation(id=9, identity="fay", seat_index=0)

BROKEN: dict[str, tuple[Callable[[], Judged], str]] = {
    # A grid by itself.
    "numbering": (
        lambda: laws.grid_laws(grid_with(0, seat_index=5)),
        "seats are numbered from 0 without a gap",
    ),
    "two seats": (
        lambda: laws.grid_laws(grid_with(1, occupant_identity="ana")),
        "ana sits on two seats",
    ),
    "asks twice": (
        lambda: laws.grid_laws(
            grid_with(requests=(*GRID.requests, SpeakerRequest(id=9, identity="cleo")))
        ),
        "cleo asks twice",
    ),
    "invited twice": (
        lambda: laws.grid_laws(
            grid_with(invitations=(*GRID.invitations, Invitation(id=9, identity="eva")))
        ),
        "eva is invited twice",
    ),
    "sits and asks": (
        lambda: laws.grid_laws(
            grid_with(requests=(SpeakerRequest(id=9, identity="ben"),))
        ),
        "ben sits and asks for a seat",
    ),
    "locked and taken": (
        lambda: laws.grid_laws(grid_with(0, locked=True)),
        "seat 0 is locked and not empty",
    ),
    "locked and reserved": (
        lambda: laws.grid_laws(grid_with(2, locked=True)),
        "seat 2 is locked and not empty",
    ),
    "taken and reserved": (
        lambda: laws.grid_laws(grid_with(2, occupant_identity="fay")),
        "seat 2 is taken and reserved",
    ),
    "reserved, not invited": (
        lambda: laws.grid_laws(grid_with(invitations=GRID.invitations[1:])),
        "seat 2 is reserved for dan, or dan is invited to it, not both",
    ),
    "invited, not reserved": (
        lambda: laws.grid_laws(grid_with(invitations=(*GRID.invitations, INVITED))),
        "seat 0 is reserved for fay, or fay is invited to it, not both",
    ),
    # The SFU by the engine.
    "no room": (
        lambda: laws.rights_laws(None, ("ana",), (person("ana", SPEAKS),)),
        "ana is at the SFU and no member",
    ),
    "no member": (
        lambda: laws.rights_laws(GRID, MEMBERS, among(person("fay"))),
        "fay is at the SFU and no member",
    ),
    "seated without right": (
        lambda: laws.rights_laws(GRID, MEMBERS, among(person("ana"))),
        "ana may not publish, against the grid",
    ),
    "seated, right unknown": (
        lambda: laws.rights_laws(GRID, MEMBERS, among(person("ana", None))),
        "ana may not publish, against the grid",
    ),
    "right without seat": (
        lambda: laws.rights_laws(GRID, MEMBERS, among(person("cleo", SPEAKS))),
        "cleo may publish, against the grid",
    ),
    "right on a muted seat": (
        lambda: laws.rights_laws(GRID, MEMBERS, among(person("ben", SPEAKS))),
        "ben may publish, against the grid",
    ),
    "every source": (
        lambda: laws.rights_laws(
            GRID,
            MEMBERS,
            among(person("ana", attrs.evolve(SPEAKS, can_publish_sources=()))),
        ),
        "ana may publish more or less than a microphone",
    ),
    "deaf": (
        lambda: laws.rights_laws(GRID, MEMBERS, right_of("cleo", can_subscribe=False)),
        "cleo is deaf or dumb",
    ),
    "dumb": (
        lambda: laws.rights_laws(
            GRID, MEMBERS, right_of("cleo", can_publish_data=False)
        ),
        "cleo is deaf or dumb",
    ),
    "writes metadata": (
        lambda: laws.rights_laws(
            GRID, MEMBERS, right_of("cleo", can_update_metadata=True)
        ),
        "cleo may write their own role",
    ),
    "hidden": (
        lambda: laws.rights_laws(GRID, MEMBERS, right_of("cleo", hidden=True)),
        "cleo is hidden or counts the others",
    ),
    "counts": (
        lambda: laws.rights_laws(
            GRID, MEMBERS, right_of("cleo", can_subscribe_metrics=True)
        ),
        "cleo is hidden or counts the others",
    ),
    # The SFU by itself.
    "sends without right": (
        lambda: laws.track_laws((person("cleo", LISTENS, MICROPHONE),)),
        "cleo sends microphone without the right",
    ),
    "sends, right unknown": (
        lambda: laws.track_laws((person("cleo", None, MICROPHONE),)),
        "cleo sends microphone without the right",
    ),
    "sends another source": (
        lambda: laws.track_laws((person("ana", SPEAKS, MICROPHONE, CAMERA),)),
        "ana sends camera without the right",
    ),
    # A client by itself.
    "knows a broken grid": (
        lambda: laws.snapshot_laws(attrs.evolve(ANA, grid=grid_with(0, locked=True))),
        "seat 0 is locked and not empty",
    ),
    "publishes a camera": (
        lambda: laws.snapshot_laws(
            sending(ANA, SOUND, attrs.evolve(SOUND, sid="TR_2", source=CAMERA))
        ),
        "ana publishes camera in an audio room",
    ),
    "publishes two": (
        lambda: laws.snapshot_laws(
            sending(ANA, SOUND, attrs.evolve(SOUND, sid="TR_2"))
        ),
        "ana publishes two microphones",
    ),
    # A client by engine and SFU.
    "unknown to the SFU": (
        lambda: laws.agreement_laws(CLEO, GRID, None),
        "cleo believes to be connected, and the SFU does not know",
    ),
    "an older grid": (
        lambda: laws.agreement_laws(CLEO, grid_with(rev=9), PEOPLE[2]),
        "cleo knows revision 7, the engine has 9",
    ),
    "another right": (
        lambda: laws.agreement_laws(CLEO, GRID, person("cleo", None)),
        "cleo does not know its right",
    ),
    "other tracks": (
        lambda: laws.agreement_laws(ANA, GRID, person("ana", SPEAKS)),
        "ana publishes 1 tracks, the SFU has ()",
    ),
    "silent without a seat": (
        lambda: laws.agreement_laws(
            attrs.evolve(CLEO, occupancy=SeatOccupancy.SILENT), GRID, PEOPLE[2]
        ),
        "cleo sits nowhere and is silent",
    ),
    "listening on a seat": (
        lambda: laws.agreement_laws(
            attrs.evolve(ANA, occupancy=SeatOccupancy.LISTENING), GRID, PEOPLE[0]
        ),
        "ana sits and is listening",
    ),
    "between two states": (
        lambda: laws.agreement_laws(
            attrs.evolve(ANA, occupancy=SeatOccupancy.GRANTING), GRID, PEOPLE[0]
        ),
        "ana sits and is granting",
    ),
    "speaking on a muted seat": (
        lambda: laws.agreement_laws(
            attrs.evolve(sending(BEN, SOUND), occupancy=SeatOccupancy.SPEAKING),
            GRID,
            person("ben", LISTENS, MICROPHONE),
        ),
        "ben sits on a muted seat and is speaking",
    ),
    "speaking without a track": (
        lambda: laws.agreement_laws(sending(ANA), GRID, person("ana", SPEAKS)),
        "ana speaks without a track",
    ),
    "listens and publishes": (
        lambda: laws.agreement_laws(
            sending(CLEO, SOUND),
            GRID,
            attrs.evolve(PEOPLE[2], track_sources=(MICROPHONE,)),
        ),
        "cleo listens and still publishes",
    ),
    # After a long quiet.
    "heard though switched off": (
        lambda: laws.silence_laws(ANA),
        "ana is heard against their wish",
    ),
    "not heard though switched on": (
        lambda: laws.voice_laws(sending(ANA, attrs.evolve(SOUND, muted=True))),
        "ana may speak, wants to, and is not heard",
    ),
    "no answer and no end": (
        lambda: laws.patience_laws(grid_with(invitations=())),
        "cleo asks for ever",
    ),
    "an invitation without end": (
        lambda: laws.patience_laws(
            grid_with(requests=(), invitations=GRID.invitations[1:])
        ),
        "eva is invited for ever",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_fault_is_told_in_its_sentence(name: str) -> None:
    """One broken thing, one sentence."""
    judge, sentence = BROKEN[name]

    assert list(judge()) == [sentence]


def test_every_sentence_has_its_fault() -> None:
    """No law is written that nothing was shown to break."""
    tree = ast.parse(inspect.getsource(laws))
    told = [" ".join(sentence.split()) for _, sentence in BROKEN.values()]

    sentences = list(_sentences(tree))
    assert len(sentences) > 20
    for written in sentences:
        assert any(all(part in each for part in written) for each in told), written


def _sentences(tree: ast.AST) -> Iterable[list[str]]:
    """Yield the constant parts of each sentence that a law can yield."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Yield | ast.YieldFrom):
            for text in ast.walk(node):
                if isinstance(text, ast.JoinedStr):
                    yield [
                        str(part.value)
                        for part in text.values
                        if isinstance(part, ast.Constant)
                    ]
                elif isinstance(node.value, ast.Constant):
                    yield [str(node.value.value)]


# What is well.


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
