"""Members who hold nothing are forgotten, and those of past lives are deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.engine.house import OPEN, House, app_of, open_house
from tests.engine.manual_clock import ManualClock

BACK_END = app_of(OPEN, secret=True)


@pytest_asyncio.fixture
async def house() -> AsyncIterator[House]:
    """A room in request mode with its host, who stays connected."""
    async with open_house(clock=ManualClock()) as house:
        await house.enter("hal", role="host", seat_count=3, seat_mode="request")
        yield house


async def rows(house: House) -> int:
    """Return how many members there are on disk, of all rooms and lives."""

    def count(connection: Any) -> int:
        found: int = connection.exec_driver_sql("SELECT count(*) FROM members").scalar()
        connection.rollback()
        return found

    return await house.services.writer.run(count)


async def pass_minutes(house: House, minutes: int) -> None:
    """Let time pass, with a command in each minute."""
    for _ in range(minutes):
        await house.clock.advance(61.0)
        await house.mint("hal")
        await house.told()


async def test_who_holds_nothing_is_forgotten(house: House) -> None:
    """A quarter of an hour after the mint or the connection, whichever ended last."""
    await house.mint("never")
    await house.enter("left")
    await pass_minutes(house, 8)
    await house.leave("left")
    await house.enter("stays")
    await pass_minutes(house, 8)
    assert await house.members() == ["hal", "left", "stays"]

    await pass_minutes(house, 8)

    assert await house.members() == ["hal", "stays"]
    assert await rows(house) == 2


async def test_who_was_forgotten_mints_as_a_newcomer(house: House) -> None:
    """With a higher number than ever before; until then they are nobody."""
    first = await house.mint("ana", name="Ana")
    await pass_minutes(house, 17)
    gone = await house.room_ask("GET", "/participants/ana", by=BACK_END)
    resumed = await house.mint("ana", resume=True)

    again = await house.mint("ana")

    assert (gone.status, resumed.status, again.status) == (404, 403, 200)
    assert again.body["connection"] > first.body["connection"]
    shown = await house.room_ask("GET", "/participants/ana", by=BACK_END)
    assert shown.body.get("name") is None


@pytest.mark.parametrize("role", ["host", "admin", "guest", "visitor", "audience"])
async def test_roles_are_held_for_the_life(house: House, role: str) -> None:
    """Whoever was given one keeps it without a connection; audience is none."""
    wanted = {"type": "audio_room", "room_name": "lounge", "identity": "ana"}
    await house.ask("POST", "api/v1/token", by=BACK_END, json=wanted | {"role": role})

    await pass_minutes(house, 17)

    assert ("ana" in await house.members()) == (role != "audience")


async def test_who_waits_for_a_seat_is_kept(house: House) -> None:
    """A request or invitation is not lost with the row; afterwards it goes."""
    for who in ("asks", "asked"):
        await house.mint(who)
    await pass_minutes(house, 14)
    await house.room_ask("POST", "/speakers/request", by="asks")
    invite = {"target_identity": "asked"}
    await house.room_ask("POST", "/speakers/invite", by="hal", json=invite)
    await house.clock.advance(50.0)
    await house.mint("hal")
    assert await house.members() == ["asked", "asks", "hal"]

    await pass_minutes(house, 3)

    assert await house.members() == ["hal"]


async def test_a_kicked_member_is_kept_until_the_sfu_has_lost_them(
    house: House,
) -> None:
    """And for a quarter of an hour more; the SFU has nobody who is no member."""
    await house.enter("ana")
    before = await house.member("ana")
    await house.room_ask("DELETE", "/participants/ana", by="hal")

    kept = await house.member("ana")
    assert (kept.admitted, kept.connection) == (False, before.connection)
    for _ in range(2):  # the SFU is told, and then tells
        await house.told()
    assert not (await house.member("ana")).is_connected
    await pass_minutes(house, 17)

    assert await rows(house) == 1


async def test_an_end_touches_no_member(house: House) -> None:
    """The rows of a life stay on disk when it ends, and are deleted soon after."""
    for number in range(5):
        await house.mint(f"m{number}")
    await house.room_ask("DELETE", "", by="hal")
    assert await rows(house) == 6

    await house.mint("new")
    assert await house.members() == ["new"]
    await pass_minutes(house, 1)

    assert await house.members() == ["hal", "new"]
    assert await rows(house) == 2


async def test_a_damaged_row_keeps_no_other(house: House) -> None:
    """What another program wrote over is left alone, and the others are forgotten."""
    for who in ("ana", "ben", "cid"):
        await house.mint(who)
    await pass_minutes(house, 1)
    await damage(house, "ben")

    await pass_minutes(house, 17)

    assert await rows(house) == 2


async def damage(house: House, identity: str) -> None:
    """Write over a member on disk, as another program would."""

    def write(connection: Any) -> None:
        changed = "UPDATE members SET state = '{' WHERE identity = ?"
        connection.exec_driver_sql(changed, (identity,))
        connection.commit()

    await house.services.writer.run(write)
