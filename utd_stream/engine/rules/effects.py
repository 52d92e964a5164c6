"""What a decision asks of the world: rows of the outbox.

Each says what to look at, never what to write: the sender reads the room as
it is then, so that no row is ever stale.
"""

from __future__ import annotations

from typing import TypeAlias

import attrs

__all__ = [
    "Effect",
    "Say",
    "SyncMetadata",
    "SyncParticipant",
    "SyncRoom",
    "TellCall",
]


@attrs.frozen
class SyncRoom:
    """Create the room at the SFU while it lives, delete it when it ended."""


@attrs.frozen
class SyncMetadata:
    """Write the room's metadata."""


@attrs.frozen
class SyncParticipant:
    """Write the right and metadata of *identity*, or remove who may not be in."""

    identity: str


@attrs.frozen
class Say:
    """Tell people the reason of what comes next.

    Attributes:
        kind: Type of the message, beginning with ``_``.
        to: Identities; empty for everybody in the room.
    """

    kind: str
    to: tuple[str, ...] = ()


@attrs.frozen
class TellCall:
    """Tell both parties of a call its row, by signaling and by the list of calls."""


Effect: TypeAlias = SyncRoom | SyncMetadata | SyncParticipant | Say | TellCall
