"""A session of an audio room: the grid, my seat, my microphone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import cached_property
from typing import Any, NoReturn, TypeAlias, TypeVar

from utd_stream.client._audio_room import AudioRoomEntrance, Mint, SeatAsker
from utd_stream.client._connector import Connector, Link
from utd_stream.client._failures import Failures
from utd_stream.client._grid import check_index, check_mode, naming_arguments
from utd_stream.client._journal import Journal
from utd_stream.client._owner import Owner
from utd_stream.client._place import Place
from utd_stream.client._runner import Runner
from utd_stream.client._sources import refuse_video
from utd_stream.client._tracks import TrackEffect, Tracks
from utd_stream.client.rules.audio_room import (
    AudioRoomEffect,
    AudioRoomFact,
    AudioRoomState,
    InvitedSeat,
    NumberedSeat,
    SeatRequest,
)
from utd_stream.client.rules.facts import GridTold
from utd_stream.client.session import UTDSession
from utd_stream.contract.answers import (
    InvitationAnswer,
    RequestAnswer,
    SeatAnswer,
    SeatedAnswer,
)
from utd_stream.errors import (
    ClosedError,
    NotFoundError,
    TransportTimeoutError,
)
from utd_stream.machines import connection as c
from utd_stream.machines import place as p
from utd_stream.models.participants import TrackSource
from utd_stream.models.rooms import SeatMode, SeatOccupancy, UTDRole, UTDStreamType
from utd_stream.models.seats import Invitation, SpeakerRequest, UTDSeatGrid
from utd_stream.ports import VideoSource
from utd_stream.reactive import Latest
from utd_stream.snapshots import audio_room as fold
from utd_stream.snapshots.audio_room import AudioRoomSnapshot
from utd_stream.snapshots.session import GONE

__all__ = ["UTDAudioRoomSession"]

_Answer = TypeVar("_Answer", SeatAnswer, SeatedAnswer, RequestAnswer, InvitationAnswer)
_Method: TypeAlias = Callable[..., Awaitable[_Answer]]
_MICROPHONE = TrackSource.MICROPHONE
_Run: TypeAlias = Runner[AudioRoomSnapshot, SeatRequest, AudioRoomFact, AudioRoomEffect]


class UTDAudioRoomSession(UTDSession[AudioRoomSnapshot]):
    """One client's session in an audio room.

    Members speak from seats, host and admin too.  Nothing is optimistic: seats,
    roles and rights change when the engine or the SFU says so.

    An argument that is wrong is an `InvalidArgumentError`, whether this client or
    the engine finds it: ``take_seat("2")`` and ``take_seat(99)``.
    """

    _type = UTDStreamType.AUDIO_ROOM

    def __init__(self, link: Link, room_name: str, mint: Mint) -> None:
        has_microphone = _MICROPHONE in link.sources
        self._run: _Run = Runner(
            AudioRoomState.first(link.identity, has_microphone=has_microphone),
            self._begin,
            journal=Journal(link.log, f"{link.identity} in {room_name}"),
            clock=link.clock,
        )
        self._post = self._run.post
        owner, failures = Owner(), Failures()
        entrance = AudioRoomEntrance(
            link.api,
            identity=link.identity,
            room_name=room_name,
            mint=mint,
            post=self._post,
        )
        connector = Connector(
            link,
            entrance,
            owner=owner,
            post=self._post,
            number=lambda: self._run.state.connecting.data.number,
        )
        self._place = Place(
            SeatAsker(link.api, room_name),
            clock=link.clock,
            new_key=link.new_key,
            owner=owner,
            failures=failures,
            post=self._post,
            sending=lambda: self._run.state.sending,
        )
        self._tracks = Tracks(
            link.sources,
            link.room,
            clock=link.clock,
            limit=link.timeouts.seat,
            owner=owner,
            failures=failures,
            post=self._post,
        )
        super().__init__(link, room_name, self._run, connector, owner)

    # What is seen.

    @property
    def is_host(self) -> bool:
        """Whether the engine granted the role of host."""
        return self._snapshot.value.role is UTDRole.HOST

    @cached_property
    def seats(self) -> Latest[UTDSeatGrid]:
        """The newest grid, by its revision; equal ones are not told twice."""
        return self.snapshot.derive(lambda s: s.grid)

    @cached_property
    def seat(self) -> Latest[int | None]:
        """Where I sit, or None."""
        return self.snapshot.derive(fold.my_seat_index)

    @cached_property
    def occupancy(self) -> Latest[SeatOccupancy]:
        """Where my own seat and microphone stand."""
        return self.snapshot.derive(lambda s: s.occupancy)

    @cached_property
    def speaker_requests(self) -> Latest[tuple[SpeakerRequest, ...]]:
        """The requests that wait for a moderator's answer, oldest first."""
        return self.snapshot.derive(fold.speaker_requests)

    @cached_property
    def invitation(self) -> Latest[Invitation | None]:
        """The invitation that waits for my answer, or None."""
        return self.snapshot.derive(fold.my_invitation)

    # My own seat.

    async def take_seat(self, index: int) -> None:
        """Sit down and speak.

        Returns when the microphone is published; where the seat or the person
        is muted, or `set_microphone(False)` was said, when seated.  If you have
        that seat already, the engine is not asked again.  Cancelling gives the
        seat back.

        Args:
            index: From 0.

        Raises:
            InvalidArgumentError: If the grid has no seat *index*, or no
                microphone is set.
            ConflictError: If the seat is taken, reserved or locked, or lost
                meanwhile.
            PermissionDeniedError: If seats are given on request here.
            RefusedError: If you have another seat (``already_seated``), or a take
                is under way (``pending``).
            PublishError: If the microphone cannot be played, or published.
            TransportTimeoutError: If it took longer than `Timeouts.seat`.
            DisconnectedError: If there is no connection.
            ClosedError: If there can be none: the session or client is closed.
        """
        check_index(index)
        self._tracks.check_given(_MICROPHONE)
        await self._take_seat(NumberedSeat(index))

    async def leave_seat(self) -> None:
        """Leave your seat; does nothing if you have none.

        The engine is asked even if this client knows of no seat: it may have
        given one just now.  Without a connection this returns at once.

        Raises:
            TransportTimeoutError: If the engine did not answer within
                `Timeouts.seat`; it is asked again until it does.
        """
        self._check_open()
        if self.connection_state.value in GONE:
            return
        self._post(p.LeavePlace())
        await self._until_settled(self._link.timeouts.seat)

    async def move_seat(self, index: int) -> UTDSeatGrid:
        """Sit down elsewhere; the microphone goes on.

        Raises:
            ConflictError: If the target is taken, reserved or locked, or I sit
                nowhere; the old seat is kept.
        """
        check_index(index)
        await self._until_settled(self._link.timeouts.seat)
        return await self._ask(self._link.api.move_seat, index)

    async def set_microphone(self, on: bool) -> None:  # noqa: FBT001 -- as elsewhere
        """Be heard or not; off mutes, the track stays.

        Raises:
            RefusedError: If you have no seat (``forbidden``), unless this undoes
                `set_microphone(False)`.
            InvalidArgumentError: If no microphone is set.
            PublishError: If it cannot be played, or published; you stay seated.
        """
        self._check_open()
        await self._tracks.turn(_MICROPHONE, on=on, settled=self._until_published)

    async def set_camera(
        self,
        on: bool,  # noqa: FBT001, ARG002 -- as in the other SDKs
    ) -> NoReturn:
        """Refuse with `RefusedError` (``forbidden``): there are no cameras here."""
        refuse_video("set_camera", self._snapshot.value.occupancy)

    async def set_screen_share(
        self,
        on: bool,  # noqa: FBT001, ARG002 -- as in the other SDKs
    ) -> NoReturn:
        """Refuse with `RefusedError` (``forbidden``): there are no screens here."""
        refuse_video("set_screen_share", self._snapshot.value.occupancy)

    async def switch_camera(
        self,
        source: VideoSource,  # noqa: ARG002 -- as in calls
    ) -> NoReturn:
        """Refuse with `RefusedError` (``forbidden``): there are no cameras here."""
        refuse_video("switch_camera", self._snapshot.value.occupancy)

    # The grid.

    async def get_seats(self) -> UTDSeatGrid:
        """Ask the engine for the grid; return the newest one known."""
        grid = await self._link.api.get_seats(self.room_name)
        self._post(GridTold(grid))
        return self._snapshot.value.grid

    async def setup_seats(
        self,
        seat_count: int | None = None,
        seat_mode: SeatMode | None = None,
        mode_id: str | None = None,
    ) -> UTDSeatGrid:
        """Change size (1 to 100), mode or layout; None stays.  Hosts and admins.

        Those who sit beyond the new end are unseated first.
        """
        return await self._ask(
            self._link.api.setup_seats,
            seat_count=seat_count,
            seat_mode=check_mode(seat_mode),
            mode_id=mode_id,
        )

    async def swap_seats(self, a: int, b: int) -> UTDSeatGrid:
        """Exchange the occupants of two seats; hosts and admins."""
        seats = check_index(a, "a"), check_index(b, "b")
        return await self._ask(self._link.api.swap_seats, *seats)

    async def lock_seat(self, index: int) -> UTDSeatGrid:
        """Unseat the occupant and close the seat; hosts and admins."""
        return await self._ask(self._link.api.lock_seat, check_index(index))

    async def unlock_seat(self, index: int) -> UTDSeatGrid:
        """Open the seat; hosts and admins."""
        return await self._ask(self._link.api.unlock_seat, check_index(index))

    async def mute_seat(self, index: int) -> UTDSeatGrid:
        """Take the right to speak from any occupant of a seat; hosts and admins."""
        return await self._ask(self._link.api.mute_seat, check_index(index))

    async def unmute_seat(self, index: int) -> UTDSeatGrid:
        """Give the right to speak back to the seat; hosts and admins."""
        return await self._ask(self._link.api.unmute_seat, check_index(index))

    async def kick_from_seat(self, index: int) -> UTDSeatGrid:
        """Unseat the occupant; hosts and admins."""
        return await self._ask(self._link.api.kick_from_seat, check_index(index))

    # Requests and invitations.

    async def request_to_speak(self) -> int:
        """Ask for a seat and return the request's id.

        A seat that is being given back is waited for.

        Raises:
            ConflictError: If seats are free for all here (``conflict``), or I
                sit (``already_seated``) or ask (``pending``) already.
        """
        await self._until_settled(self._link.timeouts.seat)
        return (await self._answered(self._link.api.request_to_speak)).request_id

    async def cancel_request(self) -> None:
        """Withdraw your request to speak; does nothing if there is none."""
        await self._ask(self._link.api.cancel_request)

    async def approve_speaker(self, request_id: int) -> UTDSeatGrid:
        """Seat the requester on the first free seat; hosts and admins."""
        return await self._ask(self._link.api.approve_speaker, request_id)

    async def reject_speaker(self, request_id: int) -> UTDSeatGrid:
        """Refuse the requester; hosts and admins."""
        return await self._ask(self._link.api.reject_speaker, request_id)

    async def invite_to_speak(
        self, identity: str, seat_index: int | None = None
    ) -> int:
        """Ask somebody to sit down, on a seat held for them or the first free one.

        Returns the invitation's id.
        """
        if seat_index is not None:
            check_index(seat_index, "seat_index")
        invite = self._link.api.invite_to_speak
        answer = await self._answered(invite, identity, seat_index=seat_index)
        return answer.invitation_id

    async def accept_invitation(self) -> None:
        """Sit down as invited; otherwise like `take_seat`.

        Raises:
            NotFoundError: If no invitation waits for me.
        """
        self._tracks.check_given(_MICROPHONE)
        await self._take_seat(InvitedSeat(self._my_invitation().id))

    async def decline_invitation(self) -> None:
        """Stay where I am.

        Raises:
            NotFoundError: If no invitation waits for me.
        """
        await self._ask(self._link.api.decline_invitation, self._my_invitation().id)

    # The shell.

    def _begin(self, effect: AudioRoomEffect) -> None:
        if isinstance(effect, c.ConnectionEffect):
            self._connector.begin(effect)
        elif isinstance(effect, TrackEffect):
            self._tracks.begin(effect)
        else:
            self._place.begin(effect)

    async def _settle(self) -> None:
        # Given back first: else it might be served after the leave that follows.
        if self._snapshot.value.occupancy is SeatOccupancy.TAKING:
            self._post(p.LeavePlace(with_session=True))
        with suppress(TransportTimeoutError, ClosedError):
            await self._until_settled(self._link.timeouts.goodbye)

    async def _take_seat(self, request: SeatRequest) -> None:
        self._check_open()
        limit = self._link.timeouts.seat
        try:
            with naming_arguments():
                await self._place.take(request, limit, self._until_ready)
        except TransportTimeoutError:
            raise  # of a request: it says more
        except TimeoutError as error:
            message = f"no seat with a microphone within {limit:g} s; none is kept"
            raise TransportTimeoutError(message) from error

    async def _until_published(self) -> None:
        await self.occupancy.until(lambda s: s is not SeatOccupancy.PUBLISHING)

    async def _until_ready(self) -> None:
        await self._until_connected()
        await self._until_settled()

    async def _until_settled(self, limit: float | None = None) -> None:
        try:
            await self.occupancy.until(lambda s: s is not SeatOccupancy.LEAVING, limit)
        except TransportTimeoutError as error:
            message = f"the seat was not freed within {limit} s; it is asked again"
            raise TransportTimeoutError(message) from error

    async def _ask(self, method: _Method[Any], *args: Any, **named: Any) -> UTDSeatGrid:
        await self._answered(method, *args, **named)
        return self._snapshot.value.grid

    async def _answered(
        self, method: _Method[_Answer], *args: Any, **named: Any
    ) -> _Answer:
        with naming_arguments():
            answer = await method(self.room_name, *args, **named)
        self._post(GridTold(answer.grid))
        return answer

    def _my_invitation(self) -> Invitation:
        if (invitation := self.invitation.value) is not None:
            return invitation
        message = "no invitation waits for this member"
        raise NotFoundError(message)
