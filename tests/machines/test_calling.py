"""The calling machine keeps the laws of its docstring."""

from __future__ import annotations

from functools import lru_cache

import attrs
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.machines.laws import (
    AnyMachine,
    Vocabulary,
    check_names,
    check_table,
    check_where_taken,
)
from tests.machines.steps import Seen, every_step, fired, outcome
from utd_stream.machines import CALLING, Run, Step, calling
from utd_stream.machines.calling import (
    Answer,
    AskAccept,
    AskCreate,
    AskEnd,
    AskEndAgain,
    CallingData,
    CallingEffect,
    CallingEvent,
    CallingState,
    CallOver,
    CallRefused,
    Dial,
    Entered,
    EnterFailed,
    EnterMedia,
    Followed,
    Granted,
    HangUp,
    HangUpAnswered,
    HangUpFailed,
    LeaveMedia,
    LookForEnd,
    PublishAgain,
    RemovedFromRoom,
    RequestVoided,
    TakeBack,
    TakenOver,
    is_late,
)
from utd_stream.machines.place import (
    AskFailed,
    Cancelled,
    ConnectionEnded,
    ConnectionReplaced,
)
from utd_stream.testing.strategies import calling_events

IDLE, OFFERED, DIALING, ANSWERING, ENTERING, OPEN, CLOSING, OVER = CallingState
RESTING, ASKING, MEDIA = {IDLE, OVER}, {DIALING, ANSWERING}, {ENTERING, OPEN}

VOCABULARY = Vocabulary(
    events=CallingEvent,
    effects=CallingEffect,
    commands=frozenset({Dial, Answer, HangUp}),
)
WHERE: dict[type, set[CallingState]] = {
    Dial: RESTING,
    Answer: {*RESTING, OFFERED},
    Granted: ASKING,
    CallRefused: ASKING,
    AskFailed: ASKING,
    Entered: {ENTERING},
    EnterFailed: {ENTERING},
    HangUpAnswered: {CLOSING},
    RequestVoided: {CLOSING},
    HangUpFailed: {CLOSING},
}


@pytest.fixture
def machine() -> AnyMachine:
    """The machine that is checked; `mutants` passes bent ones."""
    return CALLING


def everything(data: CallingData) -> tuple[CallingEvent, ...]:
    """Return every event of the operation under way."""
    op, both = data.op, (True, False)
    return (
        *(Dial(), HangUp(), CallOver(), RemovedFromRoom(), TakenOver()),
        *(ConnectionReplaced(), ConnectionEnded()),
        *(Answer(is_followed=each) for each in both),
        *(Followed(is_followed=each) for each in both),
        *(Granted(op, is_over=each) for each in both),
        *(CallRefused(op, is_over=each) for each in both),
        *(AskFailed(op), Cancelled(op), Entered(op), EnterFailed(op)),
        *(HangUpAnswered(op), RequestVoided(op), HangUpFailed(op)),
    )


@lru_cache(maxsize=1)
def every_calling_step(machine: AnyMachine) -> tuple[Seen, ...]:
    """Return each step, whatever the number of the operation."""
    steps = every_step(
        *(machine, CallingData(op=1), everything),
        alike=lambda data: attrs.evolve(data, op=1),
    )
    return tuple(steps)


def test_table_is_well_formed(machine: AnyMachine) -> None:
    """The table has no dead names, no unreachable states, no partial guards."""
    check_table(machine, VOCABULARY)


def test_answers_come_to_those_who_asked(machine: AnyMachine) -> None:
    """A call begins where none is; answers come to who asked; the rest anywhere."""
    check_where_taken(machine, WHERE)


def test_every_start_is_settled(machine: AnyMachine) -> None:
    """A request is made at once, and ends granted, refused, over or taken back."""
    asks = {Dial: (DIALING, AskCreate), Answer: (ANSWERING, AskAccept)}
    for seen in every_calling_step(machine):
        if type(seen.event) in asks:
            state, ask = asks[type(seen.event)]
            assert seen.step.state is state
            assert seen.step.effects == (ask(seen.data.op),)
        elif seen.state in ASKING:
            match seen.event:
                case Granted(is_over=False):
                    ended = ENTERING
                case Granted() | CallRefused(is_over=True):
                    ended = OVER
                case CallRefused():
                    ended = IDLE
                case AskFailed() | Cancelled() | HangUp():
                    ended = CLOSING
                case _:
                    ended = seen.state
            assert seen.step.state is ended
            assert not any(isinstance(e, AskCreate | AskAccept) for e in effects(seen))
        elif seen.state is ENTERING:
            assert (seen.step.state is OPEN) == isinstance(seen.event, Entered)
        else:
            assert seen.step.state not in ASKING
            assert seen.step.state is not OPEN or seen.state is OPEN


