"""Deciding commands together: one transaction for all that wait.

Pure but for the store it reads from: nothing is written before the end, and
nothing is remembered before the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime

import orjson

from utd_stream.contract.answers import Empty
from utd_stream.contract.endpoints import Who
from utd_stream.engine._answers import beyond, numbered
from utd_stream.engine._batch_rows import BatchRows
from utd_stream.engine._replay import kept_fields, replayed
from utd_stream.engine._retention import KEPT
from utd_stream.engine._rows import ROOM, CallRow, SignalRow
from utd_stream.engine._unit import AggregateRef, Decider, Deciders, UnitOfWork
from utd_stream.engine.border_log import log_failure
from utd_stream.engine.committed import Committed
from utd_stream.engine.orders import (
    Entry,
    Idempotency,
    Order,
    Outcome,
    another_request,
    taken_back,
)
from utd_stream.engine.rules.authority import check_may
from utd_stream.engine.rules.call.state import call_of, row_of_call
from utd_stream.engine.rules.call.telling import signals_of
from utd_stream.engine.rules.commands import CallCommand, Command, TimePassed
from utd_stream.engine.rules.decide import decide, next_deadline, overdue
from utd_stream.engine.rules.effects import (
    Effect,
    Say,
    SyncMetadata,
    SyncParticipant,
    SyncRoom,
    TellCall,
)
from utd_stream.engine.rules.grants import permission
from utd_stream.engine.rules.keeping import row_of
from utd_stream.engine.rules.members import Place
from utd_stream.engine.rules.needs import needs
from utd_stream.engine.rules.state import Member, Room, Rules
from utd_stream.engine.store import (
    GRANT,
    Changes,
    OutboxRow,
    RoomKey,
    RoomWrite,
    Store,
    StoredAnswer,
)
from utd_stream.errors import (
    ConflictError,
    EngineError,
    UnavailableError,
)
from utd_stream.wire import encode

__all__ = ["Batch"]

_FIRST_ERROR = 400


class Batch:
    """Orders that are decided and committed together.

    Args:
        store: Read for rooms and answers; its transaction is open.
        committed: What need not be read.
        rules: The numbers in force.
        now: For all of them.
        seq: Number of the newest outbox row.
        deciders: Of commands on other aggregates than one room, by their class.
    """

    def __init__(  # noqa: PLR0913 -- all that a batch depends on
        self,
        store: Store,
        committed: Committed,
        rules: Rules,
        now: datetime,
        seq: int,
        *,
        deciders: Deciders,
    ) -> None:
        self.seq = seq
        self._deciders = deciders
        self._store = store
        self._committed = committed
        self._rules = rules
        self._now = now
        self._rows = BatchRows(store.members, committed.rows)
        self._unit = UnitOfWork(store, committed, self._rows)
        self._outbox: dict[tuple[str, str, str, str], OutboxRow] = {}
        self._known: dict[str, StoredAnswer] = {}
        self._answers: list[StoredAnswer] = []
        self._calls: dict[RoomKey, CallRow] = {}
        self._signals: list[SignalRow] = []

    def decide(self, orders: Sequence[Order]) -> list[Outcome | EngineError]:
        """Return what becomes of each of *orders*; one harms no other."""
        # Answers after the rooms: whoever decides a key has locked its room.
        for kind, key in dict.fromkeys(ref for o in orders for ref in self._refs(o)):
            # What cannot be read is told at its command's turn.
            with suppress(EngineError):
                self._unit.get(kind, key)
        ids = [order.idempotency.id for order in orders if order.idempotency]
        if ids:
            self._known = self._store.answers(ids, self._now.timestamp())
        with suppress(EngineError):  # a damaged row is told at its command's turn
            self._rows.read(self._named(orders))
        return [self._one(order) for order in orders]

    def changes(self, sent: Sequence[OutboxRow]) -> Changes:
        """Return all there is to write, with the rows *sent* in the meantime."""
        newest = {a.caller: self._number(a.caller) for a in self._answers}
        answers = numbered(self._answers, newest)
        return Changes(
            rooms=[
                RoomWrite(before, room, next_deadline(room, self._rules))
                for before, room in self._unit.rooms()
            ],
            others=self._unit.others(),
            members=self._rows.changed,
            outbox=list(self._outbox.values()),
            sent=sent,
            answers=answers,
            evicted=beyond(answers),
            calls=list(self._calls.values()),
            signals=self._signals,
        )

    def _one(self, order: Order) -> Outcome | EngineError:
        if order.idempotency is None:
            return self._outcome(order)
        known = self._known.get(order.idempotency.id)
        if known is not None:
            if known.fingerprint != order.idempotency.fingerprint:
                return another_request()
            return self._again(known, order)
        void = order.idempotency.is_void
        outcome = taken_back() if void else self._outcome(order)
        if isinstance(outcome, Outcome):
            self._keep(order.idempotency, outcome)
            return outcome
        refused = Outcome.refused(outcome, order.request_id)
        if refused is None:
            return outcome
        self._keep(order.idempotency, refused)
        return refused

    def _again(self, known: StoredAnswer, order: Order) -> Outcome | EngineError:
        room = member = None
        if known.life:
            try:
                room = self._room(order.key)
                member = self._member(room, order.actor.identity)
            except EngineError as error:
                return error
        body = replayed(known.body, known.life, room, member, order.actor)
        if order.entry is not None and known.status < _FIRST_ERROR:
            body = self._entered_anew(body, order, order.entry)
        return Outcome(status=known.status, body=body)

    def _entered_anew(self, body: bytes, order: Order, entry: Entry) -> bytes:
        """Return the answer about a call with a fresh way in, while it goes on."""
        fields = orjson.loads(body)
        room = self._try_room((order.key[0], fields["call_id"]))
        member = self._member(room, order.actor.identity)
        if room is None or member is None:
            return body
        return orjson.dumps({**fields, **entry(room, member)})

    def _outcome(self, order: Order) -> Outcome | EngineError:
        try:
            return self._obey(order)
        except EngineError as error:
            return error
        except Exception as error:  # noqa: BLE001 -- one bad command harms no other
            log_failure(f"deciding {type(order.command).__name__} failed", error)
            return UnavailableError("the engine failed to decide this; see its log")

    def _obey(self, order: Order) -> Outcome:
        if isinstance(order.command, EngineError):
            raise order.command
        decider = self._deciders.get(type(order.command))
        if decider is not None:
            for key in list(decider.due(order, self._unit)):
                self._settle(key)
            return self._obey_many(order, decider)
        if isinstance(order.command, CallCommand):
            self._settle(order.key)
        return self._obey_one(order, order.command)

    def _settle(self, key: RoomKey) -> None:
        """Decide what is overdue of a call first, as a decision of its own."""
        room = self._try_room(key)
        if room is not None and "time" in overdue(room, self._rules, self._now):
            passed = TimePassed()
            order = Order(key=key, command=passed, who=Who.SFU)
            self._obey_one(order, passed)

    def _obey_one(self, order: Order, command: Command) -> Outcome:
        before = self._room(order.key)
        rows = self._rows.of(before, command, order.actor)
        if order.if_match is not None:
            room = check_may(before, rows, order.actor, order.who)
            _check_revision(room, order.if_match)
        decision = decide(
            before,
            rows,
            command,
            key=order.key,
            who=order.who,
            actor=order.actor,
            now=self._now,
            rules=self._rules,
        )
        body = b""
        if order.reply is not None:
            body = order.reply(decision.room, decision.answer)
        kept, life = b"", 0
        if order.idempotency is not None:
            answer = Empty() if decision.answer is None else decision.answer
            kept, life = kept_fields(answer, decision.room)
        room = decision.room
        changed = [row_of(room, member, self._rules) for member in decision.members]
        outcome = Outcome(
            body=body, room=room, members=decision.members, kept=kept, life=life
        )
        # From here on nothing fails, so that a refusal leaves nothing behind.
        if room.version != (before.version if before else 0):
            self._unit.put(ROOM, room)
        self._rows.put(changed)
        for effect in decision.effects:
            self._put(decision.room, effect)
        return outcome

    def _obey_many(self, order: Order, decider: Decider) -> Outcome:
        decided = decider.decide(order, self._unit, self._now)
        room = decided.room
        if room is not None and order.reply is not None:
            body = order.reply(room, decided.answer)
        else:
            body = encode(decided.answer)
        kept, life = body, 0
        if room is not None and order.idempotency is not None:
            kept, life = kept_fields(decided.answer, room)
        for put in decided.puts:
            self._unit.check(put)
        rows = [row_of(room, m, self._rules) for m in decided.members if room]
        # Likewise nothing fails from here on.
        for put in decided.puts:
            self._unit.put(put.kind, put.after)
        self._rows.put(rows)
        for told, effect in decided.effects:
            self._put(told, effect)
        return Outcome(
            status=decided.status,
            body=body,
            room=room,
            members=tuple(decided.members),
            kept=kept,
            life=life,
        )

    def _refs(self, order: Order) -> Iterable[AggregateRef]:
        if isinstance(order.command, EngineError):
            return ()
        decider = self._deciders.get(type(order.command))
        if decider is None:
            return [(ROOM, order.key)]
        # A bug in it is told at its command's turn, too.
        with suppress(Exception):
            return list(decider.names(order))
        return ()

    def _named(self, orders: Sequence[Order]) -> Iterator[Place]:
        """Yield whose rows *orders* will look at, as far as can be told now."""
        for order in orders:
            if isinstance(order.command, EngineError):
                continue
            if type(order.command) in self._deciders:
                continue
            room = self._try_room(order.key)
            if room is None or not room.is_live:
                continue
            # A bug in it is told at its turn, too.
            with suppress(Exception):
                for name in needs(room, order.command, order.actor).names:
                    yield room.life_key, name

    def _member(self, room: Room | None, identity: str | None) -> Member | None:
        if room is None or not room.is_live or identity is None:
            return None
        return self._rows.one((room.life_key, identity))

    def _room(self, key: RoomKey) -> Room | None:
        return self._unit.get(ROOM, key)

    def _try_room(self, key: RoomKey) -> Room | None:
        with suppress(EngineError):
            return self._room(key)
        return None

    def _number(self, caller: str) -> int:
        try:
            return self._committed.number(caller)
        except KeyError:
            return self._store.newest_answer(caller)

    def _put(self, room: Room, effect: Effect) -> None:
        if isinstance(effect, TellCall):
            self._tell(room)
            return
        self.seq += 1
        key = room.app_id, room.name
        kind, slot, payload = self._row(room, effect)
        row = OutboxRow(*key, kind, slot, self.seq, payload, room.version)
        self._outbox[(*key, kind, slot)] = row

    def _tell(self, room: Room) -> None:
        call, told = call_of(room), row_of_call(room)
        state = encode(told).decode()
        self._calls[room.app_id, room.name] = CallRow(
            app_id=room.app_id,
            call_id=room.name,
            caller=call.caller,
            callee=call.callee,
            type=room.type.value,
            status=call.status.value,
            initiated_at=room.created_at.timestamp(),
            state=state,
        )
        self._signals += (
            SignalRow(
                app_id=room.app_id,
                identity=identity,
                event=signal.value,
                call_id=room.name,
                device=call.data.answered_by or "",
                at=self._now.timestamp(),
                state=state,
            )
            for identity, signal in signals_of(room)
        )

    def _row(
        self, room: Room, effect: SyncRoom | SyncMetadata | SyncParticipant | Say
    ) -> tuple[str, str, str]:
        match effect:
            case SyncRoom():
                return "room", "", ""
            case SyncMetadata():
                return "metadata", "", ""
            case SyncParticipant(identity):
                right = permission(room, self._member(room, identity))
                is_grant = right is not None and right.can_publish
                return "participant", identity, GRANT if is_grant else ""
            case Say(said, to):
                return "say", str(self.seq), orjson.dumps([said, to]).decode()

    def _keep(self, idempotency: Idempotency, outcome: Outcome) -> None:
        answer = StoredAnswer(
            idempotency.id,
            idempotency.fingerprint,
            outcome.status,
            outcome.kept,
            self._now.timestamp() + KEPT,
            idempotency.caller,
            life=outcome.life,
        )
        self._known[answer.id] = answer
        self._answers.append(answer)


def _check_revision(room: Room, rev: int) -> None:
    if room.rev != rev:
        message = f"the grid is at revision {room.rev}, not at {rev}"
        raise ConflictError(message, code="stale_revision", details={"rev": room.rev})
