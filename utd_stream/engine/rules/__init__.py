"""The engine's decisions: pure functions over one room.

Nothing in here reaches network, clock or chance; `tests/test_layers.py` says so.
"""

from __future__ import annotations

from utd_stream.engine.rules.commands import Actor, Command
from utd_stream.engine.rules.decide import Decision, decide, next_deadline, overdue
from utd_stream.engine.rules.effects import (
    Effect,
    Say,
    SyncMetadata,
    SyncParticipant,
    SyncRoom,
)
from utd_stream.engine.rules.grants import (
    lingers,
    participant_metadata,
    permission,
    removal_notice,
    room_metadata,
)
from utd_stream.engine.rules.kinds import shown
from utd_stream.engine.rules.needs import Needs, needs
from utd_stream.engine.rules.rows import Rows
from utd_stream.engine.rules.state import Member, Room, Rules

__all__ = [
    "Actor",
    "Command",
    "Decision",
    "Effect",
    "Member",
    "Needs",
    "Room",
    "Rows",
    "Rules",
    "Say",
    "SyncMetadata",
    "SyncParticipant",
    "SyncRoom",
    "decide",
    "lingers",
    "needs",
    "next_deadline",
    "overdue",
    "participant_metadata",
    "permission",
    "removal_notice",
    "room_metadata",
    "shown",
]
