"""Recordings: what they hold, and that their file is closed on every way out."""

from __future__ import annotations

import asyncio
import shutil
import tracemalloc
from collections.abc import AsyncIterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import attrs
import av
import pytest

from tests.media.made import (
    lasting,
    make,
    nothing_left,
    paced,
    pictures_of,
    sound_of,
)
from utd_stream.errors import FileError, InvalidArgumentError, UsageError
from utd_stream.media import (
    Recorder,
    RecordingProgress,
    TestPattern,
    Tone,
    read_pattern,
)
from utd_stream.models import AudioFrame, VideoFrame
from utd_stream.testing import run

__all__ = ["nothing_left"]

PATTERN = TestPattern(320, 180, 15)


def tone(seconds: float = 2.0, hz: float = 440.0) -> AsyncIterator[AudioFrame]:
    """Return a tone at the pace of the loop."""
    return paced(lasting(Tone(hz).open(), round(seconds * 100)), 0.01)


def film(seconds: float = 2.0, at: TestPattern = PATTERN) -> AsyncIterator[VideoFrame]:
    """Return pictures at the pace of the loop."""
    return paced(lasting(at.open(), round(seconds * at.fps)), 1 / at.fps)


async def length(path: Path) -> float:
    """Return how long a file's sound is."""
    return sum(frame.duration for frame in await sound_of(path))


async def loudness(path: Path, begin: float, end: float) -> int:
    """Return the loudest sample between two times."""
    samples = b"".join(frame.samples for frame in await sound_of(path))
    part = memoryview(samples).cast("h")[round(begin * 48_000) : round(end * 48_000)]
    return max(map(abs, part))


@pytest.mark.parametrize("suffix", [".wav", ".ogg", ".mp4", ".webm"])
def test_progress_is_told(tmp_path: Path, suffix: str) -> None:
    """It grows while it is recorded, and the last word is what `run` returns."""

    async def program() -> None:
        recorder = Recorder(tmp_path / f"it{suffix}")
        assert recorder.progress == RecordingProgress()
        task = asyncio.ensure_future(recorder.run(audio=tone()))
        await asyncio.sleep(1.005)
        half = recorder.progress
        whole = await task
        assert half.seconds == pytest.approx(1, abs=0.02)
        assert (half.sounds, whole.sounds, whole.pictures) == (100, 200, 0)
        assert whole.seconds == pytest.approx(2, abs=0.02)
        assert whole.size_bytes == recorder.path.stat().st_size
        assert recorder.progress == whole

    run(program())


@pytest.mark.parametrize("suffix", [".wav", ".ogg", ".mp4", ".webm"])
@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 13, 100, 400])
def test_whoever_is_cancelled_closes_the_file(
    tmp_path: Path, suffix: str, turns: int
) -> None:
    """Wherever it is: no file, or one that is played up to there."""
    path = tmp_path / f"it{suffix}"

    async def program() -> None:
        recorder = Recorder(path)
        task = asyncio.ensure_future(recorder.run(audio=tone(60)))
        for _ in range(turns):
            await asyncio.sleep(0)
        if turns >= 100:
            await asyncio.sleep(turns / 100)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        if recorder.progress.seconds > 0.1:
            assert await length(path) == pytest.approx(
                recorder.progress.seconds, abs=0.1
            )

    run(program())


class _AppError(Exception):
    """Of a program."""


async def _raising(frames: AsyncIterator[Any]) -> AsyncIterator[Any]:
    async for frame in lasting(frames, 20):
        yield frame
    raise _AppError


@pytest.mark.parametrize("which", ["audio", "video"])
def test_an_iterator_that_raises_ends_the_recording(tmp_path: Path, which: str) -> None:
    """The error is the iterator's own, and what came before is in the file."""
    path = tmp_path / "it.mp4"
    sources: dict[str, AsyncIterator[Any]] = {"audio": tone(), "video": film()}
    sources[which] = _raising(sources[which])
    with pytest.raises(_AppError):
        run(Recorder(path, size=(320, 180)).run(**sources))
    assert run(length(path)) >= 0.2
    assert len(run(pictures_of(path))) >= 2


