"""The keeper of foreign calls: laws, at every point where a caller can go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utd_stream.adapters.clock import AsyncioClock
from utd_stream.client._keeper import Keeper
from utd_stream.errors import ClosedError, ConnectError

pytestmark = pytest.mark.hypothesis


class Call:
    """One foreign call whose every step the test decides."""

    def __init__(self, world: World, key: int) -> None:
        loop = asyncio.get_running_loop()
        self.key = key
        self.number = len(world.calls)
        self.has_begun = False
        self.ending: asyncio.Future[int | None] = loop.create_future()
        self.undoing: asyncio.Future[None] = loop.create_future()
        self.undone: list[int | None] = []
        self._world = world
        self.caller = asyncio.create_task(world.keeper.run(key, self._run, self._undo))

    async def _run(self) -> int | None:
        self.has_begun = True
        self._world.begun.append(self.number)
        with self._world.alone(self.key):
            return await self.ending

    async def _undo(self, answer: int | None) -> None:
        self.undone.append(answer)
        with self._world.alone(self.key):
            await self.undoing

    async def wait(self) -> None:
        """Wait as the caller's own caller."""
        await self.caller

    @property
    def was_taken(self) -> bool:
        """Whether the caller has the answer."""
        caller = self.caller
        return not caller.cancelled() and caller.exception() is None


class Alone:
    """Fails when a second call or undo of the key runs at the same time."""

    def __init__(self, busy: set[int], key: int) -> None:
        self._busy = busy
        self._key = key

    def __enter__(self) -> None:
        assert self._key not in self._busy
        self._busy.add(self._key)

    def __exit__(self, *_: object) -> None:
        self._busy.discard(self._key)


class World:
    """A keeper and the calls asked of it."""

    def __init__(self, drain_limit: float = 12.0) -> None:
        self.keeper = Keeper(AsyncioClock(), drain_limit=drain_limit)
        self.calls: list[Call] = []
        self.begun: list[int] = []
        self._busy: set[int] = set()

    def alone(self, key: int) -> Alone:
        """Claim *key* for the body."""
        return Alone(self._busy, key)

    def ask(self, key: int = 0) -> Call:
        """Ask for one more call."""
        call = Call(self, key)
        self.calls.append(call)
        return call

    def act(self, action: str, which: int) -> None:
        """Do one thing; whatever does not fit now does nothing."""
        if action == "ask":
            self.ask(which % 2)
        elif self.calls:
            call = self.calls[which % len(self.calls)]
            if action == "cancel":
                call.caller.cancel()
            elif action == "undo" and not call.undoing.done():
                call.undoing.set_result(None)
            elif call.has_begun and not call.ending.done():
                if action == "succeed":
                    call.ending.set_result(call.number if which % 3 else None)
                elif action == "fail":
                    call.ending.set_exception(OSError("eyJ-secret"))

    async def turn(self) -> None:
        """Let what was asked so far begin, as far as it may."""
        for _ in range(3):
            await asyncio.sleep(0)

    async def finish(self) -> None:
        """Let everything end, and every caller hear of it."""
        for _ in range(6 * len(self.calls) + 6):
            for call in self.calls:
                if call.has_begun and not call.ending.done():
                    call.ending.set_result(call.number)
                if not call.undoing.done():
                    call.undoing.set_result(None)
            await asyncio.sleep(0)
        for call in self.calls:
            assert call.caller.done()
            if not call.caller.cancelled():
                call.caller.exception()  # or asyncio logs that nobody asked


ACTIONS = st.tuples(
    st.sampled_from(["ask", "cancel", "succeed", "fail", "undo", "turn", "turn"]),
    st.integers(0, 11),
)


async def walked(actions: Iterable[tuple[str, int]]) -> World:
    """The world after *actions*, several of them in one turn of the loop."""
    world = World()
    for action, which in actions:
        if action == "turn":
            await asyncio.sleep(0)
        else:
            world.act(action, which)
    await world.finish()
    return world


