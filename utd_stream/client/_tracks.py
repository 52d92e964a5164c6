"""Publishes, mutes and withdraws the tracks of one session.

What differs between a microphone and a camera is a `Sender`.

Source: contract.md section 5, Microphone; lessons L20, L21.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias, assert_never

from utd_stream.client._failures import Failures
from utd_stream.client._owner import Owner
from utd_stream.client.room import UTDRoom
from utd_stream.client.rules.facts import OwnMuteRead
from utd_stream.client.rules.sending import DisarmOverdue
from utd_stream.errors import (
    DisconnectedError,
    PublishError,
    UsageError,
    UTDStreamException,
)
from utd_stream.machines import track as t
from utd_stream.models.participants import TrackSource
from utd_stream.ports import AudioSource, Clock

__all__ = ["MicrophoneSender", "Sender", "TrackEffect", "TrackFact", "Tracks"]

logger = logging.getLogger("utd_stream.client")

TrackFact: TypeAlias = t.Overdue | t.Published | t.PublishFailed | OwnMuteRead
TrackEffect: TypeAlias = (
    t.PublishTrack
    | t.UnpublishTrack
    | t.MuteTrack
    | t.UnmuteTrack
    | t.ArmOverdue
    | DisarmOverdue
)


class Sender(Protocol):
    """Sends from one source of this client."""

    @property
    def source(self) -> TrackSource:
        """Which source it is."""
        ...

    async def publish(self) -> None:
        """Publish a track of it; cancelled, it withdraws the track.

        Raises:
            PublishError: If the source cannot be opened, or the SFU did not take
                the track.
            RefusedError: If the SFU does not allow the source.
            DisconnectedError: If the room is not connected, or was left.
        """
        ...

    async def unpublish(self) -> None:
        """Withdraw its track, if one is published.

        Raises:
            DisconnectedError: If the room is not connected.
        """
        ...

    def mute(self, *, muted: bool) -> None:
        """Stop or start sending at once, if a track is published.

        Raises:
            PublishError: If the source cannot be opened anew.
            DisconnectedError: If the room is not connected.
        """
        ...


class MicrophoneSender:
    """The `Sender` of the microphone.

    Args:
        room: Where it is published.
        sound: What is heard; without one nothing is ever wanted.
    """

    source = TrackSource.MICROPHONE

    def __init__(self, room: UTDRoom, sound: AudioSource | None) -> None:
        self._room = room
        self._sound = sound

    async def publish(self) -> None:
        """Publish the sound."""
        assert self._sound is not None  # noqa: S101 -- nothing is wanted without it
        await self._room.publish_microphone(self._sound)

    async def unpublish(self) -> None:
        """Withdraw it."""
        await self._room.unpublish_microphone()

    def mute(self, *, muted: bool) -> None:
        """Mute or unmute it."""
        self._room.mute_microphone(muted)


class Tracks:
    """The tracks of one session.

    Args:
        senders: One for each source.
        room: Where they are published.
        clock: Time.
        limit: How long a right is waited for, in seconds.
        owner: Of the tasks.
        failures: Of the session.
        post: Takes facts.
    """

    def __init__(  # noqa: PLR0913 -- what it is made of
        self,
        senders: Sequence[Sender],
        room: UTDRoom,
        *,
        clock: Clock,
        limit: float,
        owner: Owner,
        failures: Failures,
        post: Callable[[TrackFact], None],
    ) -> None:
        self._senders = {sender.source: sender for sender in senders}
        self._room = room
        self._clock = clock
        self._limit = limit
        self._owner = owner
        self._failures = failures
        self._post = post
        self._publishing: dict[TrackSource, asyncio.Task[None]] = {}
        self._timers: dict[TrackSource, asyncio.Task[None]] = {}
        self._unmuting_failure: PublishError | None = None

    def raise_unmuting_failure(self) -> None:
        """Raise the error of the last unmute, once.

        Raises:
            PublishError: If that unmute failed to open the source again.
        """
        failure, self._unmuting_failure = self._unmuting_failure, None
        if failure is not None:
            raise failure

    def begin(self, effect: TrackEffect) -> None:
        """Begin an effect of a track."""
        source = effect.source
        match effect:
            case t.PublishTrack(_, publication):
                work = self._publish(self._senders[source], publication)
                self._publishing[source] = self._owner.task(work)
            case t.UnpublishTrack():
                _cancel(self._publishing.pop(source, None))
                self._owner.start(_unpublish(self._senders[source]))
            case t.MuteTrack():
                self._mute(self._senders[source], muted=True)
            case t.UnmuteTrack():
                self._mute(self._senders[source], muted=False)
            case t.ArmOverdue(_, wait):
                _cancel(self._timers.pop(source, None))
                self._timers[source] = self._owner.task(self._time_out(source, wait))
            case DisarmOverdue():
                _cancel(self._timers.pop(source, None))
            case _:
                assert_never(effect)

    async def _publish(self, sender: Sender, publication: int) -> None:
        source = sender.source
        try:
            await sender.publish()
        except UTDStreamException as error:
            failure = self._failures.of(error)
            self._post(t.PublishFailed(source, publication, failure))
        except Exception:
            self._post(t.PublishFailed(source, publication))  # nobody waits for ever
            raise  # to the log
        else:
            self._post(t.Published(source, publication))

    async def _time_out(self, source: TrackSource, wait: int) -> None:
        await self._clock.sleep(self._limit)
        self._post(t.Overdue(source, wait))

    def _mute(self, sender: Sender, *, muted: bool) -> None:
        self._unmuting_failure = None
        try:
            sender.mute(muted=muted)
            for sent in self._room.state().local.publications:
                if sent.source is sender.source:
                    self._post(OwnMuteRead(sent))
        except DisconnectedError as error:
            logger.debug("nothing to mute: %s", error)
        except PublishError as error:
            self._unmuting_failure = error
            logger.warning("the %s stays muted: %s", sender.source.value, error)


async def _unpublish(sender: Sender) -> None:
    try:
        await sender.unpublish()
    except (DisconnectedError, UsageError) as error:
        logger.debug("nothing to unpublish: %s", error)


def _cancel(task: asyncio.Task[None] | None) -> None:
    # A task that posts the fact which ends it is about to end.
    if task is not None and task is not asyncio.current_task():
        task.cancel()