def test_a_recording_that_is_copied_while_it_runs_is_played(tmp_path: Path) -> None:
    """T56: what a crash leaves is not lost, but for the last moments."""
    for suffix in (".mp4", ".webm"):
        path, copy = tmp_path / f"it{suffix}", tmp_path / f"copy{suffix}"

        async def program(path: Path = path, copy: Path = copy) -> None:
            recorder = Recorder(path, size=(320, 180))
            task = asyncio.ensure_future(recorder.run(audio=tone(20), video=film(20)))
            await asyncio.sleep(15)
            shutil.copy(path, copy)
            await task

        run(program())
        assert len(run(pictures_of(copy))) > 120


# What is odd.


def test_pictures_of_any_size_are_fitted(tmp_path: Path) -> None:
    """A change of resolution, and one of shape, leave them whole and upright."""
    path = tmp_path / "it.mp4"

    async def frames() -> AsyncIterator[VideoFrame]:
        sizes = [(640, 360), (160, 90), (180, 320), (320, 180)]
        for number, (width, height) in enumerate(sizes):
            async for frame in film(1, TestPattern(width, height, 15)):
                yield attrs.evolve(frame, at=frame.at + number)

    run(Recorder(path, size=(320, 180)).run(video=frames()))
    seen = run(pictures_of(path))
    assert {(f.width_px, f.height_px) for f in seen} == {(320, 180)}
    numbers = [read_pattern(frame) for frame in seen]
    assert numbers[:30] == numbers[45:] + numbers[45:] == [*range(15)] * 2
    upright = seen[40]  # black beside the picture
    assert max(upright.data[:100]) < 20
    assert max(upright.data[:320]) > 100


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_turned_pictures_are_recorded_upright(tmp_path: Path, degrees: int) -> None:
    """Turned back, they are the pictures that were sent."""
    path = tmp_path / "it.mp4"
    turns = {90: "cclock", 270: "clock"}

    async def frames() -> AsyncIterator[VideoFrame]:
        from utd_stream.media._av import our_picture, their_picture  # noqa: PLC0415

        async for frame in film(1):
            graph = av.filter.Graph()
            last = graph.add_buffer(
                width=320,
                height=180,
                format=av.VideoFormat("yuv420p"),
                time_base=Fraction(1),
            )
            steps = (
                [("transpose", turns[degrees])]
                if degrees != 180
                else [("hflip", ""), ("vflip", "")]
            )
            for step in (*steps, ("buffersink", "")):
                node = graph.add(*step)
                last.link_to(node)
                last = node
            graph.configure()
            graph.push(their_picture(frame))
            turned: Any = graph.pull()
            yield attrs.evolve(our_picture(turned, frame.at), rotation=degrees)

    run(Recorder(path, size=(320, 180)).run(video=frames()))
    assert [read_pattern(frame) for frame in run(pictures_of(path))] == list(range(15))


def test_a_pause_is_recorded_as_silence(tmp_path: Path) -> None:
    """What comes after it is where it belongs; the sound is not shortened."""
    path = tmp_path / "it.wav"

    async def frames() -> AsyncIterator[AudioFrame]:
        async for frame in tone(1):
            yield frame
        await asyncio.sleep(2)
        async for frame in tone(1):
            yield frame

    run(Recorder(path).run(audio=frames()))

    async def program() -> None:
        assert await length(path) == pytest.approx(4, abs=0.02)
        assert await loudness(path, 0.5, 0.9) > 5000
        assert await loudness(path, 1.1, 2.9) == 0
        assert await loudness(path, 3.1, 3.9) > 5000

    run(program())


def test_a_long_pause_takes_no_memory(tmp_path: Path) -> None:
    """An hour of silence is written in pieces, and is an hour."""
    path = tmp_path / "it.ogg"

    async def frames() -> AsyncIterator[AudioFrame]:
        async for frame in tone(1):
            yield frame
        await asyncio.sleep(3600)
        async for frame in tone(1):
            yield frame

    tracemalloc.start()
    done = run(Recorder(path).run(audio=frames()))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert done.seconds == pytest.approx(3602, abs=0.02)
    assert peak < 20_000_000