def effects(seen: Seen) -> tuple[CallingEffect, ...]:
    """Return what the step asked for."""
    return tuple(seen.step.effects)


def test_leaving_asks_the_engine_once(machine: AnyMachine) -> None:
    """A request is taken back, a call is ended, on entering closing and only there."""
    for seen in every_calling_step(machine):
        asked = [e for e in effects(seen) if isinstance(e, TakeBack | AskEnd)]
        if seen.moved and seen.step.state is CLOSING:
            takes_back = seen.state in ASKING
            declines = seen.state is ANSWERING and isinstance(seen.event, HangUp)
            is_lost = isinstance(seen.event, ConnectionEnded)
            op = seen.step.data.op
            assert asked == [
                TakeBack(op, declines) if takes_back else AskEnd(op, is_lost)
            ]
        else:
            assert asked == []
        ends = seen.state in {OFFERED, *ASKING, *MEDIA}
        if isinstance(seen.event, HangUp):
            assert seen.step.state is (CLOSING if ends else seen.state)
        elif isinstance(seen.event, Cancelled):
            ends = seen.state in ASKING | MEDIA
            assert seen.step.state is (CLOSING if ends else seen.state)
        elif isinstance(seen.event, EnterFailed):
            assert seen.step.state is CLOSING


def test_media_are_left_once(machine: AnyMachine) -> None:
    """Media are left by whoever leaves entering or open, and by nobody else."""
    for seen in every_calling_step(machine):
        leaves = seen.state in MEDIA and seen.step.state not in MEDIA
        assert effects(seen).count(LeaveMedia()) == leaves
        # The engine is asked first: what it ends, nobody must still hear.
        assert not leaves or effects(seen)[-1] == LeaveMedia()


def test_a_failed_hang_up_is_tried_again(machine: AnyMachine) -> None:
    """Closing goes on after a failure, and ends by an answer or the call's end."""
    ends = {HangUpAnswered: OVER, CallOver: OVER, RequestVoided: IDLE}
    for seen in every_calling_step(machine):
        if seen.state is CLOSING:
            assert seen.step.state is ends.get(type(seen.event), CLOSING)
        fails = isinstance(seen.event, HangUpFailed)
        again = (AskEndAgain(seen.data.op),) if fails else ()
        assert tuple(e for e in effects(seen) if isinstance(e, AskEndAgain)) == again


def test_an_end_is_heard_wherever_it_matters(machine: AnyMachine) -> None:
    """CallOver leads to over where a call is followed, entered, open or closing."""
    for seen in every_calling_step(machine):
        if isinstance(seen.event, CallOver):
            heard = seen.state in {OFFERED, *MEDIA, CLOSING}
            assert seen.step.state is (OVER if heard else seen.state)


def test_what_is_over_is_not_entered(machine: AnyMachine) -> None:
    """Media are entered by an answer of a call that is not over, and by that alone."""
    for seen in every_calling_step(machine):
        enters = isinstance(seen.event, Granted) and not seen.event.is_over
        entered = (EnterMedia(seen.data.op),) if enters else ()
        assert tuple(e for e in effects(seen) if isinstance(e, EnterMedia)) == entered
        assert (seen.step.state is ENTERING) <= (enters or seen.state is ENTERING)


def test_one_call_is_followed(machine: AnyMachine) -> None:
    """A call is followed where there is none, and another is refused meanwhile."""
    for seen in every_calling_step(machine):
        follows = isinstance(seen.event, Followed) and seen.state in RESTING
        if seen.state in RESTING and not isinstance(seen.event, Dial | Answer):
            assert seen.step.state is (OFFERED if follows else seen.state)
        if isinstance(seen.event, Followed) and not follows:
            assert seen.step.state is seen.state
        if seen.state is OFFERED and isinstance(seen.event, Answer | Followed):
            assert seen.event.is_followed
    for event in (Answer(is_followed=False), Followed(is_followed=False)):
        assert outcome(machine, OFFERED, CallingData(), event) == "conflict"
    for event in (Answer(), Followed()):
        assert isinstance(outcome(machine, OFFERED, CallingData(), event), Step)


