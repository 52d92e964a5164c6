"""Every endpoint of the engine, declared once, as a constant.

The engine's routes and the client's `UTDApi` use the constants, with the models
of their request and answer; its OpenAPI and the authorization matrix of the tests
come from `ENDPOINTS`, the list of them.

Source: contract.md section 3.
"""

from __future__ import annotations

from typing import Any, TypeVar

from utd_stream.contract import answers as a
from utd_stream.contract import requests as r
from utd_stream.contract.call_endpoints import (
    ACCEPT_CALL,
    BUSY_CALL,
    CREATE_CALL,
    END_CALL,
    GET_CALL,
    LIST_CALLS,
    REJECT_CALL,
    RING_CALL,
)
from utd_stream.contract.endpoint import API_PREFIX, Endpoint, Filter, Who
from utd_stream.contract.participant_endpoints import (
    GET_PARTICIPANT,
    KICK_PARTICIPANT,
    LIST_PARTICIPANTS,
    LIST_PARTICIPANTS_BY_ROLE,
    MUTE_PARTICIPANT,
    MUTE_ROOM,
    SET_ROLE,
)
from utd_stream.contract.room_endpoints import (
    END_ROOM,
    GET_ROOM,
    LEAVE_ROOM,
    LIST_ROOMS,
    LOCK_CHAT,
    SET_ROOM_METADATA,
    UNLOCK_CHAT,
)
from utd_stream.models.seats import SpeakerRequest, UTDSeatGrid

__all__ = ["API_PREFIX", "ENDPOINTS", "Endpoint", "Filter", "Who"]

_R = TypeVar("_R")
_A = TypeVar("_A")

_SEAT_ERRORS = ("conflict", "stale_revision")
_SIT_ERRORS = (
    "already_seated",
    "conflict",
    "seat_locked",
    "seat_taken",
    "stale_revision",
)


def _seats(  # noqa: PLR0913 -- what differs between them
    name: str,
    path: str,
    who: Who,
    summary: str,
    *,
    request: type[_R] | None,
    answer: type[_A],
    errors: tuple[str, ...] = _SEAT_ERRORS,
    method: str = "POST",
    paged: bool = False,
    rule: str = "",
) -> Endpoint[_R, _A]:
    return Endpoint(
        name=name,
        method=method,
        path=f"/rooms/{{room}}{path}",
        who=who,
        request=request,
        answer=answer,
        errors=errors,
        paged=paged,
        summary=summary,
        rule=rule,
    )


_MINT_ERRORS = ("appkey_identity_mint_disabled", "suspended")

HEALTH: Endpoint[None, a.Health] = Endpoint(
    name="health",
    method="GET",
    path="/health",
    who=Who.ANYBODY,
    answer=a.Health,
    at_root=True,
    summary="Say that the process lives.",
    rule="It looks at no part of the engine; `GET /ready` does.",
)

READY: Endpoint[None, a.Ready] = Endpoint(
    name="ready",
    method="GET",
    path="/ready",
    who=Who.ANYBODY,
    answer=a.Ready,
    at_root=True,
    summary="Say whether database, writer and LiveKit can serve.",
    rule=(
        "503 if not; details.not_ready lists `database` (its file was "
        "removed or replaced), `writer` (it cannot write) and `livekit` "
        "(it does not answer). One look is shared for 2 s."
    ),
)

OPENAPI: Endpoint[None, dict[str, Any]] = Endpoint(
    name="openapi",
    method="GET",
    path="/openapi.json",
    who=Who.ANYBODY,
    summary="Describe this API.",
    rule=(
        "The answer is an OpenAPI 3.1 document. Its components also "
        "hold the JSON Schemas of what the engine writes to LiveKit: "
        "`RoomMetadata`, `ParticipantMetadata` and `DataMessage`."
    ),
)

CONTRACT: Endpoint[None, a.Contract] = Endpoint(
    name="contract",
    method="GET",
    path="/contract",
    who=Who.ANYBODY,
    answer=a.Contract,
    summary="Read the tables of the machines.",
    rule=(
        "Each state machine of the engine and of its clients, as they run: what a "
        "call, a seat, a request, a live stream and a connection do, row by row."
    ),
)

LIVEKIT_WEBHOOK: Endpoint[None, a.Empty] = Endpoint(
    name="livekit_webhook",
    method="POST",
    path="/livekit/webhook",
    who=Who.SFU,
    answer=a.Empty,
    at_root=True,
    summary="Take a webhook of LiveKit.",
    rule=(
        "The header Authorization carries LiveKit's JWT, signed with "
        "its API key, with the hash of the body. The notice is "
        "committed before the answer; LiveKit tries again after a 503. "
        "Notices of rooms and apps that this engine does not know are "
        "ignored."
    ),
)

