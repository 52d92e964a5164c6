"""Telling what the SFU lists apart from what the engine knows, by digests.

Pure.  A listing of twenty thousand people is mostly what is known already; only
the differences are worth a decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

import attrs

from utd_stream.engine.rules.grants import participant_metadata, permission
from utd_stream.engine.rules.kinds import kind_of
from utd_stream.engine.rules.members import Connected
from utd_stream.engine.rules.state import Member, Room
from utd_stream.models.participants import Permission
from utd_stream.ports import SfuParticipant

__all__ = ["Listed", "differences", "listed_of", "shown_of", "shown_without_place"]

_BYTES = 8


class Listed(NamedTuple):
    """What the SFU shows of somebody.

    Attributes:
        sid: Of the connection.
        shown: Digest of right and metadata.
    """

    sid: str
    shown: str


def listed_of(participant: SfuParticipant) -> Listed:
    """Return what the SFU shows of *participant*."""
    right, metadata = participant.permission, participant.metadata
    shown = _digest(right, metadata) if right is not None else ""
    return Listed(participant.sid, shown)


def shown_of(room: Room, member: Member) -> str:
    """Return the digest of what the SFU is to show of *member*.

    It is empty for those who must be looked at in any case: they are to be
    removed, or to leave by themselves.
    """
    right = permission(room, member)
    if right is None or member.left_at is not None:
        return ""
    return _digest(right, participant_metadata(room, member))


def shown_without_place(room: Room, member: Member) -> str:
    """Return the digest of what the SFU is to show while *member* has no place.

    What a place gives is known to the room, which changes without the member.
    """
    empty = attrs.evolve(room, content=kind_of(room).begin())
    return shown_of(empty, member)


def differences(
    known: Iterable[Connected],
    listed: Mapping[str, Listed],
    *,
    placed: Mapping[str, str],
    lost_before: datetime | None,
) -> tuple[list[str], list[str]]:
    """Return whom a listing shows otherwise than known, and whom not at all.

    Args:
        known: Those who are connected, as far as the engine knows.
        listed: Those whom the SFU lists.
        placed: The digests of those who have a place.
        lost_before: The SFU has forgotten all connections seen before then.
    """
    lost = lost_before.timestamp() if lost_before else 0.0
    unlike = dict(listed)
    vanished: list[str] = []
    for member in known:
        seen = unlike.get(member.identity)
        if seen is None:
            vanished.append(member.identity)
        elif member.seen_at >= lost:
            shown = placed.get(member.identity, member.shown)
            if shown and seen == (member.sid, shown):
                del unlike[member.identity]
    return list(unlike), vanished


def _digest(right: Permission, metadata: str) -> str:
    text = _of_right(right) + metadata.encode()
    return blake2b(text, digest_size=_BYTES).hexdigest()


@lru_cache
def _of_right(right: Permission) -> bytes:
    return repr(right).encode()
