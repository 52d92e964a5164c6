"""What each endpoint does: decode, one command or one look, encode.

Source: contract.md section 3.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, TypeAlias, TypeVar, cast

import attrs
import orjson

from utd_stream.contract import call_endpoints as calls
from utd_stream.contract import endpoints as e
from utd_stream.contract import participant_endpoints as people
from utd_stream.contract import requests as r
from utd_stream.contract import room_endpoints as rooms
from utd_stream.contract.answers import (
    Empty,
    Health,
    Page,
    ParticipantView,
    Ready,
    SessionAnswer,
    UTDTokenResponse,
)
from utd_stream.contract.endpoint import Endpoint, Who
from utd_stream.engine import views
from utd_stream.engine._calls import Call
from utd_stream.engine.auth import invalid
from utd_stream.engine.call_list import CallFilter, list_calls
from utd_stream.engine.openapi import document
from utd_stream.engine.orders import Entry, Order
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules.audio_room import grid_of
from utd_stream.engine.rules.authority import check_may
from utd_stream.engine.rules.call.commands import nothing_there
from utd_stream.engine.rules.kind import CallEntry
from utd_stream.engine.rules.rows import as_seen, member_of
from utd_stream.engine.rules.state import Member, Room
from utd_stream.engine.tables import contract_document
from utd_stream.engine.tokens import room_token
from utd_stream.errors import NotFoundError, PermissionDeniedError
from utd_stream.models.calls import HangUpReason, UTDCallStatus
from utd_stream.models.names import check_call_id, check_room_name, sfu_room_name
from utd_stream.models.rooms import UTDRole, UTDStreamType
from utd_stream.wire import encode, to_json

__all__ = ["COMMANDS", "LOOKS", "Handler", "Reply", "order_of"]


@attrs.frozen
class Reply:
    """What is answered."""

    body: bytes
    status: int = 200


_R = TypeVar("_R")

AnyEndpoint: TypeAlias = Endpoint[Any, Any]
Handler: TypeAlias = Callable[[Call[Any]], Awaitable[Reply]]
CommandOf: TypeAlias = Callable[[Call[Any]], c.Command]


def _obey(
    endpoint: Endpoint[_R, Any], command: Callable[[Call[_R]], c.Command]
) -> tuple[AnyEndpoint, CommandOf]:
    return endpoint, command


def _look(
    endpoint: Endpoint[_R, Any], handler: Callable[[Call[_R]], Awaitable[Reply]]
) -> tuple[AnyEndpoint, Handler]:
    return endpoint, handler


def _mute(asked: r.MuteRequest) -> dict[str, bool]:
    return {"audio": asked.audio, "video": asked.video, "muted": asked.muted}


COMMANDS: Mapping[AnyEndpoint, CommandOf] = dict(
    (
        _obey(rooms.END_ROOM, lambda _: c.EndRoom()),
        _obey(
            rooms.SET_ROOM_METADATA,
            lambda call: c.SetRoomMetadata(metadata=call.body.metadata),
        ),
        _obey(rooms.LOCK_CHAT, lambda _: c.LockChat()),
        _obey(rooms.UNLOCK_CHAT, lambda _: c.UnlockChat()),
        _obey(
            rooms.LEAVE_ROOM, lambda call: c.LeaveRoom(connection=call.body.connection)
        ),
        _obey(
            people.KICK_PARTICIPANT, lambda call: c.KickMember(identity=call.identity)
        ),
        _obey(
            people.SET_ROLE,
            lambda call: c.SetRole(identity=call.identity, role=call.body.role),
        ),
        _obey(
            people.MUTE_PARTICIPANT,
            lambda call: c.MuteParticipant(identity=call.identity, **_mute(call.body)),
        ),
        _obey(people.MUTE_ROOM, lambda call: c.MuteRoom(**_mute(call.body))),
        _obey(
            e.SETUP_SEATS,
            lambda call: c.SetupSeats(
                seat_count=call.body.seat_count,
                seat_mode=call.body.seat_mode,
                mode_id=call.body.mode_id,
            ),
        ),
        _obey(e.TAKE_SEAT, lambda call: c.TakeSeat(index=call.index)),
        _obey(e.LEAVE_SEAT, lambda _: c.LeaveSeat()),
        _obey(e.MOVE_SEAT, lambda call: c.MoveSeat(target=call.body.target_seat)),
        _obey(e.SWAP_SEATS, lambda call: c.SwapSeats(a=call.body.a, b=call.body.b)),
        _obey(e.KICK_FROM_SEAT, lambda call: c.KickFromSeat(index=call.index)),
        _obey(e.LOCK_SEAT, lambda call: c.LockSeat(index=call.index)),
        _obey(e.UNLOCK_SEAT, lambda call: c.UnlockSeat(index=call.index)),
        _obey(e.MUTE_SEAT, lambda call: c.MuteSeat(index=call.index)),
        _obey(e.UNMUTE_SEAT, lambda call: c.UnmuteSeat(index=call.index)),
        _obey(e.REQUEST_TO_SPEAK, lambda _: c.RequestToSpeak()),
        _obey(e.CANCEL_REQUEST, lambda _: c.CancelRequest()),
        _obey(e.APPROVE_SPEAKER, lambda call: c.ApproveSpeaker(request_id=call.id)),
        _obey(e.REJECT_SPEAKER, lambda call: c.RejectSpeaker(request_id=call.id)),
        _obey(
            e.INVITE_TO_SPEAK,
            lambda call: c.InviteToSpeak(
                identity=call.body.target_identity, seat_index=call.body.seat_index
            ),
        ),
        _obey(
            e.ACCEPT_INVITATION, lambda call: c.AcceptInvitation(invitation_id=call.id)
        ),
        _obey(
            e.DECLINE_INVITATION,
            lambda call: c.DeclineInvitation(invitation_id=call.id),
        ),
        _obey(calls.RING_CALL, lambda _: c.RingCall()),
        _obey(
            calls.ACCEPT_CALL,
            lambda call: c.AcceptCall(device=call.body.party_id or ""),
        ),
        _obey(calls.REJECT_CALL, lambda _: c.RejectCall()),
        _obey(calls.BUSY_CALL, lambda _: c.SayCallBusy()),
        _obey(
            calls.END_CALL,
            lambda call: c.EndCall(
                is_lost=call.body.reason is HangUpReason.CONNECTION_LOST
            ),
        ),
    )
)


_ENTERING: frozenset[AnyEndpoint] = frozenset({calls.CREATE_CALL, calls.ACCEPT_CALL})


def order_of(call: Call[Any], command: c.Command) -> Order:
    """Return the order that *call* gives the writer."""
    entry = _entry(call)
    return Order(
        key=call.key,
        command=command,
        who=call.endpoint.who,
        actor=call.actor,
        idempotency=call.idempotency,
        if_match=call.if_match,
        request_id=call.request_id,
        reply=partial(_encoded, entry),
        entry=entry if call.endpoint in _ENTERING else None,
    )


def _encoded(entry: Entry, room: Room, answer: object) -> bytes:
    if isinstance(answer, CallEntry):
        if answer.member is None:
            return encode(answer.row)
        return orjson.dumps({**to_json(answer.row), **entry(room, answer.member)})
    return encode(Empty() if answer is None else answer)


def _entry(call: Call[Any]) -> Entry:
    """Return what makes the way into a call's media room."""
    services = call.services

    def entry(room: Room, member: Member) -> dict[str, str]:
        now = services.clock.now().timestamp()
        token = room_token(services.sfu, room, member, services.config.rules, now)
        return {"token": token, "url": services.config.livekit_url}

    return entry


