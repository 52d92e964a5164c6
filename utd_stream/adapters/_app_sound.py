"""An app's sound on its way to an SFU: checked, and taken in steps of 10 ms."""

from __future__ import annotations

from collections.abc import Callable

from utd_stream.adapters._app_frames import AppFrames, Words
from utd_stream.errors import InvalidArgumentError
from utd_stream.models.media import AudioFrame
from utd_stream.ports import AudioSource, Clock

__all__ = ["CHANNELS", "RATE_HZ", "SILENCE", "STEP_SECONDS", "AppSound"]

RATE_HZ = 48_000
CHANNELS = 1
STEP_SECONDS = 0.01
_STEP_BYTES = 2 * RATE_HZ // 100
SILENCE = bytes(_STEP_BYTES)
_WORDS = Words("audio", "an audio source", "sound", "AudioFrame")


class AppSound(AppFrames[bytes]):
    """The sound of one source, opened once, in steps of 10 ms.

    An empty frame counts as a step of silence.

    Args:
        source: Where it comes from.
        clock: Time.
        ended: Called once the source has ended or failed, unless `ready` says so.
        again: Whether the source was opened before; then nobody calls `ready`.

    Raises:
        PublishError: If the source cannot be opened, or gives no async iterator.
    """

    def __init__(
        self,
        source: AudioSource,
        clock: Clock,
        ended: Callable[[], object] = lambda: None,
        *,
        again: bool = False,
    ) -> None:
        self._rest = b""
        super().__init__(source, _WORDS, clock, ended, again=again)

    async def _take_frame(self, frame: object) -> None:
        given = _checked(frame)
        samples = self._rest + given.samples
        if not given.samples:
            samples = samples.ljust(_STEP_BYTES, b"\0")
        whole = len(samples) - len(samples) % _STEP_BYTES
        self._rest = samples[whole:]
        for start in range(0, whole, _STEP_BYTES):
            await self._give(samples[start : start + _STEP_BYTES])

    async def _take_end(self) -> None:
        rest, self._rest = self._rest, b""
        if rest:
            await self._give(rest.ljust(_STEP_BYTES, b"\0"))


def _checked(frame: object) -> AudioFrame:
    if not isinstance(frame, AudioFrame):
        message = f"an audio source must give AudioFrame, not {type(frame).__name__}"
        raise InvalidArgumentError(message)
    if (frame.sample_rate_hz, frame.channels) != (RATE_HZ, CHANNELS):
        message = (
            "an audio source must give 48 kHz mono frames, not "
            f"{frame.sample_rate_hz} Hz with {frame.channels} channels"
        )
        raise InvalidArgumentError(message)
    return frame
