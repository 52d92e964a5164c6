"""Texts that come to LiveKit's native client as streams.

Each stream is read by itself there, and the end of a later one may come first.  They
are told in the order in which they began, sender by sender.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from livekit import rtc

from utd_stream.models.chat import CHAT_TOPIC
from utd_stream.models.room_events import TextReceived

__all__ = ["Texts"]

logger = logging.getLogger("utd_stream.adapters")

# Of all senders, at once; those that never end must not pile up.
_MOST_AT_ONCE = 64
_PATIENCE = 10.0
_MOST_BYTES = 64_000


class Texts:
    """Reads the texts of a room, each whole, and tells them.

    Args:
        room: LiveKit's own.
        tell: Takes them.
    """

    def __init__(self, room: rtc.Room, tell: Callable[[TextReceived], None]) -> None:
        self._room = room
        self._tell = tell
        # By sender, in the order in which they began.
        self._tasks: dict[asyncio.Task[None], str] = {}
        room.register_text_stream_handler(CHAT_TOPIC, self._opened)

    def end(self) -> None:
        """Read no more."""
        for task in self._tasks:
            task.cancel()

    def forget(self) -> None:
        """Let LiveKit's room go."""
        self._room.unregister_text_stream_handler(CHAT_TOPIC)

    def _opened(self, reader: rtc.TextStreamReader, identity: str) -> None:
        if len(self._tasks) >= _MOST_AT_ONCE:
            reader.close()
            logger.warning("a text was not read: %d are on their way", _MOST_AT_ONCE)
            return
        before = [task for task, whose in self._tasks.items() if whose == identity]
        reading = self._tell_after(before, reader, identity)
        task = asyncio.create_task(reading, name="text")
        self._tasks[task] = identity
        task.add_done_callback(self._tasks.pop)

    async def _tell_after(
        self,
        before: list[asyncio.Task[None]],
        reader: rtc.TextStreamReader,
        identity: str,
    ) -> None:
        text = await self._read(reader)
        if before:
            await asyncio.wait(before)
        if text is not None:
            info = reader.info
            self._tell(TextReceived(text, identity, info.topic, info.stream_id))

    async def _read(self, reader: rtc.TextStreamReader) -> str | None:
        """Return the text; None if it does not come whole."""
        parts: list[str] = []
        size = 0
        try:
            async with asyncio.timeout(_PATIENCE):
                async for part in reader:
                    parts.append(part)
                    size += len(part.encode())
                    if size > _MOST_BYTES:
                        logger.warning("a text was not read: it is too long")
                        return None
        except (rtc.StreamError, TimeoutError) as error:
            logger.debug("a text broke off: %r", error)
            return None
        finally:
            reader.close()
        return "".join(parts)