async def _health(call: Call[None]) -> Reply:
    return Reply(encode(Health()))


async def _ready(call: Call[None]) -> Reply:
    await call.services.readiness.check()
    return Reply(encode(Ready()))


async def _openapi(call: Call[None]) -> Reply:
    return Reply(document())


async def _contract(call: Call[None]) -> Reply:
    return Reply(contract_document())


async def _create_session(call: Call[r.SessionRequest]) -> Reply:
    asked = call.body
    token, expires_at = call.services.tokens.make(
        call.caller.app.id, asked.identity, name=asked.name, device_id=asked.device_id
    )
    return _signed_in(call, token, expires_at)


def _signed_in(call: Call[Any], token: str, expires_at: datetime) -> Reply:
    answer = SessionAnswer(
        user_token=token,
        ws_url=call.ws_url,
        expires_at=expires_at,
        signaling_enabled=True,
    )
    return Reply(encode(answer))


async def _refresh_session(call: Call[None]) -> Reply:
    user = call.caller.user
    assert user is not None  # noqa: S101 -- the endpoint is for bearers
    token, expires_at = call.services.tokens.make(
        user.app, user.identity, name=user.name, device_id=user.device_id
    )
    return _signed_in(call, token, expires_at)


async def _create_token(call: Call[r.TokenRequest]) -> Reply:
    asked, app, services = call.body, call.caller.app, call.services
    try:
        sfu_room_name(app.id, asked.room_name)
        if asked.type.is_call:
            check_call_id(asked.room_name)
        else:
            check_room_name(asked.room_name)
    except ValueError as error:
        message = "$.room_name"
        raise invalid(message, str(error)) from None

    def minted(room: Room, member: Member) -> bytes:
        user_token, _ = services.tokens.make(
            app.id, member.identity, name=member.name, device_id=asked.device_id
        )
        now = services.clock.now().timestamp()
        answer = UTDTokenResponse(
            token=room_token(services.sfu, room, member, services.config.rules, now),
            url=services.config.livekit_url,
            room_name=room.name,
            user_token=user_token,
            ws_url=call.ws_url,
            role=member.role,
            owner_identity=room.owner,
            connection=member.connection,
            seats=grid_of(room) if room.type is UTDStreamType.AUDIO_ROOM else None,
        )
        return encode(answer)

    order = Order(
        key=(app.id, asked.room_name),
        command=c.Enter(request=asked),
        who=call.endpoint.who,
        actor=call.actor,
        reply=minted,
    )
    return Reply((await services.writer.submit(order)).body)


