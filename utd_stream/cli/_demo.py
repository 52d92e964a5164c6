"""``utd-stream demo``: the script, played in a real room before your eyes."""

from __future__ import annotations

import logging
import secrets
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from utd_stream.adapters.descriptors import raise_descriptor_limit
from utd_stream.cli._demo_screen import Screen
from utd_stream.cli._demo_script import SCRIPT
from utd_stream.cli._demo_stage import Place, Stage
from utd_stream.cli._demo_steps import BrokenError, Step, perform
from utd_stream.cli._kept import kept_settings
from utd_stream.cli._stopping import run
from utd_stream.cli._world import livekit_server, world
from utd_stream.engine import Config, read_config
from utd_stream.errors import InvalidArgumentError

__all__ = ["main", "play"]

_INTERRUPTED = 130  # as shells say it
# What may take longest is a newcomer who is announced (T26), some 3 s.
_PATIENCE = 10.0


def main(base_url: str | None, app_id: str | None, app_key: str | None) -> int:
    """Play; return 0 if all went as declared, else 1.

    Args:
        base_url: Of an engine that runs; None brings one along.
        app_id: Of an app there.
        app_key: Its publishable key.

    Raises:
        UsageError: If only some of them are told, or no LiveKit server is
            there to bring along.
        ConnectError: If LiveKit does not come up.
    """
    raise_descriptor_limit()
    # What the engine of a demo is open to, nobody else will ever reach.
    logging.getLogger("utd_stream.engine").setLevel(logging.ERROR)
    screen = Screen()
    if base_url and app_id and app_key:
        place = Place(
            base_url=base_url, app_id=app_id, app_key=app_key, room_name=_room_name()
        )
        return run(play(SCRIPT, place, screen), stopped=_INTERRUPTED)
    if base_url or app_id or app_key:
        message = "--base-url, --app-id and --app-key go together"
        raise InvalidArgumentError(message)
    return run(_play_at_home(livekit_server(), screen), stopped=_INTERRUPTED)


async def play(
    script: Sequence[Step],
    place: Place,
    screen: Screen,
    *,
    patience: float = _PATIENCE,
) -> int:
    """Play *script* and return the exit status.

    Args:
        script: The steps, in order; the first that breaks is the last.
        place: Where.
        screen: Told everything.
        patience: How long an expectation may take to come true, in seconds.
    """
    screen.opening(place.base_url, place.room_name)
    done = 0
    async with Stage(place, screen.changed, patience) as stage:
        for number, step in enumerate(script, 1):
            screen.step(number, step)
            try:
                await perform(
                    step,
                    stage,
                    lambda expectation, words: screen.met(
                        stage.now, expectation, words
                    ),
                    lambda words, said: screen.refusal(stage.now, words, said),
                )
            except BrokenError as error:
                screen.broken(number, step, error)
                break
            done = number
        stage.look_away()
        _conclude(stage, screen)
    screen.summary(done, len(script), len(stage.changes()))
    return 0 if done == len(script) else 1


def _conclude(stage: Stage, screen: Screen) -> None:
    changes = stage.changes()
    if changes:
        host = changes[0].who
        screen.grid(stage[host].seats.value, f"the grid, as {host} saw it last")
        screen.timeline(changes, stage.now)


async def _play_at_home(server: Path, screen: Screen) -> int:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        config = _config(Path(folder))
        addresses = await stack.enter_async_context(world(config, server))
        place = Place(
            base_url=addresses.base_url,
            app_id=addresses.app.id,
            app_key=addresses.app.key,
            room_name=_room_name(),
        )
        return await play(SCRIPT, place, screen)


def _config(folder: Path) -> Config:
    return read_config(
        file=kept_settings(folder),
        flags={"port": 0, "database": f"sqlite:///{folder / 'engine.db'}"},
    )


def _room_name() -> str:
    return f"demo-{secrets.token_hex(3)}"
