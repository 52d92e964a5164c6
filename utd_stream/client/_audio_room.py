"""What the engine is asked for a session of an audio room."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias, assert_never

from utd_stream.client._entrance import Ticket
from utd_stream.client.api import UTDApi
from utd_stream.client.rules.audio_room import InvitedSeat, NumberedSeat, SeatRequest
from utd_stream.client.rules.facts import GridTold, RoleTold, TokenMinted
from utd_stream.contract.answers import SeatAnswer, SeatedAnswer, UTDTokenResponse

__all__ = ["AudioRoomEntrance", "Mint", "SeatAsker"]

# Asks the engine for a token; True marks one that repairs an outage.
Mint: TypeAlias = Callable[[bool], Awaitable[UTDTokenResponse]]


class AudioRoomEntrance:
    """The `Entrance` of audio rooms.

    Args:
        api: The engine.
        identity: Who this client is.
        room_name: Which room.
        mint: Asks for a token.
        post: Takes facts.
    """

    def __init__(
        self,
        api: UTDApi,
        *,
        identity: str,
        room_name: str,
        mint: Mint,
        post: Callable[[TokenMinted | GridTold | RoleTold], None],
    ) -> None:
        self._api = api
        self._identity = identity
        self._room_name = room_name
        self._mint = mint
        self._post = post

    async def enter(self, number: int, *, resume: bool) -> Ticket:
        """Mint a token."""
        answer = await self._mint(resume)
        self._post(TokenMinted(number, answer, resume))
        return Ticket(url=answer.url, token=answer.token, connection=answer.connection)

    async def say_goodbye(self, connection: int | None) -> None:
        """Leave the room; a seat is free at once."""
        await self._api.leave_room(self._room_name, connection=connection)

    async def read_state(self) -> None:
        """Read the grid and this member's role."""
        self._post(GridTold(await self._api.get_seats(self._room_name)))
        me = await self._api.get_participant(self._room_name, self._identity)
        self._post(RoleTold(me.role))


class SeatAsker:
    """The `Asker` of seats.

    Args:
        api: The engine.
        room_name: Whose seats.
    """

    def __init__(self, api: UTDApi, room_name: str) -> None:
        self._api = api
        self._room_name = room_name

    async def ask(self, request: SeatRequest, *, key: str) -> SeatedAnswer:
        """Take a seat, or accept the invitation to one."""
        return await self._ask(request, key, void=False)

    async def take_back(self, request: SeatRequest, *, key: str) -> None:
        """Take back what was asked and not answered."""
        await self._ask(request, key, void=True)

    async def leave(self) -> SeatAnswer:
        """Leave the seat."""
        return await self._api.leave_seat(self._room_name)

    async def _ask(self, request: SeatRequest, key: str, *, void: bool) -> SeatedAnswer:
        match request:
            case NumberedSeat(index):
                return await self._api.take_seat(
                    self._room_name, index, key=key, void=void
                )
            case InvitedSeat(invitation_id):
                return await self._api.accept_invitation(
                    self._room_name, invitation_id, key=key, void=void
                )
            case _:
                assert_never(request)
