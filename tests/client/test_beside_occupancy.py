"""A place and its tracks, walked beside the machine that was both of them."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any, TypeAlias

from tests.machines.reading import outcome
from utd_stream.client.rules.sending import (
    DisarmOverdue,
    Sending,
    Settle,
    Track,
    occupancy_of,
)
from utd_stream.errors import InvalidTransitionError, RefusedError
from utd_stream.machines import OCCUPANCY, Step
from utd_stream.machines import occupancy as o
from utd_stream.machines import place as p
from utd_stream.machines import track as t
from utd_stream.models.participants import TrackSource
from utd_stream.models.rooms import SeatOccupancy

MICROPHONE = TrackSource.MICROPHONE
_State: TypeAlias = tuple[SeatOccupancy, o.OccupancyData]

# What the pair says that the one machine left to its shell, or had no need of.
NEW = (Settle, DisarmOverdue, p.EndGiveBack, t.ArmOverdue)


def sending(*, default: bool = True) -> Sending:
    """A seat and a microphone."""
    return Sending(name="seat", tracks=(Track(data=t.TrackData(default=default)),))


class Beside:
    """Both, and how often they agreed."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.counts = Counter[str]()
        self.begin()

    def begin(self) -> None:
        """Begin anew; the microphone is on or off by default."""
        default = self.random.random() < 0.8
        self.old: _State = (OCCUPANCY.initial, o.OccupancyData(wanted=default))
        self.new = sending(default=default)
        self.armed = False

    def step(self) -> None:
        """Let both take one fact."""
        state, data = self.old
        fact = self.random.choice(facts(data))
        if self.is_new(fact):
            self.counts["refused now, taken before"] += 1
            return
        old = outcome(OCCUPANCY, state, data, fact)
        told = self.translated(fact)
        new = None if told is None else taken(self.new, told)
        before = self.new

        if isinstance(old, Step):
            self.old = old.state, old.data
        if isinstance(new, tuple):
            self.new = new[0]
        self.compare(fact, old, new)
        self.compare_ends(fact, data, before, new)

    def is_new(self, fact: o.OccupancyEvent) -> bool:
        """Turned on without a place: it undoes an "off" only if that was said."""
        data = self.new.track(MICROPHONE).data
        unsaid = data.wish is t.Wish.UNSAID and not data.default
        return (
            isinstance(fact, o.MicrophoneOn)
            and unsaid
            and not (data.place or data.asked)
        )

    def translated(self, fact: o.OccupancyEvent) -> Any:
        """Return what *fact* is called now; None if the pair need not hear it."""
        op = self.new.place_data.op
        microphone = self.new.track(MICROPHONE).data
        match fact:
            case o.TakeTimedOut():
                if self.new.place_data.waits:
                    return p.Cancelled(op, p.WaitEnd.TIMED_OUT)
                return t.Overdue(MICROPHONE, microphone.wait)
            case o.SeatMoved():
                return None
            case _:
                return _named(fact, op, microphone.publication)

    def compare(self, fact: o.OccupancyEvent, old: Any, new: Any) -> None:
        """Both stand in one place, remember the same, and ask for the same."""
        state, data = self.old
        microphone = self.new.track(MICROPHONE).data
        assert occupancy_of(self.new) is state, fact
        assert self.new.place_data.waits == data.waits, fact
        assert microphone.wanted == data.wanted, fact
        assert microphone.right == data.right, fact
        before = [] if not isinstance(old, Step) else list(map(_alike, old.effects))
        after = [] if not isinstance(new, tuple) else list(map(_alike, new[1]))
        assert [e for e in before if e] == [e for e in after if e], fact
        if isinstance(new, str) and new != old:
            raise AssertionError(fact, old, new)
        self.counts["steps"] += 1
        if isinstance(old, str) and new != old:
            self.counts["invalid before, ignored now"] += 1
        elif isinstance(old, Step):
            self.counts["taken by both"] += 1

    def compare_ends(
        self, fact: o.OccupancyEvent, data: o.OccupancyData, before: Sending, new: Any
    ) -> None:
        """Whoever waits is let go once; a right is waited for within a limit."""
        effects = new[1] if isinstance(new, tuple) else ()
        settled = [each for each in effects if isinstance(each, Settle)]
        ended = data.waits and not self.old[1].waits
        left = isinstance(fact, o.Cancelled | o.TakeTimedOut)
        if ended and not left:
            assert [each.op for each in settled] == [before.place_data.op], fact
        elif settled:
            assert isinstance(fact, o.TakeSeat)
            self.counts["settled at once"] += 1
        for effect in effects:
            if isinstance(effect, t.ArmOverdue):
                self.armed = True
            elif isinstance(effect, DisarmOverdue):
                self.armed = False
        if occupancy_of(self.new) is SeatOccupancy.GRANTING:
            assert self.armed or self.new.place_data.waits, fact


