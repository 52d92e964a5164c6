"""The shell around the occupancy machine: asking, publishing, giving back.

One take is a saga of effects; whoever waits for it waits for a future, and
leaving it at any point posts a fact and lets the owned tasks end it clean.

Source: contract.md section 5, Microphone; lessons L1, L16, L17, L21.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from utd_stream.client._connector import Link
from utd_stream.client._facts import GridTold, OwnMuteRead, RoomRead
from utd_stream.client._owner import Owner
from utd_stream.contract.answers import SeatedAnswer
from utd_stream.errors import (
    ConflictError,
    DisconnectedError,
    EngineError,
    PublishError,
    TransportTimeoutError,
    UnauthenticatedError,
    UsageError,
    UTDStreamException,
)
from utd_stream.machines import Run
from utd_stream.machines import connection as c
from utd_stream.machines import occupancy as o
from utd_stream.models.participants import TrackSource
from utd_stream.models.rooms import SeatOccupancy
from utd_stream.snapshots.audio_room import (
    AudioRoomSnapshot,
    may_have_been_silenced,
    my_seat,
)

__all__ = ["SeatSaga"]

logger = logging.getLogger("utd_stream.client")

# Seconds between the tries to give a seat back.
_GIVE_BACK_PAUSE = 1.0
_SEATED = frozenset({SeatOccupancy.SPEAKING, SeatOccupancy.SILENT})
_NO_CONNECTION = "the connection ended while the seat was taken"


@attrs.frozen(kw_only=True)
class _Asked:
    """A take that was sent, so that it can be sent again."""

    key: str
    seat_index: int | None
    invitation_id: int | None


class SeatSaga:
    """One session's seat and microphone.

    Args:
        link: What the session is made of.
        owner: Of the tasks.
        post: Takes facts.
        snapshot: What the session knows now.
    """

    def __init__(
        self,
        link: Link,
        owner: Owner,
        post: Callable[[Any], None],
        snapshot: Callable[[], AudioRoomSnapshot],
    ) -> None:
        self._link = link
        self._owner = owner
        self._post = post
        self._snapshot = snapshot
        wanted = link.microphone is not None
        self._run = Run(o.OCCUPANCY, o.OccupancyData(wanted=wanted))
        self._asked: _Asked | None = None
        self._asking: asyncio.Task[None] | None = None
        self._giving_back: asyncio.Task[None] | None = None
        self._publishing: asyncio.Task[None] | None = None
        self._timer: asyncio.Task[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._failure: UTDStreamException | None = None
        self._unmuting_failure: PublishError | None = None
        self._rev_when_lost: int | None = None

    @property
    def state(self) -> SeatOccupancy:
        """Of the machine."""
        return self._run.state

    @property
    def op(self) -> int:
        """Number of the operation under way or last ended."""
        return self._run.data.op

    def raise_unmuting_failure(self) -> None:
        """Raise the error of the last unmute, once.

        Raises:
            PublishError: If that unmute failed to open the source again.
        """
        failure, self._unmuting_failure = self._unmuting_failure, None
        if failure is not None:
            raise failure

    def is_late(self, fact: object) -> bool:
        """Whether *fact* belongs to an operation that has ended."""
        return o.is_late(self._run.data, fact)

    def fire(self, fact: o.OccupancyEvent) -> Sequence[o.OccupancyEffect]:
        """Let the machine take *fact*; who waits for a take hears of its end."""
        before = self._run.data
        effects = self._run.fire(fact)
        if before.waits and not self._run.data.waits:
            self._tell_waiter(fact)
        if before.op != self.op:
            # Of an operation that has ended: it must not free the next seat.
            _cancel(self._giving_back)
        if not self._run.data.waits and self.state is not SeatOccupancy.GRANTING:
            _cancel(self._timer)
        return effects

    def missed(
        self, before: AudioRoomSnapshot, after: AudioRoomSnapshot, fact: object
    ) -> tuple[o.OccupancyEvent, ...]:
        """Return what the machine must hear of rights missed in an outage."""
        match fact:
            case c.TransportLost() if self._rev_when_lost is None:
                self._rev_when_lost = before.grid.rev
            case c.Rejoined():
                self._rev_when_lost = None
            case RoomRead() if self._rev_when_lost is not None:
                rev, self._rev_when_lost = self._rev_when_lost, None
                if may_have_been_silenced(after, rev):
                    return o.RightRevoked(), o.RightGranted()
            case _:
                pass
        return ()

    async def take(self, command: o.TakeSeat) -> None:
        """Sit down, publish, return; leaving at any point gives it back.

        Raises:
            UTDStreamException: Why there is no seat; it is given back already
                or on its way.
        """
        self._failure = None
        seat = my_seat(self._snapshot())
        if seat is not None and seat.seat_index == command.seat_index:
            command = attrs.evolve(command, is_mine=True, speaks=not seat.muted)
        waiter = asyncio.get_running_loop().create_future()
        self._post(command)
        if not self._run.data.waits:
            return  # I have that seat, and the microphone is as it should be
        self._waiter = waiter
        op = self.op
        try:
            await waiter
        except asyncio.CancelledError:
            self._post(o.Cancelled(op))
            raise

    def begin(self, effect: o.OccupancyEffect) -> None:
        """Begin what the machine calls for."""
        match effect:
            case o.AskSeat(op, seat_index, invitation_id):
                self._asked = _Asked(
                    key=self._link.new_key(),
                    seat_index=seat_index,
                    invitation_id=invitation_id,
                )
                self._asking = self._owner.task(self._ask(op, self._asked))
            case o.ArmTakeTimeout(op):
                _cancel(self._timer)
                self._timer = self._owner.task(self._time_out(op))
            case o.AskLeave(op):
                self._asked = None
                self._giving_back = self._owner.task(self._give_back(op, None))
            case o.GiveBack(op):
                asked = self._stop_asking()
                self._giving_back = self._owner.task(self._give_back(op, asked))
            case o.PublishMicrophone(publication):
                self._publishing = self._owner.task(self._publish(publication))
            case o.UnpublishMicrophone():
                _cancel(self._publishing)
                self._owner.start(self._unpublish())
            case o.MuteTrack():
                self._mute(muted=True)
            case o.UnmuteTrack():
                self._mute(muted=False)

    def _tell_waiter(self, fact: o.OccupancyEvent) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is None or waiter.done():
            return
        if self.state in _SEATED:
            waiter.set_result(None)
        else:
            waiter.set_exception(self._failure or _why_not(fact, self._link))
            # Cancelled in the same turn, nobody may be left to hear it.
            waiter.exception()

    async def _ask(self, op: int, asked: _Asked) -> None:
        try:
            answer = await self._send(asked)
        except UTDStreamException as error:
            self._failure = error if op == self.op else self._failure
            self._post(o.Refused(op) if _is_no(error) else o.AskFailed(op))
            return
        self._post(GridTold(answer.grid))
        if op != self.op:
            return  # given back meanwhile, or lost
        self._asked = None  # from now on a plain leave gives the seat back
        if my_seat(self._snapshot()) is not None:
            self._post(o.SeatConfirmed(answer.speaks))
            if not answer.speaks:
                self._post(o.SeatMuted())
        elif self._snapshot().grid.seat_of(self._link.identity) is None:
            self._post(o.Refused(op))  # lost already
        else:
            self._failure = DisconnectedError(_NO_CONNECTION)
            self._post(o.AskFailed(op))  # so that it is given back

    async def _send(self, asked: _Asked) -> SeatedAnswer:
        api, room = self._link.api, self._link.room_name
        if asked.invitation_id is not None:
            return await api.accept_invitation(room, asked.invitation_id, key=asked.key)
        assert asked.seat_index is not None  # noqa: S101 -- one of the two is set
        return await api.take_seat(room, asked.seat_index, key=asked.key)

    def _stop_asking(self) -> _Asked | None:
        asked, self._asked = self._asked, None
        _cancel(self._asking)
        return asked

    async def _give_back(self, op: int, asked: _Asked | None) -> None:
        try:
            # The same key: if the engine has served the first one, it answers
            # that again; if not, it decides now and the first one will hear
            # the same.
            if asked is not None:
                await self._send(asked)
            answer = await self._link.api.leave_seat(self._link.room_name)
        except UTDStreamException as error:
            if not _is_lasting_no(error):
                logger.info("the seat could not be given back yet: %s", error)
                self._asked = asked
                await self._link.clock.sleep(_GIVE_BACK_PAUSE)
                self._post(o.GiveBackFailed(op))
                return
        else:
            self._post(GridTold(answer.grid))
        self._post(o.SeatFreed(op))
        seat = my_seat(self._snapshot())
        if seat is not None:  # given by somebody else meanwhile
            self._post(o.SeatConfirmed(speaks=not seat.muted))

    async def _time_out(self, op: int) -> None:
        await self._link.clock.sleep(self._link.timeouts.seat)
        self._post(o.TakeTimedOut(op))

    async def _publish(self, publication: int) -> None:
        source = self._link.microphone
        assert source is not None  # noqa: S101 -- nothing is wanted without one
        try:
            await self._link.room.publish_microphone(source)
        except UTDStreamException as error:
            if publication == self._run.data.publication:
                self._failure = error
            self._post(o.PublishFailed(publication))
        except Exception:
            self._post(o.PublishFailed(publication))  # nobody waits for ever
            raise  # to the log
        else:
            self._post(o.Published(publication))

    async def _unpublish(self) -> None:
        try:
            await self._link.room.unpublish_microphone()
        except (DisconnectedError, UsageError) as error:
            logger.debug("nothing to unpublish: %s", error)

    def _mute(self, *, muted: bool) -> None:
        self._unmuting_failure = None
        try:
            self._link.room.mute_microphone(muted)
            for sent in self._link.room.state().local.publications:
                if sent.source is TrackSource.MICROPHONE:
                    self._post(OwnMuteRead(sent))
        except DisconnectedError as error:
            logger.debug("nothing to mute: %s", error)
        except PublishError as error:
            self._unmuting_failure = error
            logger.warning("the microphone stays muted: %s", error)


def _cancel(task: asyncio.Task[None] | None) -> None:
    # Who ends itself is about to end.
    if task is not None and task is not asyncio.current_task():
        task.cancel()


def _is_no(error: UTDStreamException) -> bool:
    # 503 says that nothing was changed; another 5xx, that nobody knows.
    if not isinstance(error, EngineError) or error.status_code is None:
        return isinstance(error, UsageError)
    return error.status_code < 500 or error.code == "unavailable"  # noqa: PLR2004 -- HTTP


def _is_lasting_no(error: UTDStreamException) -> bool:
    # Who is told to sign in or to come again has not been heard at all.
    again = isinstance(error, UnauthenticatedError) or error.retryable
    return _is_no(error) and not again


def _why_not(fact: o.OccupancyEvent, link: Link) -> UTDStreamException:
    match fact:
        case o.TakeTimedOut():
            return TransportTimeoutError(
                f"no seat with a microphone within {link.timeouts.seat:g} s; "
                "it is given back"
            )
        case o.PublishFailed():
            return PublishError("the microphone could not be published")
        case o.ConnectionEnded() | o.Cancelled():
            return DisconnectedError(_NO_CONNECTION)
        case o.LeaveSeat():
            return ConflictError("the seat was given up while it was taken")
        case _:
            return ConflictError("the seat was lost while it was taken")
