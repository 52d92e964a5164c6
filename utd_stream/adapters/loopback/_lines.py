"""Clients' lines to the loopback plane, for whoever wants to break them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from utd_stream.adapters.loopback._server import Server
from utd_stream.errors import SfuNotFoundError

if TYPE_CHECKING:
    from utd_stream.adapters.loopback._room import LoopbackRoom

__all__ = ["Lines"]


class Lines:
    """Faults of the connections of clients, each named by room and identity.

    The room's name is the SFU's.  Where an identity connected again, its
    newest connection is meant.  Each raises `SfuNotFoundError` if there is none.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._clients: dict[LoopbackRoom, None] = {}
        # A killed client cannot free its sources; the plane does at its end.
        self._killed: list[LoopbackRoom] = []

    def cut(self, name: str, identity: str) -> None:
        """Let nothing get through, both ways.

        The client notices at once, and gives up after 23 s (T41); the SFU
        notices after 20 s (T38).
        """
        self._client(name, identity).repair.cut()

    def mend(self, name: str, identity: str) -> None:
        """Undo `cut`; the client is back at its next attempt, within 1 s.

        It resumes, or connects anew if the SFU has dropped it.
        """
        self._client(name, identity).repair.mend()

    def kill(self, name: str, identity: str) -> None:
        """End a client like its process: it does nothing and is told nothing.

        The SFU notices after 20 s (T38).
        """
        client = self._client(name, identity)
        if client.member is not None:
            self._server.silence(client.member)
        for sent in client.sent.values():
            sent.feed.is_cut = True
        client.end(None)
        self._killed.append(client)

    def resume(self, name: str, identity: str) -> None:
        """Break the signal connection alone: a resume, with the same sids (T29)."""
        self._client(name, identity).repair.resume()

    def reconnect(self, name: str, identity: str) -> None:
        """Let the client connect anew: a full reconnect, with new sids (T29)."""
        self._client(name, identity).repair.reconnect()

    # For the plane.

    def keep(self, client: LoopbackRoom) -> None:
        """Know a client that has connected."""
        self._clients[client] = None

    def drop(self, client: LoopbackRoom) -> None:
        """Forget a client that has ended."""
        self._clients.pop(client, None)

    def all(self) -> tuple[LoopbackRoom, ...]:
        """Return every client that is connected, or being repaired."""
        return tuple(self._clients)

    async def aclose(self) -> None:
        """End every client, and free what it sent."""
        for client in (*self._clients, *self._killed):
            client.end(None)
            await client.disconnect()
        self._killed.clear()

    def _client(self, name: str, identity: str) -> LoopbackRoom:
        for client in reversed(self._clients):
            member = client.member
            if member and (member.room.name, member.identity) == (name, identity):
                return client
        message = f"no client of {identity!r} is in {name!r}"
        raise SfuNotFoundError(message)
