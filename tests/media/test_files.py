"""Media files as sources: what is read of them, and what is refused."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.media.made import (
    make,
    make_pictures,
    make_sound,
    nothing_left,
    pictures_of,
    sound_of,
)
from tests.planes import heard_hz
from utd_stream.errors import FileError, InvalidArgumentError
from utd_stream.media import FileSource, Recorder, TestPattern, read_pattern
from utd_stream.models import AudioFrame
from utd_stream.testing import run

__all__ = ["nothing_left"]

PATTERN = TestPattern(320, 180, 15)


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a tone and of numbered pictures."""
    path = tmp_path_factory.mktemp("movie") / "movie.mp4"
    return run(make(path, pictures=PATTERN))


async def _give(frames: list[AudioFrame]) -> AsyncIterator[AudioFrame]:
    for frame in frames:
        yield frame


@pytest.mark.parametrize("suffix", [".wav", ".ogg", ".mp4", ".webm"])
def test_sound_is_played_as_it_was(tmp_path: Path, suffix: str) -> None:
    """Whatever the format: 48 kHz, mono, as long and as high as it was."""

    async def program() -> None:
        path = await make(tmp_path / f"sound{suffix}")
        frames = await sound_of(path)
        lasts = sum(frame.duration for frame in frames)
        assert lasts == pytest.approx(2, abs=0.05)
        assert {(f.sample_rate_hz, f.channels) for f in frames} == {(48_000, 1)}
        hz = await heard_hz(_give(frames[len(frames) // 2 :]))
        assert hz == pytest.approx(440, abs=5)

    run(program())


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_pictures_are_played_as_they_were(tmp_path: Path, suffix: str) -> None:
    """Each is there once, in order, at its time."""

    async def program() -> None:
        path = await make(tmp_path / f"film{suffix}", sound=None, pictures=PATTERN)
        frames = await pictures_of(path)
        assert [read_pattern(frame) for frame in frames] == list(range(30))
        assert [f.at for f in frames] == pytest.approx(
            [n / 15 for n in range(30)], abs=0.002
        )

    run(program())


@pytest.mark.parametrize(
    ("codec", "size", "even"),
    [
        ("ffv1", (161, 91), (160, 90)),
        ("mjpeg", (321, 180), (320, 180)),
        ("ffv1", (126, 82), (126, 82)),
    ],
)
def test_odd_sides_lose_a_pixel(
    tmp_path: Path, codec: str, size: tuple[int, int], even: tuple[int, int]
) -> None:
    """T54: sizes are even, and lines that PyAV pads are tight."""
    path = make_pictures(tmp_path / "odd.mkv", codec, size)
    frames = run(pictures_of(path))
    assert {(f.width_px, f.height_px) for f in frames} == {even}
    assert [read_pattern(frame) for frame in frames] == list(range(10))


def test_the_last_samples_are_played(tmp_path: Path) -> None:
    """T54: what the resampler holds back at the end comes, too."""
    path = make_sound(tmp_path / "short.wav", 44_100 + 441, 44_100)
    samples = sum(f.samples_per_channel for f in run(sound_of(path)))
    assert samples == pytest.approx(48_480, abs=32)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_turned_film_says_so(movie: Path, tmp_path: Path, degrees: int) -> None:
    """A telephone's film says by how much it is turned to be shown."""
    matrices = {
        90: (0, 1, -1, 0),
        180: (-1, 0, 0, -1),
        270: (0, -1, 1, 0),
    }
    a, b, c, d = (n << 16 for n in matrices[degrees])
    whole = bytearray(movie.read_bytes())
    plain = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    turned = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    # Of the file and of each track; the last one is that of the pictures.
    start = whole.rindex(plain)
    whole[start : start + len(plain)] = turned
    path = tmp_path / "turned.mp4"
    path.write_bytes(whole)
    assert {frame.rotation for frame in run(pictures_of(path))} == {degrees}


# What is refused.


def text(path: Path, movie: Path) -> None:
    """A text."""
    path.write_text("no media at all\n")


def empty(path: Path, movie: Path) -> None:
    """Nothing."""
    path.write_bytes(b"")


def concat(path: Path, movie: Path) -> None:
    """A list of other files."""
    path.write_text(f"ffconcat version 1.0\nfile '{movie}'\n")


def playlist(path: Path, movie: Path) -> None:
    """A playlist of others."""
    path.write_text(f"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:2,\n{movie}\n#EXT-X-ENDLIST\n")


def unclosed(path: Path, movie: Path) -> None:
    """A film whose end is missing."""
    path.write_bytes(movie.read_bytes()[:3000])


@pytest.mark.parametrize("spoil", [text, empty, concat, playlist, unclosed])
@pytest.mark.parametrize("name", ["it.mp4", "it.m3u8", "it"])
def test_what_is_no_media_is_refused(
    movie: Path, tmp_path: Path, spoil: Callable[[Path, Path], None], name: str
) -> None:
    """T55: whatever it is called; a file that names others is never followed."""
    path = tmp_path / name
    spoil(path, movie)
    for read in (sound_of, pictures_of):
        with pytest.raises(FileError, match="no media file") as refused:
            run(read(path))
        assert str(path) in str(refused.value)


def test_a_missing_stream_is_named(tmp_path: Path) -> None:
    """The error says what is missing, and what there is."""
    sound = run(make(tmp_path / "sound.webm"))
    film = run(make(tmp_path / "film.webm", sound=None, pictures=PATTERN))
    with pytest.raises(FileError, match="has no video, only audio"):
        run(pictures_of(sound))
    with pytest.raises(FileError, match="has no audio, only video"):
        run(sound_of(film))


@pytest.mark.parametrize("path", ["missing.mp4", "", ".", "a\0b", "made.py/x.mp4"])
def test_what_cannot_be_read_is_refused(path: str) -> None:
    """Missing, a folder, below a file, no name at all."""
    with pytest.raises(FileError, match="cannot be read"):
        run(sound_of(Path(__file__).parent / path if path != "a\0b" else Path(path)))


@pytest.mark.parametrize("path", [None, 7, b"x"])
def test_a_path_is_text(path: Any) -> None:
    """Anything else is refused when the source is described."""
    for described in (FileSource, Recorder):
        with pytest.raises(InvalidArgumentError, match="str or a Path"):
            described(path)


def test_a_damaged_file_is_played_up_to_the_damage(tmp_path: Path) -> None:
    """What is whole is played first; a cut or spoiled rest ends it."""
    path = run(make(tmp_path / "film.webm", pictures=PATTERN))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    seen: list[int | None] = []

    async def program() -> None:
        async for frame in FileSource(path).video.open():
            seen.append(read_pattern(frame))  # noqa: PERF401 -- kept where it fails

    try:
        run(program())
    except FileError as error:
        assert "damaged at" in str(error)  # noqa: PT017 -- or it ends
    assert len(seen) > 5
    assert seen == list(range(len(seen)))


# Together, and left.


def test_sound_and_pictures_stay_together(movie: Path) -> None:
    """Opened later, the pictures begin where the sound is, and so do the next ones."""

    async def program() -> None:
        source = FileSource(movie)
        loop = asyncio.get_running_loop()
        sound = source.audio.open()
        await anext(sound)
        await asyncio.sleep(0.3)  # it is published
        await anext(sound)
        began = loop.time()
        await asyncio.sleep(0.5)
        pictures = source.video.open()
        first = await anext(pictures)
        await asyncio.sleep(0.4)  # likewise
        second = await anext(pictures)
        third = await anext(pictures)

        # The first picture came a fifteenth of a second after the first sound.
        assert read_pattern(first) == 7
        assert read_pattern(second) == 13  # of 0.93 s
        assert loop.time() - began == pytest.approx(0.9)
        assert first.at == 0
        assert second.at == pytest.approx(14 / 15 - 0.9, abs=0.002)
        assert third.at == pytest.approx(15 / 15 - 0.9, abs=0.002)
        await sound.aclose()  # type: ignore[attr-defined]  # a generator
        await pictures.aclose()  # type: ignore[attr-defined]  # likewise
        again = await anext(source.video.open())
        assert read_pattern(again) == 0

    run(program())


@pytest.mark.parametrize("turns", range(12))
def test_whoever_is_cancelled_leaves_nothing(movie: Path, turns: int) -> None:
    """No thread and no file stays open, wherever it is."""

    async def program() -> None:
        async def read() -> None:
            async for _ in FileSource(movie).audio.open():
                await asyncio.sleep(0)

        task = asyncio.ensure_future(read())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    run(program())


def test_equal_files_are_equal(movie: Path) -> None:
    """They are descriptions."""
    one, other = FileSource(movie), FileSource(str(movie))
    assert one == other
    assert one.audio == other.audio
    assert hash(one.video) == hash(other.video)