CREATE_SESSION: Endpoint[r.SessionRequest, a.SessionAnswer] = Endpoint(
    name="create_session",
    method="POST",
    path="/auth/session",
    who=Who.APP,
    request=r.SessionRequest,
    answer=a.SessionAnswer,
    errors=_MINT_ERRORS,
    summary="Sign a user in.",
    rule=(
        "Answers a bearer, good for an hour, that names the app, the "
        "identity, the name and the device. With the app's secret this "
        "always works; with the app's key only while the app's setting "
        "allow_appkey_identity_mint is on, else 403 "
        "`appkey_identity_mint_disabled`. A bearer may do it for its "
        "own identity."
    ),
)

REFRESH_SESSION: Endpoint[None, a.SessionAnswer] = Endpoint(
    name="refresh_session",
    method="POST",
    path="/auth/refresh",
    who=Who.BEARER,
    answer=a.SessionAnswer,
    summary="Exchange a bearer that is still good for a newer one.",
    rule=(
        "The newer bearer names the same user and device and is good "
        "for an hour from now. An expired bearer is 401: sign in "
        "again."
    ),
)

CREATE_TOKEN: Endpoint[r.TokenRequest, a.UTDTokenResponse] = Endpoint(
    name="create_token",
    method="POST",
    path="/token",
    who=Who.APP,
    request=r.TokenRequest,
    answer=a.UTDTokenResponse,
    errors=(
        *(*_MINT_ERRORS, *_SIT_ERRORS, "room_full", "not_found"),
        *("answered_elsewhere", "invalid_transition"),
    ),
    summary="Enter a room.",
    rule=(
        "Makes the identity a member of the room and answers a media "
        "token for LiveKit (10 minutes to join), a bearer, and the "
        "grid. The first token begins the room, with nine free seats "
        "unless its host says otherwise.\n\n"
        "Roles: the app's secret grants every role, and a role it "
        "names replaces the one held. By the app's key or a bearer, in "
        "an app with allow_appkey_identity_mint, the first who asks "
        "for `host` while the room has no owner gets it and becomes "
        "the owner. An owner stays owner until the secret kicks him or "
        "gives him another role; then the next granted host is. A "
        "member who mints again keeps the role held. "
        "Anybody else who asks for `host`, `admin` or `guest` gets "
        "`audience`, without an error: `role` of the answer says what "
        "was granted. In an app without allow_appkey_identity_mint "
        "only its back end grants roles.\n\n"
        "Credentials: as for `POST /auth/session`; a bearer is always "
        "enough for its own identity, and another identity in the body "
        "is 403 `forbidden`.\n\n"
        "Grid: seat_count, seat_mode, mode_id and host_seat count only "
        "where the granted role is host and no host has configured the "
        "grid yet; else they are ignored. A host_seat that cannot be "
        "taken refuses the whole mint with 409, and one beyond the "
        "grid with 422.\n\n"
        "A call: `room_name` is its id. Its two parties only, anybody else gets 404, "
        "as after its end; the callee before the answer 409 `invalid_transition`; "
        "another client than the one that called or answered 409 "
        "`answered_elsewhere`.\n\n"
        "resume: 404 after the end of the room, 403 without a present "
        "membership. A name in use by a live room of another type "
        "is 409 `conflict`; a room type that this engine does not "
        "serve is 403 `feature_disabled`. Takes no Idempotency-Key: "
        "another mint is another connection."
    ),
)

GET_SEATS: Endpoint[None, UTDSeatGrid] = _seats(
    "get_seats",
    "/seats",
    Who.MEMBER,
    "Read the grid.",
    request=None,
    answer=UTDSeatGrid,
    errors=("not_found",),
    method="GET",
    rule="The grid at its present revision, with the requests and "
    "invitations that wait.",
)

SETUP_SEATS: Endpoint[r.SetupRequest, a.SeatAnswer] = _seats(
    "setup_seats",
    "/seats/setup",
    Who.MODERATOR,
    "Change size, mode or layout of the grid.",
    request=r.SetupRequest,
    answer=a.SeatAnswer,
    rule="A field that is absent stays as it is. Occupants, reservations "
    "and locks beyond the new end are given up first. The mode "
    "`free` cancels the requests that wait.",
)

TAKE_SEAT: Endpoint[r.ActRequest, a.SeatedAnswer] = _seats(
    "take_seat",
    "/seats/{index}/take",
    Who.SELF,
    "Take a seat.",
    request=r.ActRequest,
    answer=a.SeatedAnswer,
    errors=_SIT_ERRORS,
    rule="In the mode `free` any member may take an open seat; in the "
    "mode `request` a host, an admin, or the one the seat is "
    "reserved for, others get 403 `forbidden`. Taking the seat "
    "reserved for one accepts that invitation. With a seat already, "
    "the same seat is 200 and nothing changes; another one is 409 "
    "`already_seated`. A seat beyond the "
    "grid is 422 with the path `$.index`. The right to publish "
    "follows at once and is seen at LiveKit. A member who is not "
    "connected within the grace (15 s by default) loses the seat.",
)

