"""``utd-stream demo``: a script, played for real before your eyes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TypeVar

from utd_stream.adapters.descriptors import raise_descriptor_limit
from utd_stream.cli import _demo_call_script as calls
from utd_stream.cli import _demo_script as room
from utd_stream.cli._demo_call_stage import CallStage
from utd_stream.cli._demo_places import at_home, at_livekit, elsewhere
from utd_stream.cli._demo_screen import Screen
from utd_stream.cli._demo_stage import Place, Stage
from utd_stream.cli._demo_steps import BrokenError, Step, Troupe, Watched, perform
from utd_stream.cli._demo_trace import Change
from utd_stream.cli._demo_video_script import VIDEO_SCRIPT
from utd_stream.cli._stopping import run
from utd_stream.errors import InvalidArgumentError
from utd_stream.models import UTDStreamType

__all__ = ["SCENES", "main", "play", "play_calls"]

_INTERRUPTED = 130  # as shells say it
# A newcomer takes longest: LiveKit announces one after some 3 s on an idle machine.
_PATIENCE = 30.0
# An engine that runs may let calls ring for two minutes.
_CALL_PATIENCE = 150.0


def main(
    scene: str,
    base_url: str | None,
    app_id: str | None,
    app_key: str | None,
    *,
    livekit: bool,
) -> int:
    """Play; return 0 if all went as declared, else 1.

    Args:
        scene: One of `SCENES`.
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
    return run(_play_there(scene, place), stopped=_INTERRUPTED)


_T = TypeVar("_T", bound=Watched)


async def play(script: Sequence[Step[Troupe]], place: Place, screen: Screen) -> int:
    """Play *script* in a room and return the exit status.

    Args:
        script: The steps, in order; the first that breaks is the last.
        place: Where.
        screen: Told everything.
    """
    return await _play(script, place, screen, Stage, _PATIENCE)


async def play_calls(
    script: Sequence[Step[calls.Callers]],
    place: Place,
    screen: Screen,
    kind: UTDStreamType = UTDStreamType.AUDIO_CALL,
) -> int:
    """Play *script* with calls, likewise."""
    stage = partial(CallStage, kind=kind)
    return await _play(script, place, screen, stage, _CALL_PATIENCE)


async def _room_scene(place: Place) -> int:
    return await play(room.SCRIPT, place, Screen(room.TONES_HZ))


async def _call_scene(place: Place) -> int:
    return await play_calls(calls.CALL_SCRIPT, place, Screen(calls.TONES_HZ))


async def _video_scene(place: Place) -> int:
    screen, kind = Screen(calls.TONES_HZ), UTDStreamType.VIDEO_CALL
    return await play_calls(VIDEO_SCRIPT, place, screen, kind)


SCENES: Mapping[str, Callable[[Place], Awaitable[int]]] = {
    "room": _room_scene,
    "call": _call_scene,
    "video-call": _video_scene,
}


async def _play(
    script: Sequence[Step[_T]],
    place: Place,
    screen: Screen,
    make: Callable[[Place, Callable[[Change], None], float], _T],
    patience: float,
) -> int:
    screen.opening(place.plane, place.engine, place.room_name)
    done = 0
    async with make(place, screen.changed, patience) as stage:
        for number, step in enumerate(script, 1):
            screen.step(number, step.who, step.title)
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
                screen.broken(number, step.title, error)
                break
            done = number
        stage.look_away()
        await stage.conclude(screen)
    screen.summary(done, len(script), len(stage.changes()))
    return 0 if done == len(script) else 1


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


async def _play_there(scene: str, there: AbstractAsyncContextManager[Place]) -> int:
    async with there as place:
        return await SCENES[scene](place)
