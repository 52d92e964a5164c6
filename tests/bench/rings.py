"""P10 and P14: a thousand rings in virtual time, and one ring by real sockets."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import orjson

from tests.bench.line import Server, serving
from tests.bench.report import Figure, median_ms
from tests.bench.servers import APP
from utd_stream.compose import UTDStreamClient
from utd_stream.contract.signaling import CallSignal
from utd_stream.machines.signal import SignalState
from utd_stream.models.calls import UTDCall, UTDCallStatus
from utd_stream.models.rooms import UTDStreamType
from utd_stream.testing import Simulation
from utd_stream.wire import to_json

__all__ = ["measure_ring", "measure_rings"]

_PAIRS = 1_000
_RINGS = 200
_GOAL = 1.5
_GOAL_S = 2.0
_AUDIO = UTDStreamType.AUDIO_CALL


def measure_rings(pairs: int = _PAIRS) -> Figure:
    """Return P10: as many calls as *pairs*, from the first ring to missed."""
    # Callers without media are gone for the engine; here the ring ends first.
    with Simulation(seed=1, call_grace=60) as sim:
        clients: list[UTDStreamClient] = []
        for number in range(2 * pairs):
            client = sim.world.client()
            sim.run(client.authenticate(f"person-{number}"))
            clients.append(client)
        sim.settle()
        # Their own memory is not looked through for each of the calls.
        gc.collect()
        gc.freeze()
        began = time.perf_counter()

        async def ring() -> None:
            callers = enumerate(clients[:pairs])
            await asyncio.gather(
                *(
                    caller.api.create_call(f"person-{pairs + number}", _AUDIO)
                    for number, caller in callers
                )
            )

        sim.run(ring())
        sim.advance(35)
        took = time.perf_counter() - began
        gc.unfreeze()
        told = [sim.run(each.api.list_calls()).data[0] for each in clients]
        assert {call.status for call in told} == {UTDCallStatus.MISSED}
    return Figure(
        name="P10",
        what=f"{pairs:,} calls by REST, from the ring to missed, sockets open",
        unit="s",
        ours=took,
        bare=0.0,
        goal=_GOAL_S,
        is_ratio=False,
    )


async def measure_ring(rings: int = _RINGS) -> Figure:
    """Return P14: from the request to ring until the callee's device tells it."""
    with tempfile.TemporaryDirectory() as place:
        here = Path(place)
        async with (
            serving("prompt_engine", database=str(here / "engine.db")) as engine,
            serving("bare", database=str(here / "bare.db")) as bare,
            _signed_in(engine, "ana") as caller,
            _signed_in(engine, "ben") as callee,
            aiohttp.ClientSession() as pool,
            pool.ws_connect(f"ws://127.0.0.1:{bare.port}/echo") as echo,
        ):
            told: asyncio.Queue[float] = asyncio.Queue()
            callee.incoming_calls.subscribe(
                lambda _: told.put_nowait(time.perf_counter())
            )
            mine: list[float] = []
            theirs: list[float] = []
            for _ in range(rings):
                began = time.perf_counter()
                call = await caller.api.create_call("ben", _AUDIO)
                mine.append(await told.get() - began)
                await caller.api.end_call(call.call_id)
                began = time.perf_counter()
                await echo.send_str(_frame(call))
                await echo.receive_str()
                theirs.append(time.perf_counter() - began)
    return Figure(
        name="P14",
        what="a ring until incoming_calls tells it; bare, an echo after a commit",
        unit="ms",
        ours=median_ms(mine),
        bare=median_ms(theirs),
        goal=_GOAL,
    )


def _frame(call: UTDCall) -> str:
    told = {"event": CallSignal.INCOMING.value, "seq": 1, "data": to_json(call)}
    return orjson.dumps(told).decode()


@asynccontextmanager
async def _signed_in(engine: Server, identity: str) -> AsyncGenerator[UTDStreamClient]:
    base_url = f"http://127.0.0.1:{engine.port}"
    async with UTDStreamClient(APP.id, APP.key, base_url=base_url) as client:
        await client.authenticate(identity)
        await client.signal_state.until(SignalState.READY, 10)
        yield client