def facts(data: o.OccupancyData) -> tuple[o.OccupancyEvent, ...]:
    """Whatever the machine may hear, in the operation under way."""
    op, publication = data.op, data.publication
    return (
        *(o.TakeSeat(1), o.TakeSeat(1), o.LeaveSeat(), o.MicrophoneOn()),
        *(o.TakeSeat(1, is_mine=True), o.TakeSeat(1, is_mine=True, speaks=False)),
        *(o.MicrophoneOff(), o.Cancelled(op), o.TakeTimedOut(op), o.Refused(op)),
        *(o.AskFailed(op), o.SeatFreed(op), o.GiveBackFailed(op)),
        *(o.SeatConfirmed(), o.SeatConfirmed(), o.SeatConfirmed(speaks=False)),
        *(o.SeatMuted(), o.SeatMoved(), o.SeatLost(), o.RightGranted()),
        *(o.RightGranted(), o.RightRevoked(), o.Published(publication)),
        *(o.PublishFailed(publication), o.ConnectionReplaced(), o.ConnectionEnded()),
    )


def taken(before: Sending, fact: Any) -> Any:
    """Return what becomes of it, or the code of the error."""
    try:
        return before.take(fact)
    except (InvalidTransitionError, RefusedError) as error:
        return error.code


def _named(fact: o.OccupancyEvent, op: int, publication: int) -> Any:
    match fact:
        case o.TakeSeat():
            return p.Ask(is_held=fact.is_mine, speaks=fact.speaks)
        case o.SeatConfirmed(speaks):
            return p.Confirmed(speaks)
        case o.Published():
            return t.Published(MICROPHONE, publication)
        case o.PublishFailed():
            return t.PublishFailed(MICROPHONE, publication)
        case _:
            return _plain(fact, op)


def _plain(fact: o.OccupancyEvent, op: int) -> Any:
    names: dict[type, Any] = {
        o.LeaveSeat: p.LeavePlace(),
        o.Refused: p.Refused(op),
        o.AskFailed: p.AskFailed(op),
        o.Cancelled: p.Cancelled(op),
        o.SeatLost: p.Lost(),
        o.SeatFreed: p.Freed(op),
        o.GiveBackFailed: p.GiveBackFailed(op),
        o.SeatMuted: t.Silenced(MICROPHONE),
        o.RightGranted: t.RightGranted(MICROPHONE),
        o.RightRevoked: t.RightRevoked(MICROPHONE),
        o.MicrophoneOn: t.TurnOn(MICROPHONE),
        o.MicrophoneOff: t.TurnOff(MICROPHONE),
        o.ConnectionReplaced: p.ConnectionReplaced(),
        o.ConnectionEnded: p.ConnectionEnded(),
    }
    return names[type(fact)]


def _alike(effect: Any) -> str:
    """Return what *effect* asks for, by one name; nothing for what is new."""
    if isinstance(effect, (*NEW, o.ArmTakeTimeout)):
        return ""
    names = {
        p.AskPlace: "AskSeat",
        t.PublishTrack: "PublishMicrophone",
        t.UnpublishTrack: "UnpublishMicrophone",
    }
    return names.get(type(effect), type(effect).__name__)


def walk(seed: int, steps: int) -> Counter[str]:
    """Walk both from many beginnings and return how often they agreed."""
    beside = Beside(Random(seed))  # noqa: S311 -- a repeatable walk
    for number in range(steps):
        if number % 40 == 0:
            beside.begin()
        beside.step()
    return beside.counts


def test_the_pair_does_what_the_one_machine_did() -> None:
    """Step by step: where both stand, what they remember, what they ask for."""
    counts = walk(seed=9, steps=20_000)

    assert counts["steps"] > 19_900
    assert counts["taken by both"] > 10_000


if __name__ == "__main__":
    print(walk(seed=1, steps=400_000))  # noqa: T201 -- the figures of a long walk
