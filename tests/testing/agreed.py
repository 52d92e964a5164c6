"""A room of which engine, SFU and clients know the same."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import attrs

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
