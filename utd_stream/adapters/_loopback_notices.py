"""The loopback plane's notices, written and signed as LiveKit does."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import Any

import orjson

from utd_stream.models.rooms import DisconnectReason
from utd_stream.ports import SfuParticipant, SfuRoom

__all__ = ["written_notice"]

_LIFE = 300  # how long a signature is good, in seconds


def written_notice(
    name: str,
    room: SfuRoom,
    participant: SfuParticipant | None,
    reason: DisconnectReason,
    now: datetime,
) -> tuple[bytes, dict[str, Any]]:
    """Return a notice's body, and the claims of the token that signs it."""
    told: dict[str, Any] = {"event": name, "room": _room_json(room)}
    if participant is not None:
        told["participant"] = _participant_json(participant, reason)
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
