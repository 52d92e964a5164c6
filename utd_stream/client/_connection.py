"""One connection of a room: what it is made of, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from utd_stream.client._keeper import Keeper
from utd_stream.client._outlet import Outlet, PictureOutlet, SoundOutlet
from utd_stream.models.participants import TrackSource
from utd_stream.models.rooms import DisconnectReason
from utd_stream.ports import Clock, MediaRoom

__all__ = ["Connection"]

_OUTLETS: Mapping[TrackSource, type[Outlet[Any]]] = {
    TrackSource.MICROPHONE: SoundOutlet,
    TrackSource.CAMERA: PictureOutlet,
    TrackSource.SCREEN_SHARE: PictureOutlet,
}


class Connection:
    """A media room, and the keeper of what is asked of it.

    Attributes:
        number: Rises with each connection of one room, from 1.
        media: Never connected twice.
        keeper: Owns every call to `media` that awaits.
        outlets: One for each source that may be published.
        lost: Why the SFU ended it, if it did.
    """

    def __init__(
        self,
        number: int,
        media: MediaRoom,
        clock: Clock,
        before: Connection | None = None,
    ) -> None:
        self.number = number
        self.media = media
        self.keeper = Keeper(clock)
        self.outlets: dict[TrackSource, Outlet[Any]] = {
            kind: outlet(
                media,
                self.keeper,
                kind,
                before.outlets[kind].source if before else None,
            )
            for kind, outlet in _OUTLETS.items()
        }
        self.lost: DisconnectReason | None = None
        self._ending: asyncio.Task[None] | None = None

    @property
    def is_ending(self) -> bool:
        """Whether nothing new may be asked of it."""
        return self._ending is not None

    @property
    def has_ended(self) -> bool:
        """Whether nothing comes from it any more."""
        return self._ending is not None and self._ending.done()

    async def end(self) -> None:
        """End it and return when it has; cancelling stops the waiting only."""
        await asyncio.shield(self.end_soon())

    def end_soon(self) -> asyncio.Task[None]:
        """Begin to end it, once; return the task, to be kept by the caller."""
        if self._ending is None:
            name = f"connection {self.number} ending"
            self._ending = asyncio.create_task(self._end(), name=name)
        return self._ending

    async def _end(self) -> None:
        # In this order: a publish that is pending when LiveKit's room is left
        # never ends, and what still waits after that would wait for ever.
        await self.keeper.aclose()
        try:
            await self.media.disconnect()
        finally:
            await self.keeper.abandon()
