"""What LiveKit tells, as facts about our rooms.

Hints only: a notice may be lost, late or out of order (T15), and whatever it
would have said, the next listing says again.
"""

from __future__ import annotations

from utd_stream.contract.endpoints import Who
from utd_stream.engine.orders import Order
from utd_stream.engine.rules.commands import (
    Command,
    MemberJoined,
    MemberLeft,
    RoomOpened,
)
from utd_stream.engine.rules.grants import metadata_revision
from utd_stream.engine.services import Services
from utd_stream.engine.store import RoomKey
from utd_stream.errors import (
    InvalidRequestError,
    NotFoundError,
    RemoteProtocolError,
    SfuSignatureError,
    UnauthenticatedError,
)
from utd_stream.models.names import split_sfu_room_name
from utd_stream.ports import (
    OtherNotice,
    ParticipantJoined,
    ParticipantLeft,
    RoomFinished,
    RoomStarted,
    SfuRoom,
)

__all__ = ["check_signature", "hear"]


def check_signature(services: Services, authorization: str) -> None:
    """Refuse a notice whose signature LiveKit did not make, before it is read.

    Raises:
        UnauthenticatedError: If so.
    """
    try:
        services.sfu.check_notice(authorization, services.clock.now())
    except SfuSignatureError as error:
        raise UnauthenticatedError(str(error)) from error


async def hear(services: Services, body: bytes, authorization: str) -> None:
    """Take one notice; it is on disk when this returns.

    Raises:
        UnauthenticatedError: If LiveKit did not sign it.
        InvalidRequestError: If it cannot be read.
        UnavailableError: If it could not be kept: LiveKit tells it again.
    """
    try:
        notice = services.sfu.read_notice(body, authorization, services.clock.now())
    except SfuSignatureError as error:
        raise UnauthenticatedError(str(error)) from error
    except RemoteProtocolError as error:
        raise InvalidRequestError(str(error), 400, "malformed") from error
    match notice:
        case ParticipantJoined(room=room, participant=participant):
            await _tell(services, room, MemberJoined(participant=participant))
        case ParticipantLeft(room=room, participant=who, reason=reason):
            left = MemberLeft(identity=who.identity, sid=who.sid, reason=reason)
            await _tell(services, room, left)
        case RoomStarted(room=room):
            shown = metadata_revision(room.metadata)
            await _tell(services, room, RoomOpened(metadata_rev=shown))
        case RoomFinished(room=room):
            key = _key(services, room)
            if key is not None:
                # May be told long after, when a room of that name lives (T32):
                # a listing knows.
                services.reconciler.hint(key)
        case OtherNotice():
            pass


async def _tell(services: Services, room: SfuRoom, fact: Command) -> None:
    key = _key(services, room)
    if key is None:
        return
    try:
        await services.writer.submit(Order(key=key, command=fact, who=Who.SFU))
    except NotFoundError:
        return


def _key(services: Services, room: SfuRoom) -> RoomKey | None:
    key = split_sfu_room_name(room.name)
    return key if key is not None and services.authenticator.knows(key[0]) else None
