"""The bodies of requests, bounded each, in sum, and in time.

Half-sent bodies cost memory for as long as the engine waits for them, so those
that it reads at once share one bound.  A body too many takes the place of the one
that the engine has waited for longest: a publishable key is enough to send half
bodies, and must not keep anybody else's out.
"""

from __future__ import annotations

from aiohttp import web

from utd_stream.engine.connections import awaiting_body, drop
from utd_stream.errors import InvalidRequestError

__all__ = ["Bodies", "ClientGoneError"]


class ClientGoneError(ConnectionResetError):
    """The client closed its connection before it had sent the whole body."""


class Bodies:
    """Reads bodies; those that are read at once share a bound.

    Args:
        limit: The largest body, in bytes.
        limit_together: The most that the engine holds of all bodies that it
            is still reading, in bytes; at least *limit*.
    """

    def __init__(self, limit: int, limit_together: int) -> None:
        self._limit = limit
        self._left = limit_together
        # How much of the body that comes on each connection the engine holds, in
        # bytes; the body that it has waited for longest is first.
        self._held: dict[web.RequestHandler, int] = {}

    async def read(self, request: web.Request) -> bytes:
        """Return the body; a larger one than the limit is not read to its end.

        Raises:
            InvalidRequestError: If it is too large, or is malformed.
            ClientGoneError: If it breaks off, or had to make room for others.
        """
        size = request.content_length or 0
        if size > self._limit:
            raise self._too_large()
        if not request.can_read_body:
            return b""
        body = bytearray()
        connection = request.protocol
        self._held[connection] = 0
        try:
            with awaiting_body(request):
                async for chunk in request.content.iter_any():
                    self._take(connection, len(chunk))
                    body += chunk
                    if len(body) > self._limit:
                        raise self._too_large()
        except web.RequestPayloadError:
            message = "the body is not what its head says"
            raise InvalidRequestError(message, 400, "malformed") from None
        except ConnectionError:
            raise ClientGoneError from None
        finally:
            self._give_back(connection)
        return bytes(body)

    def _take(self, connection: web.RequestHandler, size: int) -> None:
        while size > self._left and connection in self._held:
            longest = next(iter(self._held))
            self._give_back(longest)
            drop(longest, "a body had to make room for others")
        if connection not in self._held:
            raise ClientGoneError
        self._left -= size
        self._held[connection] += size

    def _give_back(self, connection: web.RequestHandler) -> None:
        self._left += self._held.pop(connection, 0)

    def _too_large(self) -> InvalidRequestError:
        message = f"the body is larger than {self._limit} bytes"
        return InvalidRequestError(message, 413, "too_large")
