"""One client's place and the tracks that it sends from it, moved together.

PLACE and TRACK do not know each other.  What the place gains and loses is told to
every track, a track that could not be published is told to the place, and whoever
waits for the place is let go once no track is on its way.

Source: contract.md section 5, Microphone and Stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeAlias, TypeVar, assert_never

import attrs

from utd_stream.errors import ConflictError, DisconnectedError, PublishError
from utd_stream.machines import place as p
from utd_stream.machines import track as t
from utd_stream.models.failures import Failure, failure_of
from utd_stream.models.participants import TrackSource

__all__ = [
    "AskEngine",
    "AskFor",
    "DisarmOverdue",
    "GiveBackPlace",
    "Sending",
    "SendingEffect",
    "SendingFact",
    "Settle",
    "Track",
]

R = TypeVar("R")  # what a kind of session asks the engine for


@attrs.frozen
class AskFor(Generic[R]):
    """Ask the engine for a place, and wait for it and for its tracks.

    Attributes:
        request: What is asked for.
        key: Idempotency-Key; the same one again gets the same answer.
    """

    request: R
    key: str = attrs.field(repr=False)


# What comes from outside; the other events one machine says to the other.
SendingFact: TypeAlias = (
    p.LeavePlace
    | p.Confirmed
    | p.Refused
    | p.AskFailed
    | p.Cancelled
    | p.Lost
    | p.Freed
    | p.GiveBackFailed
    | p.ConnectionReplaced
    | p.ConnectionEnded
    | t.TurnOn
    | t.TurnOff
    | t.RightGranted
    | t.RightRevoked
    | t.Silenced
    | t.Overdue
    | t.Published
    | t.PublishFailed
    | t.Republished
)


@attrs.frozen
class AskEngine(Generic[R]):
    """Ask the engine, and post its answer as that to operation *op*."""

    op: int
    asked: AskFor[R]


@attrs.frozen
class GiveBackPlace(Generic[R]):
    """Free the place, as operation *op*.

    Attributes:
        op: Number of the operation.
        unanswered: What was asked and not answered: first learn how that ended.
    """

    op: int
    unanswered: AskFor[R] | None


@attrs.frozen
class Settle:
    """Let go whoever waits for operation *op*; *error* says why in vain."""

    op: int
    error: Failure | None = None


@attrs.frozen
class DisarmOverdue:
    """Stop the time that runs for a right of *source*."""

    source: TrackSource


SendingEffect: TypeAlias = (
    AskEngine[R]
    | GiveBackPlace[R]
    | p.AskLeave
    | p.EndGiveBack
    | Settle
    | t.PublishTrack
    | t.UnpublishTrack
    | t.MuteTrack
    | t.UnmuteTrack
    | t.ArmOverdue
    | DisarmOverdue
)


@attrs.frozen(kw_only=True)
class Track:
    """Where one source stands."""

    state: t.TrackState = t.TRACK.initial
    data: t.TrackData = attrs.field(factory=t.TrackData)


@attrs.frozen(kw_only=True)
class Sending(Generic[R]):
    """A place and the tracks that may be sent from it.

    Attributes:
        name: What the place is called in an error.
        place: Where it stands.
        place_data: What its machine remembers.
        tracks: One for each source that a session of this kind may send.
        unanswered: What the engine was asked for and has not answered.
    """

    name: str
    place: p.PlaceState = p.PLACE.initial
    place_data: p.PlaceData = attrs.field(factory=p.PlaceData)
    tracks: tuple[Track, ...]
    unanswered: AskFor[R] | None = None

    def track(self, source: TrackSource) -> Track:
        """Return where *source* stands."""
        return next(each for each in self.tracks if each.data.source is source)

    def is_late(self, fact: SendingFact) -> bool:
        """Whether *fact* belongs to something that has ended."""
        source = getattr(fact, "source", None)
        if isinstance(source, TrackSource):
            return t.is_late(self.track(source).data, fact)
        return p.is_late(self.place_data, fact)

    def ask(
        self, asked: AskFor[R], *, is_held: bool, speaks: bool
    ) -> tuple[Sending[R], tuple[SendingEffect[R], ...]]:
        """Take the command *asked*.

        Args:
            asked: The command.
            is_held: The engine says that this client has that very place.
            speaks: Whether the right to send comes with the held place.

        Raises:
            RefusedError: If another place is held, or somebody waits already.
        """
        turn = _Turn(self, asked)
        turn.step_place(p.Ask(is_held, speaks))
        return turn.ended()

    def take(
        self, fact: SendingFact
    ) -> tuple[Sending[R], tuple[SendingEffect[R], ...]]:
        """Return what becomes of it, and the effects in their order.

        Raises:
            InvalidTransitionError: If no row takes the fact.
            RefusedError: If the row that takes it refuses.
        """
        turn: _Turn[R] = _Turn(self)
        turn.take(fact)
        return turn.ended()

    def answered(self) -> Sending[R]:
        """Return it after the engine's answer: a leave alone frees the place now."""
        return attrs.evolve(self, unanswered=None)


