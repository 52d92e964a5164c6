"""Commands of one batch: what they read, and that they see each other's decisions."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sqlalchemy import Connection, event

from tests.engine.writers import KEY, all_of, enter, members, take, writing
from utd_stream.contract import Who
from utd_stream.engine.orders import Order, Outcome
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules.audio_room import seat_index_of
from utd_stream.engine.writer import Writer
from utd_stream.errors import PermissionDeniedError, UnavailableError

PEOPLE = [f"m{number}" for number in range(9)]


@pytest_asyncio.fixture
async def writer(database: str) -> AsyncIterator[Writer]:
    """A writer that takes whatever was submitted together as one batch."""
    async with writing(database, threaded=False) as opened:
        yield opened


def of_back_end(command: c.Command) -> Order:
    """Return an order of the app's own back end."""
    actor = c.Actor(is_secret=True)
    return Order(key=KEY, command=command, who=Who.SECRET, actor=actor)


async def statements(writer: Writer) -> list[str]:
    """Return a list that will hold all that is read from the table of members."""
    seen: list[str] = []

    def note(*told: object) -> None:
        if "FROM members" in str(told[2]):
            seen.append(str(told[2]))

    def listen(connection: Connection) -> None:
        event.listen(connection.engine, "before_cursor_execute", note)

    await writer.run(listen)
    return seen


async def test_rows_of_a_batch_are_read_at_once(writer: Writer) -> None:
    """One statement for all commands, and none for what is remembered."""
    await all_of(writer, *map(enter, PEOPLE))
    writer.committed.forget()
    seen = await statements(writer)

    taken = await all_of(writer, *(take(who, i) for i, who in enumerate(PEOPLE)))
    assert all(isinstance(outcome, Outcome) for outcome in taken)
    assert len(seen) == 1

    await all_of(writer, *(take(who, i) for i, who in enumerate(PEOPLE)))
    assert len(seen) == 1


async def test_members_of_a_batch_are_seen_by_what_follows(writer: Writer) -> None:
    """Let in, seated and removed in one transaction, each on what came before."""
    kick = of_back_end(c.KickMember(identity="ana"))

    entered, sat, kicked, refused, other = await all_of(
        writer, enter("ana"), take("ana"), kick, take("ana", 1), enter("bob")
    )

    assert all(isinstance(o, Outcome) for o in (entered, sat, kicked, other))
    assert isinstance(refused, PermissionDeniedError)
    assert await members(writer) == {"bob"}
    room = await writer.room(KEY)
    assert room is not None
    assert seat_index_of(room, "ana") is None


async def test_a_seat_that_changes_hands_in_a_batch_is_its_new_occupants(
    writer: Writer,
) -> None:
    """Whoever sits there at the command's turn is unseated, and read by then."""
    await all_of(writer, *map(enter, PEOPLE))
    await writer.submit(take("m0"))
    writer.committed.forget()
    leave = Order(
        key=KEY, command=c.LeaveSeat(), who=Who.SELF, actor=c.Actor(identity="m0")
    )

    outcomes = await all_of(
        writer, leave, take("m1"), of_back_end(c.KickFromSeat(index=0))
    )

    assert all(isinstance(outcome, Outcome) for outcome in outcomes)
    room = await writer.room(KEY)
    assert room is not None
    assert [seat_index_of(room, who) for who in ("m0", "m1")] == [None, None]


WRITE = "UPDATE rooms SET version = version + 1"
DECIDE = f"{WRITE}, state = json_set(state, '$.version', version + 1, '$.owner', 'm1')"


async def another_engine(writer: Writer, statement: str) -> None:
    """Write the room, as another engine on the same database would."""

    def write(connection: Connection) -> None:
        connection.exec_driver_sql(statement)
        connection.commit()

    await writer.run(write)


async def test_what_is_stale_is_decided_again(writer: Writer) -> None:
    """On what another engine has written, for the whole batch."""
    await all_of(writer, *map(enter, PEOPLE))
    await another_engine(writer, DECIDE)

    outcomes = await all_of(writer, take("m1", 0), take("m2", 1))

    assert all(isinstance(outcome, Outcome) for outcome in outcomes)
    room = await writer.room(KEY)
    assert room is not None
    assert room.owner == "m1"
    assert [seat_index_of(room, who) for who in ("m1", "m2")] == [0, 1]


async def test_what_stays_stale_is_told(
    writer: Writer, caplog: pytest.LogCaptureFixture
) -> None:
    """503 for those of that room alone; other rooms are served."""
    await all_of(writer, *map(enter, PEOPLE))
    await another_engine(writer, WRITE)

    stale, other = await all_of(writer, take("m1"), enter("ana", "attic"))

    assert isinstance(stale, UnavailableError)
    assert isinstance(other, Outcome)
    assert "rolled back" in caplog.text
