"""P1, P2, P3: joining, taking a seat, being heard, against LiveKit alone."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from livekit import api, rtc

from tests.bench.report import Figure, median_ms
from utd_stream.adapters.livekit_binary import HOME, find_server
from utd_stream.adapters.livekit_process import LiveKitProcess
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.compose import UTDStreamClient
from utd_stream.media import Silence
from utd_stream.models import SeatOccupancy
from utd_stream.models.room_events import TrackSubscribed

__all__ = ["Bare", "engine_on", "measure_room"]

_JOINS = 15
_TAKES = 40
_HEARINGS = 12
_ROOM = "bench"


async def measure_room() -> list[Figure]:
    """Return P1, P2 and P3, on a real server and engine of their own."""
    binary = find_server(Path(HOME))
    assert binary is not None, "make livekit gets a server"
    async with AsyncExitStack() as stack:
        base_url, app_id, key, server = await stack.enter_async_context(
            engine_on(binary)
        )
        ours = Ours(base_url, app_id, key)
        await stack.enter_async_context(ours.client)
        bare = Bare(server)
        stack.push_async_callback(bare.aclose)
        return [
            await _joins(ours, bare),
            await _grants(ours, bare),
            await _hearings(ours, bare),
        ]


class Ours:
    """Our SDK against our engine."""

    def __init__(self, base_url: str, app_id: str, key: str) -> None:
        self.client = self._make(base_url, app_id, key)
        self.listener = self._make(base_url, app_id, key)

    @staticmethod
    def _make(base_url: str, app_id: str, key: str) -> UTDStreamClient:
        return UTDStreamClient(app_id, key, base_url=base_url, microphone=Silence())

    async def join(self) -> UTDAudioRoomSession:
        """Enter the room."""
        return await self.client.join_audio_room("ours", _ROOM)


class Bare:
    """LiveKit's own client and server API, and nothing else."""

    def __init__(self, server: LiveKitProcess) -> None:
        self._server = server
        self.admin = api.LiveKitAPI(server.http_url, server.api_key, server.api_secret)
        self.room_name = f"bare-{secrets.token_hex(4)}"

    async def join(self, identity: str, *sources: str) -> rtc.Room:
        """Sign a token and connect; who may send says what."""
        token = (
            api.AccessToken(self._server.api_key, self._server.api_secret)
            .with_identity(identity)
            .with_grants(
                api.VideoGrants(
                    room_join=True,
                    room=self.room_name,
                    can_publish=bool(sources),
                    can_publish_sources=list(sources) or ["microphone"],
                )
            )
            .to_jwt()
        )
        room = rtc.Room()
        await room.connect(self._server.url, token, rtc.RoomOptions(dynacast=True))
        return room

    async def grant(self, identity: str, *, can_publish: bool) -> None:
        """Write somebody's right."""
        permission = api.ParticipantPermission(
            can_subscribe=True, can_publish=can_publish, can_publish_data=True
        )
        await self.admin.room.update_participant(
            api.UpdateParticipantRequest(
                room=self.room_name, identity=identity, permission=permission
            )
        )

    async def aclose(self) -> None:
        """Free the admin's connections."""
        await self.admin.aclose()


async def _joins(ours: Ours, bare: Bare) -> Figure:
    mine: list[float] = []
    theirs: list[float] = []
    for _ in range(_JOINS):
        begun = time.perf_counter()
        session = await ours.join()
        mine.append(time.perf_counter() - begun)
        await session.dispose()
        begun = time.perf_counter()
        room = await bare.join("bare")
        theirs.append(time.perf_counter() - begun)
        await room.disconnect()
    return Figure(
        name="P1",
        what="join_audio_room, p50",
        unit="ms",
        ours=median_ms(mine),
        bare=median_ms(theirs),
        goal=1.15,
    )


async def _grants(ours: Ours, bare: Bare) -> Figure:
    mine: list[float] = []
    theirs: list[float] = []
    session = await ours.join()
    room = await bare.join("bare")
    told: asyncio.Queue[float] = asyncio.Queue()
    room.on(
        "participant_permissions_changed",
        lambda *_: told.put_nowait(time.perf_counter()),
    )
    for _ in range(_TAKES):
        granted = asyncio.create_task(_granted_at(session))
        begun = time.perf_counter()
        await session.take_seat(0)
        mine.append(await granted - begun)
        await session.leave_seat()
        await session.can_publish.until(lambda can: not can)
        begun = time.perf_counter()
        await bare.grant("bare", can_publish=True)
        theirs.append(await told.get() - begun)
        await bare.grant("bare", can_publish=False)
        await told.get()
    await session.dispose()
    await room.disconnect()
    return Figure(
        name="P2",
        what="take_seat until the SFU grants, p50",
        unit="ms",
        ours=median_ms(mine),
        bare=median_ms(theirs),
        goal=1.3,
    )


