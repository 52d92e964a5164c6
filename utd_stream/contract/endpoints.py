"""Every endpoint of the engine, declared once.

The engine's routes, its OpenAPI, the authorization matrix of the tests and
the client's `UTDApi` all come from `ENDPOINTS`.

Source: contract.md section 3.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Generic, TypeVar

import attrs

from utd_stream.contract import answers as a
from utd_stream.contract import requests as r
from utd_stream.models.seats import SpeakerRequest, UTDSeatGrid

__all__ = ["API_PREFIX", "ENDPOINTS", "Endpoint", "Who"]

API_PREFIX = "/api/v1"

_R = TypeVar("_R")
_A = TypeVar("_A")


class Who(Enum):
    """Who may call; the app's secret may call all but BEARER's and SFU's."""

    ANYBODY = "anybody"  # no credentials
    SFU = "sfu"  # LiveKit, by the signature of its webhook
    APP = "app"  # the app's key, its secret, or a bearer for itself
    BEARER = "bearer"  # the holder of a bearer that is still good
    PERSON = "person"  # somebody for himself, a member or not
    SELF = "self"  # a member of the room for himself
    MEMBER = "member"  # a member of the room
    MODERATOR = "moderator"  # its hosts and admins
    HOST = "host"  # its hosts and its owner
    SECRET = "secret"  # noqa: S105 -- a word, not one; the app's own back end only


@attrs.frozen(kw_only=True)
class Endpoint(Generic[_R, _A]):
    """One method of one path.

    Attributes:
        name: Of the operation; also of the client's method.
        method: HTTP method.
        path: With ``{room}``, ``{identity}``, ``{index}``, ``{id}``.
        who: Who may call.
        request: Model of the body, or None where there is none.
        answer: Model of a 200, or None where it is no model's JSON.
        errors: Codes it may answer with, beside those of every endpoint.
        paged: Takes ``page`` and ``per_page``.
        at_root: Its path does not begin with `API_PREFIX`.
        summary: One sentence.
    """

    name: str
    method: str
    path: str
    who: Who
    request: type[_R] | None = None
    answer: type[_A] | None = None
    errors: tuple[str, ...] = ()
    paged: bool = False
    at_root: bool = False
    summary: str

    @property
    def full_path(self) -> str:
        """The path from the root."""
        return self.path if self.at_root else API_PREFIX + self.path

    @property
    def is_write(self) -> bool:
        """Whether it changes something, and so takes an Idempotency-Key."""
        return self.method != "GET" and self.who not in {
            Who.APP,
            Who.BEARER,
            Who.SFU,
        }

    @property
    def takes_if_match(self) -> bool:
        """Whether it changes a grid, and so takes If-Match."""
        return self.is_write and self.answer in {
            a.SeatAnswer,
            a.SeatedAnswer,
            a.RequestAnswer,
            a.InvitationAnswer,
        }


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
    request: type[Any] | None = r.ActRequest,
    answer: type[Any] = a.SeatAnswer,
    errors: tuple[str, ...] = _SEAT_ERRORS,
    method: str = "POST",
    paged: bool = False,
) -> Endpoint[Any, Any]:
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
    )


_MINT_ERRORS = ("appkey_identity_mint_disabled", "suspended")

