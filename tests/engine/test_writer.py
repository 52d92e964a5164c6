"""The laws of the writer, on its thread, over a file."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import Connection

from tests.engine.manual_clock import ManualClock
from tests.engine.writers import KEY, all_of, broken, enter, members, take, writing
from utd_stream.contract import Who
from utd_stream.engine.orders import Idempotency, Order, Outcome
from utd_stream.engine.rules.audio_room import audio_room
from utd_stream.engine.rules.commands import Command, TimePassed
from utd_stream.engine.store import OutboxRow
from utd_stream.engine.writer import Commit, Writer
from utd_stream.errors import (
    ConflictError,
    EngineError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
)


async def test_a_bad_command_harms_no_other(writer: Writer) -> None:
    """In one batch each is answered for itself: refused, failed, or served."""
    await all_of(writer, enter("ana"), enter("bob"))

    first, second, third, fourth, last = await all_of(
        writer,
        take("eve"),
        take("ana", 0),
        broken("ana"),
        take("bob", 0),
        take("bob", 1),
    )

    assert isinstance(first, EngineError)
    assert isinstance(second, Outcome)
    assert isinstance(third, UnavailableError)
    assert isinstance(fourth, ConflictError)
    assert isinstance(last, Outcome)
    room = await writer.room(KEY)
    assert room is not None
    assert [seat.data.occupant for seat in audio_room(room).seats[:2]] == ["ana", "bob"]


async def test_commands_of_one_batch_see_each_other(writer: Writer) -> None:
    """What an earlier command did is there for the later ones; one write is made."""
    commits: list[Commit] = []
    await all_of(writer, enter("ana"))
    writer.watch(commits.append)

    outcomes = await all_of(writer, take("ana", 0), take("ana", 1))

    assert isinstance(outcomes[0], Outcome)
    assert isinstance(outcomes[1], ConflictError)
    assert sum(len(commit.rooms) for commit in commits) == 1


async def test_commands_that_wait_are_committed_together(database: str) -> None:
    """Whatever waits while the writer is busy is one transaction after that."""
    async with writing(database, threaded=False) as writer:
        commits: list[Commit] = []
        writer.watch(commits.append)

        await all_of(writer, *(enter(f"user{i}", f"room{i}") for i in range(100)))

        assert len(commits) == 1
        assert len(commits[0].rooms) == 100


async def test_acknowledged_is_on_disk(writer: Writer, database: str) -> None:
    """Nothing is answered before its commit: a second reader finds it there."""
    await all_of(writer, enter("ana"))
    outcome = await writer.submit(take("ana"))

    def written(connection: Connection) -> int:
        # Outside every transaction, so what is seen is committed.
        rows = connection.exec_driver_sql("SELECT version FROM rooms").fetchall()
        connection.rollback()
        return int(rows[0][0])

    assert outcome.room is not None
    assert await writer.run(written) == outcome.room.version


async def test_replays_are_found_in_the_batch_and_on_disk(writer: Writer) -> None:
    """A key seen earlier in the batch, or ever, gets the answer it got then."""
    await all_of(writer, enter("ana"))
    key = Idempotency(id="k", caller="ana", fingerprint="f")
    other = Idempotency(id="k", caller="ana", fingerprint="g")
    first, again, stranger = await all_of(
        writer,
        take("ana", idempotency=key),
        take("ana", idempotency=key),
        take("ana", 1, idempotency=other),
    )
    later = await writer.submit(take("ana", idempotency=key))

    assert isinstance(first, Outcome)
    assert isinstance(again, Outcome)
    assert first.body == again.body == later.body
    assert isinstance(stranger, ConflictError)


async def test_rows_have_numbers_that_no_other_writer_gives(database: str) -> None:
    """Also where all was sent before the next start: a late deletion hits none."""
    numbers: list[int] = []
    for index in range(3):
        async with writing(database, threaded=False) as writer:
            commits: list[Commit] = []
            writer.watch(commits.append)
            await writer.submit(enter("ana", f"room{index}"))
            rows = [row for commit in commits for row in commit.outbox]
            numbers += [row.seq for row in rows]
            writer.discard(rows)

    assert numbers == sorted(set(numbers))
    assert len(numbers) == 3


async def test_rooms_are_read_at_a_version_or_later(writer: Writer) -> None:
    """A room that is remembered as it was before is read again."""
    old = (await writer.submit(enter("ana"))).room
    new = (await writer.submit(take("ana"))).room
    assert old is not None
    assert new is not None
    writer.committed.keep(KEY, old)

    assert await writer.room(KEY, old.version) is old
    assert await writer.room(KEY, new.version) == new


async def test_a_full_queue_refuses_at_once(database: str) -> None:
    """Whoever comes when too many wait is told so at once; later it is served."""
    async with writing(database, threaded=False, capacity=3) as writer:
        waiting = [writer.submit(enter(f"user{i}")) for i in range(3)]
        with pytest.raises(UnavailableError):
            _ = writer.submit(enter("late"))
        await asyncio.gather(*waiting)

        assert isinstance(await writer.submit(enter("late")), Outcome)


async def test_cancelled_command_is_done_all_the_same(writer: Writer) -> None:
    """Cancelling ends the waiting; the command was taken and is committed."""
    waiting = writer.submit(enter("ana"))
    waiting.cancel()

    await writer.submit(enter("bob"))

    assert await members(writer) == {"ana", "bob"}


@pytest.mark.parametrize("threaded", [True, False], ids=["thread", "inline"])
async def test_sent_rows_are_deleted_when_idle(
    database: str,
    threaded: bool,  # noqa: FBT001 -- a parameter
) -> None:
    """What the SFU was told leaves the outbox without another command."""
    clock = ManualClock()
    async with writing(database, threaded=threaded, clock=clock) as writer:
        commits: list[Commit] = []
        writer.watch(commits.append)
        await writer.submit(enter("ana"))
        rows = [row for commit in commits for row in commit.outbox]
        writer.discard(rows)
        await clock.settle()
        assert await writer.run(_outbox) == rows != []
        await clock.advance(0.2)

        assert await writer.run(_outbox) == []


def _outbox(connection: Connection) -> list[Any]:
    rows = connection.exec_driver_sql("SELECT * FROM outbox").fetchall()
    connection.rollback()
    return [OutboxRow(*row) for row in rows]


async def test_room_not_remembered_is_read(database: str) -> None:
    """A room is found though this process never saw it, and so is its absence."""
    async with writing(database) as writer:
        await writer.submit(enter("ana"))
    async with writing(database) as writer:
        assert await members(writer) == {"ana"}
        assert await writer.room(("a", "none")) is None
        fact: Command = TimePassed()
        with pytest.raises(NotFoundError):
            await writer.submit(Order(key=("a", "none"), command=fact, who=Who.SFU))


async def test_refusal_found_early_is_kept_like_an_answer(writer: Writer) -> None:
    """A request that is wrong in itself has an answer to keep, and changes nothing."""
    key = Idempotency(id="k", caller="ana", fingerprint="f")
    error = InvalidRequestError("$: wrong")
    order = Order(key=KEY, command=error, who=Who.SELF, idempotency=key)

    first = await writer.submit(order)
    again = await writer.submit(order)

    assert (first.status, again.status) == (422, 422)
    assert first.body == again.body
