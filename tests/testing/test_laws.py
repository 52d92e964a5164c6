"""Each law finds its fault."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import attrs
import pytest

from tests.testing.agreed import (
    ANA,
    BEN,
    CAMERA,
    CLEO,
    GRID,
    LISTENS,
    MEMBERS,
    MICROPHONE,
    PEOPLE,
    SOUND,
    SPEAKS,
    grid_with,
    person,
    sending,
)
from utd_stream.models.rooms import SeatOccupancy
from utd_stream.models.seats import Invitation, SpeakerRequest
from utd_stream.ports import SfuParticipant
from utd_stream.testing import laws


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
