"""The endpoints of a room's members.

Source: contract.md section 3, Participants.
"""

from __future__ import annotations

from utd_stream.contract import answers as a
from utd_stream.contract import requests as r
from utd_stream.contract.endpoint import Endpoint, Filter, Who
from utd_stream.models.rooms import UTDRole

__all__ = [
    "GET_PARTICIPANT",
    "KICK_PARTICIPANT",
    "LIST_PARTICIPANTS",
    "LIST_PARTICIPANTS_BY_ROLE",
    "MUTE_PARTICIPANT",
    "MUTE_ROOM",
    "SET_ROLE",
]

_OF_ROLE = {
    "role": Filter(meaning="Their role.", values=tuple(role.value for role in UTDRole))
}

LIST_PARTICIPANTS: Endpoint[None, a.Page[a.ParticipantView]] = Endpoint(
    name="list_participants",
    method="GET",
    path="/rooms/{room}/participants",
    who=Who.MEMBER,
    answer=a.Page[a.ParticipantView],
    paged=True,
    filters=_OF_ROLE,
    errors=("not_found",),
    summary="List a room's members.",
    rule="From the engine's own roster, by identity.",
)

LIST_PARTICIPANTS_BY_ROLE: Endpoint[None, a.Page[a.ParticipantView]] = Endpoint(
    name="list_participants_by_role",
    method="GET",
    path="/rooms/{room}/participants/by-role",
    who=Who.MEMBER,
    answer=a.Page[a.ParticipantView],
    paged=True,
    filters=_OF_ROLE,
    errors=("not_found",),
    summary="List a room's members of one role.",
    rule="The same list as `GET /rooms/{room}/participants`, by another name.",
)

GET_PARTICIPANT: Endpoint[None, a.ParticipantView] = Endpoint(
    name="get_participant",
    method="GET",
    path="/rooms/{room}/participants/{identity}",
    who=Who.MEMBER,
    answer=a.ParticipantView,
    errors=("not_found",),
    summary="Read one member.",
    rule="404 for an identity that is no member.",
)

KICK_PARTICIPANT: Endpoint[r.ActRequest, a.Empty] = Endpoint(
    name="kick_participant",
    method="DELETE",
    path="/rooms/{room}/participants/{identity}",
    who=Who.MODERATOR,
    request=r.ActRequest,
    answer=a.Empty,
    errors=("not_found",),
    summary="Remove a member until the next mint.",
    rule=(
        "Takes the seat away and removes the member from LiveKit. The "
        "role falls back to audience, an owner's ownership ends; another "
        "mint makes the identity a member again."
    ),
)

SET_ROLE: Endpoint[r.RoleRequest, a.Empty] = Endpoint(
    name="set_role",
    method="PUT",
    path="/rooms/{room}/participants/{identity}/role",
    who=Who.OWNER,
    request=r.RoleRequest,
    answer=a.Empty,
    errors=("conflict", "not_found"),
    summary="Give a member another role.",
    rule=(
        "Holds until the room ends, through leaving and minting again. The owner "
        "may not change the owner's own role; the app's secret may, which ends the "
        "ownership: the next granted host owns the room. The role that the member "
        "has already is 409 `conflict`."
    ),
)

MUTE_PARTICIPANT: Endpoint[r.MuteRequest, a.Empty] = Endpoint(
    name="mute_participant",
    method="PUT",
    path="/rooms/{room}/participants/{identity}/mute",
    who=Who.MODERATOR,
    request=r.MuteRequest,
    answer=a.Empty,
    errors=("not_found",),
    summary="Take sources from a member, or give them back.",
    rule=(
        "Holds until the room ends, through leaving and minting again, and outranks "
        "the mute of the room. It is hard: LiveKit refuses the sources. Giving them "
        "back opens nothing: they stay off until the member turns them on. Neither "
        "audio nor video is 422."
    ),
)

MUTE_ROOM: Endpoint[r.MuteRequest, a.Empty] = Endpoint(
    name="mute_room",
    method="PUT",
    path="/rooms/{room}/mute",
    who=Who.MODERATOR,
    request=r.MuteRequest,
    answer=a.Empty,
    errors=("not_found",),
    summary="Take sources from everybody below admin, or give them back.",
    rule=(
        "Late joiners too, until the room ends; not from a member whom a moderator "
        "has muted or unmuted by name. Otherwise as the mute of a member."
    ),
)
