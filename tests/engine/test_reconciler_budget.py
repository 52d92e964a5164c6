"""Which rooms the reconciler lists, and how many a second."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import attrs
import orjson
import pytest

from tests.engine.house import OPEN, ROOM, House, open_house
from tests.engine.manual_clock import ManualClock
from tests.engine.rules.scene import Scene, stage
from utd_stream.adapters.loopback import Loopback
from utd_stream.engine._conspicuous import is_conspicuous
from utd_stream.engine.rules import room_metadata
from utd_stream.engine.rules.audio_room import grid_of
from utd_stream.engine.rules.state import Room
from utd_stream.models import DisconnectReason
from utd_stream.models.names import sfu_room_name
from utd_stream.ports import SfuParticipant, SfuRoom

BUDGET = 40


async def quiet_rooms(house: House, number: int) -> list[str]:
    """Begin rooms in which nothing happens; the SFU's names of them."""
    names = [f"room{index:03}" for index in range(number)]
    await asyncio.gather(*(house.mint("ana", room_name=name) for name in names))
    await house.clock.settle()
    house.notices.clear()
    return [sfu_room_name(OPEN.id, name) for name in names]


def listings(house: House) -> Counter[str]:
    """Return how often each room was listed, and forget it."""
    found = Counter(room for what, room, _ in house.sfu.asked if what == LISTING)
    house.sfu.asked.clear()
    return found


LISTING = "list_participants"


async def test_a_sweep_keeps_to_its_budget() -> None:
    """So many rooms a second are listed, and each comes once in its turn."""
    async with open_house(reconcile_period=3) as house:
        names = await quiet_rooms(house, 3 * BUDGET)
        await house.clock.advance(-house.clock.monotonic() % 3 + 8.9)
        listings(house)

        swept: Counter[str] = Counter()
        for _ in range(3):
            await house.clock.advance(1)
            second = listings(house)
            assert sum(second.values()) == BUDGET
            swept += second
        assert swept == Counter(names)


async def test_conspicuous_rooms_wait_for_no_sweep() -> None:
    """Rooms that the SFU shows otherwise than known are looked at in one period."""
    async with open_house(reconcile_period=1) as house:
        names = await quiet_rooms(house, 3 * BUDGET)
        await house.clock.advance(5)
        for name in (names[0], names[-1]):
            await house.sfu.update_room_metadata(name, "")
        listings(house)
        await house.clock.advance(1)

        # They are too far apart for one second of the sweep.
        assert {names[0], names[-1]} <= set(listings(house))
        for name in (names[0], names[-1]):
            assert "_seats" in (house.sfu.metadata(name) or "")


class Slow(Loopback):
    """A plane that does not answer what most rooms hold."""

    is_slow = False

    async def list_participants(self, name: str) -> tuple[SfuParticipant, ...]:
        """Answer of the lounge alone."""
        if self.is_slow and not name.endswith(ROOM):
            await asyncio.Event().wait()
        return await super().list_participants(name)


async def test_hints_wait_for_no_sweep() -> None:
    """A grace is judged on time while no other room is listed."""
    clock = ManualClock()
    sfu = Slow(clock)
    async with open_house(clock=clock, sfu=sfu, reconcile_period=5) as house:
        await quiet_rooms(house, BUDGET)
        await house.enter("ana")
        await house.room_ask("POST", "/seats/0/take", by="ana")
        await house.clock.advance(5)
        sfu.is_slow = True
        await house.clock.advance(5)
        await house.leave("ana", reason=DisconnectReason.CONNECTION_TIMEOUT)
        await house.clock.advance(15.1)

        assert grid_of(await house.room()).seat_of("ana") is None


async def test_hints_ask_for_their_rooms_alone() -> None:
    """A list of all rooms is large where there are many."""
    named: list[Sequence[str]] = []

    class Noting(Loopback):
        async def list_rooms(self, names: Sequence[str] = ()) -> tuple[SfuRoom, ...]:
            named.append(tuple(names))
            return await super().list_rooms(names)

    clock = ManualClock()
    async with open_house(clock=clock, sfu=Noting(clock)) as house:
        await house.enter("ana")
        named.clear()
        house.services.reconciler.hint((OPEN.id, ROOM))
        await house.clock.settle()

        assert named == [(house.sfu_room,)]


async def test_large_lists_are_asked_for_less_often() -> None:
    """The more metadata the SFU's rooms have, the longer the engine waits."""
    asked: list[int] = []
    for weight in (0, 500_000):
        async with open_house(reconcile_period=1) as house:
            for index in range(4):
                await house.sfu.create_room(
                    f"other{index}", metadata="x" * weight, empty_timeout=300
                )
            await house.clock.advance(2)
            house.sfu.asked.clear()
            await house.clock.advance(20)
            asked.append(sum(what == "list_rooms" for what, _, _ in house.sfu.asked))

    assert asked == [20, 5]


CONNECTED = 2


def known() -> Scene:
    """A room with two people, both connected."""
    scene = stage()
    assert scene.room.empty_since is None
    return scene


def shown(room: Room, **other: Any) -> SfuRoom:
    """The room as an SFU lists it that agrees, but for *other*."""
    told: dict[str, Any] = {
        "name": "popen_lounge",
        "sid": "RM_1",
        "metadata": room_metadata(room),
        "num_participants": CONNECTED,
    }
    return SfuRoom(**{**told, **other})


def older(room: Room) -> str:
    """Metadata of a revision before."""
    told = orjson.loads(room_metadata(room))
    told["_room"]["rev"] -= 1
    return orjson.dumps(told).decode()


@pytest.mark.parametrize("sid", [None, "RM_1"])
def test_room_that_is_listed_as_known_is_not_conspicuous(sid: str | None) -> None:
    """Nothing points to it: it waits for its turn in the sweep."""
    room = known().room

    assert not is_conspicuous(shown(room), room, CONNECTED, sid)
    assert not is_conspicuous(shown(room), None, CONNECTED, sid)


def test_every_difference_is_conspicuous() -> None:
    """Missing, another room of the name, older metadata, another number of people."""
    room = known().room

    assert is_conspicuous(None, room, CONNECTED, "RM_1")
    assert is_conspicuous(None, None, CONNECTED, "RM_1")
    assert is_conspicuous(shown(room), room, CONNECTED, "RM_0")
    assert is_conspicuous(shown(room), None, CONNECTED, "RM_0")
    assert is_conspicuous(shown(room, metadata=""), room, CONNECTED, "RM_1")
    assert is_conspicuous(shown(room, metadata=older(room)), room, CONNECTED, "RM_1")
    assert is_conspicuous(shown(room, num_participants=1), room, CONNECTED, "RM_1")


def test_room_that_nobody_is_in_may_be_missing() -> None:
    """The SFU closes it, and that is no news each period."""
    scene = Scene()
    scene.mint("ann")

    assert scene.room.empty_since is not None
    assert not is_conspicuous(None, scene.room, 0, "RM_1")


def test_newer_metadata_is_not_conspicuous() -> None:
    """It was written after the room was remembered."""
    room = known().room
    later = attrs.evolve(room, metadata_rev=room.metadata_rev + 1)

    assert not is_conspicuous(
        shown(room, metadata=room_metadata(later)), room, CONNECTED, "RM_1"
    )
