"""What is kept of an answer, and how it is made again for a replay.

The status and the fields are kept: the same request gets them again.  The grid
and its revision are read at the replay; kept, they would fill the disk.

Source: contract.md section 3, Idempotency.
"""

from __future__ import annotations

from typing import Any

import attrs
import orjson

from utd_stream.engine.rules import Actor, shown
from utd_stream.engine.rules.kind import CallEntry
from utd_stream.engine.rules.state import Member, Room
from utd_stream.wire import encode, to_json

__all__ = ["kept_fields", "replayed"]

_AS_IT_IS_NOW = attrs.filters.exclude("rev", "grid")


def kept_fields(answer: Any, room: Room) -> tuple[bytes, int]:
    """Return what is kept of *answer*, and the life whose grid it shows.

    Args:
        answer: A model of `utd_stream.contract.answers`.
        room: After the command.

    Returns:
        JSON without ``rev`` and ``grid``; and 0 where there was no grid.
    """
    if isinstance(answer, CallEntry):
        return encode(answer.row), 0
    if not hasattr(answer, "grid"):
        return encode(answer), 0
    fields = attrs.asdict(answer, recurse=False, filter=_AS_IT_IS_NOW)
    told = {name: value for name, value in fields.items() if value is not None}
    return orjson.dumps(told), room.life


def replayed(
    body: bytes, life: int, room: Room | None, member: Member | None, actor: Actor
) -> bytes:
    """Return the body of a replay.

    Args:
        body: As it was kept.
        life: As it was kept.
        room: As it is now.
        member: The row of *actor* in the life that goes on, or None.
        actor: Who asks; the grid is shown to members and the app's secret only.
    """
    if not life or room is None or not room.is_live or room.life != life:
        return body
    is_member = member is not None and member.admitted
    if not is_member and not actor.is_secret:
        return body
    now = {"rev": room.rev, "grid": to_json(shown(room))}
    return orjson.dumps(now | orjson.loads(body))