async def _create_call(call: Call[r.CallRequest]) -> Reply:
    app_id, caller = call.caller.app.id, call.actor.identity or ""
    if not (call.idempotency and call.idempotency.is_void):
        call.services.rates.check_pair(app_id, caller, call.body.callee_identity)
    drawn = call.services.luck.token().encode()
    call_id = f"call_{hashlib.blake2b(drawn, digest_size=12).hexdigest()}"
    command = c.CreateCall(request=call.body, device=call.body.party_id or "")
    order = attrs.evolve(order_of(call, command), key=(app_id, call_id))
    outcome = await call.services.writer.submit(order)
    return Reply(outcome.body, outcome.status)


async def _get_call(call: Call[None]) -> Reply:
    app_id, call_id, actor = call.caller.app.id, call.call_id, call.actor
    found = await call.services.writer.transact(
        lambda store: store.calls.row(app_id, call_id)
    )
    parties = (found.caller, found.callee) if found else ()
    if found is None or not (actor.is_secret or actor.identity in parties):
        raise nothing_there()
    return Reply(found.state.encode())


async def _list_calls(call: Call[None]) -> Reply:
    asked, actor, paging = call.filters, call.actor, call.paging
    identity = asked.get("identity", None if actor.is_secret else actor.identity)
    if not actor.is_secret and identity != actor.identity:
        message = "a bearer lists its own calls only"
        raise PermissionDeniedError(message)
    wanted = CallFilter(
        identity=cast("str | None", identity),
        status=UTDCallStatus(asked["status"]) if "status" in asked else None,
        type=UTDStreamType(asked["type"]) if "type" in asked else None,
        start=cast("datetime | None", asked.get("start_date")),
        end=cast("datetime | None", asked.get("end_date")),
    )
    app_id, writer = call.caller.app.id, call.services.writer
    rows, total = await list_calls(
        writer, app_id, wanted, paging.first, paging.per_page
    )
    told = [orjson.Fragment(row) for row in rows]
    shown = views.page(told, total, paging.page, paging.per_page)
    fields = {"data": [*shown.data], "pagination": attrs.asdict(shown.pagination)}
    return Reply(orjson.dumps(fields))


