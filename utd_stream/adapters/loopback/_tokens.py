"""Tokens of the loopback plane: signed, checked, and what they let one do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import attrs
import jwt

from utd_stream.adapters._livekit_refusals import refusal
from utd_stream.models.participants import Permission, TrackSource

__all__ = ["KEY", "MAX_NAME_BYTES", "SECRET", "Entry", "entry", "refuse", "signed"]

KEY = "loopback"
SECRET = "the loopback plane trusts whoever runs in its process"  # noqa: S105
MAX_NAME_BYTES = 256

# What LiveKit grants to clocks that differ from its own, in seconds.
_LEEWAY = 60.0
_OPTIONS: Any = {
    "verify_exp": False,  # by the plane's clock, below
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
}
_SOURCES = {source.value: source for source in TrackSource}
_NOTHING: Mapping[str, Any] = {}


@attrs.frozen(kw_only=True)
class Entry:
    """What a token says, once it was checked.

    Attributes:
        identity: Of whom it lets in.
        room: The SFU's name of the room.
        name: Shown to people.
        metadata: Of the participant.
        attributes: Of the participant.
        permission: What it grants.
        config: How a room that it opens shall be.
    """

    identity: str
    room: str
    name: str
    metadata: str
    attributes: Mapping[str, str]
    permission: Permission
    config: Mapping[str, Any]


def signed(claims: Mapping[str, Any]) -> str:
    """Return the token that says *claims*, and that it is of this plane."""
    return jwt.encode(  # pyright: ignore[reportUnknownMemberType]
        {**claims, "iss": KEY}, SECRET, "HS256"
    )


def entry(token: str, now: float) -> Entry:
    """Check *token* at *now*, in seconds since 1970.

    Raises:
        ConnectError: If it is not taken; never quotes the token (T23).
    """
    try:
        claims: dict[str, Any] | None = jwt.decode(  # pyright: ignore[reportUnknownMemberType]
            token, SECRET, algorithms=["HS256"], issuer=KEY, options=_OPTIONS
        )
    except jwt.InvalidTokenError:
        claims = None
    # Out here no cause and no context quotes the token.
    if claims is None or claims.get("nbf", 0) > now + _LEEWAY:
        refuse("401")
    if claims.get("exp", now) < now - _LEEWAY:
        refuse("401 expired")
    grants: Mapping[str, Any] = claims.get("video") or _NOTHING
    if not grants.get("roomJoin"):
        refuse("401")
    identity, room = str(claims.get("sub") or ""), str(grants.get("room") or "")
    for name in (identity, room):
        if not 0 < len(name.encode()) <= MAX_NAME_BYTES:
            refuse("400")
    return Entry(
        identity=identity,
        room=room,
        name=claims.get("name") or "",
        metadata=claims.get("metadata") or "",
        attributes=claims.get("attributes") or _NOTHING,
        permission=_permission(grants),
        config=claims.get("roomConfig") or _NOTHING,
    )


def refuse(status: str) -> NoReturn:
    """Refuse as LiveKit's client does when the SFU answers *status*."""
    raise refusal(status)


def _permission(grants: Mapping[str, Any]) -> Permission:
    # What is not said is granted; data goes with publishing.
    can_publish = grants.get("canPublish", True)
    return Permission(
        can_subscribe=grants.get("canSubscribe", True),
        can_publish=can_publish,
        can_publish_sources=tuple(
            _SOURCES.get(word, TrackSource.UNKNOWN)
            for word in grants.get("canPublishSources") or ()
        ),
        can_publish_data=grants.get("canPublishData", can_publish),
        can_update_metadata=grants.get("canUpdateOwnMetadata", False),
        hidden=grants.get("hidden", False),
        can_subscribe_metrics=grants.get("canSubscribeMetrics", False),
    )
