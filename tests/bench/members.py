"""P12: what a room of many members costs beside a small one.

Rooms of every size stand in one engine and are asked in turn, so that what
disturbs the machine disturbs all of them alike.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import count

import attrs

from tests.bench.filling import APP_KEY, World, filling
from tests.bench.line import Line
from tests.bench.report import Figure, median_ms
from tests.bench.servers import APP

__all__ = ["SIZES", "measure_members"]

SIZES = (10, 1_000, 20_000)
_ASKED = 150
_LISTED = 5
_COMMANDS_BESIDE = 400
_GOAL = 1.2
_MOST_MS = 20
_MICRO = 1_000_000


@attrs.frozen
class _Costs:
    """Of one size, in seconds.

    Attributes:
        mints: Of a token for somebody new.
        seats: Of taking a seat, or leaving it.
        pages: Of the first page of the participants.
        listings: Of taking in what the SFU lists, for each member.
    """

    mints: list[float] = attrs.field(factory=list[float])
    seats: list[float] = attrs.field(factory=list[float])
    pages: list[float] = attrs.field(factory=list[float])
    listings: list[float] = attrs.field(factory=list[float])


async def measure_members(sizes: Sequence[int] = SIZES) -> list[Figure]:
    """Return P12, for rooms of *sizes*, the smallest first."""
    async with filling() as world:
        for size in sizes:
            people = ((_room(size), f"member-{i}") for i in range(size))
            await world.fill(people, told=False)
            # What changes much is told in more than one go.
            for _ in range(2):
                await world.engine.tell("look", room=_room(size))
                await world.engine.tell("idle")
        asker = _Asker(world, await Line.open(world.engine.port))
        costs = {size: _Costs() for size in sizes}
        for _ in range(_ASKED):
            for size in sizes:
                costs[size].mints.append(await _timed(asker.mint, size))
                costs[size].seats.append(await _timed(asker.sit, size))
                costs[size].pages.append(await _timed(asker.page, size))
        await world.engine.tell("idle")
        for _ in range(_LISTED):
            for size in sizes:
                told = await world.engine.tell("look", room=_room(size))
                costs[size].listings.append(told["seconds"] / size)
        waits = await _waits(asker, sizes[0], sizes[-1])
    figures = [
        figure
        for size in sizes[1:]
        for figure in _compared(size, costs[size], costs[sizes[0]])
    ]
    return [*figures, waits]


def _compared(size: int, large: _Costs, small: _Costs) -> list[Figure]:
    pairs = {
        "mint": (large.mints, small.mints),
        "seat": (large.seats, small.seats),
        "page": (large.pages, small.pages),
    }
    with_10 = f"{size:,} members, beside 10"
    figures = [
        Figure(
            name=f"P12 {what}",
            what=f"a {what} in a room of {with_10}, p50",
            unit="ms",
            ours=median_ms(ours),
            bare=median_ms(bare),
            goal=_GOAL,
        )
        for what, (ours, bare) in pairs.items()
    ]
    listing = Figure(
        name="P12 listing",
        what=f"a listing of {with_10}, each member",
        unit="us",
        ours=statistics.median(large.listings) * _MICRO,
        bare=statistics.median(small.listings) * _MICRO,
        goal=_GOAL,
    )
    return [*figures, listing]


class _Asker:
    """Somebody with the app's key, and one member of each room."""

    def __init__(self, world: World, line: Line) -> None:
        self._world = world
        self._line = line
        self._numbers = count()
        self._bearers: dict[int, str] = {}
        self._turns: dict[int, int] = {}

    async def mint(self, size: int) -> None:
        """Mint a token for somebody new."""
        await self._mint(size, f"newcomer-{next(self._numbers)}")

    async def sit(self, size: int) -> None:
        """Take a seat, or leave it."""
        if size not in self._bearers:
            self._bearers[size] = await self._mint(size, "member-0")
        turn = self._turns[size] = self._turns.get(size, 0) + 1
        act = "1/take" if turn % 2 else "leave"
        path = f"/api/v1/rooms/{_room(size)}/seats/{act}"
        bearer = f"Bearer {self._bearers[size]}"
        key = f"key-{next(self._numbers)}"
        await self._line.ask(path, {}, Authorization=bearer, Idempotency_Key=key)

    async def page(self, size: int) -> None:
        """Read the first page of the participants."""
        path = f"/api/v1/rooms/{_room(size)}/participants?per_page=1"
        secret = {"X_App_Id": APP.id, "X_App_Secret": APP.secret}
        await self._line.ask(path, method="GET", **secret)

    async def list_all(self, size: int) -> None:
        """Let the engine take in what the SFU lists."""
        await self._world.engine.tell("look", room=_room(size))

    async def _mint(self, size: int, identity: str) -> str:
        asked = {"type": "audio_room", "room_name": _room(size), "identity": identity}
        answer = await self._line.ask("/api/v1/token", asked, **APP_KEY)
        return str(json.loads(answer)["user_token"])


async def _waits(asker: _Asker, small: int, large: int) -> Figure:
    """Return how long a seat command waits at most beside a listing, and without."""
    beside: list[float] = []
    alone: list[float] = []
    for _ in range(_LISTED):
        listing = asyncio.create_task(asker.list_all(large))
        longest = 0.0
        while not listing.done():
            longest = max(longest, await _timed(asker.sit, small))
        beside.append(longest)
        quiet = [await _timed(asker.sit, small) for _ in range(_COMMANDS_BESIDE)]
        alone.append(max(quiet))
    return Figure(
        name="P12 wait",
        what=f"longest wait of a seat command beside a listing of {large:,}",
        unit="ms",
        ours=median_ms(beside),
        bare=median_ms(alone),
        goal=_MOST_MS,
        is_ratio=False,
    )


async def _timed(ask: Callable[[int], Awaitable[None]], size: int) -> float:
    begun = time.perf_counter()
    await ask(size)
    return time.perf_counter() - begun


def _room(size: int) -> str:
    return f"room-of-{size}"