async def _list_rooms(call: Call[None]) -> Reply:
    app_id, services, paging = call.caller.app.id, call.services, call.paging
    names = await services.writer.transact(
        lambda store: store.page_of_rooms(app_id, paging.first, paging.per_page)
    )
    found = [await services.writer.room((app_id, name)) for name in names]
    shown = [
        views.room_view(room, await services.counts.connected(room))
        for room in found
        if room is not None and room.is_live
    ]
    total = await services.counts.rooms(app_id)
    return Reply(encode(views.page(shown, total, paging.page, paging.per_page)))


async def _seen(call: Call[None]) -> Room:
    """Return the room if the caller may look at it."""
    room, _ = await _seen_at(call)
    return room


async def _seen_at(call: Call[None]) -> tuple[Room, Member | None]:
    """Return the room if the caller may look at it, and whom the path names."""
    names = {name for name in (call.actor.identity, call.identity) if name}
    room, members = await call.services.writer.members(call.key, names)
    room = check_may(room, members, call.actor, Who.MEMBER)
    return room, member_of(room, members, call.identity or None)


async def _participants(
    call: Call[None], room: Room, role: UTDRole | None = None
) -> Page[ParticipantView]:
    services, paging = call.services, call.paging
    life = room.life_key
    members = await services.writer.transact(
        lambda store: store.members.page(life, paging.first, paging.per_page, role)
    )
    shown = [
        views.participant_view(room, as_seen(member, room.lost_before))
        for member in members
    ]
    total = await services.counts.members(room, role)
    return views.page(shown, total, paging.page, paging.per_page)


async def _get_room(call: Call[None]) -> Reply:
    room = await _seen(call)
    connected = await call.services.counts.connected(room)
    participants = await _participants(call, room)
    return Reply(encode(views.room_view(room, connected, participants)))


async def _list_participants(call: Call[None]) -> Reply:
    asked = call.filters.get("role")
    role = None if asked is None else UTDRole(asked)
    return Reply(encode(await _participants(call, await _seen(call), role)))


async def _get_participant(call: Call[None]) -> Reply:
    room, member = await _seen_at(call)
    if member is None:
        message = "there is no such member"
        raise NotFoundError(message)
    return Reply(encode(views.participant_view(room, member)))


async def _get_seats(call: Call[None]) -> Reply:
    return Reply(encode(grid_of(await _seen(call))))


async def _get_requests(call: Call[None]) -> Reply:
    waiting = grid_of(await _seen(call)).requests
    return Reply(encode(views.page_of(waiting, call.paging.page, call.paging.per_page)))


LOOKS: Mapping[AnyEndpoint, Handler] = dict(
    (
        _look(e.HEALTH, _health),
        _look(e.READY, _ready),
        _look(e.OPENAPI, _openapi),
        _look(e.CONTRACT, _contract),
        _look(e.CREATE_SESSION, _create_session),
        _look(e.REFRESH_SESSION, _refresh_session),
        _look(e.CREATE_TOKEN, _create_token),
        _look(rooms.LIST_ROOMS, _list_rooms),
        _look(rooms.GET_ROOM, _get_room),
        _look(people.LIST_PARTICIPANTS, _list_participants),
        _look(people.LIST_PARTICIPANTS_BY_ROLE, _list_participants),
        _look(people.GET_PARTICIPANT, _get_participant),
        _look(e.GET_SEATS, _get_seats),
        _look(e.GET_REQUESTS, _get_requests),
        _look(calls.CREATE_CALL, _create_call),
        _look(calls.GET_CALL, _get_call),
        _look(calls.LIST_CALLS, _list_calls),
    )
)
