"""The observables of a session as words, to be printed and to be expected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum

from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.models import (
    Invitation,
    RemoteParticipant,
    SpeakerRequest,
    TrackSource,
    UTDSeat,
    UTDSeatGrid,
)
from utd_stream.reactive import Latest

__all__ = ["VIEWS", "View", "seat_words"]

View = Callable[[UTDAudioRoomSession], Latest[str]]


def seat_words(seat: UTDSeat) -> str:
    """Say what is to be seen of one seat."""
    if seat.locked:
        words = ["locked"]
    elif seat.reserved_for:
        words = [f"held for {seat.reserved_for}"]
    else:
        words = [seat.occupant_identity or ""]
    if seat.muted:
        words.append("muted")
    return " ".join(word for word in words if word)


def _word(member: Enum) -> str:
    return str(member.value)


def _yes_or_no(fact: bool) -> str:  # noqa: FBT001 -- projects a value
    return "yes" if fact else "no"


def _place(index: int | None) -> str:
    return "none" if index is None else f"seat {index}"


def _grid(grid: UTDSeatGrid) -> str:
    seats = " ".join(f"[{seat_words(seat) or ' '}]" for seat in grid.seats)
    return f"{grid.seat_mode.value} {seats}"


def _requests(requests: tuple[SpeakerRequest, ...]) -> str:
    return ", ".join(request.identity for request in requests) or "none"


def _invitation(invitation: Invitation | None) -> str:
    if invitation is None:
        return "none"
    index = invitation.seat_index
    return "any seat" if index is None else f"seat {index}"


def _remotes(remotes: tuple[RemoteParticipant, ...]) -> str:
    # By name: when the SFU announces whom is its own affair.
    told = sorted((remote.identity, _microphone(remote)) for remote in remotes)
    return ", ".join(identity + microphone for identity, microphone in told) or "none"


def _microphone(remote: RemoteParticipant) -> str:
    for publication in remote.publications:
        if publication.source is TrackSource.MICROPHONE:
            return " (mic muted)" if publication.muted else " (mic)"
    return ""


# `snapshot` is left out: each of these is a part of it.
VIEWS: Mapping[str, View] = {
    "connection_state": lambda session: session.connection_state.derive(_word),
    "connected": lambda session: session.connected.derive(_yes_or_no),
    "role": lambda session: session.role.derive(_word),
    "seats": lambda session: session.seats.derive(_grid),
    "speaker_requests": lambda session: session.speaker_requests.derive(_requests),
    "invitation": lambda session: session.invitation.derive(_invitation),
    "seat": lambda session: session.seat.derive(_place),
    "can_publish": lambda session: session.can_publish.derive(_yes_or_no),
    "occupancy": lambda session: session.occupancy.derive(_word),
    "muted": lambda session: session.microphone_muted.derive(_yes_or_no),
    "remote_participants": lambda session: session.remote_participants.derive(_remotes),
}
