"""Tokens that the engine makes: a bearer for its users, and a way into a room.

Times are set and checked on the engine's clock; PyJWT would read the wall's.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import UTC, datetime
from typing import Any

import attrs
import jwt

from utd_stream.engine.rules.grants import participant_metadata, permission
from utd_stream.engine.rules.kinds import kind_of
from utd_stream.engine.rules.state import Member, Room, Rules
from utd_stream.errors import UnauthenticatedError
from utd_stream.models.names import sfu_room_name
from utd_stream.models.participants import Permission
from utd_stream.ports import Clock, Sfu

__all__ = ["UserClaims", "UserTokens", "room_token"]

_LIFE = 3600  # of a bearer, in seconds
_JOIN = 600  # how long a room token opens the door, in seconds
_EARLY = 1.0  # a bearer made on another machine may be from the near future
_REMEMBERED = 10_000


@attrs.frozen(kw_only=True)
class UserClaims:
    """What a bearer says.

    Attributes:
        app: The id of its app.
        identity: Whom it names.
        name: Shown to people.
        device_id: The app's own name for the device.
        nbf: From when it is good, in seconds since 1970 UTC.
        exp: Until when.
    """

    app: str
    identity: str
    name: str | None = None
    device_id: str | None = None
    nbf: float = 0.0
    exp: float


class UserTokens:
    """Makes and reads the users' bearers.

    Verified ones are remembered by their text, since verifying costs more
    than the rest of a small request; their times are checked each time.
    `make` may be called in the writer's thread, and so remembers nothing.

    Args:
        secret: Signs them.
        clock: Of the engine.
    """

    def __init__(self, secret: str, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock
        self._read: OrderedDict[str, UserClaims] = OrderedDict()

    def make(
        self, app: str, identity: str, *, name: str | None, device_id: str | None
    ) -> tuple[str, datetime]:
        """Return a bearer and when it ends."""
        now = int(self._clock.now().timestamp())
        claims: dict[str, Any] = {"app": app, "identity": identity}
        claims |= {"iat": now, "nbf": now, "exp": now + _LIFE}
        if name is not None:
            claims["name"] = name
        if device_id is not None:
            claims["device_id"] = device_id
        token = jwt.encode(  # pyright: ignore[reportUnknownMemberType]
            claims, self._secret, "HS256"
        )
        return token, datetime.fromtimestamp(now + _LIFE, UTC)

    def read(self, token: str) -> UserClaims:
        """Return what *token* says.

        Raises:
            UnauthenticatedError: If the engine did not sign it, or it is not
                good now.
        """
        claims = self._read.get(token)
        if claims is None:
            claims = self._verified(token)
            self._remember(token, claims)
        now = self._clock.now().timestamp()
        if not claims.nbf - _EARLY <= now < claims.exp:
            self._read.pop(token, None)
            message = "the bearer has expired: refresh it, or sign in again"
            raise UnauthenticatedError(message)
        return claims

    def _remember(self, token: str, claims: UserClaims) -> None:
        self._read[token] = claims
        if len(self._read) > _REMEMBERED:
            self._read.popitem(last=False)

    def _verified(self, token: str) -> UserClaims:
        message = "the bearer is not one of this engine"
        try:
            raw: dict[str, Any] = jwt.decode(  # pyright: ignore[reportUnknownMemberType]
                token, self._secret, algorithms=["HS256"], options=_OPTIONS
            )
            return _claims(raw)
        except (jwt.InvalidTokenError, TypeError, ValueError, KeyError):
            raise UnauthenticatedError(message) from None  # it may quote the token


def _claims(raw: dict[str, Any]) -> UserClaims:
    texts = (raw["app"], raw["identity"], raw.get("name"), raw.get("device_id"))
    if not all(isinstance(text, str | None) for text in texts) or None in texts[:2]:
        message = "claims must be texts"
        raise TypeError(message)
    app, identity, name, device_id = texts
    return UserClaims(
        app=app,
        identity=identity,
        name=name,
        device_id=device_id,
        nbf=float(raw["nbf"]),
        exp=float(raw["exp"]),
    )


_OPTIONS: Any = {
    "require": ["exp", "nbf", "iat"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
}


def room_token(sfu: Sfu, room: Room, member: Member, rules: Rules, now: float) -> str:
    """Return the token that lets *member* into *room* at the SFU.

    It carries no right to publish but in a call: elsewhere rights come by grant, so
    that the SFU refuses whatever the engine has not decided.  A room that the SFU
    opens by itself when somebody joins lives as long as one of ours.
    """
    granted = permission(room, member) or Permission()
    empty = int(rules.room_empty)
    opened: dict[str, Any] = {"emptyTimeout": empty, "departureTimeout": empty}
    if most := kind_of(room).most_participants:
        opened["maxParticipants"] = most
    claims: dict[str, Any] = {
        "sub": member.identity,
        "nbf": int(now) - 1,
        "exp": int(now) + _JOIN,
        "video": {
            "roomJoin": True,
            "room": sfu_room_name(room.app_id, room.name),
            "canPublish": granted.can_publish and room.type.is_call,
            "canPublishSources": [s.value for s in granted.can_publish_sources],
            "canPublishData": granted.can_publish_data,
            "canSubscribe": granted.can_subscribe,
            "canUpdateOwnMetadata": granted.can_update_metadata,
        },
        "metadata": participant_metadata(room, member),
        "roomConfig": opened,
    }
    if member.name is not None:
        claims["name"] = member.name
    if member.attributes:
        claims["attributes"] = dict(member.attributes)
    return sfu.sign_token(claims)
