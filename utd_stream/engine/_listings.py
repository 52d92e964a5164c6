"""Comparing what the SFU lists with what the engine knows.

A listing of twenty thousand people is mostly what is known already.  It is
digested on the loop, some people at a time; the writer reads what is known in
ranges of a thousand, between two batches; and only the differences are told, in
parts, so that no command waits long.  Each part is decided on the rows as they
are then, so a late one does no harm.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from utd_stream.engine.rules.commands import MembersListed
from utd_stream.engine.rules.kinds import kind_of
from utd_stream.engine.rules.listing import (
    Listed,
    differences,
    listed_of,
    shown_of,
)
from utd_stream.engine.rules.members import Connected
from utd_stream.engine.rules.state import Room
from utd_stream.engine.store import Store
from utd_stream.engine.writer import Writer
from utd_stream.ports import SfuParticipant

__all__ = ["parts_of"]

_RANGE = 1_000
_PART = 250  # people that one command is about
_AT_ONCE = 250  # people who are digested before others have their turn


async def parts_of(  # noqa: PLR0913 -- a listing, and what is known
    writer: Writer,
    room: Room,
    participants: Sequence[SfuParticipant],
    *,
    asked_at: datetime,
    metadata_rev: int | None,
    is_due: bool,
) -> Sequence[MembersListed]:
    """Return what to tell the writer about a listing of *room*, one by one.

    There is nothing to tell where the listing says what is known, and nothing is
    due.

    Args:
        writer: Asked for what is known.
        room: As known.
        participants: Everybody whom the SFU lists.
        asked_at: When it was asked.
        metadata_rev: The revision of itself that the room's metadata shows.
        is_due: Whether a listing is waited for.
    """
    everybody = {each.identity: each for each in participants}
    if not room.is_live:
        some = tuple(participants[:_PART])
        return (MembersListed(participants=some, asked_at=asked_at),)
    listed = await _digested(participants)
    unlike, vanished = await _compared(writer, room, listed)
    is_told = metadata_rev == room.metadata_rev
    # Somebody with a place is away, and may not be waited for yet.
    misses = any(identity not in listed for identity in kind_of(room).placed(room))
    if not (unlike or vanished or is_due or misses) and is_told:
        return ()
    pieces = list(_pieces(unlike, vanished)) or [((), ())]
    return [
        MembersListed(
            participants=tuple(everybody[identity] for identity in some),
            vanished=tuple(gone),
            asked_at=asked_at,
            metadata_rev=metadata_rev,
            is_last=number == len(pieces),
        )
        for number, (some, gone) in enumerate(pieces, 1)
    ]


async def _digested(participants: Sequence[SfuParticipant]) -> Mapping[str, Listed]:
    """Return what the SFU shows of everybody, by identity, sorted."""
    listed: dict[str, Listed] = {}
    for first in range(0, len(participants), _AT_ONCE):
        if first:
            await asyncio.sleep(0)
        some = participants[first : first + _AT_ONCE]
        listed |= {each.identity: listed_of(each) for each in some}
    return {identity: listed[identity] for identity in sorted(listed)}


async def _compared(
    writer: Writer, room: Room, listed: Mapping[str, Listed]
) -> tuple[list[str], list[str]]:
    """Return who is listed otherwise than known, and who is known and not listed."""
    _, members = await writer.members(
        (room.app_id, room.name), tuple(kind_of(room).placed(room))
    )
    placed = {name: shown_of(room, member) for name, member in members.items()}
    names = list(listed)
    unlike: list[str] = []
    vanished: list[str] = []
    first, after = 0, ""
    while True:
        read = partial(_range, room=room, after=after)
        known = await writer.transact(read)
        is_last = len(known) < _RANGE
        behind = len(names) if is_last else bisect_right(names, known[-1].identity)
        some = {name: listed[name] for name in names[first:behind]}
        others, gone = differences(
            known, some, placed=placed, lost_before=room.lost_before
        )
        unlike += others
        vanished += gone
        if is_last:
            return unlike, vanished
        first, after = behind, known[-1].identity


def _range(store: Store, *, room: Room, after: str) -> Sequence[Connected]:
    return store.members.ranges(room.life_key, after, _RANGE)


def _pieces(
    unlike: Sequence[str], vanished: Sequence[str]
) -> Iterator[tuple[Sequence[str], Sequence[str]]]:
    """Yield both in parts of a size."""
    for first in range(0, len(unlike) + len(vanished), _PART):
        behind = first + _PART
        gone = max(first - len(unlike), 0), max(behind - len(unlike), 0)
        yield unlike[first:behind], vanished[gone[0] : gone[1]]