async def _granted_at(session: UTDAudioRoomSession) -> float:
    await session.can_publish.until(bool)
    return time.perf_counter()


async def _hearings(ours: Ours, bare: Bare) -> Figure:
    mine: list[float] = []
    theirs: list[float] = []
    session = await ours.join()
    listener = await ours.listener.join_audio_room("listener", _ROOM)
    room = await bare.join("bare")
    ear = await bare.join("ear")
    heard: asyncio.Queue[float] = asyncio.Queue()
    ear.on("track_subscribed", lambda *_: heard.put_nowait(time.perf_counter()))
    told: asyncio.Queue[None] = asyncio.Queue()
    room.on("participant_permissions_changed", lambda *_: told.put_nowait(None))
    for _ in range(_HEARINGS):
        subscribed = asyncio.create_task(_heard_at(listener))
        await asyncio.sleep(0)  # the task listens before anything is asked
        begun = time.perf_counter()
        await session.take_seat(0)
        mine.append(await subscribed - begun)
        await session.leave_seat()
        await session.occupancy.until(lambda s: s is SeatOccupancy.LISTENING)
        await session.can_publish.until(lambda can: not can)
        theirs.append(await _bare_hearing(bare, room, told, heard))
    for each in (session, listener):
        await each.dispose()
    await ours.listener.aclose()
    for every in (room, ear):
        await every.disconnect()
    return Figure(
        name="P3",
        what="take_seat until another has the track, p50",
        unit="ms",
        ours=median_ms(mine),
        bare=median_ms(theirs),
        goal=1.1,
    )


async def _heard_at(listener: UTDAudioRoomSession) -> float:
    await listener.events.until(lambda event: isinstance(event, TrackSubscribed))
    return time.perf_counter()


async def _bare_hearing(
    bare: Bare,
    room: rtc.Room,
    told: asyncio.Queue[None],
    heard: asyncio.Queue[float],
) -> float:
    source = rtc.AudioSource(48_000, 1)
    track = rtc.LocalAudioTrack.create_audio_track("bare", source)
    silence = rtc.AudioFrame.create(48_000, 1, 480)

    async def feed() -> None:
        while True:
            await source.capture_frame(silence)

    begun = time.perf_counter()
    await bare.grant("bare", can_publish=True)
    await told.get()
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    publication = await room.local_participant.publish_track(track, options)
    feeding = asyncio.create_task(feed())
    spent = await heard.get() - begun
    feeding.cancel()
    await asyncio.wait([feeding])
    await room.local_participant.unpublish_track(publication.sid)
    await source.aclose()
    await bare.grant("bare", can_publish=False)
    await told.get()
    return spent


@asynccontextmanager
async def engine_on(
    binary: Path,
) -> AsyncIterator[tuple[str, str, str, LiveKitProcess]]:
    """Run an engine in a process of its own, on disk, with its webhooks."""
    port = _free_port()
    webhook = f"http://127.0.0.1:{port}/livekit/webhook"
    with (
        tempfile.TemporaryDirectory() as place,
        LiveKitProcess(binary, webhooks=[webhook]) as server,
    ):
        engine = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "utd_stream", "serve", "--json"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **_settings(server, port, Path(place))},
        )
        assert engine.stdout is not None
        told = json.loads(await engine.stdout.readline())
        try:
            yield told["base_url"], told["app_id"], told["app_key"], server
        finally:
            engine.terminate()
            await engine.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
    return port


def _settings(server: LiveKitProcess, port: int, place: Path) -> dict[str, str]:
    return {
        "UTD_STREAM_PORT": str(port),
        "UTD_STREAM_DATABASE": f"sqlite:///{place / 'engine.db'}",
        "UTD_STREAM_SECRET": secrets.token_hex(32),
        "UTD_STREAM_APP_ID": "bench",
        "UTD_STREAM_APP_KEY": "key",
        "UTD_STREAM_APP_SECRET": secrets.token_hex(16),
        "UTD_STREAM_ALLOW_APPKEY_IDENTITY_MINT": "true",
        "LIVEKIT_URL": server.url,
        "LIVEKIT_API_KEY": server.api_key,
        "LIVEKIT_API_SECRET": server.api_secret,
    }
