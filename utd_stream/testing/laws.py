"""What holds in an audio room, read a second time from the rules.

Each function yields a sentence for each law that is broken, and nothing where
all is well.  They share no code with the engine that they judge.

Source: contract.md section 5, Seats, Grants, Departure, Microphone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from utd_stream.models.participants import TrackSource
from utd_stream.models.rooms import SeatOccupancy
from utd_stream.models.seats import UTDSeat, UTDSeatGrid
from utd_stream.ports import SfuParticipant
from utd_stream.snapshots.audio_room import AudioRoomSnapshot
from utd_stream.snapshots.session import is_connected, microphone_is_muted

__all__ = [
    "agreement_laws",
    "grid_laws",
    "patience_laws",
    "rights_laws",
    "silence_laws",
    "snapshot_laws",
    "track_laws",
    "voice_laws",
]

_SOURCES = (TrackSource.MICROPHONE,)


def grid_laws(grid: UTDSeatGrid) -> Iterator[str]:
    """Judge a grid by itself: true at every moment, for engine and clients."""
    if [seat.seat_index for seat in grid.seats] != list(range(grid.seat_count)):
        yield "seats are numbered from 0 without a gap"
    sitting = [s.occupant_identity for s in grid.seats if s.occupant_identity]
    asking = [request.identity for request in grid.requests]
    yield from (f"{who} sits on two seats" for who in _twice(sitting))
    yield from (f"{who} asks twice" for who in _twice(asking))
    yield from (
        f"{who} is invited twice"
        for who in _twice(i.identity for i in grid.invitations)
    )
    yield from (f"{who} sits and asks for a seat" for who in asking if who in sitting)
    for seat in grid.seats:
        taken = seat.occupant_identity is not None
        if seat.locked and (taken or seat.reserved_for):
            yield f"seat {seat.seat_index} is locked and not empty"
        if seat.reserved_for and taken:
            yield f"seat {seat.seat_index} is taken and reserved"
    reserved = {(s.seat_index, s.reserved_for) for s in grid.seats if s.reserved_for}
    invited = {
        (i.seat_index, i.identity) for i in grid.invitations if i.seat_index is not None
    }
    for index, who in sorted(reserved ^ invited, key=str):
        yield f"seat {index} is reserved for {who}, or {who} is invited to it, not both"


def rights_laws(
    grid: UTDSeatGrid | None,
    members: Collection[str],
    people: Iterable[SfuParticipant],
) -> Iterator[str]:
    """Judge the SFU by the engine: true once the engine has told it everything.

    Args:
        grid: As the engine committed it; None if the room does not live.
        members: Whom the engine lets in.
        people: Whom the SFU lists.
    """
    for person in people:
        who = person.identity
        if grid is None or who not in members:
            yield f"{who} is at the SFU and no member"
            continue
        seat = grid.seat_of(who)
        speaks = seat is not None and not seat.muted
        right = person.permission
        if right is None or right.can_publish is not speaks:
            yield f"{who} {'may not' if speaks else 'may'} publish, against the grid"
        elif right.can_publish_sources != _SOURCES:
            yield f"{who} may publish more or less than a microphone"
        if right is not None and not (right.can_subscribe and right.can_publish_data):
            yield f"{who} is deaf or dumb"
        if right is not None and right.can_update_metadata:
            yield f"{who} may write their own role"
        if right is not None and (right.hidden or right.can_subscribe_metrics):
            yield f"{who} is hidden or counts the others"


def track_laws(people: Iterable[SfuParticipant]) -> Iterator[str]:
    """Judge the SFU by itself: true at every moment."""
    for person in people:
        for source in person.track_sources:
            right = person.permission
            if right is None or not right.may_publish(source):
                yield f"{person.identity} sends {source.value} without the right"


def snapshot_laws(snapshot: AudioRoomSnapshot) -> Iterator[str]:
    """Judge what a client knows by itself: true at every moment."""
    me = snapshot.local.identity
    yield from grid_laws(snapshot.grid)
    sources = Counter(each.source for each in snapshot.local.publications)
    for source, number in sources.items():
        if source is not TrackSource.MICROPHONE:
            yield f"{me} publishes {source.value} in an audio room"
        elif number > 1:
            yield f"{me} publishes two microphones"


def agreement_laws(
    snapshot: AudioRoomSnapshot, grid: UTDSeatGrid, person: SfuParticipant | None
) -> Iterator[str]:
    """Judge a connected client by engine and SFU: true when all is quiet.

    Args:
        snapshot: Of the client's session.
        grid: As the engine committed it.
        person: The client, as the SFU lists it.
    """
    me = snapshot.local.identity
    if not is_connected(snapshot):
        return
    if person is None:
        yield f"{me} believes to be connected, and the SFU does not know"
        return
    if snapshot.grid != grid:
        yield f"{me} knows revision {snapshot.grid.rev}, the engine has {grid.rev}"
    if snapshot.local.permission != person.permission:
        yield f"{me} does not know its right"
    sent = {each.source for each in snapshot.local.publications}
    if sent != set(person.track_sources):
        yield f"{me} publishes {len(sent)} tracks, the SFU has {person.track_sources}"
    yield from _occupancy_laws(snapshot, grid.seat_of(me), is_sending=bool(sent))


def silence_laws(snapshot: AudioRoomSnapshot) -> Iterator[str]:
    """Judge a client who wants not to be heard: true when all is quiet."""
    if is_connected(snapshot) and not microphone_is_muted(snapshot):
        yield f"{snapshot.local.identity} is heard against their wish"


def voice_laws(snapshot: AudioRoomSnapshot) -> Iterator[str]:
    """Judge a client who wants to be heard: true when all is quiet.

    Not after a fault: a microphone that could not be published then stays off
    until it is asked for again.
    """
    me = snapshot.local.identity
    seat = snapshot.grid.seat_of(me) if is_connected(snapshot) else None
    if seat is not None and not seat.muted and microphone_is_muted(snapshot):
        yield f"{me} may speak, wants to, and is not heard"


def patience_laws(grid: UTDSeatGrid) -> Iterator[str]:
    """Judge what waits: nothing does any more when all has been quiet for long."""
    yield from (f"{each.identity} asks for ever" for each in grid.requests)
    yield from (f"{each.identity} is invited for ever" for each in grid.invitations)


def _occupancy_laws(
    snapshot: AudioRoomSnapshot, seat: UTDSeat | None, *, is_sending: bool
) -> Iterator[str]:
    me, occupancy = snapshot.local.identity, snapshot.occupancy
    if seat is None and occupancy is not SeatOccupancy.LISTENING:
        yield f"{me} sits nowhere and is {occupancy.value}"
    elif seat is not None and occupancy not in _SEATED:
        yield f"{me} sits and is {occupancy.value}"
    elif seat is not None and seat.muted and occupancy is not SeatOccupancy.SILENT:
        yield f"{me} sits on a muted seat and is {occupancy.value}"
    if occupancy is SeatOccupancy.SPEAKING and not is_sending:
        yield f"{me} speaks without a track"
    if seat is None and occupancy is SeatOccupancy.LISTENING and is_sending:
        yield f"{me} listens and still publishes"


_SEATED = frozenset({SeatOccupancy.SPEAKING, SeatOccupancy.SILENT})


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, number in Counter(names).items() if number > 1]
