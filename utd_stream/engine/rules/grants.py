"""What the SFU is told: rights and metadata, pure functions of the room.

Always the whole record: LiveKit replaces every field (T1), and an empty list
of sources would open every source (T37).

Source: contract.md sections 4 and 5.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

import orjson

from utd_stream.engine.rules.state import Room, Rules
from utd_stream.models.json_text import read_json
from utd_stream.models.participants import Permission, TrackSource
from utd_stream.models.rooms import RemovalReason
from utd_stream.wire import grid_to_metadata

__all__ = [
    "lingers",
    "participant_metadata",
    "permission",
    "removal_notice",
    "room_metadata",
    "speaks",
]

SERVICE = "utd_stream"

# The engine's own keys of participant metadata, those included that it does not
# write yet: a client believes each of them.
_ENGINE_KEYS = frozenset(
    {
        *("role", "appId", "service", "videoEffects", "connection", "stage"),
        *("grant", "muted", "removed"),
    }
)


def speaks(room: Room, identity: str) -> bool:
    """Whether *identity* sits on a seat that is not muted."""
    index = room.seat_index_of(identity)
    return index is not None and not room.seats[index].data.muted


def permission(room: Room, identity: str) -> Permission | None:
    """Return the right of *identity*, or None if the SFU must not have them."""
    if room.member(identity) is None:
        return None
    return _right(may_publish=speaks(room, identity))


def removal_notice(room: Room, identity: str) -> tuple[Permission, str] | None:
    """Return the right and metadata that tell *identity* why they are removed.

    None if there is nothing to tell: they were never a member of this life, or left.
    """
    member = room.members.get(identity)
    if member is None or member.admitted:
        return None
    return _right(may_publish=False), participant_metadata(room, identity)


def _right(*, may_publish: bool) -> Permission:
    return Permission(
        can_subscribe=True,
        can_publish=may_publish,
        can_publish_sources=(TrackSource.MICROPHONE,),
        can_publish_data=True,
        can_update_metadata=False,
        hidden=False,
        can_subscribe_metrics=False,
    )


def lingers(room: Room, identity: str, at: datetime, rules: Rules) -> bool:
    """Whether a member seen at the SFU said goodbye long enough before *at*.

    The SFU can lose a client's word and then shows its ghost until it times
    out; a client that does leave is gone within the grace.  A newer connection
    is no ghost, nor is one for which a token was minted since.
    """
    member = room.member(identity)
    if member is None or not member.is_connected or member.left_at is None:
        return False
    return at - member.left_at >= timedelta(seconds=rules.leave_grace)


def participant_metadata(room: Room, identity: str) -> str:
    """Return a member's metadata: the engine's keys, and the app's of other names.

    The app's value of a key of the engine's is never shown, not even where the
    engine writes none.  Keys of the app that cannot be read are left out: a right
    is written even if an older engine has kept metadata that this one refuses.

    Raises:
        KeyError: If *identity* was never a member of this life.
    """
    member = room.members[identity]
    keys = _app_keys(member.metadata) | {
        "role": member.role.value,
        "appId": room.app_id,
        "service": SERVICE,
        "connection": member.connection,
    }
    grant = _grant(room, identity)
    if grant:
        keys["grant"] = grant
    if not member.admitted:
        keys["removed"] = RemovalReason.KICKED.value
    return orjson.dumps(keys).decode()


def _grant(room: Room, identity: str) -> int:
    index = room.seat_index_of(identity)
    return 0 if index is None else room.seats[index].grant


def _app_keys(text: str) -> dict[str, Any]:
    try:
        keys = read_json(text or "{}")
    except ValueError:
        return {}
    if not isinstance(keys, dict):
        return {}
    told = cast("dict[str, Any]", keys)
    return {key: value for key, value in told.items() if key not in _ENGINE_KEYS}


def room_metadata(room: Room) -> str:
    """Return the metadata of the SFU's room."""
    facts: dict[str, Any] = {
        "type": room.type.value,
        "owner_identity": room.owner,
        "rev": room.metadata_rev,
    }
    if room.ending is not None:
        facts["ended"] = {"by": room.ending.by, "reason": room.ending.reason.value}
    keys = {"_seats": grid_to_metadata(room.grid), "_room": facts}
    return orjson.dumps(keys).decode()
