"""Keep foreign calls that must not be cancelled; undo them if nobody wants them.

Whatever awaits LiveKit's native client is such a call: cancelling a connect
ends the whole process 15 s later, cancelling a publish leaves a ghost track.
A keeper owns them in tasks outside every TaskGroup: cancelling the caller ends
its waiting only, the call runs on, and when it has ended it is undone.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Iterable
from traceback import extract_tb
from typing import Any, Generic, TypeVar

from utd_stream.errors import ClosedError, UTDStreamException
from utd_stream.ports import Clock

__all__ = ["CONNECT_LIMIT", "DRAIN_LIMIT", "Keeper"]

_R = TypeVar("_R")

logger = logging.getLogger("utd_stream.client")

# A publish that the SFU does not answer fails by itself after 10 s; an undo
# on top of it is quick.
DRAIN_LIMIT = 12.0
# LiveKit's client tries four times to connect, 15 s apart.
CONNECT_LIMIT = 75.0


class Keeper:
    """At most one call per key at a time, its undo included.

    Calls of one key run in the order they were asked for.
    """

    def __init__(self, clock: Clock, *, drain_limit: float = DRAIN_LIMIT) -> None:
        self._clock = clock
        self._drain_limit = drain_limit
        self._locks: defaultdict[Hashable, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._kept: dict[asyncio.Task[None], _Kept[Any]] = {}
        self._is_closed = False

    async def run(  # noqa: PLR0913 -- what is kept, and how
        self,
        key: Hashable,
        call: Callable[[], Awaitable[_R]],
        undo: Callable[[_R], Awaitable[object]] | None = None,
        *,
        may_abandon: bool = True,
        limit: float | None = None,
        turn: asyncio.Lock | None = None,
    ) -> _R:
        """Return what *call* returns, after those asked before it for *key*.

        Cancelling ends the waiting at once.  A call that has not begun by then
        never begins; one that has runs on, and what it returned is given to
        *undo*, before the next call of the key begins.  A failure that nobody
        waits for any more is logged.

        Args:
            key: What the call acts on.
            call: Begins the call.
            undo: Takes its effect back; None where nothing is to be undone.
            may_abandon: Whether it may be cancelled once it has begun.
            limit: The longest that the call and its undo take, in seconds; the
                keeper's own limit if None.
            turn: Lock held from the call's begin to the end of its undo, in place
                of the keeper's own lock of *key*; for calls of several keepers.

        Raises:
            ClosedError: If the keeper takes no more calls, or gave this one up.
        """
        if self._is_closed:
            message = "the room is being left; nothing new can be asked of it"
            raise ClosedError(message)
        longest = self._drain_limit if limit is None else limit
        kept = _Kept(key, call, undo, may_abandon=may_abandon, limit=longest)
        living = kept.live(turn or self._locks[key])
        task = asyncio.create_task(living, name=f"kept {key}")
        self._kept[task] = kept
        task.add_done_callback(self._kept.pop)
        return await kept.result()

    async def aclose(self) -> None:
        """Take no more calls, and let those that run end for a limited time.

        To be awaited before the room is disconnected: LiveKit's client never
        ends a publish that is pending when its room is.
        """
        self._is_closed = True
        await self._withdraw(
            lambda kept: not (kept.may_abandon or kept.has_begun)
        )  # a connect that still waits for its turn is not wanted any more
        limit = max((kept.limit for kept in self._kept.values()), default=0.0)
        try:
            async with self._clock.timeout(limit):
                await self._end_of(self._kept)
        except TimeoutError:
            logger.warning(
                "%d kept calls had not ended after %g s: %s",
                len(self._kept),
                limit,
                ", ".join(sorted(task.get_name() for task in self._kept)),
            )

    async def abandon(self) -> None:
        """Take no more calls and cancel those that run.

        To be awaited after the room was disconnected: what still waits then
        would wait for ever.  Calls that may not be abandoned run on without
        their caller, and are undone.
        """
        self._is_closed = True
        for kept in tuple(self._kept.values()):
            kept.give_up()
        await self._withdraw(lambda kept: kept.may_abandon or not kept.has_begun)

    async def _withdraw(self, which: Callable[[_Kept[Any]], bool]) -> None:
        withdrawn = {task: kept for task, kept in self._kept.items() if which(kept)}
        for task, kept in withdrawn.items():
            kept.give_up()  # its task may not have had its first step
            task.cancel()
        await self._end_of(withdrawn)

    async def _end_of(self, tasks: Iterable[asyncio.Task[None]]) -> None:
        # Not a TaskGroup, and not gather: whoever waits here may be cancelled
        # and the tasks must not be.
        pending = tuple(tasks)
        if pending:
            await asyncio.wait(pending)


class _Kept(Generic[_R]):
    """One call, its caller, and what becomes of it when the caller goes."""

    def __init__(
        self,
        key: Hashable,
        call: Callable[[], Awaitable[_R]],
        undo: Callable[[_R], Awaitable[object]] | None,
        *,
        may_abandon: bool,
        limit: float,
    ) -> None:
        self._key = key
        self._call = call
        self._undo = undo
        self.may_abandon = may_abandon
        self.limit = limit
        self.has_begun = False
        loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[_R] = loop.create_future()
        # Whether the caller took the answer.  Only the caller knows: it can be
        # cancelled in the same turn of the loop in which the answer came.
        self._taken: asyncio.Future[bool] = loop.create_future()

    async def result(self) -> _R:
        """Wait for the answer, on behalf of the caller."""
        try:
            answer = await self._answer
        except asyncio.CancelledError:
            self._decide(taken=False)
            self._tell_unheard()
            raise
        except BaseException:
            self._decide(taken=True)
            raise
        self._decide(taken=True)
        return answer

    def give_up(self) -> None:
        """Release the caller, who is told that the room was left."""
        self._decide(taken=False)
        if not self._answer.done():
            message = "the room was left before the call had ended"
            self._answer.set_exception(ClosedError(message))

    async def live(self, turn: asyncio.Lock) -> None:
        """Wait for *turn*, run the call, and undo it unless its answer is taken."""
        try:
            async with turn:
                if not self._is_unwanted:
                    await self._live()
        finally:
            self.give_up()  # cancelled, or failed in a way that is no answer

    async def _live(self) -> None:
        self.has_begun = True
        try:
            answer = await self._call()
        except Exception as error:  # noqa: BLE001 -- it is the caller's, or logged
            self._fail(error)
            return
        if not self._answer.done():
            self._answer.set_result(answer)
        if not await self._taken and self._undo is not None:
            try:
                await self._undo(answer)
            except Exception as error:  # noqa: BLE001 -- nobody is left to tell
                self._log("undoing", error)

    def _fail(self, error: Exception) -> None:
        if self._answer.done():
            self._log("ending", error)
        else:
            self._answer.set_exception(error)

    def _tell_unheard(self) -> None:
        if self._answer.done() and not self._answer.cancelled():
            error = self._answer.exception()
            if isinstance(error, Exception):
                self._log("ending", error)

    def _log(self, when: str, error: Exception) -> None:
        # A foreign error's text may hold a token; ours never does.
        what = str(error) if isinstance(error, UTDStreamException) else ""
        where = extract_tb(error.__traceback__)[-1:]
        logger.warning(
            "kept call %s failed %s, when its caller had gone: %s %s (%s)",
            self._key,
            when,
            type(error).__name__,
            what,
            ", ".join(f"{frame.name}:{frame.lineno}" for frame in where),
        )

    @property
    def _is_unwanted(self) -> bool:
        return self._taken.done() and not self._taken.result()

    def _decide(self, *, taken: bool) -> None:
        if not self._taken.done():
            self._taken.set_result(taken)