@given(st.lists(ACTIONS, max_size=40))
async def test_what_succeeded_is_taken_or_undone(
    actions: list[tuple[str, int]],
) -> None:
    """Every answer goes to its caller or to its undo: never to both or neither."""
    for call in (await walked(actions)).calls:
        succeeded = call.ending.done() and call.ending.exception() is None
        if succeeded and not call.was_taken:
            assert call.undone == [call.ending.result()]
        else:
            assert call.undone == []


@given(st.lists(ACTIONS, max_size=40))
async def test_calls_of_a_key_begin_in_order_and_one_at_a_time(
    actions: list[tuple[str, int]],
) -> None:
    """Nothing of a key begins before all that was asked earlier has ended."""
    world = await walked(actions)  # `Alone` watches the overlaps

    for key in (0, 1):
        begun = [n for n in world.begun if world.calls[n].key == key]
        assert begun == sorted(begun)


@given(st.lists(ACTIONS, max_size=40))
async def test_nobody_waits_for_ever_and_failures_reach_their_callers(
    actions: list[tuple[str, int]],
) -> None:
    """A caller ends by the answer, by the call's own error, or by being cancelled."""
    for call in (await walked(actions)).calls:
        if not call.caller.cancelled():
            assert call.caller.exception() is call.ending.exception()


async def test_keys_do_not_wait_for_each_other() -> None:
    """A call waits for earlier ones of its own key only."""
    world = World()
    slow, quick = world.ask(0), world.ask(1)
    await world.turn()
    quick.ending.set_result(7)

    assert await quick.caller == 7
    assert not slow.caller.done()
    await world.finish()


async def test_withdrawn_before_it_began_never_begins() -> None:
    """Nothing is asked for a caller who went while another call was running."""
    world = World()
    first, second = world.ask(), world.ask()
    await world.turn()
    second.caller.cancel()
    await world.finish()

    assert first.has_begun
    assert not second.has_begun


async def test_next_call_waits_for_the_undo() -> None:
    """What is undone is undone before the next call of the key begins."""
    world = World()
    first, second = world.ask(), world.ask()
    await world.turn()
    first.caller.cancel()
    first.ending.set_result(1)
    await world.turn()

    assert first.undone == [1]
    assert not second.has_begun
    await world.finish()
    assert second.has_begun


async def test_late_failure_is_logged_without_foreign_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A failure nobody waits for is told, with our text, without theirs."""
    world = World()
    theirs, ours = world.ask(0), world.ask(1)
    await world.turn()
    for call in (theirs, ours):
        call.caller.cancel()
    await world.turn()
    theirs.ending.set_exception(OSError("eyJ-secret"))
    ours.ending.set_exception(ConnectError("no SFU answers"))
    with caplog.at_level(logging.WARNING, "utd_stream.client"):
        await world.finish()

    assert "OSError" in caplog.text
    assert "no SFU answers" in caplog.text
    assert "eyJ-secret" not in caplog.text


async def test_failure_in_the_turn_of_the_cancel_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A failure that its caller never took is told, though it came in time."""
    world = World()
    call = world.ask()
    await world.turn()
    call.ending.set_exception(ConnectError("no SFU answers"))
    asyncio.get_running_loop().call_soon(call.caller.cancel)  # before it wakes
    await world.finish()

    assert call.caller.cancelled()
    assert "no SFU answers" in caplog.text


async def test_failed_undo_is_logged_and_blocks_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An undo that fails is told, and the next call of the key begins."""
    world = World()
    first, second = world.ask(), world.ask()
    await world.turn()
    first.caller.cancel()
    first.ending.set_result(1)
    first.undoing.set_exception(OSError())
    await world.finish()

    assert "undoing" in caplog.text
    assert second.has_begun


async def test_closed_keeper_refuses_and_drains() -> None:
    """Closing takes nothing new and returns when what runs has ended."""
    world = World()
    running = world.ask()
    await world.turn()
    closing = asyncio.create_task(world.keeper.aclose())
    await world.turn()
    late = world.ask()
    with pytest.raises(ClosedError):
        await late.caller
    assert not closing.done()
    running.ending.set_result(3)
    await closing

    assert await running.caller == 3


async def test_draining_is_limited(caplog: pytest.LogCaptureFixture) -> None:
    """Closing gives up waiting at its limit, says so, and cancels nothing."""
    world = World(drain_limit=0.0)
    running = world.ask()
    await world.turn()
    await world.keeper.aclose()

    assert "1 kept calls had not ended" in caplog.text
    assert not running.ending.cancelled()
    await world.finish()


async def test_draining_waits_as_long_as_a_call_takes() -> None:
    """A call that says how long it takes is waited for beyond the keeper's limit."""
    world = World(drain_limit=0.0)
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def call() -> int:
        return await answer

    caller = asyncio.create_task(world.keeper.run("x", call, limit=60.0))
    await world.turn()
    closing = asyncio.create_task(world.keeper.aclose())
    await world.turn()
    assert not closing.done()
    answer.set_result(1)
    await closing

    assert await caller == 1


