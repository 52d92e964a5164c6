"""One way to run an engine: started, stopped or killed, and started again."""

from __future__ import annotations

import ast
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import attrs
import pytest

from tests.engine.engine_process import config
from tests.engine.house import OPEN, app_of
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.adapters.loopback import Loopback
from utd_stream.adapters.luck import SystemLuck
from utd_stream.engine import RunningEngine, Store, running
from utd_stream.errors import ClosedError, InvalidArgumentError

pytestmark = pytest.mark.real_time

HERE = Path(__file__).parents[2]
MINT = {"type": "audio_room", "room_name": "r", "identity": "ana"}


def engine_of(
    database: str = "sqlite://", port: int = 0, **given: Any
) -> RunningEngine:
    """Return an engine that may be killed, on a database in memory by default."""
    clock = AsyncioClock()
    return running(
        attrs.evolve(config(Path()), database=database, port=port),
        sfu=Loopback(clock),
        clock=clock,
        luck=SystemLuck(),
        threaded=False,
        **given,
    )


async def minted(engine: RunningEngine) -> None:
    """Let somebody enter a room."""
    url = f"{engine.base_url}/api/v1/token"
    async with (
        aiohttp.ClientSession() as pool,
        pool.post(url, headers=app_of(OPEN), json=MINT) as answer,
    ):
        assert answer.status == 200


async def has_room(engine: RunningEngine) -> bool:
    """Whether the engine knows the room."""
    return await engine.services.writer.room((OPEN.id, "r")) is not None


async def test_it_serves_until_it_is_closed() -> None:
    """At its URL, with its parts at hand; before and after, neither is there."""
    engine = engine_of()
    with pytest.raises(ClosedError, match="start it first"):
        _ = engine.services

    async with engine as same:
        assert same is engine
        await minted(engine)
        assert await has_room(engine)

    assert not engine.is_running
    with pytest.raises(aiohttp.ClientConnectionError):
        await minted(engine)
    await engine.aclose()


async def test_a_stopped_engine_starts_on_its_port() -> None:
    """Those who know where it was find it again; what was in memory is lost."""
    async with engine_of() as engine:
        where = engine.base_url
        await minted(engine)
        await engine.stop()
        await engine.stop()

        await engine.start()

        assert engine.base_url == where
        assert not await has_room(engine)
        await minted(engine)


async def test_a_killed_engine_leaves_what_is_committed() -> None:
    """In memory too: the next start finds it, whatever was tried between."""
    async with engine_of() as engine:
        await minted(engine)
        await engine.kill()
        await engine.kill()
        await engine.stop()  # none runs that could be stopped

        await engine.start()

        assert await has_room(engine)


async def test_a_killed_engine_lets_go_of_its_database_when_it_is_closed(
    tmp_path: Path,
) -> None:
    """Another one may have it then, and not before."""
    database = f"sqlite:///{tmp_path / 'engine.db'}"
    engine = await engine_of(database).start()
    await engine.kill()
    with pytest.raises(InvalidArgumentError, match="open in another engine"):
        Store(database)

    await engine.aclose()

    Store(database).close()


async def test_a_start_that_fails_leaves_nothing_open(tmp_path: Path) -> None:
    """Neither the database nor a socket; another start may succeed."""
    database = f"sqlite:///{tmp_path / 'engine.db'}"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        engine = engine_of(database, port)
        with pytest.raises(InvalidArgumentError, match=f"cannot listen on .*{port}"):
            await engine.start()
        Store(database).close()

    async with engine:
        assert engine.base_url.endswith(f":{port}")


async def test_it_listens_where_it_is_told() -> None:
    """On sockets that are given, or on none."""
    given = socket.create_server(("127.0.0.1", 0))
    port: int = given.getsockname()[1]
    async with engine_of(sockets=[given]) as engine:
        assert engine.base_url == f"http://127.0.0.1:{port}"
        await minted(engine)
    assert given.fileno() == -1

    async with engine_of(sockets=()) as engine:
        assert (engine.base_url, engine.is_running) == ("", True)
        await engine.start()


def assemblies() -> Iterator[str]:
    """Each file that makes an engine's application or its runner."""
    for path in (*HERE.glob("utd_stream/**/*.py"), *HERE.glob("tests/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            name = called.id if isinstance(called, ast.Name) else ""
            if name in {"EngineRunner", "make_app"}:
                yield str(path.relative_to(HERE))


def test_nobody_else_puts_an_engine_together() -> None:
    """What holds for one engine, such as the order of its end, holds for each."""
    assert {*assemblies()} == {"utd_stream/engine/running.py"}
