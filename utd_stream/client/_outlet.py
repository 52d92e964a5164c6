"""One source of one connection: what is asked of it, one thing at a time."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from utd_stream.client._keeper import Keeper
from utd_stream.errors import ClosedError, InvalidArgumentError
from utd_stream.models.participants import TrackPublication, TrackSource
from utd_stream.ports import AudioSource, MediaRoom, VideoSource

__all__ = ["Outlet", "PictureOutlet", "SoundOutlet"]

_S = TypeVar("_S", bound=AudioSource | VideoSource)

logger = logging.getLogger("utd_stream.client")


class Outlet(ABC, Generic[_S]):
    """Publishes, mutes and withdraws, in the order it was asked.

    Args:
        media: Where to.
        keeper: Of the connection.
        kind: Which source of the participant it is.
        source: What is published once it is turned on.

    Attributes:
        kind: Likewise.
        source: What is published, or was last.
    """

    example = ""

    def __init__(
        self, media: MediaRoom, keeper: Keeper, kind: TrackSource, source: _S | None
    ) -> None:
        self._media = media
        self._keeper = keeper
        self.kind = kind
        self.source = source

    async def turn_on(self, source: _S | None) -> None:
        """Publish or unmute; cancelled, it withdraws what it published.

        Raises:
            InvalidArgumentError: If a source is needed and there is none.
        """
        await self._keeper.run(
            self.kind,
            lambda: self._turn_on(source),
            lambda is_fresh: self._withdraw(only_if=is_fresh),
        )

    async def turn_off(self) -> None:
        """Send nothing; what is published is withdrawn."""
        await self.unpublish()

    async def publish(self, source: _S) -> TrackPublication:
        """Publish, in place of what was; cancelled, it withdraws it."""
        return await self._keeper.run(
            self.kind, lambda: self._publish(source), lambda _: self._withdraw()
        )

    async def switch(self, source: _S) -> None:
        """Send *source* from now on, in the track that is published or the next.

        Raises:
            PublishError: If it cannot be played; what was sent before goes on.
        """
        await self._keeper.run(self.kind, lambda: self._switch(source))

    async def unpublish(self) -> None:
        """Withdraw what is published, if something is."""
        await self._keeper.run(self.kind, self._withdraw)

    async def give_up(self) -> None:
        """Withdraw on nobody's behalf: the right is gone."""
        try:
            await self.unpublish()
        except ClosedError:
            logger.debug("the %s ends with its connection", self.kind.value)

    async def _turn_on(self, source: _S | None) -> bool:
        """Publish or unmute; return whether it was published."""
        sent = self._media.state().local.publications
        is_sent = any(each.source is self.kind for each in sent)
        if is_sent:
            if source is not None and source != self.source:
                await self._switch(source)
            self._media.set_muted(self.kind, muted=False)
            return False
        chosen = self.source if source is None else source
        if chosen is None:
            name = self.kind.value.replace("_", " ")
            message = f"no {name} is set: give a source, such as {self.example}"
            raise InvalidArgumentError(message)
        await self._publish(chosen)
        return True

    async def _switch(self, source: _S) -> None:
        await self._media.switch(self.kind, source)
        self.source = source

    async def _publish(self, source: _S) -> TrackPublication:
        self.source = source
        return await self._send(source)

    @abstractmethod
    async def _send(self, source: _S) -> TrackPublication:
        """Announce a track of *source*."""

    async def _withdraw(self, *, only_if: bool = True) -> None:
        if only_if:
            await self._media.unpublish(self.kind)


class SoundOutlet(Outlet[AudioSource]):
    """The microphone: off, it is muted and stays published."""

    example = "Tone(440)"

    async def turn_off(self) -> None:
        """Send nothing; what is published stays."""
        await self._keeper.run(self.kind, self._mute)

    async def _mute(self) -> None:
        self._media.set_muted(self.kind, muted=True)

    async def _send(self, source: AudioSource) -> TrackPublication:
        return await self._media.publish_audio(
            source, name=self.kind.value, track_source=self.kind
        )


class PictureOutlet(Outlet[VideoSource]):
    """A camera or a screen: off, it is withdrawn."""

    example = "TestPattern()"

    async def _send(self, source: VideoSource) -> TrackPublication:
        return await self._media.publish_video(
            source, name=self.kind.value, track_source=self.kind
        )
