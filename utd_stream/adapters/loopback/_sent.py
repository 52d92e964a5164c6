"""What a client of the loopback plane sends, and what it says when it cannot."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn

import attrs

from utd_stream.adapters.loopback._sound import AnyFeed
from utd_stream.errors import DisconnectedError, PublishError
from utd_stream.models.participants import TrackPublication

__all__ = ["Sent", "refuse_absent", "refuse_answer"]


@attrs.define(eq=False)
class Sent:
    """A track of this client."""

    publication: TrackPublication
    feed: AnyFeed

    def shown(self) -> TrackPublication:
        """Return it as it is now: muted at once."""
        return attrs.evolve(self.publication, muted=self.feed.is_muted)


def refuse_absent() -> NoReturn:
    """Say that nothing can be sent."""
    message = "the room is not connected"
    raise DisconnectedError(message)


def refuse_answer(answer: asyncio.Future[Any]) -> None:
    """Say that the SFU did not answer (T22)."""
    if not answer.done():
        message = (
            "the track was not published: track publication timed out, "
            "no response received from the server"
        )
        answer.set_exception(PublishError(message))
