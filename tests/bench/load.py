"""P5 and P6: what an engine does in a second, and what it costs, against bare handlers.

P6's CPU seconds are those of the server's process; the operations a second are on a
disk whose sync takes two milliseconds longer, which a bare handler waits for each
time, and an engine once for all who wait.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from pathlib import Path

import attrs

from tests.bench.line import Line, Server, serving
from tests.bench.report import Figure
from tests.bench.servers import APP

__all__ = ["measure_load"]

_CLIENTS = 32
_ROUNDS = 5
_SECONDS = 1.0
_SYNC = 0.002
_MILLION = 1_000_000


_Ask = Callable[[Line, int], Awaitable[object]]


@attrs.frozen
class _Load:
    """What a server did under load.

    Attributes:
        rate: Operations a second.
        cpu: CPU seconds of its process for each.
    """

    rate: float
    cpu: float


async def measure_load() -> list[Figure]:
    """Return P5 and P6."""
    with tempfile.TemporaryDirectory() as place:
        here = Path(place)
        async with (
            serving("prompt_engine", database=str(here / "engine.db")) as ours,
            serving("bare", database=str(here / "bare.db")) as bare,
        ):
            mints = await _loads(ours, bare, mint, sign)
            seats = await _loads(ours, bare, await _seat_writer(ours), commit)
        async with (
            serving(
                "prompt_engine", database=str(here / "slow.db"), sync=_SYNC
            ) as ours,
            serving("bare", database=str(here / "slow-bare.db"), sync=_SYNC) as bare,
        ):
            slow = await _loads(ours, bare, await _seat_writer(ours), commit)
    return [
        Figure(
            name="P5",
            what="token mints, one process",
            unit="/s",
            ours=mints[0].rate,
            bare=mints[1].rate,
            goal=0.6,
            at_least=True,
        ),
        Figure(
            name="P6",
            what=f"CPU of a durable seat write, {_CLIENTS} rooms",
            unit="us",
            ours=seats[0].cpu * _MILLION,
            bare=seats[1].cpu * _MILLION,
            goal=2.5,
        ),
        Figure(
            name="P6 rate",
            what="the same, of one process, on this disk",
            unit="/s",
            ours=seats[0].rate,
            bare=seats[1].rate,
        ),
        Figure(
            name="P6 sync",
            what="the same, each sync taking 2 ms longer",
            unit="/s",
            ours=slow[0].rate,
            bare=slow[1].rate,
            goal=5,
            at_least=True,
        ),
    ]


async def mint(line: Line, number: int) -> object:
    """Mint a token with the app's key."""
    body = {
        "type": "audio_room",
        "room_name": f"mints-{number}",
        "identity": f"member-{number}",
    }
    return await line.ask("/api/v1/token", body, X_App_Id=APP.id, X_App_Key=APP.key)


async def sign(line: Line, number: int) -> object:
    """Have the same two tokens signed and one row committed, and nothing else."""
    body = {"room": f"mints-{number}", "identity": f"member-{number}"}
    return await line.ask("/sign", body)


async def commit(line: Line, number: int) -> object:
    """Have one row committed."""
    return await line.ask("/commit", {"room": f"room-{number}", "seat": 1})


async def _seat_writer(server: Server) -> _Ask:
    """Let each client into a room of its own; return what takes and leaves a seat."""
    line = await Line.open(server.port)
    bearers: list[str] = []
    for number in range(_CLIENTS):
        body = {
            "type": "audio_room",
            "room_name": f"room-{number}",
            "identity": f"member-{number}",
        }
        answer = await line.ask(
            "/api/v1/token", body, X_App_Id=APP.id, X_App_Key=APP.key
        )
        bearers.append(json.loads(answer)["user_token"])
    line.close()
    keys: Iterator[int] = count()
    turns = [0] * len(bearers)

    async def write(line: Line, number: int) -> object:
        turns[number] += 1
        act = "1/take" if turns[number] % 2 else "leave"
        return await line.ask(
            f"/api/v1/rooms/room-{number}/seats/{act}",
            {},
            X_App_Id=APP.id,
            Authorization=f"Bearer {bearers[number]}",
            Idempotency_Key=f"key-{next(keys)}",
        )

    return write


async def _loads(
    ours: Server, bare: Server, ask: _Ask, ask_bare: _Ask
) -> tuple[_Load, _Load]:
    """Return the medians of rounds in which both take turns."""
    mine: list[_Load] = []
    theirs: list[_Load] = []
    for _ in range(_ROUNDS):
        mine.append(await _load(ours, ask))
        theirs.append(await _load(bare, ask_bare))
    return _median(mine), _median(theirs)


def _median(loads: list[_Load]) -> _Load:
    return _Load(
        rate=statistics.median(load.rate for load in loads),
        cpu=statistics.median(load.cpu for load in loads),
    )


async def _load(server: Server, ask: _Ask) -> _Load:
    lines = [await Line.open(server.port) for _ in range(_CLIENTS)]
    used = await server.cpu()
    begun = time.perf_counter()
    ends = begun + _SECONDS

    async def work(number: int) -> int:
        asked = 0
        while time.perf_counter() < ends:
            await ask(lines[number], number)
            asked += 1
        return asked

    asked = sum(await asyncio.gather(*map(work, range(_CLIENTS))))
    spent = time.perf_counter() - begun
    used = await server.cpu() - used
    for line in lines:
        line.close()
    return _Load(asked / spent, used / asked)
