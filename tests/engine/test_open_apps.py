"""Who may sign in with a publishable key is said where somebody listens."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import attrs
import pytest

from tests.engine.engine_process import config
from tests.engine.house import OPEN, SHUT
from utd_stream import embedded
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.adapters.loopback import Loopback
from utd_stream.adapters.luck import SystemLuck
from utd_stream.engine import serve

SAID = f"app {OPEN.id}: its publishable key may sign anybody in"


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the package has warned of."""
    return [
        each.message
        for each in caplog.records
        if each.name.startswith("utd_stream") and each.levelno >= logging.WARNING
    ]


async def test_whoever_listens_names_each_open_app(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Before the first request, once, and no app that is shut."""
    clock = AsyncioClock()
    ready = asyncio.Event()
    told = attrs.evolve(config(tmp_path / "engine.db"), apps=(OPEN, SHUT))

    serving = asyncio.create_task(
        serve(
            told,
            sfu=Loopback(clock),
            clock=clock,
            luck=SystemLuck(),
            on_ready=lambda _: ready.set(),
        )
    )
    await ready.wait()

    assert warned(caplog) == [SAID]
    serving.cancel()
    await asyncio.wait([serving])


async def test_an_embedded_world_is_quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody reaches its engine from outside, so nobody need be warned."""
    async with (
        embedded() as world,
        await world.client().join_audio_room("ana", "lounge", as_host=True) as ana,
    ):
        assert ana.is_host

    assert not warned(caplog)
