"""A place and its tracks move together, and whoever waits is let go once."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from utd_stream.client.rules.sending import (
    AskFor,
    DisarmOverdue,
    GiveBackPlace,
    Sending,
    SendingEffect,
    SendingFact,
    Settle,
    Track,
)
from utd_stream.errors import (
    ConflictError,
    DisconnectedError,
    InvalidTransitionError,
    PublishError,
    RefusedError,
    TransportTimeoutError,
)
from utd_stream.machines import place as p
from utd_stream.machines import track as t
from utd_stream.models.failures import Failure, failure_of
from utd_stream.models.participants import TrackSource

MICROPHONE, CAMERA = TrackSource.MICROPHONE, TrackSource.CAMERA
SOURCES = (MICROPHONE, CAMERA)


class Sender:
    """A place and its tracks, and what they asked for.

    Attributes:
        sending: After the last fact.
        effects: All of them, in their order.
    """

    def __init__(self, *sources: TrackSource) -> None:
        tracks = (Track(data=t.TrackData(source=each)) for each in sources)
        self.sending: Sending[str] = Sending(name="stage", tracks=tuple(tracks))
        self.effects: list[SendingEffect[str]] = []

    @property
    def op(self) -> int:
        """Number of the operation under way or last ended."""
        return self.sending.place_data.op

    def states(self) -> tuple[p.PlaceState, *tuple[t.TrackState, ...]]:
        """Return where the place stands, and each track."""
        return self.sending.place, *(track.state for track in self.sending.tracks)

    def ask(self, request: str = "a", *, is_held: bool = False) -> None:
        """Take the command."""
        asked = AskFor(request, f"key of {request}")
        self._keep(self.sending.ask(asked, is_held=is_held, speaks=True))

    def hear(self, *facts: SendingFact) -> None:
        """Take facts."""
        for fact in facts:
            self._keep(self.sending.take(fact))

    def publication(self, source: TrackSource) -> int:
        """Return the number of the publication under way or last ended."""
        return self.sending.track(source).data.publication

    def _keep(self, taken: tuple[Sending[str], tuple[SendingEffect[str], ...]]) -> None:
        self.sending, effects = taken
        self.effects += effects


def settled(sender: Sender) -> list[tuple[int, Failure | None]]:
    """Return who was let go, and why."""
    return [(e.op, e.error) for e in sender.effects if isinstance(e, Settle)]


def holding(*sources: TrackSource) -> Sender:
    """Return one who waits for a right, with a place that was asked for."""
    sender = Sender(*sources)
    sender.ask()
    sender.hear(p.Confirmed())
    sender.effects.clear()
    return sender


OFF, WAITING, PUBLISHING, UP = t.TrackState


def test_whoever_waits_is_let_go_when_every_track_is_sent() -> None:
    """Not before the last one; each is published by its own right."""
    sender = holding(MICROPHONE, CAMERA)
    op = sender.op
    sender.hear(*map(t.RightGranted, SOURCES))
    sender.hear(t.Published(MICROPHONE, 1))
    assert settled(sender) == []

    sender.hear(t.Published(CAMERA, 1))

    assert settled(sender) == [(op, None)]
    assert sender.states() == (p.PlaceState.HELD, UP, UP)


def test_one_track_that_fails_gives_the_place_back() -> None:
    """What the others send is withdrawn, before the engine is asked."""
    sender = holding(MICROPHONE, CAMERA)
    op, error = sender.op, failure_of(PublishError("no camera"))
    sender.hear(*map(t.RightGranted, SOURCES), t.Published(MICROPHONE, 1))
    sender.effects.clear()

    sender.hear(t.PublishFailed(CAMERA, 1, error))

    assert sender.effects == [
        t.UnpublishTrack(MICROPHONE),
        GiveBackPlace(op + 1, AskFor("a", "key of a")),
        Settle(op, error),
    ]
    assert sender.states() == (p.PlaceState.LEAVING, OFF, OFF)


def test_a_failure_without_a_reason_names_the_source() -> None:
    """The error of whoever waits says what could not be published."""
    sender = holding(CAMERA)
    sender.hear(t.RightGranted(CAMERA), t.PublishFailed(CAMERA, 1))

    ((_, failure),) = settled(sender)
    assert failure is not None
    assert str(failure.error()) == "the camera could not be published"


def test_the_deadline_of_a_take_is_the_only_one() -> None:
    """While somebody waits no right is timed; otherwise each one is."""
    asked, given = Sender(MICROPHONE), Sender(MICROPHONE)
    asked.ask()
    asked.effects.clear()

    asked.hear(p.Confirmed())
    given.hear(p.Confirmed())

    assert asked.effects == []
    assert given.effects == [t.ArmOverdue(MICROPHONE, 1)]


def test_a_right_is_not_overdue_while_somebody_waits_for_it() -> None:
    """Its time began before the take did, whose limit holds now."""
    sender = Sender(MICROPHONE)
    sender.hear(p.Confirmed())
    sender.ask(is_held=True)

    sender.hear(t.Overdue(MICROPHONE, 1))

    assert sender.states() == (p.PlaceState.HELD, WAITING)
    assert settled(sender) == []


def test_a_right_that_comes_stops_its_time() -> None:
    """No timer runs on for a track that waits no more."""
    sender = Sender(MICROPHONE)
    sender.hear(p.Confirmed(), t.RightGranted(MICROPHONE))

    assert DisarmOverdue(MICROPHONE) in sender.effects


def test_asking_for_the_held_place_waits_for_what_is_missing() -> None:
    """The engine is not asked again; nothing missing, it is done at once."""
    sender = holding(MICROPHONE)
    sender.hear(t.RightGranted(MICROPHONE), t.Published(MICROPHONE, 1))
    sender.effects.clear()

    sender.ask(is_held=True)

    assert sender.effects == [Settle(sender.op)]


def test_a_give_back_learns_first_what_was_not_answered() -> None:
    """By the request and its key; after the answer a leave alone frees the place."""
    unknown, answered = Sender(MICROPHONE), Sender(MICROPHONE)
    for sender in (unknown, answered):
        sender.ask("b")
    unknown.hear(p.AskFailed(unknown.op), p.GiveBackFailed(unknown.op + 1))
    answered.sending = answered.sending.answered()
    answered.hear(p.Confirmed(), p.Cancelled(answered.op))

    asked = AskFor("b", "key of b")
    backs = [e for e in unknown.effects if isinstance(e, GiveBackPlace)]
    assert backs == [GiveBackPlace(2, asked), GiveBackPlace(3, asked)]
    assert answered.effects[-1] == GiveBackPlace(2, None)


def test_what_was_asked_ends_with_the_place() -> None:
    """A later give-back does not learn of it once more."""
    sender = Sender(MICROPHONE)
    sender.ask("b")
    sender.hear(p.ConnectionEnded())
    sender.hear(p.Confirmed(), p.Cancelled(sender.op + 1))

    assert sender.effects[-1] == GiveBackPlace(sender.op, None)


ENDS = {
    "refused": (p.Refused(1, failure_of(ConflictError("taken"))), ConflictError),
    "unknown": (
        p.AskFailed(1, failure_of(TransportTimeoutError("late"))),
        TransportTimeoutError,
    ),
    "left": (p.LeavePlace(), ConflictError),
    "session left": (p.LeavePlace(with_session=True), DisconnectedError),
    "disconnected": (p.ConnectionEnded(), DisconnectedError),
    "lost already": (p.Refused(1), ConflictError),
}


@pytest.mark.parametrize(("fact", "kind"), ENDS.values(), ids=ENDS)
def test_whoever_waits_is_told_why_in_vain(fact: SendingFact, kind: type) -> None:
    """By an error as a value, of the class that the fact stands for."""
    sender = Sender(MICROPHONE)
    sender.ask()

    sender.hear(fact)

    ((op, failure),) = settled(sender)
    assert op == 1
    assert failure is not None
    assert type(failure.error()) is kind


def test_whoever_cancels_has_left_by_itself() -> None:
    """Nobody is left to be told."""
    sender = Sender(MICROPHONE)
    sender.ask()

    sender.hear(p.Cancelled(1, p.WaitEnd.TIMED_OUT))

    assert settled(sender) == []


def test_a_refused_command_changes_nothing() -> None:
    """Neither what is asked nor what it stands for."""
    sender = Sender(MICROPHONE)
    sender.ask("a")
    before = sender.sending

    with pytest.raises(RefusedError):
        sender.ask("b")

    assert sender.sending is before


class SendingWalk(RuleBasedStateMachine):
    """Any order of facts keeps what the two machines promise each other."""

    def __init__(self) -> None:
        super().__init__()
        self.sender = Sender(*SOURCES)
        self.waits: int | None = None

    @rule(is_held=st.booleans())
    def ask(self, *, is_held: bool) -> None:
        """Ask for a place."""
        held = is_held and self.sender.sending.place is p.PlaceState.HELD
        try:
            self.sender.ask(is_held=held)
        except RefusedError:
            return
        self.waits = self.sender.op
        self.let_go()

    @rule(data=st.data())
    def hear(self, data: st.DataObject) -> None:
        """Take a fact, unless it does not fit."""
        op, source = self.sender.op, data.draw(st.sampled_from(SOURCES))
        track = self.sender.sending.track(source).data
        fact = data.draw(st.sampled_from(_facts(op, track)))
        try:
            self.sender.hear(fact)
        except (InvalidTransitionError, RefusedError):
            return
        if isinstance(fact, p.Cancelled):
            self.waits = None
        self.let_go()

    def let_go(self) -> None:
        """Whoever is let go has waited."""
        for op, _ in settled(self.sender):
            assert op == self.waits
            self.waits = None
        self.sender.effects.clear()

    @invariant()
    def one_waits_until_let_go(self) -> None:
        """The machine and whoever counts agree on who waits."""
        assert self.sender.sending.place_data.waits == (self.waits is not None)

    @invariant()
    def tracks_know_the_place(self) -> None:
        """Each track has heard of the place, and of its loss."""
        for track in self.sender.sending.tracks:
            place = self.sender.sending.place
            assert track.data.place == (place is p.PlaceState.HELD)
            assert track.data.asked == (place is p.PlaceState.ASKING)

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        """A wait in a held place is for a track that is on its way."""
        states = {track.state for track in self.sender.sending.tracks}
        if self.waits is not None and self.sender.sending.place is p.PlaceState.HELD:
            assert states & {WAITING, PUBLISHING}

    @invariant()
    def an_ask_is_remembered_until_it_is_answered(self) -> None:
        """And never without a place, or the wish for one."""
        sending = self.sender.sending
        if sending.place is p.PlaceState.ASKING:
            assert sending.unanswered is not None
        if sending.place is p.PlaceState.NONE:
            assert sending.unanswered is None


def _facts(op: int, track: t.TrackData) -> tuple[SendingFact, ...]:
    source, publication = track.source, track.publication
    return (
        *(p.LeavePlace(), p.LeavePlace(with_session=True), p.Lost()),
        *(p.Confirmed(), p.Confirmed(speaks=False), p.Confirmed(agreed=False)),
        *(p.Refused(op), p.AskFailed(op), p.Cancelled(op)),
        *(p.Freed(op), p.GiveBackFailed(op)),
        *(p.ConnectionReplaced(), p.ConnectionEnded()),
        *(t.TurnOn(source), t.TurnOff(source), t.Republished(source)),
        *(t.RightGranted(source), t.RightRevoked(source)),
        *(t.RightRevoked(source, agreed=False), t.Silenced(source)),
        *(t.Overdue(source, track.wait), t.Published(source, publication)),
        t.PublishFailed(source, publication),
    )


TestSendingWalk = SendingWalk.TestCase


def test_a_failure_is_its_error() -> None:
    """Class, text and fields come back; two of one error are equal."""
    error = ConflictError("taken", code="seat_taken", request_id="r", details={"a": 1})
    failure = failure_of(error)

    again = failure.error()

    assert (type(again), again.args) == (ConflictError, error.args)
    assert vars(again) == vars(error)
    assert failure == failure_of(again)
    assert attrs.evolve(failure, kind="Nothing").error().code == "seat_taken"
