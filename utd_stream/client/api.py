"""The typed REST facade: a method for each endpoint of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from utd_stream._border import HomeLoop, border
from utd_stream.client._rest import Call, Rest
from utd_stream.contract import answers as a
from utd_stream.contract import call_endpoints as calls
from utd_stream.contract import endpoints as e
from utd_stream.contract import participant_endpoints as people
from utd_stream.contract import requests as r
from utd_stream.contract import room_endpoints as rooms
from utd_stream.contract.endpoint import Endpoint
from utd_stream.contract.fields import (
    DisplayName,
    Identity,
    ModeId,
    SeatCount,
    SeatIndex,
    Text256,
    WholeNumber,
)
from utd_stream.models.calls import HangUpReason, UTDCall, UTDCallStatus
from utd_stream.models.rooms import SeatMode, UTDRole, UTDStreamType
from utd_stream.models.seats import SpeakerRequest, UTDSeatGrid

__all__ = ["UTDApi"]

_R = TypeVar("_R")
_A = TypeVar("_A")

_ACT = r.ActRequest()
_CALL_ACT = r.CallActRequest()


@border
class UTDApi:
    """Every call an app may make to the engine.

    Names of rooms and people are percent-encoded; every write carries an
    Idempotency-Key and is repeated with it after a transport fault, and after
    the time that a Retry-After names, as far as `Timeouts.request` allows.

    Every method raises:
        EngineError: If the engine says no; `PermissionDeniedError`,
            `NotFoundError`, `ConflictError` and the others say why.
        TransportError: If the engine cannot be reached, after three tries;
            `IntermediaryError` if something else answers in its place.
        RemoteProtocolError: If its answer cannot be read.
        InvalidArgumentError: If a name would change the path.
    """

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._home = HomeLoop()

    async def health(self) -> a.Health:
        """Ask whether the engine's process lives."""
        return await self._call(e.HEALTH)

    async def ready(self) -> a.Ready:
        """Ask whether the engine can serve.

        Raises:
            UnavailableError: If not; ``details["not_ready"]`` names the parts.
        """
        return await self._call(e.READY)

    async def openapi(self) -> dict[str, Any]:
        """Return the engine's own description of its API."""
        return await self._call(e.OPENAPI)

    async def contract(self) -> a.Contract:
        """Read the tables of the machines, those of the engine and of clients."""
        return await self._call(e.CONTRACT)

    async def create_session(
        self, identity: str, *, name: str | None = None, device_id: str | None = None
    ) -> a.SessionAnswer:
        """Sign a user in; the answer holds the bearer.

        The app's key is shown, where there is one, and not the bearer in use.
        """
        body = r.SessionRequest(
            identity=Identity(identity),
            name=None if name is None else DisplayName(name),
            device_id=None if device_id is None else Text256(device_id),
        )
        return await self._rest.call(e.CREATE_SESSION, body, Call(as_app=True))

    async def refresh_session(self) -> a.SessionAnswer:
        """Exchange the bearer in use for a newer one."""
        return await self._call(e.REFRESH_SESSION)

    async def create_token(self, request: r.TokenRequest) -> a.UTDTokenResponse:
        """Enter a room; the answer holds the way to the SFU."""
        return await self._call(e.CREATE_TOKEN, request)

    async def list_rooms(
        self, *, page: int = 1, per_page: int = 20
    ) -> a.Page[a.RoomView]:
        """List rooms that live; the app's secret only."""
        return await self._list(rooms.LIST_ROOMS, page, per_page)

    async def get_room(
        self, room: str, *, page: int = 1, per_page: int = 20
    ) -> a.RoomView:
        """Read a room and a page of its members."""
        return await self._list(rooms.GET_ROOM, page, per_page, room=room)

    async def end_room(self, room: str) -> a.Empty:
        """End a room; everybody is removed."""
        return await self._call(rooms.END_ROOM, _ACT, room=room)

    async def set_room_metadata(
        self, room: str, metadata: Mapping[str, Any]
    ) -> a.Empty:
        """Show the app's own keys in the room's metadata; the app's secret only.

        Args:
            room: Which.
            metadata: All of them, at most 4,096 bytes of JSON; none begins with ``_``.
        """
        body = r.RoomMetadataRequest(metadata=metadata)
        return await self._call(rooms.SET_ROOM_METADATA, body, room=room)

    async def lock_chat(self, room: str) -> a.Empty:
        """Let only moderators chat, until the room ends; hosts and admins."""
        return await self._call(rooms.LOCK_CHAT, _ACT, room=room)

    async def unlock_chat(self, room: str) -> a.Empty:
        """Let everybody chat; hosts and admins."""
        return await self._call(rooms.UNLOCK_CHAT, _ACT, room=room)

    async def leave_room(self, room: str, *, connection: int | None = None) -> a.Empty:
        """Give up seat, requests and invitations; quiet if there is nothing.

        Args:
            room: Which.
            connection: Number of the connection that leaves; one older than
                the newest changes nothing.
        """
        number = None if connection is None else WholeNumber(connection)
        return await self._call(
            rooms.LEAVE_ROOM, r.LeaveRequest(connection=number), room=room
        )

    async def list_participants(
        self,
        room: str,
        *,
        role: UTDRole | None = None,
        page: int = 1,
        per_page: int = 20,
    ) -> a.Page[a.ParticipantView]:
        """List a room's members, all or those of one role, from the engine's roster."""
        return await self._members(people.LIST_PARTICIPANTS, room, role, page, per_page)

    async def list_participants_by_role(
        self, room: str, role: UTDRole, *, page: int = 1, per_page: int = 20
    ) -> a.Page[a.ParticipantView]:
        """List a room's members of one role, from the engine's own roster."""
        endpoint = people.LIST_PARTICIPANTS_BY_ROLE
        return await self._members(endpoint, room, role, page, per_page)

    async def get_participant(self, room: str, identity: str) -> a.ParticipantView:
        """Read one member."""
        return await self._call(people.GET_PARTICIPANT, room=room, identity=identity)

    async def kick_participant(self, room: str, identity: str) -> a.Empty:
        """Remove a member until the next mint; hosts and admins."""
        return await self._call(
            people.KICK_PARTICIPANT, _ACT, room=room, identity=identity
        )

    async def set_role(self, room: str, identity: str, role: UTDRole) -> a.Empty:
        """Give a member another role until the room ends; its owner."""
        body = r.RoleRequest(role=role)
        return await self._call(people.SET_ROLE, body, room=room, identity=identity)

    async def mute_participant(
        self,
        room: str,
        identity: str,
        *,
        muted: bool = True,
        audio: bool = False,
        video: bool = False,
    ) -> a.Empty:
        """Take sources from a member, or give them back; hosts and admins.

        Args:
            room: Which.
            identity: Whose.
            muted: True takes them.
            audio: The microphone and the sound of a shared screen.
            video: The camera and the shared screen.
        """
        body = r.MuteRequest(audio=audio, video=video, muted=muted)
        endpoint = people.MUTE_PARTICIPANT
        return await self._call(endpoint, body, room=room, identity=identity)

    async def mute_room(
        self,
        room: str,
        *,
        muted: bool = True,
        audio: bool = False,
        video: bool = False,
    ) -> a.Empty:
        """Take sources from everybody below admin, or give them back; moderators.

        Args:
            room: Which.
            muted: True takes them.
            audio: Microphones and the sound of shared screens.
            video: Cameras and shared screens.
        """
        body = r.MuteRequest(audio=audio, video=video, muted=muted)
        return await self._call(people.MUTE_ROOM, body, room=room)

    async def get_seats(self, room: str) -> UTDSeatGrid:
        """Read the grid."""
        return await self._call(e.GET_SEATS, room=room)

    async def setup_seats(
        self,
        room: str,
        *,
        seat_count: int | None = None,
        seat_mode: SeatMode | None = None,
        mode_id: str | None = None,
        if_match: int | None = None,
    ) -> a.SeatAnswer:
        """Change size (1 to 100), mode or layout of the grid; None stays."""
        body = r.SetupRequest(
            seat_count=None if seat_count is None else SeatCount(seat_count),
            seat_mode=seat_mode,
            mode_id=None if mode_id is None else ModeId(mode_id),
        )
        return await self._call(e.SETUP_SEATS, body, if_match, room=room)

    async def take_seat(
        self,
        room: str,
        index: int,
        *,
        if_match: int | None = None,
        key: str | None = None,
        void: bool = False,
    ) -> a.SeatedAnswer:
        """Sit down.

        Args:
            room: Where.
            index: From 0.
            if_match: Refuse unless the grid has this revision.
            key: Idempotency-Key; the same one again gives the same answer.
            void: Take back the request with that key: its answer if the engine
                served it, else a `ConflictError`, and it never will.
        """
        path: dict[str, str | int] = {"room": room, "index": index}
        call = Call(path=path, if_match=if_match, key=key, void=void)
        return await self._rest.call(e.TAKE_SEAT, _ACT, call)

    async def leave_seat(
        self, room: str, *, if_match: int | None = None
    ) -> a.SeatAnswer:
        """Leave your seat; does nothing if you have none."""
        return await self._call(e.LEAVE_SEAT, _ACT, if_match, room=room)

    async def move_seat(
        self, room: str, target_seat: int, *, if_match: int | None = None
    ) -> a.SeatAnswer:
        """Sit down elsewhere, in one change."""
        body = r.MoveRequest(target_seat=SeatIndex(target_seat))
        return await self._call(e.MOVE_SEAT, body, if_match, room=room)

    async def swap_seats(
        self, room: str, seat_a: int, seat_b: int, *, if_match: int | None = None
    ) -> a.SeatAnswer:
        """Exchange the occupants of two seats; hosts and admins."""
        body = r.SwapRequest(a=SeatIndex(seat_a), b=SeatIndex(seat_b))
        return await self._call(e.SWAP_SEATS, body, if_match, room=room)

    async def kick_from_seat(
        self, room: str, index: int, *, if_match: int | None = None
    ) -> a.SeatAnswer:
        """Unseat the occupant; hosts and admins."""
        return await self._call(
            e.KICK_FROM_SEAT, _ACT, if_match, room=room, index=index
        )

    async def lock_seat(
        self, room: str, index: int, *, if_match: int | None = None
    ) -> a.SeatAnswer:
        """Unseat the occupant and close the seat; hosts and admins."""
        return await self._call(e.LOCK_SEAT, _ACT, if_match, room=room, index=index)

    async def unlock_seat(
        self, room: str, index: int, *, if_match: int | None = None
    ) -> a.SeatAnswer:
        """Open the seat; hosts and admins."""
        return await self._call(e.UNLOCK_SEAT, _ACT, if_match, room=room, index=index)

    async def mute_seat(
        self, room: str, index: int, *, if_match: int | None = None
    ) -> a.SeatAnswer:
        """Take the right to speak from the seat; hosts and admins."""
        return await self._call(e.MUTE_SEAT, _ACT, if_match, room=room, index=index)

    async def unmute_seat(
        self, room: str, index: int, *, if_match: int | None = None
    ) -> a.SeatAnswer:
        """Give the right to speak back to the seat; hosts and admins."""
        return await self._call(e.UNMUTE_SEAT, _ACT, if_match, room=room, index=index)

    async def request_to_speak(
        self, room: str, *, if_match: int | None = None
    ) -> a.RequestAnswer:
        """Ask for a seat, in a room that gives them on request."""
        return await self._call(e.REQUEST_TO_SPEAK, _ACT, if_match, room=room)

    async def cancel_request(
        self, room: str, *, if_match: int | None = None
    ) -> a.SeatAnswer:
        """Withdraw your request to speak; does nothing if there is none."""
        return await self._call(e.CANCEL_REQUEST, _ACT, if_match, room=room)

    async def get_requests(
        self, room: str, *, page: int = 1, per_page: int = 20
    ) -> a.Page[SpeakerRequest]:
        """List the requests to speak, oldest first."""
        return await self._list(e.GET_REQUESTS, page, per_page, room=room)

    async def approve_speaker(
        self, room: str, request_id: int, *, if_match: int | None = None
    ) -> a.SeatedAnswer:
        """Seat the requester on the first free seat; hosts and admins."""
        return await self._call(
            e.APPROVE_SPEAKER, _ACT, if_match, room=room, id=request_id
        )

    async def reject_speaker(
        self, room: str, request_id: int, *, if_match: int | None = None
    ) -> a.RequestAnswer:
        """Refuse the requester; hosts and admins."""
        return await self._call(
            e.REJECT_SPEAKER, _ACT, if_match, room=room, id=request_id
        )

    async def invite_to_speak(
        self,
        room: str,
        identity: str,
        *,
        seat_index: int | None = None,
        if_match: int | None = None,
    ) -> a.InvitationAnswer:
        """Ask somebody to sit down; hosts and admins."""
        body = r.InviteRequest(
            target_identity=Identity(identity),
            seat_index=None if seat_index is None else SeatIndex(seat_index),
        )
        return await self._call(e.INVITE_TO_SPEAK, body, if_match, room=room)

    async def accept_invitation(
        self,
        room: str,
        invitation_id: int,
        *,
        if_match: int | None = None,
        key: str | None = None,
        void: bool = False,
    ) -> a.SeatedAnswer:
        """Sit down as invited."""
        path: dict[str, str | int] = {"room": room, "id": invitation_id}
        call = Call(path=path, if_match=if_match, key=key, void=void)
        return await self._rest.call(e.ACCEPT_INVITATION, _ACT, call)

    async def decline_invitation(
        self, room: str, invitation_id: int, *, if_match: int | None = None
    ) -> a.InvitationAnswer:
        """Stay where one is."""
        return await self._call(
            e.DECLINE_INVITATION,
            _ACT,
            if_match,
            room=room,
            id=invitation_id,
        )

    async def create_call(  # noqa: PLR0913 -- what a call is told
        self,
        callee_identity: str,
        type: UTDStreamType,  # noqa: A002 -- the contract's name
        *,
        callee_name: str | None = None,
        caller_name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        party_id: str | None = None,
        key: str | None = None,
        void: bool = False,
    ) -> UTDCall:
        """Call somebody; the answer holds the way into the media room.

        Args:
            callee_identity: Whom.
            type: Audio call or video call.
            callee_name: Shown to people.
            caller_name: Shown to people.
            metadata: The app's own, for both; at most 4,096 bytes of JSON.
            party_id: Names this client: it alone may enter the media room.
            key: Idempotency-Key; the same again is the same call.
            void: Take back the request with that key: its answer if the engine
                served it, else a `ConflictError`, and it never will.
        """
        body = r.CallRequest(
            callee_identity=Identity(callee_identity),
            callee_name=None if callee_name is None else DisplayName(callee_name),
            caller_name=None if caller_name is None else DisplayName(caller_name),
            type=type,
            metadata=metadata,
            party_id=_party(party_id),
        )
        return await self._rest.call(calls.CREATE_CALL, body, Call(key=key, void=void))

    async def ring_call(self, call_id: str) -> UTDCall:
        """Say that a call rings here; the callee only."""
        return await self._call(calls.RING_CALL, _CALL_ACT, call_id=call_id)

    async def accept_call(
        self,
        call_id: str,
        *,
        party_id: str | None = None,
        key: str | None = None,
        void: bool = False,
    ) -> UTDCall:
        """Answer a call; the answer holds the way into the media room.

        Args:
            call_id: Which.
            party_id: Names this client: it alone may enter the media room.
            key: Idempotency-Key; the same again is the same answer.
            void: Take back the request with that key: its answer if the engine
                served it, else a `ConflictError`, and it never will.
        """
        body = r.AnswerCallRequest(party_id=_party(party_id))
        call = Call(path={"call_id": call_id}, key=key, void=void)
        return await self._rest.call(calls.ACCEPT_CALL, body, call)

    async def reject_call(self, call_id: str) -> UTDCall:
        """Decline a call, on all devices; the callee only."""
        return await self._call(calls.REJECT_CALL, _CALL_ACT, call_id=call_id)

    async def busy_call(self, call_id: str) -> UTDCall:
        """Say that one is busy, on all devices; the callee only."""
        return await self._call(calls.BUSY_CALL, _CALL_ACT, call_id=call_id)

    async def end_call(
        self, call_id: str, *, reason: HangUpReason | None = None
    ) -> UTDCall:
        """Hang up; either party.

        Args:
            call_id: Which.
            reason: Why, where it is not that a person hung up.
        """
        body = r.EndCallRequest(reason=reason)
        return await self._call(calls.END_CALL, body, call_id=call_id)

    async def get_call(self, call_id: str) -> UTDCall:
        """Read a call; its two parties."""
        return await self._call(calls.GET_CALL, call_id=call_id)

    async def list_calls(  # noqa: PLR0913 -- what a list may be narrowed by
        self,
        *,
        status: UTDCallStatus | None = None,
        type: UTDStreamType | None = None,  # noqa: A002 -- the contract's name
        identity: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        page: int = 1,
        per_page: int = 20,
    ) -> a.Page[UTDCall]:
        """List one's own calls, newest first; all with the app's secret.

        Args:
            status: Where they stand.
            type: Audio calls or video calls.
            identity: One of the parties.
            start_date: Created then or later.
            end_date: Created earlier.
            page: Which page, from 1.
            per_page: Most calls on a page, at most 100.
        """
        narrowed = {
            "status": status.value if status else None,
            "type": type.wire if type else None,
            "identity": identity,
            "start_date": start_date.isoformat() if start_date else None,
            "end_date": end_date.isoformat() if end_date else None,
        }
        query: dict[str, str | int] = {"page": page, "per_page": per_page}
        query |= {name: text for name, text in narrowed.items() if text is not None}
        return await self._rest.call(calls.LIST_CALLS, None, Call(query=query))

    async def _members(
        self,
        endpoint: Endpoint[None, a.Page[a.ParticipantView]],
        room: str,
        role: UTDRole | None,
        page: int,
        per_page: int,
    ) -> a.Page[a.ParticipantView]:
        query: dict[str, str | int] = {"page": page, "per_page": per_page}
        if role is not None:
            query["role"] = role.value
        path = {"room": room}
        return await self._rest.call(endpoint, None, Call(path=path, query=query))

    async def _call(
        self,
        endpoint: Endpoint[_R, _A],
        body: _R | None = None,
        if_match: int | None = None,
        **path: str | int,
    ) -> _A:
        return await self._rest.call(endpoint, body, Call(path=path, if_match=if_match))

    async def _list(
        self, endpoint: Endpoint[None, _A], page: int, per_page: int, **path: str
    ) -> _A:
        call = Call(path={**path}, query={"page": page, "per_page": per_page})
        return await self._rest.call(endpoint, None, call)


def _party(party_id: str | None) -> Text256 | None:
    return None if party_id is None else Text256(party_id)
