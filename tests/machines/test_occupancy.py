"""The occupancy machine keeps the laws of its docstring."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.machines.laws import AnyMachine, check_names, check_table
from tests.machines.occupancy_reading import READING, STANDS, VOCABULARY
from tests.machines.reading import Seen, check_reading, every_step, fired
from utd_stream.machines import OCCUPANCY, Run, occupancy
from utd_stream.machines.occupancy import (
    ArmTakeTimeout,
    AskFailed,
    AskLeave,
    AskSeat,
    Cancelled,
    ConnectionEnded,
    ConnectionReplaced,
    GiveBack,
    GiveBackFailed,
    LeaveSeat,
    MicrophoneOff,
    MicrophoneOn,
    MuteTrack,
    OccupancyData,
    OccupancyEffect,
    OccupancyEvent,
    Published,
    PublishFailed,
    PublishMicrophone,
    Refused,
    RightGranted,
    RightRevoked,
    SeatConfirmed,
    SeatFreed,
    SeatLost,
    SeatMoved,
    SeatMuted,
    TakeSeat,
    TakeTimedOut,
    UnmuteTrack,
    UnpublishMicrophone,
    is_late,
)
from utd_stream.models.rooms import SeatOccupancy
from utd_stream.testing.strategies import occupancy_events

LISTENING, TAKING, GRANTING, PUBLISHING, SPEAKING, SILENT, LEAVING = SeatOccupancy
SEATED = (GRANTING, PUBLISHING, SPEAKING, SILENT)
UP = (PUBLISHING, SPEAKING)

UNPUBLISH = UnpublishMicrophone()


@pytest.fixture
def machine() -> AnyMachine:
    """The machine that is checked; `mutants` passes bent ones."""
    return OCCUPANCY


def everything(data: OccupancyData) -> tuple[OccupancyEvent, ...]:
    """Return whatever the operation and publication under way may hear."""
    op, publication = data.op, data.publication
    return (
        *(TakeSeat(), LeaveSeat(), MicrophoneOn(), MicrophoneOff()),
        *(TakeSeat(is_mine=True), TakeSeat(is_mine=True, speaks=False)),
        *(Cancelled(op), TakeTimedOut(op), Refused(op), AskFailed(op)),
        *(SeatFreed(op), GiveBackFailed(op)),
        *(SeatConfirmed(), SeatConfirmed(speaks=False)),
        *(SeatMuted(), SeatMoved(), SeatLost(), RightGranted(), RightRevoked()),
        *(Published(publication), PublishFailed(publication)),
        *(ConnectionReplaced(), ConnectionEnded()),
    )


def every_occupancy_step(machine: AnyMachine) -> Iterator[Seen]:
    """Each step that can be taken within a few operations and publications."""
    yield from every_step(
        machine,
        OccupancyData(),
        everything,
        within=lambda data: data.op <= 3 and data.publication <= 3,
    )


def test_table_is_well_formed(machine: AnyMachine) -> None:
    """The table has no dead names, no unreachable states, no partial guards."""
    check_table(machine, VOCABULARY)


def test_table_reads_as_agreed(machine: AnyMachine) -> None:
    """Each row does what a person says it does, and there is no other."""
    check_reading(machine, READING, STANDS)


def test_published_only_while_seated(machine: AnyMachine) -> None:
    """The microphone is up, or on its way, exactly in publishing and speaking."""
    for seen in every_occupancy_step(machine):
        up = seen.state in UP
        # It failed, or went down with the connection it was published on.
        if isinstance(seen.event, PublishFailed | ConnectionReplaced):
            up = False
        for effect in seen.step.effects:
            if isinstance(effect, PublishMicrophone | UnpublishMicrophone):
                assert up == (effect == UNPUBLISH)
                up = not up
        assert up == (seen.step.state in UP)


def test_every_publish_is_answered_or_withdrawn(machine: AnyMachine) -> None:
    """Who stops sending withdraws the microphone, unless it is gone by itself."""
    for seen in every_occupancy_step(machine):
        if seen.state in UP and seen.step.state not in UP:
            gone = isinstance(seen.event, PublishFailed | ConnectionReplaced)
            assert (UNPUBLISH in seen.step.effects) != gone
        else:
            assert UNPUBLISH not in seen.step.effects


def test_every_ask_is_settled(machine: AnyMachine) -> None:
    """A take ends seated, refused, with the connection, or is given back."""
    for seen in every_occupancy_step(machine):
        if seen.state is TAKING and seen.moved:
            given_back = GiveBack(seen.step.data.op) in seen.step.effects
            assert given_back == (seen.step.state is LEAVING)
            if seen.step.state in SEATED:
                assert isinstance(seen.event, SeatConfirmed)
            if seen.step.state is LISTENING:
                assert isinstance(seen.event, Refused | ConnectionEnded)


def test_leaving_asks_once(machine: AnyMachine) -> None:
    """Whoever begins to leave asks the engine once: by leave or by give-back."""
    for seen in every_occupancy_step(machine):
        asks = [e for e in seen.step.effects if isinstance(e, GiveBack | AskLeave)]
        begins = seen.step.state is LEAVING and seen.moved
        assert len(asks) == (begins or isinstance(seen.event, GiveBackFailed))


def test_losing_the_seat_ends_it(machine: AnyMachine) -> None:
    """SeatLost leads to listening from wherever one sits."""
    lost = set()
    for seen in every_occupancy_step(machine):
        if isinstance(seen.event, SeatLost) and seen.state in SEATED:
            lost.add(seen.state)
            assert seen.step.state is LISTENING
    assert lost == set(SEATED)


def test_a_failed_give_back_is_tried_again(machine: AnyMachine) -> None:
    """Leaving ends by an answer or with the connection; no answer, no end."""
    for seen in every_occupancy_step(machine):
        if seen.state is LEAVING:
            ends = isinstance(seen.event, SeatFreed | Refused | ConnectionEnded)
            assert seen.step.state is (LISTENING if ends else LEAVING)
            if isinstance(seen.event, GiveBackFailed):
                assert seen.step.effects == (GiveBack(seen.data.op + 1),)


def test_no_right_no_publish(machine: AnyMachine) -> None:
    """Nothing is published before the right is seen, nor after it was taken."""
    for seen in every_occupancy_step(machine):
        right = seen.data.right or isinstance(seen.event, RightGranted)
        asked = [e for e in seen.step.effects if isinstance(e, PublishMicrophone)]
        assert right or not asked
        assert seen.step.data.right or seen.step.state not in UP


def test_what_is_off_or_muted_is_not_published(machine: AnyMachine) -> None:
    """Whatever the right: it may be left of a seat before."""
    for seen in every_occupancy_step(machine):
        if any(isinstance(e, PublishMicrophone) for e in seen.step.effects):
            assert seen.step.data.wanted
            assert seen.event != SeatConfirmed(speaks=False)
            assert seen.event != TakeSeat(is_mine=True, speaks=False)


def test_right_is_what_the_sfu_said_last(machine: AnyMachine) -> None:
    """The right comes by grant and goes by revoke or with the connection."""
    gone = RightRevoked | ConnectionReplaced | ConnectionEnded
    for seen in every_occupancy_step(machine):
        right = seen.data.right and not isinstance(seen.event, gone)
        granted = isinstance(seen.event, RightGranted)
        assert seen.step.data.right == (right or granted)


def test_mute_keeps_the_track(machine: AnyMachine) -> None:
    """The switch mutes and unmutes what is there, and is remembered if not."""
    for seen in every_occupancy_step(machine):
        switched = isinstance(seen.event, MicrophoneOn | MicrophoneOff)
        wanted = isinstance(seen.event, MicrophoneOn) if switched else seen.data.wanted
        assert seen.step.data.wanted == wanted
        if switched and seen.state is SPEAKING:
            assert seen.step.state is SPEAKING
            assert seen.step.effects == (UnmuteTrack() if wanted else MuteTrack(),)
        if isinstance(seen.event, Published):
            assert (MuteTrack() in seen.step.effects) != wanted


def test_who_waits_is_known(machine: AnyMachine) -> None:
    """A take_seat waits until it speaks, sits in silence, or has failed."""
    for seen in every_occupancy_step(machine):
        waits, state = seen.step.data.waits, seen.step.state
        assert waits or state is not TAKING
        assert not waits or state in (TAKING, GRANTING, PUBLISHING)
        if waits and not seen.data.waits:
            assert isinstance(seen.event, TakeSeat)


def test_operations_keep_their_number_while_awaited(machine: AnyMachine) -> None:
    """What is asked for carries the number that stands; a new one is a new one."""
    numbered = AskSeat | AskLeave | GiveBack | ArmTakeTimeout
    for seen in every_occupancy_step(machine):
        if seen.data.waits and seen.step.data.waits:
            assert seen.step.data.op == seen.data.op
        for effect in seen.step.effects:
            if isinstance(effect, numbered):
                assert effect.op == seen.step.data.op
            if isinstance(effect, AskSeat | AskLeave | GiveBack):
                assert effect.op == seen.data.op + 1
            if isinstance(effect, PublishMicrophone):
                assert effect.publication == seen.step.data.publication
                assert effect.publication == seen.data.publication + 1


def test_every_wait_has_an_end(machine: AnyMachine) -> None:
    """A timer of the operation runs wherever a right or an answer is waited for."""
    for seen in every_occupancy_step(machine):
        armed = ArmTakeTimeout(seen.step.data.op) in seen.step.effects
        if seen.step.state in (TAKING, GRANTING) and seen.moved:
            assert armed or (seen.state is TAKING and seen.data.op == seen.step.data.op)


def test_who_leaves_is_never_seated_later(machine: AnyMachine) -> None:
    """LeaveSeat begins to leave wherever it is not done already, and is heard."""
    left = set()
    for seen in every_occupancy_step(machine):
        if isinstance(seen.event, LeaveSeat):
            left.add(seen.state)
            assert seen.step.state is LEAVING
            asks = [e for e in seen.step.effects if isinstance(e, GiveBack | AskLeave)]
            assert len(asks) == (seen.state is not LEAVING)
    assert left == set(SeatOccupancy)


def test_my_own_seat_is_not_asked_for(machine: AnyMachine) -> None:
    """Taking it is done at once, or waits for what is missing; it frees nothing."""
    done = set()
    for seen in every_occupancy_step(machine):
        mine = isinstance(seen.event, TakeSeat) and seen.event.is_mine
        if mine and seen.state in SEATED:
            done.add(seen.state)
            assert seen.step.state in SEATED
            assert not any(
                isinstance(e, AskSeat | AskLeave | GiveBack) for e in seen.step.effects
            )
            armed = ArmTakeTimeout(seen.step.data.op) in seen.step.effects
            assert armed == seen.step.data.waits
            assert armed == (seen.step.state in (GRANTING, PUBLISHING))
    assert done == set(SEATED)


def test_ended_operations_are_late(machine: AnyMachine) -> None:
    """Once the microphone is down or the take is over, their facts are late."""
    for seen in every_occupancy_step(machine):
        down = UNPUBLISH in seen.step.effects
        if down or isinstance(seen.event, ConnectionReplaced):
            assert is_late(seen.step.data, Published(seen.data.publication))
        if seen.step.state in (LEAVING, LISTENING) and seen.moved:
            assert is_late(seen.step.data, TakeTimedOut(seen.data.op))
        assert not is_late(seen.step.data, TakeTimedOut(seen.step.data.op))
        assert not is_late(seen.step.data, Published(seen.step.data.publication))
        assert not is_late(seen.step.data, SeatLost())


class OccupancyWalk(RuleBasedStateMachine):
    """Any sequence of events keeps the laws, late facts being dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.run = Run(OCCUPANCY, OccupancyData())
        self.up: int | None = None
        self.muted = False
        self.right = False
        self.asked: int | None = None
        self.armed: int | None = None

    @rule(data=st.data())
    def hear(self, data: st.DataObject) -> None:
        """Take the event as a client does and keep books of what it asks for."""
        event = data.draw(occupancy_events(self.run.data))
        if is_late(self.run.data, event):
            return
        effects = fired(self.run, event)
        if effects is None:
            return
        self.world(event)
        for effect in effects:
            self.book(effect)

    def world(self, event: OccupancyEvent) -> None:
        """Write down what the event itself says about the world."""
        match event:
            case RightGranted():
                self.right = True
            case RightRevoked():
                self.right = False
            case PublishFailed():
                self.up = None
            case ConnectionReplaced():
                self.up, self.right = None, False
            case ConnectionEnded():
                self.right = False
            case AskFailed() | Refused() | SeatFreed() | GiveBackFailed():
                self.asked = None
            case TakeTimedOut():
                self.armed = None
            case _:
                pass

    def book(self, effect: OccupancyEffect) -> None:
        """Write down what one effect asks for."""
        match effect:
            case AskSeat(number) | AskLeave(number) | GiveBack(number):
                self.asked = number
            case ArmTakeTimeout(number):
                self.armed = number
            case PublishMicrophone(number):
                assert self.right
                assert self.up is None
                self.up, self.muted = number, False
            case UnpublishMicrophone():
                assert self.up is not None
                self.up = None
            case MuteTrack() | UnmuteTrack():
                assert self.up is not None
                self.muted = effect == MuteTrack()

    @invariant()
    def published_only_while_seated(self) -> None:
        """Law 1: what is up is the publication whose facts are heard."""
        expected = self.run.data.publication if self.run.state in UP else None
        assert self.up == expected

    @invariant()
    def every_ask_is_settled(self) -> None:
        """Laws 3 and 5: whoever takes or leaves waits for the engine's answer."""
        if self.run.state in (TAKING, LEAVING):
            assert self.asked == self.run.data.op

    @invariant()
    def every_wait_has_an_end(self) -> None:
        """Law 8."""
        if self.run.state in (TAKING, GRANTING):
            assert self.armed == self.run.data.op

    @invariant()
    def mute_keeps_the_track(self) -> None:
        """Law 7: what is published is heard exactly while that is wanted."""
        if self.run.state is SPEAKING:
            assert self.muted != self.run.data.wanted

    @invariant()
    def no_right_no_publish(self) -> None:
        """Law 6."""
        assert self.run.data.right == self.right
        assert self.right or self.up is None


TestOccupancyWalk = OccupancyWalk.TestCase


def test_each_law_has_a_test() -> None:
    """The docstring's laws and the tests carry the same names."""
    check_names(occupancy, globals())
