"""How one row of the outbox is told to the SFU.

A row says what to look at; what is written is read from the room when it is
sent, so that nothing sent is ever stale.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import cast

import attrs
import orjson

from utd_stream.engine.border_log import log_refusal
from utd_stream.engine.rules.grants import (
    lingers,
    participant_metadata,
    permission,
    removal_notice,
    room_metadata,
)
from utd_stream.engine.rules.kinds import kind_of
from utd_stream.engine.rules.state import Room, Rules
from utd_stream.engine.store import OutboxRow
from utd_stream.engine.writer import Writer
from utd_stream.errors import (
    SfuNotFoundError,
    SfuRefusedError,
    UTDStreamException,
)
from utd_stream.models.json_text import read_json
from utd_stream.models.names import sfu_room_name
from utd_stream.models.participants import Permission
from utd_stream.ports import Clock, Sfu

__all__ = ["Teller", "Told"]

_LOG = logging.getLogger(__name__)

# A message only names the reason of what comes next, so it holds nothing up
# for long; LiveKit takes 3 s to see that a room is not there.
_HINT_TIME = 1.0
# Smaller metadata is written as often as it changes.
_SMALL_BYTES = 16 * 1024


@attrs.frozen(kw_only=True)
class Told:
    """What became of a row that the SFU has taken.

    Attributes:
        is_missing: It was a grant of somebody whom the SFU does not know, though
            the roster has them connected: they may have just joined (T6).
        metadata_bytes: Of the room's metadata that was written, if it is large.
        connected: How many the SFU sends that to.
    """

    is_missing: bool = False
    metadata_bytes: int = 0
    connected: int = 0


_TOLD = Told()


class Teller:
    """Tells the SFU, one row at a time.

    Args:
        writer: Reads rooms.
        sfu: Told.
        clock: Of the engine.
        rules: The numbers in force.
        concurrency: How many requests may be under way.
    """

    def __init__(
        self, writer: Writer, sfu: Sfu, clock: Clock, rules: Rules, concurrency: int
    ) -> None:
        self._writer = writer
        self._sfu = sfu
        self._clock = clock
        self._rules = rules
        self._free = asyncio.Semaphore(concurrency)

    async def tell(self, row: OutboxRow) -> Told:
        """Tell the SFU what *row* asks for, as its room stands now.

        Raises:
            SfuNotFoundError: If nobody is there for whom it was.
            SfuRefusedError: If the SFU will never take it.
            TransportError: If another try may do.
        """
        name = sfu_room_name(*row.key)
        match row.kind:
            case "room":
                await self._tell_room(name, await self._room(row))
            case "metadata":
                return await self._tell_metadata(name, row)
            case "participant":
                return await self._tell_participant(name, row)
            case _:
                await self._say(name, row)
        return _TOLD

    async def _room(self, row: OutboxRow) -> Room | None:
        return await self._writer.room(row.key, row.version)

    async def _say(self, name: str, row: OutboxRow) -> None:
        said, to = cast("tuple[str, list[str]]", read_json(row.payload))
        try:
            async with self._free, self._clock.timeout(_HINT_TIME):
                await self._sfu.send_data(name, orjson.dumps({"type": said}), to=to)
        except TimeoutError:
            _LOG.info("nobody in %s took %s in time", name, said)

    async def _tell_room(self, name: str, room: Room | None) -> None:
        if room is None or not room.is_live:
            if room is not None:
                await self._tell_end(name, room)
            async with self._free:
                await self._sfu.delete_room(name)
            return
        text = room_metadata(room)
        async with self._free:
            made = await self._sfu.create_room(
                name,
                metadata=text,
                empty_timeout=self._rules.room_empty,
                max_participants=kind_of(room).most_participants,
            )
            if made.metadata != text:
                # It was there: LiveKit leaves a room that exists as it is.
                await self._sfu.update_room_metadata(name, text)

    async def _tell_end(self, name: str, room: Room) -> None:
        with _let_pass(f"how {name} ended"):
            async with self._free, self._clock.timeout(_HINT_TIME):
                await self._sfu.update_room_metadata(name, room_metadata(room))

    async def _tell_metadata(self, name: str, row: OutboxRow) -> Told:
        room = await self._room(row)
        if room is None or not room.is_live:
            return _TOLD
        text = room_metadata(room)
        try:
            async with self._free:
                await self._sfu.update_room_metadata(name, text)
        except SfuNotFoundError:
            # The SFU has forgotten the room, or closed it when it was empty, or
            # because it has ended in the meantime.
            await self._tell_room(name, await self._room(row))
        size = len(text.encode())
        if size <= _SMALL_BYTES:
            return _TOLD
        life, since = room.life_key, room.lost_before
        connected = await self._writer.transact(
            lambda store: store.members.connected(life, since)
        )
        return Told(metadata_bytes=size, connected=connected)

    async def _tell_participant(self, name: str, row: OutboxRow) -> Told:
        try:
            return await self._write_right(name, row)
        except Exception as error:
            if not _is_final(error):
                raise
            # It may be a revoke, so the SFU must not let them go on.
            what = f"a right in {row.key} cannot be written; its holder is removed"
            log_refusal(what, error)
            await self._remove(name, row.slot)
        return _TOLD

    async def _write_right(self, name: str, row: OutboxRow) -> Told:
        room, member = await self._writer.member(row.key, row.slot, row.version)
        granted = None if room is None else permission(room, member)
        if (
            room is None
            or member is None
            or granted is None
            or lingers(member, self._clock.now(), self._rules)
        ):
            notice = None if room is None else removal_notice(room, member)
            await self._remove(name, row.slot, notice)
            return _TOLD
        try:
            async with self._free:
                await self._sfu.update_participant(
                    name,
                    row.slot,
                    permission=granted,
                    metadata=participant_metadata(room, member),
                )
        except SfuNotFoundError:
            return Told(is_missing=granted.can_publish and member.is_connected)
        return _TOLD

    async def _remove(
        self, name: str, identity: str, notice: tuple[Permission, str] | None = None
    ) -> None:
        if notice is not None:
            right, metadata = notice
            with _let_pass(f"why {identity} is removed from {name}"):
                async with self._free, self._clock.timeout(_HINT_TIME):
                    await self._sfu.update_participant(
                        name, identity, permission=right, metadata=metadata
                    )
        async with self._free:
            await self._sfu.remove_participant(name, identity)


@contextmanager
def _let_pass(what: str) -> Generator[None]:
    """Let a reason go untold: it must not hold up what it is the reason of."""
    try:
        yield
    except (TimeoutError, UTDStreamException) as error:
        _LOG.info("the SFU was not told %s: %s", what, error)


def _is_final(error: Exception) -> bool:
    """Whether what failed fails however often it is tried."""
    if isinstance(error, UTDStreamException):
        return isinstance(error, SfuRefusedError)
    return True