def test_who_is_replaced_says_nothing(machine: AnyMachine) -> None:
    """TakenOver ends an open call here, and the other client goes on with it."""
    for seen in every_calling_step(machine):
        if isinstance(seen.event, TakenOver):
            is_open = seen.state is OPEN
            assert seen.step.state is (OVER if is_open else seen.state)
            assert effects(seen) == ((LeaveMedia(),) if is_open else ())


def test_a_lost_connection_hangs_up(machine: AnyMachine) -> None:
    """ConnectionEnded ends an open call as lost, and changes nothing elsewhere."""
    for seen in every_calling_step(machine):
        if isinstance(seen.event, ConnectionEnded):
            is_open = seen.state is OPEN
            assert seen.step.state is (CLOSING if is_open else seen.state)
            assert bool(effects(seen)) == is_open


def test_a_removal_asks_for_the_outcome(machine: AnyMachine) -> None:
    """RemovedFromRoom keeps the state: the engine says whether the call is over."""
    for seen in every_calling_step(machine):
        removed = isinstance(seen.event, RemovedFromRoom)
        looks = (LookForEnd(seen.data.op),) if removed and seen.state is OPEN else ()
        assert tuple(e for e in effects(seen) if isinstance(e, LookForEnd)) == looks
        assert not removed or seen.step.state is seen.state


def test_a_new_connection_publishes_again(machine: AnyMachine) -> None:
    """ConnectionReplaced publishes again in an open call."""
    for seen in every_calling_step(machine):
        replaced = isinstance(seen.event, ConnectionReplaced)
        again = replaced and seen.state is OPEN
        assert effects(seen).count(PublishAgain()) == again
        assert not replaced or seen.step.state is seen.state


def test_ended_operations_are_late(machine: AnyMachine) -> None:
    """Entering closing, over or idle ends an operation: its facts are late then."""
    for seen in every_calling_step(machine):
        begins = seen.moved and seen.step.state in {CLOSING, OVER, IDLE}
        assert seen.step.data.op == seen.data.op + begins
        assert is_late(seen.step.data, Entered(seen.data.op)) == begins
        assert not is_late(seen.step.data, Entered(seen.step.data.op))
        assert not is_late(seen.step.data, HangUp())


def test_what_was_accepted_can_be_declined(machine: AnyMachine) -> None:
    """A hang-up while answering ends the call; one while dialing takes it back."""
    for seen in every_calling_step(machine):
        declines = [e.declines for e in effects(seen) if isinstance(e, TakeBack)]
        if isinstance(seen.event, HangUp) and seen.state in ASKING:
            assert declines == [seen.state is ANSWERING]
        else:
            assert declines in ([], [False])


class CallingWalk(RuleBasedStateMachine):
    """Any sequence of events keeps the laws, late facts being dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.run = Run(CALLING, CallingData())
        self.may_hold = False  # the engine may have a call that this client must end
        self.has_media = False

    @rule(data=st.data())
    def hear(self, data: st.DataObject) -> None:
        """Take the event as a client does, and note what it has to undo."""
        event = data.draw(calling_events(self.run.data))
        if is_late(self.run.data, event):
            return
        for effect in fired(self.run, event) or ():
            match effect:
                case AskCreate() | AskAccept():
                    self.may_hold = True
                case EnterMedia():
                    self.has_media = True
                case LeaveMedia():
                    self.has_media = False
                case _:
                    pass
        if self.run.state in RESTING | {OFFERED}:
            self.may_hold = False

    @invariant()
    def media_only_in_a_call(self) -> None:
        """Law 3: there are media exactly while they are entered or open."""
        assert self.has_media == (self.run.state in MEDIA)

    @invariant()
    def what_may_be_held_is_not_forgotten(self) -> None:
        """Laws 1 and 2: only an answer lets go of what the engine was asked for."""
        held = self.run.state in ASKING | MEDIA
        assert not held or self.may_hold


TestCallingWalk = CallingWalk.TestCase


def test_each_law_has_a_test() -> None:
    """The docstring's laws and the tests carry the same names."""
    check_names(calling, globals())