# fmt: off
ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (
    Endpoint(name="health", method="GET", path="/health", who=Who.ANYBODY,
             answer=a.Health, at_root=True, summary="Say that the engine serves."),
    Endpoint(name="openapi", method="GET", path="/openapi.json", who=Who.ANYBODY,
             summary="Describe this API."),
    Endpoint(name="livekit_webhook", method="POST", path="/livekit/webhook",
             who=Who.SFU, answer=a.Empty, at_root=True,
             summary="Hear what the SFU tells."),

    Endpoint(name="create_session", method="POST", path="/auth/session",
             who=Who.APP, request=r.SessionRequest, answer=a.SessionAnswer,
             errors=_MINT_ERRORS, summary="Sign a user in."),
    Endpoint(name="refresh_session", method="POST", path="/auth/refresh",
             who=Who.BEARER, answer=a.SessionAnswer,
             summary="Exchange a bearer that is still good for a newer one."),
    Endpoint(name="create_token", method="POST", path="/token", who=Who.APP,
             request=r.TokenRequest, answer=a.UTDTokenResponse,
             errors=(*_MINT_ERRORS, *_SIT_ERRORS, "room_full", "not_found"),
             summary="Enter a room."),

    Endpoint(name="list_rooms", method="GET", path="/rooms", who=Who.SECRET,
             answer=a.Page[a.RoomView], paged=True, summary="List rooms that live."),
    Endpoint(name="get_room", method="GET", path="/rooms/{room}", who=Who.MEMBER,
             answer=a.RoomView, errors=("not_found",), summary="Read a room."),
    Endpoint(name="end_room", method="DELETE", path="/rooms/{room}", who=Who.HOST,
             request=r.ActRequest, answer=a.Empty, errors=("not_found",),
             summary="End a room; everybody is removed."),
    Endpoint(name="leave_room", method="POST", path="/rooms/{room}/leave",
             who=Who.PERSON, request=r.LeaveRequest, answer=a.Empty,
             summary="Leave a room: seat, requests and invitations are given up."),

    Endpoint(name="list_participants", method="GET",
             path="/rooms/{room}/participants", who=Who.MEMBER,
             answer=a.Page[a.ParticipantView], paged=True, errors=("not_found",),
             summary="List a room's members."),
    Endpoint(name="get_participant", method="GET",
             path="/rooms/{room}/participants/{identity}", who=Who.MEMBER,
             answer=a.ParticipantView, errors=("not_found",),
             summary="Read one member."),
    Endpoint(name="kick_participant", method="DELETE",
             path="/rooms/{room}/participants/{identity}", who=Who.MODERATOR,
             request=r.ActRequest, answer=a.Empty, errors=("not_found",),
             summary="Remove a member until the next mint."),

    _seats("get_seats", "/seats", Who.MEMBER, "Read the grid.", method="GET",
           request=None, answer=UTDSeatGrid, errors=("not_found",)),
    _seats("setup_seats", "/seats/setup", Who.MODERATOR,
           "Change size, mode or layout of the grid.", request=r.SetupRequest),
    _seats("take_seat", "/seats/{index}/take", Who.SELF, "Sit down.",
           answer=a.SeatedAnswer, errors=_SIT_ERRORS),
    _seats("leave_seat", "/seats/leave", Who.SELF, "Stand up."),
    _seats("move_seat", "/seats/move", Who.SELF, "Sit down elsewhere.",
           request=r.MoveRequest, errors=_SIT_ERRORS),
    _seats("swap_seats", "/seats/swap", Who.MODERATOR,
           "Exchange the occupants of two seats.", request=r.SwapRequest,
           errors=_SIT_ERRORS),
    _seats("kick_from_seat", "/seats/{index}/kick", Who.MODERATOR,
           "Unseat the occupant.", errors=("seat_taken", *_SEAT_ERRORS)),
    _seats("lock_seat", "/seats/{index}/lock", Who.MODERATOR,
           "Unseat the occupant and close the seat.",
           errors=("seat_taken", *_SEAT_ERRORS)),
    _seats("unlock_seat", "/seats/{index}/unlock", Who.MODERATOR, "Open the seat."),
    _seats("mute_seat", "/seats/{index}/mute", Who.MODERATOR,
           "Take the right to speak from the seat."),
    _seats("unmute_seat", "/seats/{index}/unmute", Who.MODERATOR,
           "Give the right to speak back to the seat."),

    _seats("request_to_speak", "/speakers/request", Who.SELF, "Ask for a seat.",
           answer=a.RequestAnswer,
           errors=("already_seated", "pending", *_SEAT_ERRORS)),
    _seats("cancel_request", "/speakers/request", Who.SELF,
           "Ask no more.", method="DELETE"),
    _seats("get_requests", "/speakers/requests", Who.MEMBER,
           "List who asks for a seat.", method="GET", request=None,
           answer=a.Page[SpeakerRequest], errors=("not_found",), paged=True),
    _seats("approve_speaker", "/speakers/requests/{id}/approve", Who.MODERATOR,
           "Seat the requester on the first free seat.", answer=a.SeatedAnswer,
           errors=("not_found", "settled", *_SEAT_ERRORS)),
    _seats("reject_speaker", "/speakers/requests/{id}/reject", Who.MODERATOR,
           "Refuse the request.", answer=a.RequestAnswer,
           errors=("not_found", "settled", *_SEAT_ERRORS)),
    _seats("invite_to_speak", "/speakers/invite", Who.MODERATOR,
           "Ask somebody to sit down.", request=r.InviteRequest,
           answer=a.InvitationAnswer,
           errors=("not_found", "pending", *_SIT_ERRORS)),
    _seats("accept_invitation", "/speakers/invitations/{id}/accept", Who.SELF,
           "Sit down as invited.", answer=a.SeatedAnswer,
           errors=("not_found", "settled", *_SIT_ERRORS)),
    _seats("decline_invitation", "/speakers/invitations/{id}/decline", Who.SELF,
           "Stay where one is.", answer=a.InvitationAnswer,
           errors=("not_found", *_SEAT_ERRORS)),
)
# fmt: on
