"""The endpoints of rooms of any type.

Source: contract.md section 3, Rooms and Comments.
"""

from __future__ import annotations

from utd_stream.contract import answers as a
from utd_stream.contract import requests as r
from utd_stream.contract.endpoint import Endpoint, Who

__all__ = [
    "END_ROOM",
    "GET_ROOM",
    "LEAVE_ROOM",
    "LIST_ROOMS",
    "LOCK_CHAT",
    "SET_ROOM_METADATA",
    "UNLOCK_CHAT",
]

LIST_ROOMS: Endpoint[None, a.Page[a.RoomView]] = Endpoint(
    name="list_rooms",
    method="GET",
    path="/rooms",
    who=Who.SECRET,
    answer=a.Page[a.RoomView],
    paged=True,
    summary="List rooms that live.",
    rule="Rooms that live now, by name, without their participants.",
)

GET_ROOM: Endpoint[None, a.RoomView] = Endpoint(
    name="get_room",
    method="GET",
    path="/rooms/{room}",
    who=Who.MEMBER,
    answer=a.RoomView,
    paged=True,
    errors=("not_found",),
    summary="Read a room and a page of its members.",
    rule=(
        "From the engine's own roster, which knows newcomers before "
        "LiveKit announces them; the query pages the participants."
    ),
)

END_ROOM: Endpoint[r.ActRequest, a.Empty] = Endpoint(
    name="end_room",
    method="DELETE",
    path="/rooms/{room}",
    who=Who.HOST,
    request=r.ActRequest,
    answer=a.Empty,
    errors=("not_found",),
    summary="End a room; everybody is removed.",
    rule=("Removes everybody; the same name may begin again with the next token."),
)

SET_ROOM_METADATA: Endpoint[r.RoomMetadataRequest, a.Empty] = Endpoint(
    name="set_room_metadata",
    method="PUT",
    path="/rooms/{room}/metadata",
    who=Who.SECRET,
    request=r.RoomMetadataRequest,
    answer=a.Empty,
    errors=("not_found",),
    summary="Show the app's own keys in the room's metadata.",
    rule=(
        "In place of those before, beside the engine's own, until the room ends. A "
        "key that begins with `_` is 422."
    ),
)

LOCK_CHAT: Endpoint[r.ActRequest, a.Empty] = Endpoint(
    name="lock_chat",
    method="POST",
    path="/rooms/{room}/comments/lock",
    who=Who.MODERATOR,
    request=r.ActRequest,
    answer=a.Empty,
    errors=("not_found",),
    summary="Let only moderators chat.",
    rule=(
        "Until the room ends; joining and hearing go on. The room's metadata shows "
        "it, and the SDK neither sends nor delivers the chat of others. Chat does not "
        "pass the engine, so neither it nor LiveKit can refuse what another client "
        "sends all the same."
    ),
)

UNLOCK_CHAT: Endpoint[r.ActRequest, a.Empty] = Endpoint(
    name="unlock_chat",
    method="DELETE",
    path="/rooms/{room}/comments/lock",
    who=Who.MODERATOR,
    request=r.ActRequest,
    answer=a.Empty,
    errors=("not_found",),
    summary="Let everybody chat.",
    rule="Nothing changes where the chat is not locked.",
)

LEAVE_ROOM: Endpoint[r.LeaveRequest, a.Empty] = Endpoint(
    name="leave_room",
    method="POST",
    path="/rooms/{room}/leave",
    who=Who.PERSON,
    request=r.LeaveRequest,
    answer=a.Empty,
    summary="Leave a room: seat, requests and invitations are given up.",
    rule=(
        "Gives up the seat, requests and invitations at once. "
        "Idempotent: 200 and no change without a membership, and after "
        "the end of the room. A `connection` older "
        "than the one in the room changes nothing."
    ),
)
