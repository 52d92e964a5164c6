"""What the SFU is told: rights and metadata, pure functions of the room.

Always the whole record: LiveKit replaces every field (T1), and an empty list
of sources would open every source (T37).

Source: contract.md sections 4 and 5.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

import orjson

from utd_stream.engine.rules.kinds import kind_of
from utd_stream.engine.rules.mutes import withdrawn
from utd_stream.engine.rules.state import NOT_MUTED, Member, Mutes, Room, Rules
from utd_stream.models.json_text import read_json
from utd_stream.models.participants import Permission, TrackSource
from utd_stream.models.rooms import RemovalReason

__all__ = [
    "lingers",
    "metadata_revision",
    "participant_metadata",
    "permission",
    "removal_notice",
    "room_metadata",
    "sources_of",
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


def permission(room: Room, member: Member | None) -> Permission | None:
    """Return the right of *member*, or None if the SFU must not have them."""
    if member is None or not member.admitted or not room.is_live:
        return None
    return _right(room, sources_of(room, member))


def sources_of(room: Room, member: Member) -> tuple[TrackSource, ...]:
    """Return what *member* may send from: what the place gives, less hard mutes."""
    given = kind_of(room).granted(room, member.identity)
    if not given:
        return ()
    taken = withdrawn(room, member)
    return tuple(source for source in given if source not in taken)


def removal_notice(room: Room, member: Member | None) -> tuple[Permission, str] | None:
    """Return the right and metadata that tell *member* why they are removed.

    None if there is nothing to tell: they were never a member of this life, or left.
    """
    if member is None or member.admitted:
        return None
    return _right(room, ()), participant_metadata(room, member)


def _right(room: Room, granted: tuple[TrackSource, ...]) -> Permission:
    return Permission(
        can_subscribe=True,
        can_publish=bool(granted),
        can_publish_sources=granted or kind_of(room).sources,
        can_publish_data=True,
        can_update_metadata=False,
        hidden=False,
        can_subscribe_metrics=False,
    )


def lingers(member: Member | None, at: datetime, rules: Rules) -> bool:
    """Whether a member seen at the SFU said goodbye long enough before *at*.

    The SFU can lose a client's word and then shows its ghost until it times
    out; a client that does leave is gone within the grace.  A newer connection
    is no ghost, nor is one for which a token was minted since.
    """
    if member is None or not member.is_connected or member.left_at is None:
        return False
    return at - member.left_at >= timedelta(seconds=rules.leave_grace)


def participant_metadata(room: Room, member: Member) -> str:
    """Return a member's metadata: the engine's keys, and the app's of other names.

    The app's value of a key of the engine's is never shown, not even where the
    engine writes none.  Keys of the app that cannot be read are left out: a right
    is written even if an older engine has kept metadata that this one refuses.
    """
    keys = _app_keys(member.metadata) | {
        "role": member.role.value,
        "appId": room.app_id,
        "service": SERVICE,
        "connection": member.connection,
    }
    grant = kind_of(room).grant(room, member.identity)
    if grant:
        keys["grant"] = grant
    if member.muted != NOT_MUTED:
        keys["muted"] = _said(member.muted)
    if not member.admitted:
        keys["removed"] = RemovalReason.KICKED.value
    return orjson.dumps(keys).decode()


def _app_keys(text: str) -> dict[str, Any]:
    told = _object(text)
    return {key: value for key, value in told.items() if key not in _ENGINE_KEYS}


def _object(text: str) -> dict[str, Any]:
    try:
        keys = read_json(text or "{}")
    except ValueError:
        return {}
    return cast("dict[str, Any]", keys) if isinstance(keys, dict) else {}


def room_metadata(room: Room) -> str:
    """Return the metadata of the SFU's room."""
    facts: dict[str, Any] = {
        "type": room.type.value,
        "owner_identity": room.owner,
        "rev": room.metadata_rev,
    }
    if room.muted != NOT_MUTED:
        facts["muted"] = _said(room.muted)
    if room.ending is not None:
        facts["ended"] = {"by": room.ending.by, "reason": room.ending.reason.value}
    keys = _object(room.metadata) | kind_of(room).metadata(room)
    if room.chat_locked:
        keys["_chat_locked"] = True
    return orjson.dumps(keys | {"_room": facts}).decode()


def _said(mutes: Mutes) -> dict[str, bool]:
    said = {"audio": mutes.audio, "video": mutes.video}
    return {kind: muted for kind, muted in said.items() if muted is not None}


def metadata_revision(metadata: str) -> int | None:
    """Return the revision of itself that the metadata of an SFU's room shows."""
    try:
        told: Any = read_json(metadata or "null")
        rev = cast("object", told["_room"]["rev"])
    except (ValueError, KeyError, TypeError, IndexError):
        return None
    return rev if isinstance(rev, int) and not isinstance(rev, bool) else None