class _Turn(Generic[R]):
    """One event on its way through the machines; thrown away if one refuses it."""

    def __init__(self, before: Sending[R], asked: AskFor[R] | None = None) -> None:
        self._before = before
        self._asked = asked
        self._unanswered = before.unanswered
        self._place, self._data = before.place, before.place_data
        self._tracks = {each.data.source: each for each in before.tracks}
        self._effects: list[SendingEffect[R]] = []

    def take(self, fact: SendingFact) -> None:
        """Let the machines take *fact*."""
        match fact:
            case p.ConnectionReplaced() | p.ConnectionEnded():
                self._tell_tracks(fact)
                self.step_place(fact)
            case t.Overdue() if self._data.waits:
                pass  # whoever waits has the limit
            case (
                t.TurnOn()
                | t.TurnOff()
                | t.RightGranted()
                | t.RightRevoked()
                | t.Silenced()
                | t.Overdue()
                | t.Published()
                | t.PublishFailed()
                | t.Republished()
            ):
                self._step_track(fact.source, fact)
            case (
                p.LeavePlace()
                | p.Confirmed()
                | p.Refused()
                | p.AskFailed()
                | p.Cancelled()
                | p.Lost()
                | p.Freed()
                | p.GiveBackFailed()
            ):
                self.step_place(fact)
            case _:
                assert_never(fact)

    def step_place(self, event: p.PlaceEvent) -> None:
        """Let the place take *event*, and tell the tracks what it means."""
        before, data = self._place, self._data
        step = p.PLACE.step(before, data, event)
        self._place, self._data = step.state, step.data
        told = _told(event, before, step.state)
        if told is not None:
            self._tell_tracks(told)
        for effect in step.effects:
            self._book_place(effect)
        # Whoever cancels has left by itself.
        has_let_go = data.waits and not step.data.waits
        if has_let_go and not isinstance(event, p.Cancelled):
            self._effects.append(Settle(data.op, _why(event, self._before.name)))

    def ended(self) -> tuple[Sending[R], tuple[SendingEffect[R], ...]]:
        """Return where all of it stands now, and the effects in their order."""
        on_its_way = {t.TrackState.WAITING, t.TrackState.PUBLISHING}
        if (
            self._data.waits
            and self._place is p.PlaceState.HELD
            and not any(track.state in on_its_way for track in self._tracks.values())
        ):
            self.step_place(p.Settled())
        has_place = self._place is not p.PlaceState.NONE
        after = attrs.evolve(
            self._before,
            place=self._place,
            place_data=self._data,
            tracks=tuple(self._tracks.values()),
            unanswered=self._unanswered if has_place else None,
        )
        return after, tuple(self._effects)

    def _tell_tracks(self, event: t.TrackEvent) -> None:
        for source in self._tracks:
            self._step_track(source, event)

    def _step_track(self, source: TrackSource, event: t.TrackEvent) -> None:
        before = self._tracks[source]
        step = t.TRACK.step(before.state, before.data, event)
        self._tracks[source] = Track(state=step.state, data=step.data)
        self._book_track(source, step.effects)
        waiting = t.TrackState.WAITING
        if before.state is waiting and step.state is not waiting:
            self._effects.append(DisarmOverdue(source))

    def _book_place(self, effect: p.PlaceEffect) -> None:
        match effect:
            case p.AskPlace(op):
                assert self._asked is not None  # noqa: S101 -- only `ask` steps Ask
                self._unanswered = self._asked
                self._effects.append(AskEngine(op, self._asked))
            case p.GiveBack(op):
                self._effects.append(GiveBackPlace(op, self._unanswered))
            case p.AskLeave():
                # The place that is left was seen: the ask is as good as answered.
                self._unanswered = None
                self._effects.append(effect)
            case p.EndGiveBack():
                self._effects.append(effect)
            case _:
                assert_never(effect)

    def _book_track(
        self, source: TrackSource, effects: Sequence[t.TrackEffect]
    ) -> None:
        for effect in effects:
            match effect:
                case t.TellPlace(error):
                    message = f"the {source.value} could not be published"
                    why = error or failure_of(PublishError(message))
                    self.step_place(p.SendFailed(why))
                case t.ArmOverdue() if self._data.waits:
                    pass  # whoever waits has the limit
                case _:
                    self._effects.append(effect)


def _told(
    event: p.PlaceEvent, before: p.PlaceState, after: p.PlaceState
) -> t.TrackEvent | None:
    """Return what a step of the place means for the tracks."""
    match event:
        case p.Ask() if after is p.PlaceState.HELD:
            return t.PlaceGained(speaks=event.speaks)
        case p.Ask():
            return t.PlaceAsked()
        case p.Confirmed() if before is not after:
            return t.PlaceGained(speaks=event.speaks, agreed=event.agreed)
        case p.ConnectionEnded():
            return None  # they hear that itself
        case _:
            had = {p.PlaceState.ASKING, p.PlaceState.HELD}
            return t.PlaceLost() if before in had and after not in had else None


def _why(event: p.PlaceEvent, name: str) -> Failure | None:
    """Return why somebody waits no more; None if all that is wanted is there."""
    match event:
        case p.Settled():
            return None
        case p.Refused(_, error) | p.AskFailed(_, error) | p.SendFailed(error) if error:
            return error
        case p.ConnectionEnded() | p.LeavePlace(with_session=True):
            message = f"the connection ended while the {name} was taken"
            return failure_of(DisconnectedError(message))
        case p.LeavePlace():
            message = f"the {name} was given up while it was taken"
            return failure_of(ConflictError(message))
        case _:
            message = f"the {name} was lost while it was taken"
            return failure_of(ConflictError(message))
