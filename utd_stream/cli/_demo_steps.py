"""How a demo is declared: steps, and what must be seen after each.

An expectation is compared with what the observables of the sessions say, in
the very words that are printed; none of them is ever waited for by a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar, cast

import attrs

from utd_stream.cli._demo_trace import Change
from utd_stream.cli._tone import hear_tones
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.errors import ClosedError, TransportTimeoutError, UTDStreamException
from utd_stream.models import AudioFrame, SeatMode
from utd_stream.reactive import Latest

if TYPE_CHECKING:
    from utd_stream.cli._demo_screen import Screen

__all__ = [
    "BrokenError",
    "Expectation",
    "Heard",
    "Kept",
    "Seen",
    "Step",
    "Troupe",
    "Watched",
    "perform",
    "words_of",
]

_T = TypeVar("_T", bound="Watched")
_T_contra = TypeVar("_T_contra", bound="Watched", contravariant=True)

# The SDK bounds each of its calls itself; this one only ends a fault of ours.
_LIMIT = 30.0
_TOLERANCE_HZ = 5


class Watched(Protocol):
    """What is seen and heard of those who act."""

    @property
    def patience(self) -> float:
        """How long an expectation may take to come true, in seconds."""
        ...

    @property
    def now(self) -> float:
        """Seconds since the start."""
        ...

    def view(self, who: str, what: str) -> Latest[str]:
        """Return an observable of *who* as words."""
        ...

    def changes(self) -> tuple[Change, ...]:
        """Return what has been seen, in order."""
        ...

    def audio(self, who: str, of: str) -> AsyncIterator[AudioFrame]:
        """Return what *who* hears of *of*."""
        ...

    def look_away(self) -> None:
        """Watch nobody any more."""
        ...

    async def conclude(self, screen: Screen) -> None:
        """Show what became of it all."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Troupe(Watched, Protocol):
    """Those who act in a room."""

    async def enter(
        self,
        who: str,
        *,
        as_host: bool = False,
        seat_count: int | None = None,
        seat_mode: SeatMode | None = None,
    ) -> None:
        """Let *who* join the room; from then on they are watched."""
        ...

    def __getitem__(self, who: str) -> UTDAudioRoomSession:
        """Return the session of *who*, who has entered."""
        ...


class BrokenError(Exception):
    """What was declared did not come."""

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected {expected}, saw {seen}")
        self.expected = expected
        self.seen = seen


class Expectation(Protocol):
    """Something that must be so after a step."""

    async def check(self, troupe: Watched, since: int) -> str:
        """Wait for it and return it in words.

        Args:
            troupe: Those who act.
            since: How many changes had been seen when the step began.

        Raises:
            BrokenError: If it does not come.
        """
        ...


@attrs.frozen
class Seen:
    """An observable of somebody has a value."""

    who: str
    what: str
    value: str

    async def check(
        self,
        troupe: Watched,
        since: int,  # noqa: ARG002 -- for those that look back
    ) -> str:
        """Wait for the value."""
        expected = f"{self.who}.{self.what} = {self.value}"
        view = troupe.view(self.who, self.what)
        try:
            await view.until(lambda value: value == self.value, troupe.patience)
        except (TransportTimeoutError, ClosedError) as error:
            raise BrokenError(expected, view.value) from error
        return expected


@attrs.frozen
class Kept:
    """An observable of somebody has had no other value since the step began."""

    who: str
    what: str

    async def check(self, troupe: Watched, since: int) -> str:
        """Look at what was seen."""
        for change in troupe.changes()[since:]:
            if (change.who, change.what) == (self.who, self.what):
                expected = f"{self.who}.{self.what} to stay {change.before}"
                raise BrokenError(expected, change.after)
        return f"{self.who}.{self.what} stayed {troupe.view(self.who, self.what).value}"


@attrs.frozen
class Heard:
    """Somebody hears the tone of another."""

    who: str
    of: str
    hz: int

    async def check(
        self,
        troupe: Watched,
        since: int,  # noqa: ARG002 -- for those that look back
    ) -> str:
        """Listen, and measure."""
        expected, seen = f"{self.who} to hear {self.of} at {self.hz} Hz", "silence"
        frames = troupe.audio(self.who, self.of)
        # Every plane's is a generator: closed at once, it holds no sound back.
        async with aclosing(cast("Any", frames)):
            try:
                async with asyncio.timeout(troupe.patience):
                    # The first sound may be the end of what was before the step.
                    async for heard in hear_tones(frames):
                        if heard is None:
                            seen = "no tone"
                        elif abs(heard - self.hz) > _TOLERANCE_HZ:
                            seen = f"{heard} Hz"
                        else:
                            return f"{self.who} hears {self.of} at {heard} Hz"
            except TimeoutError as error:
                raise BrokenError(expected, seen) from error
        raise BrokenError(expected, "the end of the connection")


@attrs.frozen(kw_only=True)
class Step(Generic[_T_contra]):
    """One thing that somebody does, and what must come of it.

    Attributes:
        who: Who does it.
        what: Told to people; follows the name.
        act: Does it.
        refused: The error it must end with, as `words_of` says it; None if it
            must succeed.
        then: What must be so afterwards, in the order it is looked at.
    """

    who: str
    what: str
    act: Callable[[_T_contra], Awaitable[object]]
    refused: str | None = None
    then: tuple[Expectation, ...]

    @property
    def title(self) -> str:
        """The step in words."""
        return f"{self.who} {self.what}"


def words_of(error: UTDStreamException) -> str:
    """Return an error's class, status and code."""
    status = "" if error.status_code is None else f" {error.status_code}"
    return f"{type(error).__name__}{status} {error.code}"


async def perform(
    step: Step[_T],
    troupe: _T,
    on_met: Callable[[Expectation, str], None],
    on_refused: Callable[[str, str], None],
) -> None:
    """Do one step and wait for what must come of it.

    Args:
        step: Which.
        troupe: Those who act.
        on_met: Told each expectation that is met, and what was seen.
        on_refused: Told the declared error, and what it says.

    Raises:
        BrokenError: If something else came.
    """
    since = len(troupe.changes())
    try:
        async with asyncio.timeout(_LIMIT):
            await step.act(troupe)
    except UTDStreamException as error:
        words = words_of(error)
        if step.refused != words:
            expected = step.refused or "no error"
            raise BrokenError(expected, f"{words}: {error}") from error
        on_refused(words, str(error))
    except TimeoutError as error:
        message = f"an end within {_LIMIT:g} s"
        raise BrokenError(message, "none") from error
    else:
        if step.refused is not None:
            raise BrokenError(step.refused, "no error")
    for expectation in step.then:
        on_met(expectation, await expectation.check(troupe, since))
