"""CALL, phones and CALLING put together: two people, one of them with two devices.

What is said between them is under way for as long as it likes, overtakes, and may
be lost; every deadline may come at any moment.  `explore` goes through all of it::

    world = CallWorld()
    found = explore(world.first, world.moves, laws=LAWS, at_ends=END_LAWS)

The laws are in `utd_stream.testing.call_laws`.
The tables decide (`Declaration.step`); what stands beside them is short: who is
busy, and glare.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import attrs

from utd_stream.errors import InvalidTransitionError, RefusedError
from utd_stream.machines import calling as k
from utd_stream.machines.call import (
    CALL,
    Accept,
    CallData,
    CallEvent,
    CallGraceOver,
    DurationDue,
    End,
    MediaRemoved,
    Party,
    Reject,
    RingDue,
)
from utd_stream.machines.place import AskFailed, Cancelled
from utd_stream.models.calls import UTDCallStatus

__all__ = [
    "FAULTS",
    "PEOPLE",
    "CallWorld",
    "Device",
    "Message",
    "Phase",
    "Row",
    "World",
]

_S = k.CallingState
_C = UTDCallStatus
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_LATE = _NOON + timedelta(days=1)
_RESTING = (_S.IDLE, _S.OVER)
_WAITING = (_S.DIALING, _S.ANSWERING, _S.ENTERING)
PEOPLE: Mapping[str, str] = {"ana": "ana", "phone": "ben", "desk": "ben"}
"""Whose device each is."""

FAULTS: Mapping[str, str] = {
    "no glare rule": "who is called while calling is busy",
    "an SFU removal not heard": "a party whom the SFU removed stays in the call",
    "no grace for the callee": "who answers and never comes is waited for for ever",
    "granted after the end": "an answer is believed though the call is over",
    "a void that re-sends": "taking a request back sends it again",
    "rev order dropped": "an older row takes the place of a newer one",
    "a second device left ringing": "an answer is told to who answered only",
    "a phone never freed": "a call that is over keeps both busy",
}
"""What may be wrong with it, by name."""


_CROSSED = "busy, though the other was calling"
_FREE = "busy, though no call goes on"


@attrs.frozen(cache_hash=True)
class Row:
    """A call as it is told."""

    call: int
    rev: int
    status: UTDCallStatus
    answered_by: str


@attrs.frozen(cache_hash=True)
class Message:
    """What is under way.

    Attributes:
        to: The engine, or a device.
        device: Whose request or answer it is; of a frame, whom it is for.
        kind: dial, accept, end, reject, get, or frame.
        op: Of the device's machine.
        key: Of the request.
        call: Which; -1 for none.
        void: It takes the request back.
        row: What is answered or told; None for a refusal.
        is_served: Whether the engine did what it was asked.
    """

    to: str
    device: str
    kind: str
    op: int = 0
    key: str = ""
    call: int = -1
    void: bool = False
    row: Row | None = None
    is_served: bool = False


@attrs.frozen(cache_hash=True)
class Device:
    """One device.

    Attributes:
        part: Of its machine.
        op: What its machine remembers.
        call: Which call it follows; -1 for none.
        asked: The request that may be taken back; empty for none.
        declines: The hang-up under way ends the call in any case.
        known: The newest row of each call that it has heard of.
        rings: Which calls ring at it.
        is_inside: It is in a media room.
        left: What its person may still do.
    """

    part: k.CallingState = _S.IDLE
    op: int = 0
    call: int = -1
    asked: Message | None = None
    declines: bool = False
    known: tuple[Row, ...] = ()
    rings: frozenset[int] = frozenset()
    is_inside: bool = False
    left: frozenset[str] = frozenset()

    @property
    def request(self) -> Message:
        """The request that was sent last, or is sent now."""
        assert self.asked is not None  # noqa: S101 -- set with the command
        return self.asked

    def row(self, call: int) -> Row | None:
        """Return the newest row of a call; None before any."""
        return next((row for row in self.known if row.call == call), None)


@attrs.frozen(cache_hash=True)
class Phase:
    """A call as the engine has it."""

    caller: str
    callee: str
    status: UTDCallStatus
    data: CallData

    @property
    def is_live(self) -> bool:
        """Whether it rings or goes on."""
        return self.status.is_live


@attrs.frozen(cache_hash=True)
class World:
    """All of it at one moment.

    Attributes:
        calls: Of the engine, oldest first.
        served: Keys that were served, with the call; -1 for a refusal.
        devices: Their names, and how they stand.
        wire: What is under way.
        losses: How much may still be lost.
        wrongs: What was refused without a reason.
    """

    calls: tuple[Phase, ...] = ()
    served: tuple[tuple[str, int], ...] = ()
    devices: tuple[tuple[str, Device], ...] = ()
    wire: frozenset[Message] = frozenset()
    losses: int = 0
    wrongs: frozenset[str] = frozenset()

    def device(self, name: str) -> Device:
        """Return a device."""
        return next(device for each, device in self.devices if each == name)

    def having(self, name: str, device: Device) -> World:
        """Return the world with that device changed."""
        devices = tuple(
            (each, device if each == name else before) for each, before in self.devices
        )
        return attrs.evolve(self, devices=devices)

    def saying(self, *messages: Message) -> World:
        """Return the world with more under way."""
        return attrs.evolve(self, wire=self.wire | set(messages))


class CallWorld:
    """The moves of a world.

    Args:
        fault: One of `FAULTS`, or empty.
        scripts: What each device's person may do, once each: dial, answer, reject,
            hang up, give up; and whether the SFU may remove it: removed.
        losses: How much of what is said may be lost.
    """

    def __init__(
        self,
        fault: str = "",
        *,
        scripts: Mapping[str, frozenset[str]] | None = None,
        losses: int = 1,
    ) -> None:
        self._fault = fault
        scripts = scripts or {
            "ana": frozenset({"dial", "hang up"}),
            "phone": frozenset({"answer", "hang up"}),
            "desk": frozenset({"answer"}),
        }
        devices = tuple(
            (name, Device(left=scripts.get(name, frozenset()))) for name in PEOPLE
        )
        self.first: World = World(devices=devices, losses=losses)

    def moves(self, world: World) -> Iterator[tuple[str, World]]:
        """Yield each move, and where it leads."""
        for name, after in self._all(world):
            yield name, self._tidied(after)

    def _all(self, world: World) -> Iterator[tuple[str, World]]:
        for name, device in world.devices:
            yield from self._acts(world, name, device)
            yield from self._media(world, name, device)
        for message in sorted(world.wire, key=repr):
            yield from self._arrives(world, message)
        yield from self._deadlines(world)

    def _tidied(self, world: World) -> World:
        """Return the world without frames that can change nothing any more."""
        if self._fault == "rev order dropped":
            return world
        kept = frozenset(m for m in world.wire if not _is_stale(world, m))
        return attrs.evolve(world, wire=kept) if kept != world.wire else world

    # What people do.

    def _acts(
        self, world: World, name: str, device: Device
    ) -> Iterator[tuple[str, World]]:
        for what in sorted(device.left):
            acting = attrs.evolve(device, left=device.left - {what})
            match what:
                case "dial" if device.part in _RESTING:
                    asked = Message("engine", name, "dial", key=f"{name} dials")
                    acting = attrs.evolve(acting, asked=asked, call=-1)
                    yield f"{name} dials", self._step(world, name, acting, k.Dial())
                case "answer" if device.rings and device.part in (
                    *_RESTING,
                    _S.OFFERED,
                ):
                    call = min(device.rings)
                    asked = Message(
                        "engine", name, "accept", key=f"{name} accepts", call=call
                    )
                    acting = attrs.evolve(
                        acting, asked=asked, call=call, rings=device.rings - {call}
                    )
                    answer = k.Answer()
                    yield f"{name} answers", self._step(world, name, acting, answer)
                case "reject" if device.rings:
                    sent = Message("engine", name, "reject", call=min(device.rings))
                    yield f"{name} rejects", world.having(name, acting).saying(sent)
                case "hang up" if device.part not in _RESTING:
                    yield (
                        f"{name} hangs up",
                        self._step(world, name, acting, k.HangUp()),
                    )
                case "give up" if device.part in _WAITING:
                    gone = Cancelled(device.op)
                    yield f"{name} gives up", self._step(world, name, acting, gone)
                case "removed" if device.part is _S.OPEN and device.is_inside:
                    yield f"the SFU removes {name}", self._removed(world, name, acting)
                case _:
                    pass

    def _removed(self, world: World, name: str, device: Device) -> World:
        gone = attrs.evolve(device, is_inside=False)
        world = self._step(world, name, gone, k.RemovedFromRoom())
        if self._fault == "an SFU removal not heard":
            return world
        return world.saying(Message("engine", name, "removal", call=device.call))

    def _media(
        self, world: World, name: str, device: Device
    ) -> Iterator[tuple[str, World]]:
        if device.part is _S.ENTERING:
            inside = attrs.evolve(device, is_inside=True)
            entered = k.Entered(device.op)
            yield f"{name} enters", self._step(world, name, inside, entered)
        is_over = device.call >= 0 and not world.calls[device.call].is_live
        if device.part is _S.OPEN and is_over and device.is_inside:
            gone = attrs.evolve(device, is_inside=False)
            event = k.RemovedFromRoom()
            yield f"{name} is removed", self._step(world, name, gone, event)

    # What is under way.

    def _arrives(self, world: World, message: Message) -> Iterator[tuple[str, World]]:
        rest = attrs.evolve(world, wire=world.wire - {message})
        verb = "the void of " if message.void else ""
        what = f"{verb}{message.kind} of {message.device}"
        if message.to == "engine":
            yield f"the engine serves the {what}", self._served(rest, message)
        elif message.kind == "frame":
            assert message.row is not None  # noqa: S101 -- of frames
            told = f"{message.device} hears that it is {message.row.status.value}"
            yield told, self._hear(rest, message.device, message.row)
        else:
            yield (
                f"{message.device} gets the answer to the {what}",
                self._answered(rest, message),
            )
        if world.losses:
            lost = attrs.evolve(rest, losses=world.losses - 1)
            way = "on its way" if message.to == "engine" else "on its way back"
            yield f"the {what} is lost {way}", self._lost(lost, message)

    def _lost(self, world: World, message: Message) -> World:
        name = message.device
        device = world.device(name)
        match message.kind:
            case "frame":
                # The socket comes back, and tells how it stands by then.
                assert message.row is not None  # noqa: S101 -- of frames
                asked = Message("engine", name, "get", op=-1, call=message.row.call)
                return world.saying(asked)
            case "dial" | "accept" if not message.void:
                return self._step(world, name, device, AskFailed(message.op))
            case "get" | "reject" | "removal":
                again = attrs.evolve(message, to="engine", row=None, is_served=False)
                return world.saying(again)
            case _:
                return self._step(world, name, device, k.HangUpFailed(message.op))

    def _served(self, world: World, asked: Message) -> World:
        served = dict(world.served)
        if asked.key in served:
            call = served[asked.key]
            row = self._row(world, call) if call >= 0 else None
            return world.saying(_reply(asked, row, is_served=call >= 0))
        if asked.void and self._fault != "a void that re-sends":
            kept = (*world.served, (asked.key, -1))
            world = attrs.evolve(world, served=kept)
            return world.saying(_reply(asked, None, is_served=False))
        world, call, is_served = self._decided(world, asked)
        if asked.key:
            told = call if is_served else -1
            world = attrs.evolve(world, served=(*world.served, (asked.key, told)))
        if asked.kind == "removal":
            return world  # nobody waits for an answer
        row = self._row(world, call) if call >= 0 else None
        return world.saying(_reply(asked, row, is_served=is_served))

    def _decided(self, world: World, asked: Message) -> tuple[World, int, bool]:
        person = PEOPLE[asked.device]
        match asked.kind:
            case "dial":
                return self._dialed(world, person, asked.device)
            case "get":
                return world, asked.call, True
            case "accept":
                event: CallEvent = Accept(asked.device, _NOON, _NOON)
            case "reject":
                event = Reject(_NOON)
            case "removal":
                event = MediaRemoved(_party(world, asked), _NOON)
            case _:
                event = End(_NOON, _party(world, asked))
        return self._fire(world, asked.call, event)

    def _dialed(
        self, world: World, caller: str, device: str
    ) -> tuple[World, int, bool]:
        callee = "ben" if caller == "ana" else "ana"
        for number, call in enumerate(world.calls):
            busy = call.is_live or self._fault == "a phone never freed"
            if not busy:
                continue
            unanswered = call.status.is_unanswered and call.callee == caller
            if unanswered and self._fault != "no glare rule":
                return self._fire(world, number, Accept(device, _NOON, _NOON))
            wrong = _CROSSED if unanswered else "" if call.is_live else _FREE
            wrongs = {wrong} if wrong else set[str]()
            world = attrs.evolve(world, wrongs=world.wrongs | wrongs)
            return world, -1, False
        data = CallData(ring_until=_NOON, caller_absent_since=_NOON)
        made = Phase(caller, callee, _C.INITIATING, data)
        world = attrs.evolve(world, calls=(*world.calls, made))
        number = len(world.calls) - 1
        return self._told(world, number, callee), number, True

    def _fire(
        self, world: World, number: int, event: CallEvent
    ) -> tuple[World, int, bool]:
        call = world.calls[number]
        try:
            step = CALL.step(call.status, call.data, event)
        except RefusedError:
            return world, number, False
        after = attrs.evolve(call, status=step.state, data=step.data)
        if self._fault == "no grace for the callee" and isinstance(event, Accept):
            data = attrs.evolve(step.data, callee_absent_since=None)
            after = attrs.evolve(after, data=data)
        calls = (*world.calls[:number], after, *world.calls[number + 1 :])
        world = attrs.evolve(world, calls=calls)
        if step.data.rev > call.data.rev:
            for person in (call.caller, call.callee):
                world = self._told(world, number, person)
        return world, number, True

    def _told(self, world: World, number: int, person: str) -> World:
        row = self._row(world, number)
        left_out = self._fault == "a second device left ringing"
        return world.saying(
            *(
                Message(name, name, "frame", call=number, row=row)
                for name, whose in PEOPLE.items()
                if whose == person
                and not (left_out and row.answered_by not in {"", name})
            )
        )

    @staticmethod
    def _row(world: World, number: int) -> Row:
        call = world.calls[number]
        return Row(number, call.data.rev, call.status, call.data.answered_by or "")

    # What a device makes of it.

    def _hear(self, world: World, name: str, row: Row) -> World:
        device = self._folded(world.device(name), name, row, world)
        world = world.having(name, device)
        newest = device.row(row.call)
        if device.call != row.call or newest is None:
            return world
        if newest.status.is_final:
            return self._step(world, name, device, k.CallOver())
        return world

    def _folded(self, device: Device, name: str, row: Row, world: World) -> Device:
        before = device.row(row.call)
        is_newer = before is None or row.rev > before.rev
        if not (is_newer or self._fault == "rev order dropped"):
            return device
        known = (*(each for each in device.known if each.call != row.call), row)
        is_callee = world.calls[row.call].callee == PEOPLE[name]
        rings = device.rings - {row.call}
        mine = device.asked is not None and device.asked.call == row.call
        is_here = mine and device.part not in _RESTING
        if is_callee and row.status.is_unanswered and not is_here:
            rings |= {row.call}
        return attrs.evolve(
            device, known=tuple(sorted(known, key=lambda r: r.call)), rings=rings
        )

    def _answered(self, world: World, told: Message) -> World:  # noqa: PLR0911 -- a line each
        name, device = told.device, world.device(told.device)
        if told.row is not None and (told.is_served or told.kind == "get"):
            folded = self._hear(world, name, told.row)
            if told.kind in {"get", "reject"}:
                return folded
            world, device = folded, folded.device(name)
        if told.kind in {"get", "reject"}:
            return world
        if told.op != device.op:
            return world  # of what has ended
        if told.void:
            return self._taken_back(world, told)
        if told.kind == "end":
            return self._step(world, name, device, k.HangUpAnswered(told.op))
        if told.is_served and told.row is not None:
            call = told.row.call
            device = attrs.evolve(device, call=call, rings=device.rings - {call})
            newest = device.row(call) or told.row
            is_over = newest.status.is_final
            believed = is_over and self._fault != "granted after the end"
            return self._step(world, name, device, k.Granted(told.op, believed))
        row = device.row(device.call) if device.call >= 0 else None
        is_over = row is not None and row.status.is_final
        return self._step(world, name, device, k.CallRefused(told.op, is_over))

    def _taken_back(self, world: World, told: Message) -> World:
        name, device = told.device, world.device(told.device)
        if told.is_served and told.row is not None:
            call = told.row.call
        elif device.declines:
            call = device.call
        else:
            if told.kind == "accept":
                row = device.row(device.call)
                if row is not None and row.status.is_unanswered:
                    rings = device.rings | {device.call}
                    device = attrs.evolve(device, rings=rings)
            return self._step(world, name, device, k.RequestVoided(told.op))
        ending = Message("engine", name, "end", op=told.op, call=call)
        return world.having(name, attrs.evolve(device, call=call)).saying(ending)

    def _step(  # noqa: C901 -- a line for each effect
        self, world: World, name: str, device: Device, event: k.CallingEvent
    ) -> World:
        if k.is_late(k.CallingData(op=device.op), event):
            return world.having(name, device)
        try:
            step = k.CALLING.step(device.part, k.CallingData(op=device.op), event)
        except (InvalidTransitionError, RefusedError):
            return world.having(name, device)
        device = attrs.evolve(device, part=step.state, op=step.data.op)
        sent: list[Message] = []
        for effect in step.effects:
            match effect:
                case k.AskCreate(op) | k.AskAccept(op):
                    sent.append(attrs.evolve(device.request, op=op))
                case k.TakeBack(op, declines):
                    void = self._fault != "a void that re-sends"
                    device = attrs.evolve(device, declines=declines)
                    sent.append(attrs.evolve(device.request, op=op, void=void))
                case k.AskEnd(op):
                    sent.append(Message("engine", name, "end", op=op, call=device.call))
                case k.AskEndAgain(op):
                    sent.append(self._again(world, name, device, op))
                case k.LeaveMedia():
                    device = attrs.evolve(device, is_inside=False)
                case k.LookForEnd(op):
                    sent.append(Message("engine", name, "get", op=op, call=device.call))
                case k.EnterMedia() | k.PublishAgain():
                    pass
        return world.having(name, device).saying(*sent)

    def _again(self, world: World, name: str, device: Device, op: int) -> Message:
        is_known = device.call >= 0 and device.row(device.call) is not None
        taken_back = device.asked is not None and not (
            is_known and self._was_granted(world, device)
        )
        if taken_back and device.asked is not None:
            return attrs.evolve(device.asked, op=op, void=True)
        return Message("engine", name, "end", op=op, call=device.call)

    @staticmethod
    def _was_granted(world: World, device: Device) -> bool:
        return device.asked is not None and any(
            key == device.asked.key and call >= 0 for key, call in world.served
        )

    # Deadlines.

    def _deadlines(self, world: World) -> Iterator[tuple[str, World]]:
        for number, call in enumerate(world.calls):
            if call.status.is_unanswered:
                due: CallEvent = RingDue(_LATE)
                yield "the ring is over", self._fire(world, number, due)[0]
            if call.status is _C.ACTIVE:
                due = DurationDue(_LATE)
                yield "it has lasted too long", self._fire(world, number, due)[0]
            for party in Party:
                person = call.caller if party is Party.CALLER else call.callee
                if call.is_live and call.data.absent_since(party) is not None:
                    is_inside = any(
                        d.is_inside and d.call == number and PEOPLE[n] == person
                        for n, d in world.devices
                    )
                    if not is_inside:
                        due = CallGraceOver(party, _LATE, 0)
                        after = self._fire(world, number, due)[0]
                        yield f"{person} is not there in time", after


def _party(world: World, asked: Message) -> Party:
    is_caller = world.calls[asked.call].caller == PEOPLE[asked.device]
    return Party.CALLER if is_caller else Party.CALLEE


def _is_stale(world: World, message: Message) -> bool:
    if message.kind != "frame" or message.row is None:
        return False
    known = world.device(message.device).row(message.row.call)
    return known is not None and known.rev >= message.row.rev


def _reply(asked: Message, row: Row | None, *, is_served: bool) -> Message:
    return attrs.evolve(asked, to=asked.device, row=row, is_served=is_served)
