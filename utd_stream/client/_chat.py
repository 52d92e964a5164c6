"""The chat of one session: texts of the room, sent and heard."""

from __future__ import annotations

from collections.abc import Callable

from utd_stream._border import HomeLoop
from utd_stream.client.room import UTDRoom
from utd_stream.client.rules.chat import Hearing, Saying, check_text, may_chat
from utd_stream.errors import (
    InvalidArgumentError,
    RateLimitedError,
    RefusedError,
    UTDErrorCode,
)
from utd_stream.models.chat import CHAT_TOPIC, ChatMessage
from utd_stream.models.room_events import RoomEvent, TextReceived
from utd_stream.ports import Clock
from utd_stream.reactive import Events, EventsSource
from utd_stream.snapshots.session import SessionSnapshot, role_of

__all__ = ["Chat"]


class Chat:
    """Sends what may be said, and tells what may be heard.

    Args:
        room: Of the session.
        snapshot: What the session knows now.
        clock: Time.
        home: The event loop of the session.
    """

    def __init__(
        self,
        room: UTDRoom,
        snapshot: Callable[[], SessionSnapshot],
        clock: Clock,
        home: HomeLoop,
    ) -> None:
        self._room = room
        self._snapshot = snapshot
        self._clock = clock
        self._source: EventsSource[ChatMessage] = EventsSource(clock, home)
        self._saying = Saying()
        self._hearing = Hearing()
        room.watch(self._hear)

    @property
    def messages(self) -> Events[ChatMessage]:
        """Those of everybody, one's own when they are sent."""
        return self._source.events

    async def send(self, text: str) -> ChatMessage:
        """Send a message to everybody, and tell it here.

        Raises:
            InvalidArgumentError: If it is no text, blank or too long.
            RefusedError: If the chat is locked.
            RateLimitedError: If it comes too soon after others.
            TransportError: If it could not be sent.
        """
        text, known = check_text(text), self._snapshot()
        if not may_chat(known.role, is_locked=known.chat_locked):
            code = UTDErrorCode.FORBIDDEN.value
            hint = "only hosts and admins chat until a moderator unlocks it"
            raise RefusedError(code, "chat", "send_chat", "locked", hint)
        wait = self._saying.wait(
            self._clock.monotonic(), moderates=known.role.moderates
        )
        if wait:
            message = f"too many messages at once: wait {wait:.1f} s"
            raise RateLimitedError(message, retry_after=wait)
        sent = await self._room.send_text(text, CHAT_TOPIC)
        me = self._snapshot().local
        told = ChatMessage(
            id=sent,
            identity=me.identity,
            name=me.name,
            role=known.role,
            text=text,
            at=self._clock.now(),
            is_local=True,
        )
        self._source.emit(told)
        return told

    def close(self) -> None:
        """Complete the messages."""
        self._source.close()

    def _hear(self, _: int, event: RoomEvent) -> None:
        if not isinstance(event, TextReceived) or event.topic != CHAT_TOPIC:
            return
        known, name, role = self._snapshot(), "", None
        for someone in known.remotes:
            if someone.identity == event.identity:
                name, role = someone.name, role_of(someone.metadata)
        if not may_chat(role, is_locked=known.chat_locked):
            return
        try:
            text = check_text(event.text)
        except InvalidArgumentError:
            return  # another client than ours has sent it
        now = self._clock.monotonic()
        if self._hearing.takes(event.identity, event.id, now):
            message = ChatMessage(
                id=event.id,
                identity=event.identity,
                name=name,
                role=role,
                text=text,
                at=self._clock.now(),
            )
            self._source.emit(message)
