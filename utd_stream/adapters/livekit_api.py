"""The media plane of LiveKit, seen by the engine: its server API and webhooks."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine, Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

import aiohttp
import jwt
from google.protobuf.message import DecodeError
from livekit import api
from livekit.api.room_service import RoomService
from livekit.protocol import models as proto

from utd_stream.adapters._livekit_notices import (
    notice,
    sfu_participant,
    sfu_room,
    signed_digest,
)
from utd_stream.adapters._livekit_words import proto_permission, redacted
from utd_stream.adapters._pieces import mapped
from utd_stream.errors import (
    ConnectError,
    SfuNotFoundError,
    SfuRefusedError,
    TransportError,
    TransportTimeoutError,
    UTDStreamException,
)
from utd_stream.models.participants import Permission
from utd_stream.ports import SfuNotice, SfuParticipant, SfuRoom

__all__ = ["LiveKitSfu"]

_R = TypeVar("_R")

# What LiveKit will never take or has not; every other code may pass.
_REFUSALS: Mapping[str, type[UTDStreamException]] = {
    api.ServerErrorCode.NOT_FOUND: SfuNotFoundError,
    api.ServerErrorCode.INVALID_ARGUMENT: SfuRefusedError,
    api.ServerErrorCode.MALFORMED: SfuRefusedError,
    api.ServerErrorCode.OUT_OF_RANGE: SfuRefusedError,
}


class LiveKitSfu:
    """`Sfu` over LiveKit's server API.

    Args:
        url: Of the LiveKit server: ``http``, ``https``, ``ws`` or ``wss``.
        key: Its API key.
        secret: Of that key.
        session: A pool of connections to use; without one it has its own.
        timeout: For each request, in seconds.
    """

    def __init__(
        self,
        url: str,
        key: str,
        secret: str,
        *,
        session: aiohttp.ClientSession | None = None,
        timeout: float = 10.0,
    ) -> None:
        self._url = url
        self._key = key
        self._secret = secret
        self._session = session
        self._owns_session = session is None
        self._timeout = timeout

    async def create_room(
        self,
        name: str,
        *,
        metadata: str,
        empty_timeout: float,
        max_participants: int = 0,
    ) -> SfuRoom:
        """Open a room, or return the one that exists, unchanged."""
        seconds = math.ceil(empty_timeout)
        with _encoding():
            request = api.CreateRoomRequest(
                name=name,
                metadata=metadata,
                empty_timeout=seconds,
                departure_timeout=seconds,
                max_participants=max_participants,
            )
        return sfu_room(await self._asked(self._rooms().create_room(request)))

    async def delete_room(self, name: str) -> None:
        """Close a room and remove everybody."""
        with _encoding():
            request = api.DeleteRoomRequest(room=name)
        await self._asked(self._rooms().delete_room(request))

    async def update_room_metadata(self, name: str, metadata: str) -> None:
        """Replace a room's metadata."""
        with _encoding():
            request = api.UpdateRoomMetadataRequest(room=name, metadata=metadata)
        await self._asked(self._rooms().update_room_metadata(request))

    async def update_participant(
        self, name: str, identity: str, *, permission: Permission, metadata: str
    ) -> None:
        """Replace somebody's metadata, then the whole of their permission."""
        with _encoding():
            request = api.UpdateParticipantRequest(
                room=name,
                identity=identity,
                permission=proto_permission(permission),
                metadata=metadata,
            )
        await self._asked(self._rooms().update_participant(request))

    async def remove_participant(self, name: str, identity: str) -> None:
        """End somebody's connection; their token stays valid."""
        with _encoding():
            request = api.RoomParticipantIdentity(room=name, identity=identity)
        await self._asked(self._rooms().remove_participant(request))

    async def send_data(self, name: str, data: bytes, *, to: Sequence[str]) -> None:
        """Send a reliable data message without a sender."""
        with _encoding():
            request = api.SendDataRequest(
                room=name,
                data=data,
                kind=proto.DataPacket.Kind.RELIABLE,
                destination_identities=to,
            )
        await self._asked(self._rooms().send_data(request))

    async def list_rooms(self, names: Sequence[str] = ()) -> tuple[SfuRoom, ...]:
        """Return those of the rooms *names* that exist; without names, every room."""
        request = api.ListRoomsRequest(names=names)
        answer = await self._asked(self._rooms().list_rooms(request))
        return await mapped(sfu_room, answer.rooms)

    async def list_participants(self, name: str) -> tuple[SfuParticipant, ...]:
        """Return everybody in a room."""
        with _encoding():
            request = api.ListParticipantsRequest(room=name)
        answer = await self._asked(self._rooms().list_participants(request))
        return await mapped(sfu_participant, answer.participants)

    def sign_token(self, claims: Mapping[str, Any]) -> str:
        """Sign a token that the SFU takes."""
        return jwt.encode(  # pyright: ignore[reportUnknownMemberType] -- its keys' types
            {**claims, "iss": self._key}, self._secret, "HS256"
        )

    def check_notice(self, authorization: str, now: datetime) -> None:
        """Check what a webhook's signature shows before its body is read."""
        signed_digest(authorization, now, key=self._key, secret=self._secret)

    def read_notice(self, body: bytes, authorization: str, now: datetime) -> SfuNotice:
        """Check a webhook's signature and return what it tells."""
        return notice(body, authorization, now, key=self._key, secret=self._secret)

    async def aclose(self) -> None:
        """Free connections of our own."""
        if self._owns_session and self._session is not None:
            session, self._session = self._session, None
            await session.close()

    def _rooms(self) -> RoomService:
        # In here, since a session is made inside its loop.
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        # Failover is for LiveKit's cloud, and tries again by itself.
        return RoomService(
            self._session, self._url, self._key, self._secret, failover=False
        )

    async def _asked(self, request: Coroutine[Any, Any, _R]) -> _R:
        """Await *request* and raise its failure as one of our errors."""
        try:
            # LiveKit's library overrules the timeout of the session by none.
            async with asyncio.timeout(self._timeout):
                return await request
        except api.ServerError as error:
            raise _refusal(error) from error
        # An answer that is no message of LiveKit's, or no object of JSON.
        except (DecodeError, AttributeError) as error:
            message = "no LiveKit server answers at its URL, but something else does"
            raise TransportError(message) from error
        except aiohttp.ClientConnectorError as error:
            message = "no LiveKit server answers at its URL; is it running?"
            raise ConnectError(message) from error
        except TimeoutError as error:
            message = f"the LiveKit server did not answer within {self._timeout:g} s"
            raise TransportTimeoutError(message) from error
        except (aiohttp.ClientError, OSError) as error:
            name = type(error).__name__
            message = f"the connection to the LiveKit server broke: {name}"
            raise TransportError(message) from error


@contextmanager
def _encoding() -> Generator[None]:
    """Raise what LiveKit's protocol cannot hold as one of our errors."""
    try:
        yield
    except (TypeError, ValueError) as error:
        message = "LiveKit's messages cannot hold this: a text must be valid Unicode"
        raise SfuRefusedError(message) from error


def _refusal(error: api.ServerError) -> UTDStreamException:
    kind = _REFUSALS.get(error.code, TransportError)
    # How SendData says after 3 s that there is no such room: no node serves it.
    if (
        error.code == api.ServerErrorCode.UNAVAILABLE
        and "no response from servers" in error.message
    ):
        kind = SfuNotFoundError
    text = redacted(error.message) or "no more than that"
    return kind(f"LiveKit answered {error.status} {error.code}: {text}")
