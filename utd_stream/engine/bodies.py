"""The bodies of requests, bounded each, in sum, and in time.

Half-sent bodies cost memory for as long as they are waited for, so those that
are read at once share one bound.
"""

from __future__ import annotations

from aiohttp import web

from utd_stream.engine.connections import awaiting_body
from utd_stream.errors import InvalidRequestError, UnavailableError

__all__ = ["Bodies", "ClientGoneError"]


class ClientGoneError(ConnectionResetError):
    """The client closed its connection before it had sent the whole body."""


class Bodies:
    """Reads bodies; those that are read at once share a bound.

    Args:
        limit: The largest body, in bytes.
        limit_together: What may be held of all bodies that are still being
            read, in bytes.
    """

    def __init__(self, limit: int, limit_together: int) -> None:
        self._limit = limit
        self._left = limit_together

    async def read(self, request: web.Request) -> bytes:
        """Return the body; a larger one than the limit is not read to its end.

        Raises:
            InvalidRequestError: If it is too large, or is malformed.
            UnavailableError: If too much is being read at once.
            ClientGoneError: If it breaks off.
        """
        size = request.content_length or 0
        if size > self._limit:
            raise self._too_large()
        if not request.can_read_body:
            return b""
        body = bytearray()
        try:
            with awaiting_body(request):
                async for chunk in request.content.iter_any():
                    self._take(len(chunk))
                    body += chunk
                    if len(body) > self._limit:
                        raise self._too_large()
        except web.RequestPayloadError:
            message = "the body is not what its head says"
            raise InvalidRequestError(message, 400, "malformed") from None
        except ConnectionError:
            raise ClientGoneError from None
        finally:
            self._left += len(body)
        return bytes(body)

    def _take(self, size: int) -> None:
        if size > self._left:
            message = "too many bodies are being read; try again in a moment"
            raise UnavailableError(message)
        self._left -= size

    def _too_large(self) -> InvalidRequestError:
        message = f"the body is larger than {self._limit} bytes"
        return InvalidRequestError(message, 413, "too_large")
