"""The microphone of one connection: what is asked of it, one thing at a time."""

from __future__ import annotations

import logging
from typing import NoReturn, TypeVar

from utd_stream.client._keeper import Keeper
from utd_stream.errors import (
    ClosedError,
    InvalidArgumentError,
    RefusedError,
    UTDErrorCode,
)
from utd_stream.models.participants import TrackPublication, TrackSource
from utd_stream.models.rooms import SeatOccupancy
from utd_stream.ports import AudioSource, MediaRoom

__all__ = ["Microphone", "check_microphone", "check_source", "refuse_video"]

_SOURCE = TrackSource.MICROPHONE
_Source = TypeVar("_Source", bound=AudioSource | None)

_CHOICES = "microphone=Tone(440) or microphone=Silence()"

logger = logging.getLogger("utd_stream.client")


class Microphone:
    """Publishes, mutes and withdraws, in the order it was asked.

    Attributes:
        source: What is published, or was last.
    """

    def __init__(
        self, media: MediaRoom, keeper: Keeper, source: AudioSource | None
    ) -> None:
        self._media = media
        self._keeper = keeper
        self.source = source

    async def turn_on(self, source: AudioSource | None) -> None:
        """Publish or unmute; cancelled, it withdraws what it published.

        Raises:
            InvalidArgumentError: If a source is needed and there is none.
        """
        await self._keeper.run(
            _SOURCE,
            lambda: self._turn_on(source),
            lambda is_fresh: self._withdraw(only_if=is_fresh),
        )

    async def turn_off(self) -> None:
        """Send nothing; what is published stays."""
        await self._keeper.run(_SOURCE, self._mute)

    async def publish(self, source: AudioSource) -> TrackPublication:
        """Publish, in place of what was; cancelled, it withdraws it."""
        return await self._keeper.run(
            _SOURCE, lambda: self._publish(source), lambda _: self._withdraw()
        )

    async def unpublish(self) -> None:
        """Withdraw what is published, if something is."""
        await self._keeper.run(_SOURCE, self._withdraw)

    async def give_up(self) -> None:
        """Withdraw on nobody's behalf: the right is gone."""
        try:
            await self.unpublish()
        except ClosedError:
            logger.debug("the microphone ends with its connection")

    async def _turn_on(self, source: AudioSource | None) -> bool:
        """Publish or unmute; return whether it was published."""
        sent = self._media.state().local.publications
        is_sent = any(each.source is _SOURCE for each in sent)
        if is_sent and (source is None or source == self.source):
            self._media.set_muted(_SOURCE, muted=False)
            return False
        chosen = self.source if source is None else source
        if chosen is None:
            message = "no microphone is set: give a source, such as Tone(440)"
            raise InvalidArgumentError(message)
        await self._publish(chosen)
        return True

    async def _mute(self) -> None:
        self._media.set_muted(_SOURCE, muted=True)

    async def _publish(self, source: AudioSource) -> TrackPublication:
        self.source = source
        return await self._media.publish_audio(
            source, name="microphone", track_source=_SOURCE
        )

    async def _withdraw(self, *, only_if: bool = True) -> None:
        if only_if:
            await self._media.unpublish(_SOURCE)


def check_microphone(source: AudioSource | None) -> None:
    """Refuse to speak without a source, before anything is asked.

    Raises:
        InvalidArgumentError: If there is none; it names the choices.
    """
    if source is None:
        message = f"no microphone is set: give the client one, such as {_CHOICES}"
        raise InvalidArgumentError(message)


def check_source(source: _Source) -> _Source:
    """Return *source* if it is an audio source, or None.

    Raises:
        InvalidArgumentError: If it has no method `open`; the message names sources.
    """
    if source is None:
        return source
    given: object = source
    if not isinstance(given, type) and callable(getattr(given, "open", None)):
        return source
    kind = (
        f"the class {given.__name__}"
        if isinstance(given, type)
        else f"a {type(given).__name__}"
    )
    message = (
        "a microphone is an object whose open() returns an async iterator of "
        f"AudioFrame, such as {_CHOICES}; not {kind}"
    )
    raise InvalidArgumentError(message)


def refuse_video(trigger: str, state: SeatOccupancy) -> NoReturn:
    """Raise what a camera or a screen meets in an audio room."""
    code, hint = UTDErrorCode.FORBIDDEN.value, "an audio room carries microphones only"
    raise RefusedError(code, "occupancy", trigger, state.value, hint)
