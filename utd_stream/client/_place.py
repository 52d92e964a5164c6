"""Asks the engine for a place, waits for it, and gives it back.

What differs between a seat, a stage and a call is an `Asker`.  Whoever waits for a
place waits for a future; leaving it at any point posts a fact, and owned tasks end
what was begun.

Source: contract.md section 5, Microphone; lessons L1, L16, L17, L21.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeAlias, TypeVar, assert_never

from utd_stream.client._failures import Failures
from utd_stream.client._owner import Owner
from utd_stream.client.rules.facts import (
    AnswerRefused,
    AnswerUnknown,
    GaveBack,
    PlaceAnswered,
)
from utd_stream.client.rules.sending import (
    AskEngine,
    AskFor,
    GiveBackPlace,
    Sending,
    Settle,
)
from utd_stream.errors import (
    EngineError,
    UnauthenticatedError,
    UsageError,
    UTDStreamException,
)
from utd_stream.machines import place as p
from utd_stream.ports import Clock

__all__ = [
    "Asker",
    "Place",
    "PlaceEffect",
    "PlaceFact",
    "is_lasting_no",
    "is_no",
]

logger = logging.getLogger("utd_stream.client")

# Seconds between the tries to give a place back.
_GIVE_BACK_PAUSE = 1.0

_R = TypeVar("_R")  # what is asked for
_R_contra = TypeVar("_R_contra", contravariant=True)
_A = TypeVar("_A")  # the answer to it
_A_co = TypeVar("_A_co", covariant=True)
_L = TypeVar("_L")  # the answer to a leave
_L_co = TypeVar("_L_co", covariant=True)

PlaceFact: TypeAlias = (
    AskFor[_R]
    | PlaceAnswered[_A]
    | AnswerRefused
    | AnswerUnknown
    | GaveBack[_L]
    | p.Cancelled
    | p.GiveBackFailed
)
PlaceEffect: TypeAlias = (
    AskEngine[_R] | GiveBackPlace[_R] | p.AskLeave | p.EndGiveBack | Settle
)


class Asker(Protocol[_R_contra, _A_co, _L_co]):
    """What the engine is asked for one kind of place."""

    async def ask(self, request: _R_contra, *, key: str) -> _A_co:
        """Ask for the place; the same *key* again gets the same answer.

        Raises:
            EngineError: If the engine says no.
            TransportError: If it is not known whether it heard.
        """
        ...

    async def take_back(self, request: _R_contra, *, key: str) -> None:
        """Take the request with that *key* back.

        Raises:
            EngineError: If the engine has not served it, and now never will; or
                if it says no.
            TransportError: If it is not known whether it heard.
        """
        ...

    async def leave(self) -> _L_co:
        """Free the place; the engine may know of none.

        Raises:
            EngineError: If the engine says no.
            TransportError: If it is not known whether it heard.
        """
        ...


class Place(Generic[_R, _A, _L]):
    """One session's place.

    Args:
        asker: What the engine is asked.
        clock: Time.
        new_key: Draws an idempotency key.
        owner: Of the tasks.
        failures: Of the session.
        post: Takes facts.
        sending: Where place and tracks stand now.
    """

    def __init__(  # noqa: PLR0913 -- what it is made of
        self,
        asker: Asker[_R, _A, _L],
        *,
        clock: Clock,
        new_key: Callable[[], str],
        owner: Owner,
        failures: Failures,
        post: Callable[[PlaceFact[_R, _A, _L]], None],
        sending: Callable[[], Sending[_R]],
    ) -> None:
        self._asker = asker
        self._clock = clock
        self._new_key = new_key
        self._owner = owner
        self._failures = failures
        self._post = post
        self._sending = sending
        self._asking: asyncio.Task[None] | None = None
        self._giving_back: asyncio.Task[None] | None = None
        self._waiting: dict[int, asyncio.Future[None]] = {}

    async def take(
        self, request: _R, limit: float, until_ready: Callable[[], Awaitable[None]]
    ) -> None:
        """Ask for a place, and wait until it is held and its tracks are sent.

        Leaving at any point gives the place back.

        Args:
            request: What is asked for.
            limit: How long all of it may take, in seconds.
            until_ready: Returns when the engine may be asked.

        Raises:
            TimeoutError: If it took longer; the place is given back.
            UTDStreamException: Why there is no place; it is given back already,
                or on its way.
        """
        op: int | None = None
        try:
            async with self._clock.timeout(limit):
                await until_ready()
                op = self._ask(request)
                if op is not None:
                    await self._waiting[op]
        except UTDStreamException:
            raise  # of a request, a timeout too: the wait has ended already
        except TimeoutError:
            self._cancel(op, p.WaitEnd.TIMED_OUT)
            raise
        except asyncio.CancelledError:
            self._cancel(op, p.WaitEnd.CALLER_LEFT)
            raise
        finally:
            if op is not None:
                del self._waiting[op]

    def begin(self, effect: PlaceEffect[_R]) -> None:
        """Begin an effect of the place."""
        match effect:
            case AskEngine(op, asked):
                self._asking = self._owner.task(self._ask_engine(op, asked))
            case GiveBackPlace(op, unanswered):
                _cancel(self._asking)
                self._giving_back = self._owner.task(self._give_back(op, unanswered))
            case p.AskLeave(op):
                self._giving_back = self._owner.task(self._give_back(op, None))
            case p.EndGiveBack():
                _cancel(self._giving_back)
            case Settle():
                self._settle(effect)
            case _:
                assert_never(effect)

    def _ask(self, request: _R) -> int | None:
        """Post the command; return the operation to wait for, or None if it is done."""
        self._post(AskFor(request, self._new_key()))
        data = self._sending().place_data
        if not data.waits:
            return None
        self._waiting[data.op] = asyncio.get_running_loop().create_future()
        return data.op

    def _cancel(self, op: int | None, reason: p.WaitEnd) -> None:
        if op is not None:
            self._post(p.Cancelled(op, reason))

    def _settle(self, effect: Settle) -> None:
        waiter = self._waiting.get(effect.op)
        if waiter is None or waiter.done():
            return
        if effect.error is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(self._failures.error(effect.error))
            # Cancelled in the same turn, nobody may be left to hear it.
            waiter.exception()

    async def _ask_engine(self, op: int, asked: AskFor[_R]) -> None:
        try:
            answer = await self._asker.ask(asked.request, key=asked.key)
        except UTDStreamException as error:
            failure = self._failures.of(error)
            told = AnswerRefused if is_no(error) else AnswerUnknown
            self._post(told(op, failure))
        else:
            self._post(PlaceAnswered(op, answer))

    async def _give_back(self, op: int, unanswered: AskFor[_R] | None) -> None:
        answer: _L | None = None
        try:
            # If the engine has served the request, the place is left; if not, it
            # never will, and a 409 says so.
            if unanswered is not None:
                await self._asker.take_back(unanswered.request, key=unanswered.key)
            answer = await self._asker.leave()
        except UTDStreamException as error:
            if not is_lasting_no(error):
                logger.info("the place could not be given back yet: %s", error)
                await self._clock.sleep(_GIVE_BACK_PAUSE)
                self._post(p.GiveBackFailed(op))
                return
        self._post(GaveBack(op, answer))


def _cancel(task: asyncio.Task[None] | None) -> None:
    # A task that posts the fact which ends it is about to end.
    if task is not None and task is not asyncio.current_task():
        task.cancel()


def is_no(error: UTDStreamException) -> bool:
    """Whether nothing was changed."""
    # 503 says that nothing was changed; another 5xx, that nobody knows.
    if not isinstance(error, EngineError) or error.status_code is None:
        return isinstance(error, UsageError)
    return error.status_code < 500 or error.code == "unavailable"  # noqa: PLR2004 -- HTTP


def is_lasting_no(error: UTDStreamException) -> bool:
    """Whether the engine decided, and will not decide otherwise."""
    # Unauthenticated or asked to come again, the request was not decided at all.
    again = isinstance(error, UnauthenticatedError) or error.retryable
    return is_no(error) and not again
