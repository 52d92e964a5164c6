"""What pictures cost: one stream received and sent, beside bare LiveKit.

The other side of each stream is a process of its own, ``python -m
tests.bench.pictures``, which is both a party of our call and a bare participant.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeAlias

import attrs
from livekit import rtc

from tests.bench.report import Figure, median_ms
from tests.bench.room import Bare, engine_on
from tests.recorded import Film, Siren, record
from utd_stream.adapters.livekit_binary import HOME, find_server
from utd_stream.adapters.livekit_process import LiveKitProcess
from utd_stream.client.call import UTDCallSession
from utd_stream.compose import UTDStreamClient
from utd_stream.media import Silence, TestPattern
from utd_stream.models import UTDCallStatus, UTDStreamType, VideoFrame
from utd_stream.models.room_events import TrackSubscribed

__all__ = ["measure_pictures"]

_SIZE = (1280, 720)
_FPS = 15
_ROUNDS = 5
_SECONDS = 8.0
# Until the pictures have their full size, and until those before are decoded no more.
_SETTLES = 5.0
_HEARINGS = 12
_VIDEO = UTDStreamType.VIDEO_CALL


@attrs.frozen
class Reel:
    """Some pictures over and over, made beforehand: they cost nothing."""

    frames: tuple[VideoFrame, ...]

    @classmethod
    async def made(cls) -> Reel:
        """Make it."""
        frames = [frame async for frame in _first(TestPattern(*_SIZE, _FPS), 30)]
        return cls(tuple(frames))

    async def open(self) -> AsyncIterator[VideoFrame]:
        """Yield them."""
        number = 0
        while True:
            frame = self.frames[number % len(self.frames)]
            yield attrs.evolve(frame, at=number / _FPS)
            number += 1


async def _first(source: TestPattern, count: int) -> AsyncIterator[VideoFrame]:
    async for frame in source.open():
        yield frame
        count -= 1
        if not count:
            return


async def measure_pictures() -> list[Figure]:
    """Return what 720p costs, P3 for cameras, and how a recording fits."""
    binary = find_server(Path(HOME))
    assert binary is not None, "make livekit gets a server"
    async with AsyncExitStack() as stack:
        base_url, app_id, key, server = await stack.enter_async_context(
            engine_on(binary)
        )
        bare = Bare(server)
        stack.push_async_callback(bare.aclose)

        def client(**sources: object) -> UTDStreamClient:
            settings: dict[str, object] = {"microphone": Silence(), **sources}
            return UTDStreamClient(app_id, key, base_url=base_url, **settings)  # type: ignore[arg-type]  # sources

        figures = await _costs(client, bare, (base_url, app_id, key), server)
        figures.append(await _sights(client, bare))
        figures += await _recording(client)
        return figures


# What a stream costs.


async def _costs(
    client: Callable[..., UTDStreamClient],
    bare: Bare,
    at: tuple[str, str, str],
    server: LiveKitProcess,
) -> list[Figure]:
    reel = await Reel.made()
    async with (
        _peer(*at, server.url, server.api_key, server.api_secret, bare.room_name),
        client(camera=reel) as me,
    ):
        await me.authenticate("me")
        session = me.call_session(_VIDEO)
        await session.set_camera(False)
        await session.start("peer")
        await session.status.until(UTDCallStatus.ACTIVE, 30)
        room = await bare.join("bare", "camera")
        # LiveKit's client decodes what is subscribed, whether it is read or not.
        (publication,) = room.remote_participants["peer"].track_publications.values()
        publication.set_subscribed(False)
        received = await _compared(
            partial(_read_ours, session), partial(_read_bare, room)
        )
        sent = await _compared(
            partial(_send_ours, session), partial(_send_bare, room, reel)
        )
        await room.disconnect()
        await session.end()
        await session.aclose()
    what = f"720p at {_FPS} a second, CPU"
    return [
        _figure("received", f"{what}: session.video beside rtc.VideoStream", received),
        _figure("sent", f"{what}: a session's camera beside rtc.VideoSource", sent),
    ]


def _figure(name: str, what: str, spent: tuple[float, float]) -> Figure:
    ours, bare = spent
    return Figure(name=name, what=what, unit="ms/Mpx", ours=ours, bare=bare, goal=1.2)


@attrs.define
class Count:
    """How much passed, in millions of pixels."""

    millions: float = 0.0

    def add(self, width_px: int, height_px: int) -> None:
        """Count a picture."""
        self.millions += width_px * height_px / 1_000_000


_Work: TypeAlias = Callable[[Count], Awaitable[None]]


async def _compared(ours: _Work, bare: _Work) -> tuple[float, float]:
    """Return CPU milliseconds a million pixels of both, less what rest costs.

    By the pixel, for the server now and then sends one of them a smaller picture.
    """
    spent: tuple[list[float], list[float], list[float]] = [], [], []
    passed: list[list[float]] = [[], [], []]
    for _ in range(_ROUNDS):
        for number, work in enumerate((_nothing, ours, bare)):
            count = Count()
            working = asyncio.ensure_future(work(count))
            await asyncio.sleep(_SETTLES)
            began, used, before = time.monotonic(), time.process_time(), count.millions
            await asyncio.sleep(_SECONDS)
            lasted = time.monotonic() - began
            spent[number].append((time.process_time() - used) / lasted)
            passed[number].append((count.millions - before) / lasted)
            working.cancel()
            await asyncio.wait([working])
    idle, mine, theirs = map(median, spent)
    _, our_pixels, bare_pixels = map(median, passed)
    return 1_000 * (mine - idle) / our_pixels, 1_000 * (theirs - idle) / bare_pixels


async def _nothing(_: Count) -> None:
    await asyncio.sleep(0)


async def _read_ours(session: UTDCallSession, count: Count) -> None:
    async for frame in session.video("peer"):
        count.add(frame.width_px, frame.height_px)


async def _read_bare(room: rtc.Room, count: Count) -> None:
    (sent,) = room.remote_participants["peer"].track_publications.values()
    sent.set_subscribed(True)
    while sent.track is None:  # noqa: ASYNC110 -- LiveKit's own has no event of it
        await asyncio.sleep(0.01)
    stream = rtc.VideoStream(sent.track, format=rtc.VideoBufferType.I420, capacity=2)
    try:
        async for event in stream:
            count.add(event.frame.width, event.frame.height)
    finally:
        sent.set_subscribed(False)
        await stream.aclose()


async def _send_ours(session: UTDCallSession, count: Count) -> None:
    await session.set_camera(True)
    try:
        while True:
            count.add(*_SIZE)
            await asyncio.sleep(1 / _FPS)
    finally:
        await session.set_camera(False)


async def _send_bare(room: rtc.Room, reel: Reel, count: Count) -> None:
    source = rtc.VideoSource(*_SIZE)
    track = rtc.LocalVideoTrack.create_video_track("camera", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA)
    sent = await room.local_participant.publish_track(track, options)
    try:
        await _feed(source, reel, count)
    finally:
        await room.local_participant.unpublish_track(sent.sid)
        await source.aclose()


async def _feed(source: rtc.VideoSource, reel: Reel, count: Count) -> None:
    due, number = time.monotonic(), 0
    while True:
        frame = reel.frames[number % len(reel.frames)]
        source.capture_frame(
            rtc.VideoFrame(*_SIZE, rtc.VideoBufferType.I420, frame.data)
        )
        count.add(*_SIZE)
        number += 1
        due += 1 / _FPS
        await asyncio.sleep(due - time.monotonic())


# Until a camera is seen.


async def _sights(client: Callable[..., UTDStreamClient], bare: Bare) -> Figure:
    mine: list[float] = []
    theirs: list[float] = []
    async with (
        client(camera=TestPattern(320, 180, 15)) as one,
        client() as other,
        _call(one, "one", other, "other") as (calling, answering),
    ):
        await calling.set_camera(False)
        looking = asyncio.ensure_future(_look(answering))
        room = await bare.join("bare", "camera", "microphone")
        eye = await bare.join("eye")
        await _speak(room)  # as whoever is in a call does
        seen: asyncio.Queue[float] = asyncio.Queue()

        def told(track: rtc.Track, *_: object) -> None:
            if track.kind == rtc.TrackKind.KIND_VIDEO:
                seen.put_nowait(time.perf_counter())

        eye.on("track_subscribed", told)
        for _ in range(_HEARINGS):
            subscribed = asyncio.create_task(_seen_at(answering))
            await asyncio.sleep(0.5)  # what was withdrawn is gone
            begun = time.perf_counter()
            await calling.set_camera(True)
            mine.append(await subscribed - begun)
            await calling.set_camera(False)
            theirs.append(await _bare_sight(room, seen))
        looking.cancel()
        for each in (room, eye):
            await each.disconnect()
    return Figure(
        name="P3",
        what="set_camera until another has the track, p50",
        unit="ms",
        ours=median_ms(mine),
        bare=median_ms(theirs),
        goal=1.1,
    )


@asynccontextmanager
async def _call(
    one: UTDStreamClient, name: str, other: UTDStreamClient, whom: str
) -> AsyncIterator[tuple[UTDCallSession, UTDCallSession]]:
    await one.authenticate(name)
    await other.authenticate(whom)
    other.incoming_calls.subscribe()
    calling = one.call_session(_VIDEO)
    await calling.start(whom)
    (incoming,) = await other.ringing_calls.until(bool, 20)
    answering = await incoming.answer()
    await calling.status.until(UTDCallStatus.ACTIVE, 20)
    yield calling, answering
    await calling.end()
    for each in (calling, answering):
        await each.aclose()


async def _look(session: UTDCallSession) -> None:
    async for _ in session.video("one"):
        pass


async def _seen_at(session: UTDCallSession) -> float:
    await session.events.until(lambda event: isinstance(event, TrackSubscribed))
    return time.perf_counter()


async def _speak(room: rtc.Room) -> None:
    source = rtc.AudioSource(48_000, 1)
    track = rtc.LocalAudioTrack.create_audio_track("microphone", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    await room.local_participant.publish_track(track, options)


async def _bare_sight(room: rtc.Room, seen: asyncio.Queue[float]) -> float:
    source = rtc.VideoSource(320, 180)
    track = rtc.LocalVideoTrack.create_video_track("camera", source)
    picture = rtc.VideoFrame(320, 180, rtc.VideoBufferType.I420, bytes(86_400))

    async def feed() -> None:
        while True:
            source.capture_frame(picture)
            await asyncio.sleep(1 / 15)

    await asyncio.sleep(0.5)
    begun = time.perf_counter()
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA)
    sent = await room.local_participant.publish_track(track, options)
    feeding = asyncio.create_task(feed())
    spent = await seen.get() - begun
    feeding.cancel()
    await asyncio.wait([feeding])
    await room.local_participant.unpublish_track(sent.sid)
    await source.aclose()
    return spent


# Whether a recording fits.


async def _recording(client: Callable[..., UTDStreamClient]) -> list[Figure]:
    siren, film = Siren(), Film()
    with tempfile.TemporaryDirectory() as folder:
        async with (
            client(microphone=siren, camera=film) as ana,
            client() as ben,
            _call(ana, "ana", ben, "ben") as (_, answering),
        ):
            got = await record(answering, siren, film, Path(folder) / "it.mp4")
    return [
        _deviation(
            "a recording of 30 s: its length is off by", got.length - got.lasted, 0.1
        ),
        _deviation("30 s recorded: sound and pictures are apart by", got.apart, 0.08),
        Figure(
            name="delay",
            what="from a camera's picture to its reader, p50",
            unit="ms",
            ours=got.delay * 1_000,
            bare=0.0,
        ),
    ]


def _deviation(what: str, seconds: float, goal: float) -> Figure:
    return Figure(
        name="recorded",
        what=what,
        unit="ms",
        ours=abs(seconds) * 1_000,
        bare=0.0,
        goal=goal * 1_000,
        is_ratio=False,
    )


# The other side.


@asynccontextmanager
async def _peer(*told: str) -> AsyncIterator[None]:
    peer = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.pictures", *told),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert peer.stdout is not None
    assert await peer.stdout.readline()  # it is ready
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            peer.kill()
        await peer.wait()


async def _be_peer(  # noqa: PLR0913, PLR0917 -- the words of a command
    base_url: str, app_id: str, key: str, url: str, api_key: str, secret: str, room: str
) -> None:
    """Film and look, in a call and as a bare participant, until killed."""
    reel = await Reel.made()
    bare = await _bare_peer(url, api_key, secret, room)
    source = rtc.VideoSource(*_SIZE)
    track = rtc.LocalVideoTrack.create_video_track("camera", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA)
    await bare.local_participant.publish_track(track, options)
    feeding = asyncio.ensure_future(_feed(source, reel, Count()))
    async with UTDStreamClient(
        app_id, key, base_url=base_url, microphone=Silence(), camera=reel
    ) as client:
        await client.authenticate("peer")
        client.incoming_calls.subscribe()
        print("ready", flush=True)  # noqa: T201 -- the bench reads it
        (incoming,) = await client.ringing_calls.until(bool, 60)
        session = await incoming.answer()
        async for _ in session.video("me"):
            pass
    feeding.cancel()


async def _bare_peer(url: str, api_key: str, secret: str, room_name: str) -> rtc.Room:
    from livekit import api  # noqa: PLC0415 -- in this process alone

    grants = api.VideoGrants(room_join=True, room=room_name)
    token = api.AccessToken(api_key, secret).with_identity("peer").with_grants(grants)
    room = rtc.Room()
    streams: list[asyncio.Task[None]] = []

    async def read(track: rtc.Track) -> None:
        async for _ in rtc.VideoStream(track, capacity=2):
            pass

    def subscribed(track: rtc.Track, *_: object) -> None:
        if track.kind == rtc.TrackKind.KIND_VIDEO:
            streams.append(asyncio.ensure_future(read(track)))

    room.on("track_subscribed", subscribed)
    await room.connect(url, token.to_jwt(), rtc.RoomOptions(dynacast=True))
    return room


if __name__ == "__main__":
    asyncio.run(_be_peer(*sys.argv[1:]))
