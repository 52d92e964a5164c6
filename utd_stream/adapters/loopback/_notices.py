"""The loopback plane's notices, written and signed as LiveKit does."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson

from utd_stream.adapters.loopback._people import Member, Room, Track
from utd_stream.adapters.loopback._tokens import signed
from utd_stream.models.participants import TrackPublication
from utd_stream.models.rooms import DisconnectReason
from utd_stream.ports import Clock, SfuParticipant, SfuRoom

__all__ = ["Notices"]

_LIFE = 300  # how long a signature is good, in seconds

logger = logging.getLogger("utd_stream.adapters")


class Notices:
    """Whoever hears the plane's notices."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._listeners: list[Callable[[bytes, str], None]] = []

    def watch(self, listener: Callable[[bytes, str], None]) -> None:
        """Give *listener* the body and signature of every notice."""
        self._listeners.append(listener)

    def tell(
        self,
        name: str,
        room: Room,
        member: Member | None = None,
        reason: DisconnectReason = DisconnectReason.UNKNOWN_REASON,
        *,
        track: Track | None = None,
    ) -> None:
        """Tell everybody at once, in order; nobody can harm the plane."""
        if not self._listeners:
            return
        body, claims = _written(
            name,
            room.shown(),
            None if member is None else member.shown(),
            reason,
            self._clock.now(),
            track=None if track is None else track.publication,
        )
        authorization = signed(claims)
        for listener in self._listeners:
            try:
                listener(body, authorization)
            except Exception:
                logger.exception("a listener to notices raised; it stays")


def _written(  # noqa: PLR0913 -- what a notice is made of
    name: str,
    room: SfuRoom,
    participant: SfuParticipant | None,
    reason: DisconnectReason,
    now: datetime,
    *,
    track: TrackPublication | None = None,
) -> tuple[bytes, dict[str, Any]]:
    """Return a notice's body, and the claims of the token that signs it."""
    told: dict[str, Any] = {"event": name, "room": _room_json(room)}
    if participant is not None:
        told["participant"] = _participant_json(participant, reason)
    if track is not None:
        told["track"] = {
            "sid": track.sid,
            "name": track.name,
            "source": track.source.value.upper(),
        }
    body = orjson.dumps(told)
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    at = int(now.timestamp())
    return body, {"sha256": digest, "nbf": at - 5, "exp": at + _LIFE}


def _room_json(room: SfuRoom) -> dict[str, Any]:
    return {
        "name": room.name,
        "sid": room.sid,
        "metadata": room.metadata,
        "numParticipants": room.num_participants,
    }


def _participant_json(
    participant: SfuParticipant, reason: DisconnectReason
) -> dict[str, Any]:
    joined_at_ms = round(participant.joined_at.timestamp() * 1000)
    return {
        "identity": participant.identity,
        "sid": participant.sid,
        "joinedAt": str(joined_at_ms // 1000),
        "joinedAtMs": str(joined_at_ms),
        "metadata": participant.metadata,
        "disconnectReason": reason.value.upper(),
    }
