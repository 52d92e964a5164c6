"""Never run: what users write, so that mypy and pyright see the public types."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import assert_type

import reactivex
from reactivex import operators as ops

import utd_stream as us
from utd_stream.contract.answers import SeatedAnswer
from utd_stream.errors import (
    DeviceError,
    FileError,
    IntermediaryError,
    RateLimitedError,
    UnavailableError,
)
from utd_stream.media import read_pattern, to_png
from utd_stream.models import TrackPublication, TrackSource
from utd_stream.models.room_events import DataReceived
from utd_stream.reactive import Observed


async def provide(identity: str) -> str:
    return identity


async def sign_in() -> us.UTDStreamClient:
    timeouts = us.Timeouts(request=5, seat=5, goodbye=1)
    client = us.UTDStreamClient(
        "app",
        base_url="https://engine.example",
        microphone=us.Tone(440, amplitude=0.5),
        session_provider=provide,
        timeouts=timeouts,
    )
    assert_type(await client.authenticate("ana", name="Ana"), str)
    assert_type(client.identity, str | None)
    return client


async def enter(client: us.UTDStreamClient) -> us.UTDAudioRoomSession:
    return await client.join_audio_room(
        "ana",
        "lounge",
        as_host=True,
        seat_count=8,
        seat_mode=us.SeatMode.REQUEST,
        host_seat=0,
        image="https://pictures.example/ana.png",
    )


async def watch(session: us.UTDAudioRoomSession) -> None:
    assert_type(session.type, us.UTDStreamType)
    assert isinstance(session.room, us.UTDRoom)
    assert_type(session.connected.value, bool)
    assert_type(session.connection_state.value, us.UTDConnectionState)
    assert_type(session.remote_participants.value, tuple[us.RemoteParticipant, ...])
    assert_type(session.local_participant, us.LocalParticipant)
    assert_type(session.role.value, us.UTDRole)
    assert_type(session.muted.value, frozenset[TrackSource])
    assert_type(session.seats.value, us.UTDSeatGrid)
    assert_type(session.seats.value.seats[0], us.UTDSeat)
    assert_type(session.seat.value, int | None)
    assert_type(session.occupancy.value, us.SeatOccupancy)
    assert_type(session.speaker_requests.value, tuple[us.SpeakerRequest, ...])
    assert_type(session.invitation.value, us.Invitation | None)
    assert_type(session.microphone_muted.derive(str).value, str)
    assert_type(await session.events.until(bool), us.RoomEvent)
    assert_type(session.audio("ben"), AsyncIterator[us.AudioFrame])
    async for grid in session.seats:
        assert_type(grid, us.UTDSeatGrid)
    async for event in session.events:
        if isinstance(event, DataReceived):
            assert_type(event.data, bytes)
    session.snapshot.value.reason = ""  # type: ignore[misc]  # frozen


async def pipe(session: us.UTDAudioRoomSession) -> None:
    async def on_size(size: int) -> None: ...

    def size(grid: us.UTDSeatGrid) -> int:
        return len(grid.seats)

    sizes: Observed[int] = session.seats.pipe(ops.map(size), ops.debounce(2.0))
    _: Observed[tuple[int, int]] = sizes.pipe(ops.pairwise())
    sizes.subscribe(on_size).dispose()
    ticks = reactivex.interval(1.0, scheduler=session.scheduler)
    us.subscribe_async(ticks, on_size, limit=None).dispose()
    assert_type(session.scheduler, us.ClockScheduler)


async def act(session: us.UTDAudioRoomSession, api: us.UTDApi) -> None:
    assert_type(await session.take_seat(1), None)
    assert_type(await session.setup_seats(seat_mode=us.SeatMode.FREE), us.UTDSeatGrid)
    assert_type(await session.request_to_speak(), int)
    assert_type(await session.send_chat("hello"), us.ChatMessage)
    assert_type(await anext(aiter(session.chat)), us.ChatMessage)
    assert_type(session.chat_locked.value, bool)
    assert_type(session.publishable.value, frozenset[TrackSource])
    assert_type(session.connection_quality.value, us.Quality)
    assert_type(session.qualities.value, Mapping[str, us.Quality])
    assert_type(await session.set_role("ben", us.UTDRole.ADMIN), None)
    assert_type(await session.mute_participant("ben", video=False), None)
    assert_type(await session.unmute_participant("ben"), None)
    assert_type(await session.mute_all(), None)
    assert_type(await session.unmute_all(audio=False), None)
    seated = await session.occupancy.until(us.SeatOccupancy.SPEAKING, timeout=1)
    assert_type(seated, us.SeatOccupancy)
    assert_type(await session.seat.until(None), int | None)
    grid = await session.seats.until(lambda grid: grid.rev > 1)
    assert_type(grid, us.UTDSeatGrid)
    await session.occupancy.until("speaking")  # type: ignore[call-overload]  # a str
    assert_type(await api.take_seat("lounge", 1, if_match=3), SeatedAnswer)
    try:
        await session.leave_seat()
    except RateLimitedError as error:
        assert_type(error.retry_after, float)
    except UnavailableError as error:
        assert_type(error.retry_after, float | None)
    except IntermediaryError as error:
        assert_type(error.status_code, int | None)
        assert_type(error.retry_after, float | None)
    except us.UTDStreamException as error:
        assert_type(error.code, str)
        assert_type(error.status_code, int | None)
        assert_type(us.UTDErrorCode(error.code), us.UTDErrorCode)


REASONS = tuple(us.DisconnectReason)
SILENCE = us.Silence()
TOKEN: type[us.UTDTokenResponse] = us.UTDTokenResponse
BASES: tuple[type, ...] = (us.UTDSession, us.UTDAudioRoomSession)
VERSION: str = us.__version__


async def ring(client: us.UTDStreamClient) -> None:
    session = client.call_session(us.UTDStreamType.AUDIO_CALL)
    assert_type(session, us.UTDCallSession)
    assert_type(await session.start("ben", metadata={"a": 1}), us.UTDCall)
    assert_type(session.status.value, us.UTDCallStatus | None)
    assert_type(session.direction.value, us.CallDirection | None)
    assert_type(session.end_info.value, us.EndInfo | None)
    assert_type(await anext(aiter(client.incoming_calls)), us.IncomingCall)
    assert_type(client.ringing_calls.value, tuple[us.IncomingCall, ...])
    assert_type(client.signal_state.value, us.SignalState)
    for call in client.ringing_calls.value:
        assert_type(await call.answer(), us.UTDCallSession)
        if (ended := call.ended.value) is not None:
            assert_type(ended.reason, us.CallEndReason | us.RingEndReason)


async def tune() -> AsyncIterator[us.AudioFrame]:
    yield us.AudioFrame(samples=bytes(960), sample_rate_hz=48_000, channels=1)


async def film() -> AsyncIterator[us.VideoFrame]:
    yield us.VideoFrame(data=bytes(6), width_px=2, height_px=2, at=0.5, rotation=90)


def media_sources() -> None:
    file = us.FileSource("film.mp4")
    device = us.DeviceSource("desk", size=(640, 480), fps=25, driver="v4l2")
    for microphone in (
        us.Silence(),
        us.Tone(440),
        us.FrameSource(tune()),
        file.audio,
        device.audio,
    ):
        us.UTDStreamClient("app", "key", microphone=microphone)
    for camera in (
        us.TestPattern(320, 180, 15),
        us.FrameSource(film()),
        file.video,
        device.video,
    ):
        us.UTDStreamClient("app", "key", camera=camera, screen=camera)
    us.UTDStreamClient("app", "key", microphone=file.video)  # type: ignore[arg-type]  # it is silent
    us.UTDStreamClient("app", "key", camera=us.Tone(440))  # type: ignore[arg-type]  # no picture


async def media_received(session: us.UTDCallSession) -> None:
    await session.set_microphone(True)
    await session.set_camera(True)
    await session.set_screen_share(False)
    await session.switch_camera(us.TestPattern())
    pictures = session.video("ben", TrackSource.SCREEN_SHARE, us.VideoQuality.LOW)
    assert_type(pictures, AsyncIterator[us.VideoFrame])
    sound = session.audio("ben", TrackSource.SCREEN_SHARE_AUDIO)
    assert_type(sound, AsyncIterator[us.AudioFrame])
    recorder = us.Recorder("it.webm", size=(640, 360), overwrite=True)
    assert_type(recorder.path, Path)
    done = await recorder.run(audio=sound, video=pictures)
    assert_type(done, us.RecordingProgress)
    assert_type(recorder.progress.seconds, float)
    assert_type(done.sounds + done.pictures + done.size_bytes, int)
    async for frame in session.video("ben"):
        assert_type(frame.data, bytes)
        assert_type(
            (frame.width_px, frame.height_px, frame.rotation), tuple[int, int, int]
        )
        assert_type(frame.at, float)
        assert_type(read_pattern(frame), int | None)
        assert_type(to_png(frame), bytes)
    async for samples in sound:
        assert_type(samples.duration, float)


async def media_of_a_room(room: us.UTDRoom) -> None:
    camera, microphone = TrackSource.CAMERA, TrackSource.MICROPHONE
    await room.set_microphone(True, us.Tone(440))  # noqa: FBT003
    await room.set_camera(True, us.TestPattern())  # noqa: FBT003
    await room.set_screen_share(True, us.TestPattern())  # noqa: FBT003
    assert_type(await room.publish(microphone, us.Silence()), TrackPublication)
    await room.switch(camera, us.TestPattern(160, 90, 5))
    room.mute(microphone, True)  # noqa: FBT003
    await room.unpublish(camera)
    assert_type(room.video("ben"), AsyncIterator[us.VideoFrame])
    assert_type(room.audio("ben"), AsyncIterator[us.AudioFrame])


async def media_errors() -> None:
    try:
        await anext(us.FileSource("missing.wav").audio.open())
    except FileError as error:
        assert_type(error.code, str)
    except DeviceError as error:
        assert_type(str(error), str)
    except us.UTDStreamException:
        pass
