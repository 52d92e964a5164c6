"""LiveKit's webhooks, and its rooms and participants, in our words."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from google.protobuf import json_format
from livekit.protocol import models as proto
from livekit.protocol.webhook import WebhookEvent

from utd_stream.adapters._livekit_words import (
    disconnect_reason,
    permission,
    track_source,
)
from utd_stream.errors import RemoteProtocolError, SfuSignatureError
from utd_stream.ports import (
    OtherNotice,
    ParticipantJoined,
    ParticipantLeft,
    RoomFinished,
    RoomStarted,
    SfuNotice,
    SfuParticipant,
    SfuRoom,
)

__all__ = ["notice", "sfu_participant", "sfu_room", "signed_digest"]

# How far the clocks of LiveKit and of the engine may be apart.
_LEEWAY = timedelta(seconds=60)


def sfu_room(room: proto.Room) -> SfuRoom:
    """Return our room for LiveKit's."""
    return SfuRoom(
        name=room.name,
        sid=room.sid,
        metadata=room.metadata,
        num_participants=room.num_participants,
    )


def sfu_participant(info: proto.ParticipantInfo) -> SfuParticipant:
    """Return our participant for LiveKit's."""
    joined_at_ms = info.joined_at_ms or info.joined_at * 1000  # older: seconds only
    has_permission = info.HasField("permission")
    return SfuParticipant(
        identity=info.identity,
        sid=info.sid,
        joined_at=datetime.fromtimestamp(joined_at_ms / 1000, UTC),
        permission=permission(info.permission) if has_permission else None,
        metadata=info.metadata,
        track_sources=tuple(track_source(track.source) for track in info.tracks),
    )


def notice(
    body: bytes, authorization: str, now: datetime, *, key: str, secret: str
) -> SfuNotice:
    """Check a webhook's signature and return what it tells.

    Raises:
        SfuSignatureError: If it was not signed, as it is, with *key*.
        RemoteProtocolError: If it cannot be read.
    """
    expected = signed_digest(authorization, now, key=key, secret=secret)
    if not hmac.compare_digest(expected, hashlib.sha256(body).digest()):
        message = "the webhook's body is not the one that was signed"
        raise SfuSignatureError(message)
    try:
        return _told(
            json_format.Parse(body, WebhookEvent(), ignore_unknown_fields=True)
        )
    # The others are times that no calendar knows.
    except (json_format.ParseError, ValueError, OverflowError, OSError) as error:
        message = "the webhook is no event of LiveKit"
        raise RemoteProtocolError(message, path="$") from error


def signed_digest(authorization: str, now: datetime, *, key: str, secret: str) -> bytes:
    """Return the digest that the body of a webhook must have.

    A client's own token is signed with the same key, but covers no body.

    Raises:
        SfuSignatureError: If it is not signed with *key*, not valid now, or
            covers no body.
    """
    claims = _claims(authorization, key, secret)
    _check_times(claims, now)
    try:
        digest = base64.b64decode(claims.get("sha256") or "", validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        message = "the webhook's signature covers no body"
        raise SfuSignatureError(message) from error
    if len(digest) != hashlib.sha256().digest_size:
        message = "the webhook's signature covers no body"
        raise SfuSignatureError(message)
    return digest


def _told(event: WebhookEvent) -> SfuNotice:
    room = sfu_room(event.room)
    match event.event:
        case "room_started":
            return RoomStarted(room=room)
        case "room_finished":
            return RoomFinished(room=room)
        case "participant_joined":
            return ParticipantJoined(
                room=room, participant=sfu_participant(event.participant)
            )
        # The second is sent in place of the first for those who never got in.
        case "participant_left" | "participant_connection_aborted":
            return ParticipantLeft(
                room=room,
                participant=sfu_participant(event.participant),
                reason=disconnect_reason(event.participant.disconnect_reason),
            )
        case other:
            return OtherNotice(
                event=other, room=room if event.HasField("room") else None
            )


def _claims(authorization: str, key: str, secret: str) -> dict[str, Any]:
    # LiveKit sends the bare token; a proxy may have put the scheme before it.
    token = authorization.removeprefix("Bearer ").strip()
    try:
        return jwt.decode(  # pyright: ignore[reportUnknownMemberType] -- its keys' types
            token,
            secret,
            algorithms=["HS256"],
            issuer=key,
            # The times are checked by the clock of the engine, below.
            options={
                "require": ["exp", "iss"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": False,
            },
        )
    # The second: bytes that are no text come as halves of characters.
    except (jwt.InvalidTokenError, UnicodeError) as error:
        message = f"the webhook's signature is not taken: {type(error).__name__}"
        raise SfuSignatureError(message) from error


def _check_times(claims: dict[str, Any], now: datetime) -> None:
    expires, begins = claims["exp"], claims.get("nbf", 0)
    if not isinstance(expires, int | float) or not isinstance(begins, int | float):
        message = "the webhook's signature has no readable times"
        raise SfuSignatureError(message)
    if now.timestamp() > expires + _LEEWAY.total_seconds():
        message = "the webhook's signature has expired"
        raise SfuSignatureError(message)
    if now.timestamp() < begins - _LEEWAY.total_seconds():
        message = "the webhook's signature is not valid yet; compare the clocks"
        raise SfuSignatureError(message)
