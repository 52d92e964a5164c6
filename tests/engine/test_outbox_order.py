"""In which order the outbox sends, how long it waits, and that it sends rows only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from tests.engine.house import OPEN, ROOM, House, app_of, open_house
from tests.engine.manual_clock import ManualClock
from tests.engine.test_outbox import asked
from utd_stream.adapters.loopback import Loopback
from utd_stream.errors import TransportError
from utd_stream.models.participants import Permission

SECRET = app_of(OPEN, secret=True)


async def seated(house: House, *people: str) -> None:
    """Let people enter and sit down in their order."""
    for index, identity in enumerate(people):
        await house.enter(identity)
        await house.room_ask("POST", f"/seats/{index}/take", by=identity)
    await house.clock.advance(1)
    asked(house)


async def waiting_rows(house: House) -> list[tuple[str, str]]:
    """Kind and slot of what is on disk and was not sent."""

    def read(connection: Any) -> list[tuple[str, str]]:
        rows = connection.exec_driver_sql("SELECT kind, slot FROM outbox").fetchall()
        connection.rollback()
        return sorted((kind, slot) for kind, slot in rows)

    return await house.services.writer.run(read)


async def test_revocations_come_before_grants(house: House) -> None:
    """Whoever loses a right is silent before another one can speak."""
    await seated(house, "ana", "bob")
    await house.room_ask("POST", "/seats/1/mute", by=SECRET)
    await house.clock.advance(1)
    asked(house)

    swap = {"a": 0, "b": 1}
    answer = await house.room_ask("POST", "/seats/swap", by=SECRET, json=swap)
    await house.clock.settle()

    assert answer.status == 200, answer.body
    assert [who for _, _, who in asked(house)] == ["ana", "bob", ""]
    assert [house.speaks(who) for who in ("ana", "bob")] == [False, True]


class Hanging(Loopback):
    """A plane that never answers an update of one participant."""

    async def update_participant(
        self, name: str, identity: str, *, permission: Permission, metadata: str
    ) -> None:
        """Hang for one, serve the others."""
        if identity == "ana":
            await asyncio.Event().wait()
        await super().update_participant(
            name, identity, permission=permission, metadata=metadata
        )


async def test_metadata_waits_half_a_second_at_most() -> None:
    """A grant that hangs holds up what everybody else sees no longer than that."""
    clock = ManualClock()
    async with open_house(clock=clock, sfu=Hanging(clock)) as house:
        await house.enter("ana")
        await house.room_ask("POST", "/seats/0/take", by="ana")
        await house.clock.advance(0.4)
        before = house.metadata()["_seats"]["rev"]
        await house.clock.advance(0.2)

        assert (before, house.metadata()["_seats"]["rev"]) == (0, 1)


async def test_missing_participant_delays_no_other(house: House) -> None:
    """While a stale "not found" is outlived, the others of the room are served."""
    await house.enter("ana")
    await house.enter("bob")
    house.sfu.lose_sight_of("ana", times=2)
    for index, identity in enumerate(("ana", "bob")):
        await house.room_ask("POST", f"/seats/{index}/take", by=identity)
    await house.clock.settle()

    assert [house.speaks(who) for who in ("ana", "bob")] == [False, True]
    await house.clock.advance(0.4)
    assert house.speaks("ana")


async def test_a_revoke_that_finds_nobody_is_done(house: House) -> None:
    """It is asked once, though the roster has them connected."""
    await seated(house, "ana")
    house.sfu.lose_sight_of("ana", times=1)
    await house.room_ask("POST", "/seats/leave", by="ana")
    await house.clock.settle()
    asked(house)
    await house.clock.advance(1)

    assert asked(house, "update_participant") == []
    assert await waiting_rows(house) == []


class Faltering(Loopback):
    """A plane that fails to send the next messages."""

    fails = 0

    async def send_data(self, name: str, data: bytes, *, to: Sequence[str]) -> None:
        """Fail for a while."""
        if self.fails:
            self.fails -= 1
            message = "a connection was reset"
            raise TransportError(message)
        await super().send_data(name, data, to=to)


@pytest.mark.parametrize("fails", [1, 2])
async def test_a_message_that_fails_still_comes_before_the_removal(fails: int) -> None:
    """It is tried again before what it announces."""
    clock = ManualClock()
    sfu = Faltering(clock)
    async with open_house(clock=clock, sfu=sfu) as house:
        await house.enter("ana", role="host")
        await house.enter("bob")
        asked(house)
        sfu.fails = fails
        await house.room_ask("DELETE", "/participants/bob", by="ana")
        await house.clock.advance(10)

        told = asked(house, "send_data", "remove_participant")
        assert [operation for operation, _, _ in told] == [
            "send_data",
            "remove_participant",
        ]


async def test_a_message_that_never_goes_holds_up_no_removal() -> None:
    """Who is kicked is removed, whatever becomes of the reason."""
    clock = ManualClock()
    sfu = Faltering(clock)
    async with open_house(clock=clock, sfu=sfu) as house:
        await house.enter("ana", role="host")
        await house.enter("bob")
        sfu.fails = 1_000
        await house.room_ask("DELETE", "/participants/bob", by="ana")
        await house.clock.advance(10)

        assert sfu.participant(house.sfu_room, "bob") is None


async def test_large_metadata_is_paced(house: House) -> None:
    """What many must be sent is written now and then, and then the newest."""
    for index in range(20):
        who = f"{index:03}" + '"' * 120
        await house.enter(who, name='"' * 128, image='"' * 256)
        await house.room_ask("POST", f"/seats/{index}/take", by=who)
        if not index:
            grid = {"seat_count": 21}
            await house.room_ask("POST", "/seats/setup", by=SECRET, json=grid)
    await house.clock.advance(10)
    asked(house)

    writes: list[int] = []
    for index in range(3):
        await house.room_ask("POST", f"/seats/{index}/mute", by=SECRET)
        await house.clock.settle()
        writes.append(len(asked(house, "update_room_metadata")))
    await house.clock.advance(10)

    assert writes == [1, 0, 0]
    assert len(asked(house, "update_room_metadata")) == 1
    seats = house.metadata()["_seats"]["seats"]
    assert [seat["muted"] for seat in seats[:4]] == [True, True, True, False]


async def test_paced_metadata_comes_after_the_grants_it_shows() -> None:
    """However long it has waited, a grant under way is let go first."""
    clock = ManualClock()
    async with open_house(clock=clock, sfu=Hanging(clock)) as house:
        await seated(house, "bob")
        await house.enter("ana")
        house.services.outbox._paced[OPEN.id, ROOM] = clock.monotonic() + 5
        await house.room_ask("POST", "/seats/0/mute", by=SECRET)
        await house.clock.advance(4.9)
        await house.room_ask("POST", "/seats/1/take", by="ana")
        await house.clock.advance(0.3)
        before = asked(house, "update_room_metadata")
        await house.clock.advance(0.4)

        assert before == []
        assert len(asked(house, "update_room_metadata")) == 1


async def test_small_metadata_is_not_paced(house: House) -> None:
    """What costs little is written at once, however often it changes."""
    await seated(house, *(f"user{index}" for index in range(5)))
    for index in range(3):
        await house.room_ask("POST", f"/seats/{index}/mute", by=SECRET)
        await house.clock.settle()

        assert len(asked(house, "update_room_metadata")) == 1


async def test_repairs_are_rows_too(house: House) -> None:
    """What a listing or a notice makes the engine write survives its end."""
    await house.enter("ana", role="host")
    await house.clock.advance(1)
    house.sfu.restart()
    await house.sfu.create_room(house.sfu_room, metadata="", empty_timeout=300)
    async with house.sfu.failing(house.sfu_room):
        await house.told()  # of a room that was started
        assert await waiting_rows(house) == [("metadata", "")]
    await house.clock.advance(10)
    assert house.metadata()["_room"]["owner_identity"] == "ana"

    await house.room_ask("DELETE", "", by="ana")
    await house.clock.advance(10)
    await house.sfu.create_room(house.sfu_room, metadata="", empty_timeout=300)
    house.notices.clear()
    async with house.sfu.failing(house.sfu_room):
        await house.reconcile()
        assert await waiting_rows(house) == [("room", "")]
    await house.clock.advance(10)
    assert house.sfu.metadata(house.sfu_room) is None


async def test_metadata_that_is_shown_is_not_written_again(house: House) -> None:
    """The notice that a room was started causes nothing where all is well."""
    await house.enter("ana")
    await house.clock.advance(1)

    assert asked(house, "update_room_metadata") == []
    assert (await house.room()).name == ROOM
