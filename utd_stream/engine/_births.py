"""The one command about several aggregates: a call, and the phones of two people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import attrs
import orjson

from utd_stream.engine._aggregates import AggregateKind
from utd_stream.engine._rows import ROOM
from utd_stream.engine._schema import PHONES
from utd_stream.engine._unit import AggregateRef, Aggregates, Decided, Put
from utd_stream.engine.orders import Order
from utd_stream.engine.rules.call.birth import (
    Phone,
    born,
    check_callee,
    check_free,
    glares,
)
from utd_stream.engine.rules.call.state import row_of_call
from utd_stream.engine.rules.commands import AcceptCall, CreateCall
from utd_stream.engine.rules.decide import decide
from utd_stream.engine.rules.effects import SyncRoom, TellCall
from utd_stream.engine.rules.kind import CallEntry
from utd_stream.engine.rules.rows import Rows
from utd_stream.engine.rules.state import Room, Rules
from utd_stream.engine.store import RoomKey
from utd_stream.errors import InvalidRequestError, UnavailableError

__all__ = ["PHONE", "Births"]

_CREATED = 201


def _decoded(state: str) -> Phone:
    try:
        fields: dict[str, Any] = orjson.loads(state)
        return Phone(**fields)
    except (TypeError, ValueError) as error:
        message = "a phone in the database cannot be read: restore a backup"
        raise UnavailableError(message) from error


def _columns(phone: Phone) -> dict[str, Any]:
    return {
        "app_id": phone.app_id,
        "identity": phone.identity,
        "version": phone.version,
        "state": orjson.dumps(attrs.asdict(phone)).decode(),
    }


PHONE = AggregateKind(
    table=PHONES,
    key=lambda phone: (phone.app_id, phone.identity),
    row=_columns,
    decode=_decoded,
)


class Births:
    """`Decider` of CreateCall.

    Args:
        rules: The numbers in force.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def names(self, order: Order) -> Iterable[AggregateRef]:
        """Yield the phones of both."""
        command = order.command
        assert isinstance(command, CreateCall)  # noqa: S101 -- by the decider's class
        app_id, _ = order.key
        for identity in (order.actor.identity, command.request.callee_identity):
            if identity is not None:
                yield PHONE, (app_id, identity)

    def due(self, order: Order, aggregates: Aggregates) -> Iterable[RoomKey]:
        """Yield the calls that may be overdue: then they hold nobody up."""
        for kind, key in self.names(order):
            phone = aggregates.get(kind, key)
            if phone is not None and phone.call_id:
                yield (phone.app_id, phone.call_id)

    def decide(self, order: Order, aggregates: Aggregates, now: datetime) -> Decided:
        """Create the call, or answer the one that the callee makes.

        Raises:
            InvalidRequestError: If nobody calls, or they call themselves.
            ConflictError: If one of them is in a call.
        """
        command, caller = order.command, order.actor.identity
        assert isinstance(command, CreateCall)  # noqa: S101 -- by the decider's class
        if caller is None:
            message = "required: say for whom the app's back end acts"
            raise InvalidRequestError.at(("$.identity", message))
        check_callee(caller, command)
        app_id, call_id = order.key
        callee = command.request.callee_identity
        mine = _live_call(aggregates, app_id, caller)
        his = _live_call(aggregates, app_id, callee)
        if mine is not None and glares(mine, caller, callee):
            return self._answer(order, mine, aggregates, command.device, now)
        check_free(mine, his)
        room, *members = born(order.key, caller, command, now, self._rules)
        claims = [
            _claimed(aggregates, app_id, identity, call_id)
            for identity in (caller, callee)
        ]
        return Decided(
            puts=(Put(ROOM, room), *(Put(PHONE, phone) for phone in claims)),
            room=room,
            members=members,
            answer=CallEntry(row_of_call(room), members[0]),
            effects=((room, SyncRoom()), (room, TellCall())),
            status=_CREATED,
        )

    def _answer(
        self,
        order: Order,
        mine: Room,
        aggregates: Aggregates,
        device: str,
        now: datetime,
    ) -> Decided:
        caller = order.actor.identity or ""
        decision = decide(
            mine,
            Rows({caller: aggregates.member((mine.life_key, caller))}),
            AcceptCall(device=device),
            key=(mine.app_id, mine.name),
            who=order.who,
            actor=order.actor,
            now=now,
            rules=self._rules,
        )
        return Decided(
            puts=(Put(ROOM, decision.room),),
            room=decision.room,
            members=decision.members,
            answer=decision.answer,
            effects=[(decision.room, effect) for effect in decision.effects],
        )


def _live_call(aggregates: Aggregates, app_id: str, identity: str) -> Room | None:
    phone = aggregates.get(PHONE, (app_id, identity))
    if phone is None or not phone.call_id:
        return None
    room = aggregates.get(ROOM, (app_id, phone.call_id))
    return room if room is not None and room.is_live else None


def _claimed(aggregates: Aggregates, app_id: str, identity: str, call_id: str) -> Phone:
    before = aggregates.get(PHONE, (app_id, identity))
    version = before.version if before is not None else 0
    return Phone(app_id=app_id, identity=identity, version=version + 1, call_id=call_id)
