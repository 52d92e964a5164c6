"""The signaling sockets of an engine: who has which, and who is woken.

A socket that is signed in costs a number and three tasks that wait.  A commit wakes
the sockets of those whom it tells something, and no others.

Source: contract.md section 4, Signaling websocket.
"""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from utd_stream.contract.signaling import (
    MAX_FRAME_BYTES,
    PING_PERIOD,
    SOCKETS_OF_ONE,
    SignalClose,
)
from utd_stream.engine._calls import check_head
from utd_stream.engine._signal_socket import ClosingError, SignalSocket
from utd_stream.engine.connections import begin_socket
from utd_stream.engine.services import SERVICES
from utd_stream.errors import InvalidRequestError

__all__ = ["Signaling"]

_CLOSE_WITHIN = 1.0
# So many bytes are sent before the client has to take some.
_UNREAD = 2**14


class Signaling:
    """All sockets.

    Args:
        epoch: Names the engine's database.
    """

    def __init__(self, epoch: str) -> None:
        self._epoch = epoch
        self._open: set[SignalSocket] = set()
        # Of one person, by client.
        self._signed: dict[tuple[str, str], dict[str, SignalSocket]] = {}

    @property
    def epoch(self) -> str:
        """What names the engine's database."""
        return self._epoch

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one socket until it is closed.

        Raises:
            InvalidRequestError: If the request opens none.
        """
        check_head(request)
        ws = web.WebSocketResponse(
            timeout=_CLOSE_WITHIN,
            heartbeat=PING_PERIOD,
            autoping=False,  # they are counted, too
            max_msg_size=MAX_FRAME_BYTES,
            compress=False,
            writer_limit=_UNREAD,
        )
        if not ws.can_prepare(request).ok:
            message = "this is a websocket: open it as one, of version 13"
            raise InvalidRequestError(message, 400, "malformed")
        await ws.prepare(request)
        begin_socket(request)
        socket = SignalSocket(ws, request.app[SERVICES], self)
        self._open.add(socket)
        try:
            await socket.serve()
        finally:
            self._open.discard(socket)
            self._leave(socket)
        return ws

    def enter(self, socket: SignalSocket) -> None:
        """Take a socket that has signed in; an older one of its client is closed.

        Raises:
            ClosingError: If this person has too many.
        """
        mine = self._signed.setdefault((socket.app_id, socket.identity), {})
        older = mine.pop(socket.party_id, None)
        if older is not None:
            why = "a newer socket of this party_id took its place"
            older.close(SignalClose.REPLACED, why)
        elif len(mine) >= SOCKETS_OF_ONE:
            why = f"this person has {SOCKETS_OF_ONE} sockets: close one"
            raise ClosingError(SignalClose.TOO_MUCH, why)
        mine[socket.party_id] = socket

    def wake(self, told: Iterable[tuple[str, str]]) -> None:
        """Wake the sockets of those who are told something."""
        for person in told:
            for socket in self._signed.get(person, {}).values():
                socket.wake()

    def stop(self) -> None:
        """Close all of them: the engine stops."""
        for socket in list(self._open):
            why = "the engine stops: open another one in a while"
            socket.close(SignalClose.STOPPING, why)

    def _leave(self, socket: SignalSocket) -> None:
        person = socket.app_id, socket.identity
        mine = self._signed.get(person, {})
        if mine.get(socket.party_id) is socket:
            del mine[socket.party_id]
        if not mine:
            self._signed.pop(person, None)