def test_a_reader_that_was_held_up_loses_nothing(tmp_path: Path) -> None:
    """Sound that comes late and all at once is no pause."""
    path = tmp_path / "it.wav"

    async def frames() -> AsyncIterator[AudioFrame]:
        async for frame in tone(1):
            yield frame
        await asyncio.sleep(0.8)
        async for frame in lasting(Tone(440).open(), 80):
            yield frame
        async for frame in tone(1):
            yield frame

    run(Recorder(path).run(audio=frames()))
    assert run(length(path)) == pytest.approx(2.8, abs=0.02)
    assert run(loudness(path, 0.95, 1.85)) > 5000


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (44_100, 2), (48_000, 2)])
def test_sound_of_any_kind_is_made_the_same(
    tmp_path: Path, rate: int, channels: int
) -> None:
    """Other rates and stereo are converted."""
    path = tmp_path / "it.wav"
    frame = AudioFrame(
        samples=bytes(rate // 50 * channels), sample_rate_hz=rate, channels=channels
    )

    async def frames() -> AsyncIterator[AudioFrame]:
        for _ in range(100):
            yield frame
            await asyncio.sleep(0.01)

    run(Recorder(path).run(audio=frames()))
    assert run(length(path)) == pytest.approx(1, abs=0.02)


# What is refused.


@pytest.mark.parametrize("name", ["it", "it.mp3", "it.avi", "it.MP4"])
def test_a_name_says_the_format(tmp_path: Path, name: str) -> None:
    """Others are refused, and the error names those that do."""
    with pytest.raises(InvalidArgumentError, match=r"\.wav, \.ogg, \.mp4, \.webm"):
        Recorder(tmp_path / name)


@pytest.mark.parametrize(
    "size", [(0, 180), (321, 180), (320, 5000), (320, 18.0), (320,), None, 320]
)
def test_a_size_is_even_and_in_range(tmp_path: Path, size: Any) -> None:
    """Others are refused."""
    with pytest.raises(InvalidArgumentError, match="even"):
        Recorder(tmp_path / "it.mp4", size=size)


@pytest.mark.parametrize("suffix", [".wav", ".ogg"])
def test_sound_formats_hold_no_pictures(tmp_path: Path, suffix: str) -> None:
    """Refused before a file is made."""
    recorder = Recorder(tmp_path / f"it{suffix}")
    with pytest.raises(InvalidArgumentError, match=r"\.mp4 or \.webm"):
        run(recorder.run(video=film()))
    with pytest.raises(InvalidArgumentError, match="nothing to record"):
        run(recorder.run())
    assert not recorder.path.exists()


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    """Unless the program says so; a recorder makes one file."""
    path = tmp_path / "it.wav"
    path.write_text("precious")
    with pytest.raises(FileError, match="overwrite=True"):
        run(Recorder(path).run(audio=tone()))
    assert path.read_text() == "precious"
    recorder = Recorder(path, overwrite=True)
    run(recorder.run(audio=tone()))
    assert run(length(path)) == pytest.approx(2, abs=0.02)
    with pytest.raises(UsageError, match="one file"):
        run(recorder.run(audio=tone()))


@pytest.mark.parametrize("name", ["missing/it.wav", "made.py/it.wav"])
def test_where_no_file_can_be_made(name: str) -> None:
    """The error says why."""
    with pytest.raises(FileError, match="cannot be written"):
        run(Recorder(Path(__file__).parent / name).run(audio=tone()))


@pytest.mark.parametrize("suffix", [".wav", ".ogg", ".mp4", ".webm"])
def test_a_full_disk_ends_the_recording(tmp_path: Path, suffix: str) -> None:
    """The error says so; nothing stays open."""
    path = tmp_path / f"it{suffix}"
    path.symlink_to("/dev/full")
    recorder = Recorder(path, overwrite=True)
    with pytest.raises(FileError, match="No space left"):
        run(recorder.run(audio=tone(60)))


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_a_missing_codec_is_named(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyAV may be built without it; no file is made."""
    monkeypatch.setattr(av, "codecs_available", {"pcm_s16le"})
    recorder = Recorder(tmp_path / f"it{suffix}")
    with pytest.raises(FileError, match="no encoder"):
        run(recorder.run(audio=tone(), video=film()))
    assert not recorder.path.exists()


def test_made_files_are_whole(tmp_path: Path) -> None:
    """What the other tests read is as long as it was meant to be."""
    path = run(make(tmp_path / "it.mp4", pictures=PATTERN))
    assert run(length(path)) == pytest.approx(2, abs=0.05)
