"""A websocket of aiohttp."""

from __future__ import annotations

import aiohttp

from utd_stream.errors import TransportError
from utd_stream.ports import WebsocketEnd

__all__ = ["AiohttpWebsocket"]

_BROKEN = 1006
_NO_TEXT = 1003


class AiohttpWebsocket:
    """`Websocket` over one of aiohttp.

    Args:
        ws: Open.
    """

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self._ws = ws

    async def send(self, text: str) -> None:
        """Send one message."""
        try:
            await self._ws.send_str(text)
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            message = f"the signaling socket has ended: {type(error).__name__}"
            raise TransportError(message) from error

    async def receive(self) -> str | WebsocketEnd:
        """Return the next message, or how it has ended."""
        try:
            message = await self._ws.receive()
        except (aiohttp.ClientError, OSError):
            # A ping is answered here, on a line that may be closing by then.
            return WebsocketEnd(code=_BROKEN)
        if message.type is aiohttp.WSMsgType.TEXT:
            text: str = message.data
            return text
        if message.type is aiohttp.WSMsgType.BINARY:
            await self._ws.close(code=_NO_TEXT)
            return WebsocketEnd(code=_NO_TEXT)
        if message.type is aiohttp.WSMsgType.CLOSE:
            return WebsocketEnd(
                code=message.data or _BROKEN, reason=message.extra or ""
            )
        return WebsocketEnd(code=self._ws.close_code or _BROKEN)

    async def aclose(self) -> None:
        """Close it; idempotent."""
        await self._ws.close()
