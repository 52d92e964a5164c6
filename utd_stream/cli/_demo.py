"""``utd-stream demo``: the script, played in a real room before your eyes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from utd_stream.adapters.descriptors import raise_descriptor_limit
from utd_stream.cli._demo_places import at_home, at_livekit, elsewhere
from utd_stream.cli._demo_screen import Screen
from utd_stream.cli._demo_script import SCRIPT
from utd_stream.cli._demo_stage import Place, Stage
from utd_stream.cli._demo_steps import BrokenError, Step, perform
from utd_stream.cli._stopping import run
from utd_stream.errors import InvalidArgumentError

__all__ = ["main", "play"]

_INTERRUPTED = 130  # as shells say it
# A newcomer takes longest: LiveKit announces one after some 3 s on an idle machine.
_PATIENCE = 30.0


def main(
    base_url: str | None, app_id: str | None, app_key: str | None, *, livekit: bool
) -> int:
    """Play; return 0 if all went as declared, else 1.

    Args:
        base_url: Of an engine that runs; None brings one along.
        app_id: Of an app there.
        app_key: Its publishable key.
        livekit: Bring a LiveKit server along, not a world in this process.

    Raises:
        UsageError: If only some of them are told, or no LiveKit server is
            there to bring along.
        ConnectError: If LiveKit does not come up.
    """
    raise_descriptor_limit()
    place = _chosen(base_url, app_id, app_key, livekit=livekit)
    return run(_play_there(place), stopped=_INTERRUPTED)


async def play(script: Sequence[Step], place: Place, screen: Screen) -> int:
    """Play *script* and return the exit status.

    Args:
        script: The steps, in order; the first that breaks is the last.
        place: Where.
        screen: Told everything.
    """
    screen.opening(place.plane, place.engine, place.room_name)
    done = 0
    async with Stage(place, screen.changed, _PATIENCE) as stage:
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


def _chosen(
    base_url: str | None, app_id: str | None, app_key: str | None, *, livekit: bool
) -> AbstractAsyncContextManager[Place]:
    if base_url and app_id and app_key and not livekit:
        return elsewhere(base_url, app_id, app_key)
    if base_url or app_id or app_key:
        message = "--base-url, --app-id and --app-key go together, without --livekit"
        raise InvalidArgumentError(message)
    if livekit:
        return at_livekit()
    return at_home()


async def _play_there(there: AbstractAsyncContextManager[Place]) -> int:
    async with there as place:
        return await play(SCRIPT, place, Screen())
