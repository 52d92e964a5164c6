"""What LiveKit's native client was asked for, and forgot to negotiate.

It offers anew 150 ms after the last change, and a change that comes while it
makes that offer is lost (``debounce_negotiation`` of its Rust core): a track is
published, and never sent; another's is announced, and never received, until
something else changes.  It is so for whoever joined without the right to
publish, as in an audio room everybody does (``FastPublish`` of the server).
Seen in 14 of 100 tracks published 100 to 160 ms after one was withdrawn.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from livekit import rtc

from utd_stream.adapters._livekit_feed import Feed
from utd_stream.models.participants import TrackSource

__all__ = ["Negotiation"]

# From the last news on, in seconds: an offer and its answer need some 0.2.
_LOOKS = (0.5, 1.0, 2.0, 4.0)
_STATS_LIMIT = 1.0
# Registering any method makes the client offer anew; it has no other name for it.
_METHOD = "utd_stream.offer"

logger = logging.getLogger("utd_stream.adapters")


class Negotiation:
    """Lets the client offer anew while a track is neither sent nor received.

    Args:
        room: LiveKit's own.
        feeds: What is published, each by its source; looked at each time.
        wants: Whether a track of somebody is to be received.
    """

    def __init__(
        self,
        room: rtc.Room,
        feeds: Mapping[TrackSource, Feed[Any]],
        wants: Callable[[str, rtc.RemoteTrackPublication], bool],
    ) -> None:
        self._room = room
        self._feeds = feeds
        self._wants = wants
        self._looks = 0
        self._is_closed = False
        self._task: asyncio.Task[None] | None = None

    def look(self) -> None:
        """See that what was published just now gets through."""
        if self._is_closed:
            return
        is_due = self._looks <= 1  # soon, however fast news follows on news
        self._looks = 0
        if self._task is not None and not self._task.done():
            if is_due:
                return
            self._task.cancel()
        self._task = asyncio.create_task(self._run(), name="negotiation")

    async def aclose(self) -> None:
        """Look no more, whatever news comes while the room is left."""
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _run(self) -> None:
        while self._looks < len(_LOOKS):
            delay = _LOOKS[self._looks]
            self._looks += 1
            await asyncio.sleep(delay)
            is_whole = await self._is_whole()
            if not self._room.isconnected():
                return
            if is_whole:
                if self._looks:  # no news while it was looked at
                    return
            else:
                logger.debug("a track is not negotiated; the client offers anew")
                self._offer()

    async def _is_whole(self) -> bool:
        if not all(map(_is_received, self._others())):
            return False
        sent = [await _is_sent(feed.track) for feed in tuple(self._feeds.values())]
        return all(sent)

    def _others(self) -> list[rtc.RemoteTrackPublication]:
        if not self._room.local_participant.permissions.can_subscribe:
            return []
        return [
            publication
            for other in self._room.remote_participants.values()
            for publication in other.track_publications.values()
            if self._wants(other.identity, publication)
        ]

    def _offer(self) -> None:
        local = self._room.local_participant
        local.register_rpc_method(_METHOD, _refuse)
        local.unregister_rpc_method(_METHOD)


def _is_received(publication: rtc.RemoteTrackPublication) -> bool:
    return publication.track is not None


async def _is_sent(track: rtc.LocalTrack) -> bool:
    """Whether the client has offered *track*; before, it has no figures of it."""
    try:
        async with asyncio.timeout(_STATS_LIMIT):
            stats = await track.get_stats()
    except Exception:  # LiveKit's client raises nothing more precise
        logger.debug("a track tells no figures", exc_info=True)
        return False
    return any(each.WhichOneof("stats") == "outbound_rtp" for each in stats)


async def _refuse(_: rtc.RpcInvocationData) -> str:
    raise rtc.RpcError(rtc.RpcError.ErrorCode.UNSUPPORTED_METHOD, _METHOD)