LEAVE_SEAT: Endpoint[r.ActRequest, a.SeatAnswer] = _seats(
    "leave_seat",
    "/seats/leave",
    Who.SELF,
    "Leave the seat.",
    request=r.ActRequest,
    answer=a.SeatAnswer,
    rule="Idempotent: 200 and no change without a seat.",
)

MOVE_SEAT: Endpoint[r.MoveRequest, a.SeatAnswer] = _seats(
    "move_seat",
    "/seats/move",
    Who.SELF,
    "Move to another seat.",
    request=r.MoveRequest,
    answer=a.SeatAnswer,
    errors=_SIT_ERRORS,
    rule="In one change: a lost race leaves the old seat. Without a seat "
    "409 `conflict`; to one's own seat nothing changes. The right to "
    "speak goes along unless the target is muted.",
)

SWAP_SEATS: Endpoint[r.SwapRequest, a.SeatAnswer] = _seats(
    "swap_seats",
    "/seats/swap",
    Who.MODERATOR,
    "Exchange the occupants of two seats.",
    request=r.SwapRequest,
    answer=a.SeatAnswer,
    errors=_SIT_ERRORS,
    rule="In one change. Both seats must be unlocked and unreserved, and "
    "one of them taken, else 409; the same seat twice is 422. Mutes "
    "stay with the seats.",
)

KICK_FROM_SEAT: Endpoint[r.ActRequest, a.SeatAnswer] = _seats(
    "kick_from_seat",
    "/seats/{index}/kick",
    Who.MODERATOR,
    "Unseat the occupant.",
    request=r.ActRequest,
    answer=a.SeatAnswer,
    errors=("seat_taken", *_SEAT_ERRORS),
    rule="Nothing changes on a seat without an occupant; a reserved seat "
    "is 409 `seat_taken`. The person stays a member.",
)

LOCK_SEAT: Endpoint[r.ActRequest, a.SeatAnswer] = _seats(
    "lock_seat",
    "/seats/{index}/lock",
    Who.MODERATOR,
    "Unseat the occupant and close the seat.",
    request=r.ActRequest,
    answer=a.SeatAnswer,
    errors=("seat_taken", *_SEAT_ERRORS),
    rule="Nobody can sit there until it is unlocked; a reserved seat is "
    "409 `seat_taken`.",
)

UNLOCK_SEAT: Endpoint[r.ActRequest, a.SeatAnswer] = _seats(
    "unlock_seat",
    "/seats/{index}/unlock",
    Who.MODERATOR,
    "Open the seat.",
    request=r.ActRequest,
    answer=a.SeatAnswer,
    rule="Nothing changes on a seat that is not locked.",
)

MUTE_SEAT: Endpoint[r.ActRequest, a.SeatAnswer] = _seats(
    "mute_seat",
    "/seats/{index}/mute",
    Who.MODERATOR,
    "Take the right to speak from the seat.",
    request=r.ActRequest,
    answer=a.SeatAnswer,
    rule="Holds for the next occupant, too.",
)

UNMUTE_SEAT: Endpoint[r.ActRequest, a.SeatAnswer] = _seats(
    "unmute_seat",
    "/seats/{index}/unmute",
    Who.MODERATOR,
    "Give the right to speak back to the seat.",
    request=r.ActRequest,
    answer=a.SeatAnswer,
    rule="The occupant may publish again.",
)

REQUEST_TO_SPEAK: Endpoint[r.ActRequest, a.RequestAnswer] = _seats(
    "request_to_speak",
    "/speakers/request",
    Who.SELF,
    "Ask for a seat.",
    request=r.ActRequest,
    answer=a.RequestAnswer,
    errors=("already_seated", "pending", *_SEAT_ERRORS),
    rule="In the mode `free` 409 `conflict`: take a seat instead. With a "
    "seat 409 `already_seated`; twice 409 `pending`; more than 100 "
    "requests that wait in the room 409 `conflict`. A request "
    "expires after 60 s by default.",
)

CANCEL_REQUEST: Endpoint[r.ActRequest, a.SeatAnswer] = _seats(
    "cancel_request",
    "/speakers/request",
    Who.SELF,
    "Take the request back.",
    request=r.ActRequest,
    answer=a.SeatAnswer,
    method="DELETE",
    rule="Idempotent: 200 and no change without a request.",
)