async def test_keepers_take_turns_by_a_lock_they_share() -> None:
    """A call waits for one of another keeper, its undo included."""
    one, other = World().keeper, World().keeper
    turn = asyncio.Lock()
    loop = asyncio.get_running_loop()
    first: asyncio.Future[int] = loop.create_future()
    undo: asyncio.Future[None] = loop.create_future()
    done: list[str] = []

    async def enter() -> int:
        return await first

    async def leave(_: int) -> None:
        await undo
        done.append("first undone")

    async def enter_too() -> None:
        done.append("second")

    left = asyncio.create_task(one.run("x", enter, leave, turn=turn))
    await asyncio.sleep(0)
    left.cancel()
    later = asyncio.create_task(other.run("x", enter_too, turn=turn))
    first.set_result(1)
    await World().turn()
    assert done == []
    undo.set_result(None)
    await later

    assert done == ["first undone", "second"]


async def test_closing_lets_nothing_begin_that_could_not_be_stopped() -> None:
    """Closing ends the waiting for a turn of what must not be cancelled later."""
    world = World()
    turn = asyncio.Lock()
    begun: list[None] = []

    async def call() -> None:
        begun.append(None)

    async with turn:
        caller = asyncio.create_task(
            world.keeper.run("x", call, may_abandon=False, turn=turn)
        )
        await world.turn()
        await world.keeper.aclose()
        with pytest.raises(ClosedError):
            await caller
    await world.turn()

    assert begun == []


async def test_closing_releases_a_call_whose_task_has_not_started() -> None:
    """A caller who asked in the same turn of the loop hears that it closed."""
    world = World()

    async def call() -> None: ...

    caller = asyncio.create_task(world.keeper.run("x", call, may_abandon=False))
    closing = asyncio.create_task(world.keeper.aclose())
    await world.turn()

    assert caller.done()
    with pytest.raises(ClosedError):
        await caller
    await closing


async def test_abandoning_releases_every_caller() -> None:
    """After `abandon` no caller waits and no call runs."""
    world = World()
    running, waiting = world.ask(), world.ask()
    await world.turn()
    await world.keeper.abandon()

    for call in (running, waiting):
        with pytest.raises(ClosedError, match="left"):
            await call.caller
    assert running.ending.cancelled()
    assert not waiting.has_begun


async def test_what_may_not_be_abandoned_runs_on_and_is_undone() -> None:
    """A call that must not be cancelled loses its caller, and is undone."""
    world = World()
    answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    undone = asyncio.Event()

    async def undo(_: None) -> None:
        undone.set()

    async def call() -> None:
        await answer

    caller = asyncio.create_task(world.keeper.run("x", call, undo, may_abandon=False))
    await world.turn()
    await world.keeper.abandon()
    with pytest.raises(ClosedError):
        await caller
    assert not answer.cancelled()

    answer.set_result(None)
    await undone.wait()


async def test_kept_calls_outlive_a_task_group() -> None:
    """A TaskGroup that fails ends the waiting of its tasks, never their calls."""
    world = World()

    async def fail() -> None:
        await world.turn()
        raise OSError

    async def group() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call.wait())
            tasks.create_task(fail())

    call = world.ask()
    with pytest.raises(ExceptionGroup):
        await group()

    assert call.has_begun
    assert not call.ending.done()
    await world.finish()
    assert call.undone == [call.number]
