"""The track machine keeps the laws of its docstring."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import attrs
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.machines.laws import (
    AnyMachine,
    Vocabulary,
    check_names,
    check_table,
    check_where_taken,
)
from tests.machines.steps import Seen, every_step, fired, outcome
from utd_stream.machines import TRACK, Run, track
from utd_stream.machines.track import (
    ArmOverdue,
    ConnectionEnded,
    ConnectionReplaced,
    MuteTrack,
    Overdue,
    PlaceAsked,
    PlaceGained,
    PlaceLost,
    Published,
    PublishFailed,
    PublishTrack,
    Republished,
    RightGranted,
    RightRevoked,
    Silenced,
    TellPlace,
    TrackData,
    TrackEffect,
    TrackEvent,
    TrackState,
    TurnOff,
    TurnOn,
    UnmuteTrack,
    UnpublishTrack,
    Wish,
    is_late,
)
from utd_stream.models.failures import Failure
from utd_stream.models.participants import TrackSource
from utd_stream.testing.strategies import track_events

OFF, WAITING, PUBLISHING, UP = TrackState
SENDING = (PUBLISHING, UP)
MICROPHONE = TrackSource.MICROPHONE
FAILURE = Failure("PublishError", ("no device",))

MUTE, UNMUTE = MuteTrack(MICROPHONE), UnmuteTrack(MICROPHONE)
UNPUBLISH = UnpublishTrack(MICROPHONE)

VOCABULARY = Vocabulary(
    events=TrackEvent,
    effects=TrackEffect,
    commands=frozenset({TurnOn, TurnOff}),
)
WHERE: dict[type, tuple[TrackState, ...]] = {
    Published: (PUBLISHING,),
    PublishFailed: (PUBLISHING,),
}


@pytest.fixture
def machine() -> AnyMachine:
    """The machine that is checked; `mutants` passes bent ones."""
    return TRACK


def everything(data: TrackData) -> tuple[TrackEvent, ...]:
    """Return every event of the publication and the wait under way."""
    publication, wait = data.publication, data.wait
    return (
        *(TurnOn(MICROPHONE), TurnOff(MICROPHONE), PlaceAsked(), PlaceLost()),
        *(PlaceGained(*each) for each in product((True, False), repeat=2)),
        *(RightGranted(MICROPHONE), Silenced(MICROPHONE), Republished(MICROPHONE)),
        *(RightRevoked(MICROPHONE, agreed) for agreed in (True, False)),
        *(Overdue(MICROPHONE, wait), Published(MICROPHONE, publication)),
        PublishFailed(MICROPHONE, publication, FAILURE),
        *(ConnectionReplaced(), ConnectionEnded()),
    )


@lru_cache(maxsize=1)
def every_track_step(machine: AnyMachine) -> tuple[Seen, ...]:
    """Return each step of a microphone and of a camera, whatever its numbers are."""
    return tuple(
        step
        for is_microphone in (True, False)
        for step in every_step(
            *(machine, TrackData(default=is_microphone, keeps=is_microphone)),
            everything,
            alike=lambda data: attrs.evolve(data, publication=0, wait=0),
        )
    )


def test_table_is_well_formed(machine: AnyMachine) -> None:
    """The table has no dead names, no unreachable states, no partial guards."""
    check_table(machine, VOCABULARY)


def test_answers_come_while_publishing(machine: AnyMachine) -> None:
    """The SFU answers while it is asked; everything else comes anywhere."""
    check_where_taken(machine, WHERE)


def test_published_only_in_a_place(machine: AnyMachine) -> None:
    """A track is up exactly in publishing and up, and there the place is held."""
    for seen in every_track_step(machine):
        up = seen.state in SENDING
        # It failed, or went with the connection.
        if isinstance(seen.event, PublishFailed | ConnectionReplaced):
            up = False
        for effect in seen.step.effects:
            if isinstance(effect, PublishTrack | UnpublishTrack):
                assert up == (effect == UNPUBLISH)
                up = not up
        assert up == (seen.step.state in SENDING)
        assert seen.step.data.place or not up


def test_every_publish_is_answered_or_withdrawn(machine: AnyMachine) -> None:
    """A track that is no longer sent is unpublished, unless it went by itself."""
    for seen in every_track_step(machine):
        ends = seen.state in SENDING and seen.step.state not in SENDING
        gone = isinstance(seen.event, PublishFailed | ConnectionReplaced)
        assert (UNPUBLISH in seen.step.effects) == (ends and not gone)


def test_publication_ends_for_a_reason(machine: AnyMachine) -> None:
    """Published leads from publishing to up; nothing else but an end leaves it."""
    lost = (PlaceLost, RightRevoked, ConnectionEnded)
    for seen in every_track_step(machine):
        keeps_on = seen.step.data.wanted or seen.step.data.keeps
        if seen.state in SENDING:
            match seen.event:
                case Published():
                    state = UP if keeps_on else OFF
                case TurnOff() if seen.state is UP:
                    state = UP if keeps_on else OFF
                case ConnectionReplaced():
                    state = WAITING
                case PublishFailed():
                    state = OFF
                case _:
                    state = OFF if isinstance(seen.event, lost) else seen.state
            assert seen.step.state is state


def test_no_right_no_publish(machine: AnyMachine) -> None:
    """Whatever is published, or on its way, has the right."""
    for seen in every_track_step(machine):
        assert seen.step.data.right or seen.step.state not in SENDING


def test_nothing_unwanted_is_published(machine: AnyMachine) -> None:
    """What is off is not published or unmuted; what is up without a wish is muted."""
    for seen in every_track_step(machine):
        wanted = seen.step.data.wanted
        publishes = any(isinstance(e, PublishTrack) for e in seen.step.effects)
        assert wanted or not publishes
        turned_on = isinstance(seen.event, TurnOn) and seen.state is UP
        assert (UNMUTE in seen.step.effects) == turned_on
        changed = isinstance(seen.event, Published | Republished | TurnOff)
        muted = changed and seen.step.state is UP and not wanted
        assert (MUTE in seen.step.effects) == muted


def test_nothing_opens_without_agreement(machine: AnyMachine) -> None:
    """Whatever is published or waited for is agreed, by an event that agrees."""
    for seen in every_track_step(machine):
        expected = seen.data.agreed
        match seen.event:
            case PlaceGained(agreed=agreed) if seen.state is OFF:
                expected = agreed
            case TurnOn() if seen.state is OFF:
                expected = seen.data.agreed or seen.data.place
            case RightRevoked(agreed=agreed):
                expected = seen.data.agreed and agreed
            case PlaceLost() | ConnectionEnded():
                expected = False
            case _:
                pass
        assert seen.step.data.agreed == expected
        assert expected or seen.step.state is OFF


def test_track_opens_as_soon_as_it_may(machine: AnyMachine) -> None:
    """What is wanted, agreed and allowed is published; what lacks its right waits."""
    for seen in every_track_step(machine):
        data = seen.step.data
        if seen.state is not OFF:
            continue
        may_open = data.place and data.agreed and data.wanted
        match seen.event:
            case PlaceGained(speaks=speaks):
                opens = PUBLISHING if data.right else WAITING
                assert seen.step.state is (opens if may_open and speaks else OFF)
            case RightGranted() | TurnOn():
                opens = PUBLISHING if data.right else OFF
                assert seen.step.state is (opens if may_open else OFF)
            case ConnectionReplaced():
                waits = data.place and data.agreed
                assert seen.step.state is (WAITING if waits else OFF)
            case _:
                assert seen.step.state is OFF


def test_every_wait_has_an_end(machine: AnyMachine) -> None:
    """A wait that begins is armed with its number; it ends when nothing can come."""
    for seen in every_track_step(machine):
        replaced = isinstance(seen.event, ConnectionReplaced)
        begins = seen.step.state is WAITING and (seen.moved or replaced)
        number = seen.data.wait + begins
        arms = [e for e in seen.step.effects if isinstance(e, ArmOverdue)]
        assert arms == ([ArmOverdue(MICROPHONE, number)] if begins else [])
        assert seen.step.data.wait == number
        overdue = Overdue(MICROPHONE, seen.data.wait)
        assert is_late(seen.step.data, overdue) == begins
        if seen.state is WAITING:
            assert seen.step.state is wait_end(seen.event, seen.step.data)


def wait_end(event: TrackEvent, data: TrackData) -> TrackState:
    """Return where a wait goes on *event*, after which there are *data*."""
    match event:
        case RightGranted():
            return PUBLISHING if data.wanted else OFF
        case Silenced() | Overdue() | PlaceLost() | ConnectionEnded():
            return OFF
        case RightRevoked():
            return WAITING if data.agreed else OFF
        case _:
            return WAITING


def test_off_keeps_the_track_or_withdraws_it(machine: AnyMachine) -> None:
    """Turned off, a source that keeps its track mutes it; others unpublish it."""
    for seen in every_track_step(machine):
        if isinstance(seen.event, TurnOff):
            done: tuple[TrackEffect, ...] = ()
            if seen.state is UP:
                done = (MUTE,) if seen.data.keeps else (UNPUBLISH,)
            assert seen.step.effects == done


def test_the_wish_is_remembered(machine: AnyMachine) -> None:
    """The last command is the wish, unless it was refused; pictures end it on."""
    for seen in every_track_step(machine):
        wish = seen.data.wish
        leaves = isinstance(seen.event, PlaceLost | ConnectionEnded)
        if isinstance(seen.event, TurnOn | TurnOff):
            wish = Wish.ON if isinstance(seen.event, TurnOn) else Wish.OFF
        elif leaves and wish is Wish.ON and not seen.data.keeps:
            wish = Wish.UNSAID
        assert seen.step.data.wish is wish
    for state, place, asked, wish in product(
        TrackState, (True, False), (True, False), Wish
    ):
        data = TrackData(place=place, asked=asked, wish=wish)
        got = outcome(machine, state, data, TurnOn(MICROPHONE))
        refused = state is OFF and not place and not asked and wish is not Wish.OFF
        assert (got == "forbidden") == refused


def test_the_right_is_what_was_said_last(machine: AnyMachine) -> None:
    """The right comes by RightGranted, and goes by RightRevoked or a connection."""
    for seen in every_track_step(machine):
        right = seen.data.right or isinstance(seen.event, RightGranted)
        gone = isinstance(
            seen.event, RightRevoked | ConnectionReplaced | ConnectionEnded
        )
        assert seen.step.data.right == (right and not gone)


def test_the_place_is_what_was_said_last(machine: AnyMachine) -> None:
    """The place is asked for, gained and lost as the facts say."""
    for seen in every_track_step(machine):
        place, asked = seen.data.place, seen.data.asked
        if isinstance(seen.event, PlaceLost | ConnectionEnded):
            place, asked = False, False
        elif seen.state is OFF and isinstance(seen.event, PlaceGained):
            place, asked = True, False
        elif seen.state is OFF and isinstance(seen.event, PlaceAsked):
            asked = True
        assert (seen.step.data.place, seen.step.data.asked) == (place, asked)


def test_a_failed_publication_is_told_to_the_place(machine: AnyMachine) -> None:
    """A publication that fails tells the place why; nothing else does."""
    for seen in every_track_step(machine):
        failed = isinstance(seen.event, PublishFailed)
        assert (TellPlace(FAILURE) in seen.step.effects) == failed


def test_ended_publications_are_late(machine: AnyMachine) -> None:
    """A publication that begins or ends moves the number; facts before are late."""
    for seen in every_track_step(machine):
        ends = isinstance(seen.event, ConnectionReplaced | ConnectionEnded)
        number = seen.step.data.publication
        for effect in seen.step.effects:
            if isinstance(effect, PublishTrack):
                assert effect.publication == number
            ends = ends or isinstance(effect, PublishTrack | UnpublishTrack)
        assert number == seen.data.publication + ends
        published = Published(MICROPHONE, seen.data.publication)
        assert is_late(seen.step.data, published) == ends
        assert not is_late(seen.step.data, Published(MICROPHONE, number))
        assert not is_late(seen.step.data, TurnOn(MICROPHONE))


class TrackWalk(RuleBasedStateMachine):
    """Any sequence of events keeps the laws, late facts being dropped."""

    def __init__(self) -> None:
        super().__init__()
        self.run = Run(TRACK, TrackData())
        self.published: list[int] = []

    @initialize(default=st.booleans(), keeps=st.booleans())
    def begin(self, *, default: bool, keeps: bool) -> None:
        """Begin with a source of any kind."""
        self.run = Run(TRACK, TrackData(default=default, keeps=keeps))

    @rule(data=st.data())
    def hear(self, data: st.DataObject) -> None:
        """Take the event as a client does, and note what is published."""
        event = data.draw(track_events(self.run.data))
        if is_late(self.run.data, event):
            return
        ends = isinstance(event, PublishFailed | ConnectionReplaced)
        sent = self.run.state in SENDING
        effects = fired(self.run, event)
        if sent and ends and effects is not None:
            self.published.pop()
        for effect in effects or ():
            if isinstance(effect, PublishTrack):
                self.published.append(effect.publication)
            elif isinstance(effect, UnpublishTrack):
                self.published.pop()

    @invariant()
    def published_only_in_a_place(self) -> None:
        """Law 1: the current publication, in a held place, or none."""
        sent = self.run.state in SENDING
        assert self.published == ([self.run.data.publication] if sent else [])
        assert self.run.data.place or not sent

    @invariant()
    def no_right_no_publish(self) -> None:
        """Laws 3 and 5."""
        data = self.run.data
        assert (data.right and data.agreed) or not self.published


TestTrackWalk = TrackWalk.TestCase


def test_each_law_has_a_test() -> None:
    """The docstring's laws and the tests carry the same names."""
    check_names(track, globals())