GET_REQUESTS: Endpoint[None, a.Page[SpeakerRequest]] = _seats(
    "get_requests",
    "/speakers/requests",
    Who.MEMBER,
    "List the requests for a seat.",
    request=None,
    answer=a.Page[SpeakerRequest],
    errors=("not_found",),
    method="GET",
    paged=True,
    rule="Those that wait for a moderator, oldest first.",
)

APPROVE_SPEAKER: Endpoint[r.ActRequest, a.SeatedAnswer] = _seats(
    "approve_speaker",
    "/speakers/requests/{id}/approve",
    Who.MODERATOR,
    "Seat the requester on the first free seat.",
    request=r.ActRequest,
    answer=a.SeatedAnswer,
    errors=("not_found", "settled", *_SEAT_ERRORS),
    rule="The first seat that is free, unlocked and unreserved; 409 "
    "`conflict` when there is none, and the request stays. A request "
    "that was answered, taken back or has expired is 409 `settled`.",
)

REJECT_SPEAKER: Endpoint[r.ActRequest, a.RequestAnswer] = _seats(
    "reject_speaker",
    "/speakers/requests/{id}/reject",
    Who.MODERATOR,
    "Refuse the request.",
    request=r.ActRequest,
    answer=a.RequestAnswer,
    errors=("not_found", "settled", *_SEAT_ERRORS),
    rule="A request that was answered, taken back or has expired is 409 `settled`.",
)

INVITE_TO_SPEAK: Endpoint[r.InviteRequest, a.InvitationAnswer] = _seats(
    "invite_to_speak",
    "/speakers/invite",
    Who.MODERATOR,
    "Invite a member to a seat.",
    request=r.InviteRequest,
    answer=a.InvitationAnswer,
    errors=("not_found", "pending", *_SIT_ERRORS),
    rule="With seat_index that seat is reserved until the invitation is "
    "accepted, declined, has expired (60 s by default) or the "
    "invitee is gone. No member is 404; a person with a seat 409 "
    "`already_seated`; invited already 409 `pending`; the seat is "
    "taken or reserved 409 `seat_taken`, locked 409 `seat_locked`.",
)

ACCEPT_INVITATION: Endpoint[r.ActRequest, a.SeatedAnswer] = _seats(
    "accept_invitation",
    "/speakers/invitations/{id}/accept",
    Who.SELF,
    "Accept an invitation and take its seat.",
    request=r.ActRequest,
    answer=a.SeatedAnswer,
    errors=("not_found", "settled", *_SIT_ERRORS),
    rule="For the invitee; anybody else gets 404. Without a reserved seat "
    "the first free one, 409 `conflict` when there is none. An "
    "invitation that has ended is 409 `settled`.",
)

DECLINE_INVITATION: Endpoint[r.ActRequest, a.InvitationAnswer] = _seats(
    "decline_invitation",
    "/speakers/invitations/{id}/decline",
    Who.SELF,
    "Decline an invitation.",
    request=r.ActRequest,
    answer=a.InvitationAnswer,
    errors=("not_found", *_SEAT_ERRORS),
    rule="For the invitee; anybody else gets 404. Nothing changes when "
    "the invitation has ended.",
)

ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (
    HEALTH,
    READY,
    OPENAPI,
    CONTRACT,
    LIVEKIT_WEBHOOK,
    CREATE_SESSION,
    REFRESH_SESSION,
    CREATE_TOKEN,
    LIST_ROOMS,
    GET_ROOM,
    END_ROOM,
    SET_ROOM_METADATA,
    LOCK_CHAT,
    UNLOCK_CHAT,
    LEAVE_ROOM,
    LIST_PARTICIPANTS,
    LIST_PARTICIPANTS_BY_ROLE,
    GET_PARTICIPANT,
    KICK_PARTICIPANT,
    SET_ROLE,
    MUTE_PARTICIPANT,
    MUTE_ROOM,
    GET_SEATS,
    SETUP_SEATS,
    TAKE_SEAT,
    LEAVE_SEAT,
    MOVE_SEAT,
    SWAP_SEATS,
    KICK_FROM_SEAT,
    LOCK_SEAT,
    UNLOCK_SEAT,
    MUTE_SEAT,
    UNMUTE_SEAT,
    REQUEST_TO_SPEAK,
    CANCEL_REQUEST,
    GET_REQUESTS,
    APPROVE_SPEAKER,
    REJECT_SPEAKER,
    INVITE_TO_SPEAK,
    ACCEPT_INVITATION,
    DECLINE_INVITATION,
    CREATE_CALL,
    RING_CALL,
    ACCEPT_CALL,
    REJECT_CALL,
    BUSY_CALL,
    END_CALL,
    GET_CALL,
    LIST_CALLS,
)
