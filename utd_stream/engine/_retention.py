"""What the database keeps for a day, and how it is deleted afterwards.

An answer is kept for a day after it was given, and a room's name for a day after
the end of its last life: its revisions and its counter of ids go on if it lives
again by then.  What is older is deleted in pieces, so that no command waits long
for it, however much there is.  The members of a life are deleted soon after its end,
which itself touches none of them: a room of twenty thousand ends as fast as one of
ten.

Source: contract.md sections 1, 3 and 4.
"""

from __future__ import annotations

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    exists,
    select,
    update,
)

from utd_stream.engine._schema import ANSWERS, OUTBOX, ROOMS

__all__ = ["KEPT", "PIECE", "forget"]

KEPT = 24 * 3600.0  # in seconds
# More than a batch can write, so that pieces are deleted faster than written.
PIECE = 500


def forget(connection: Connection, now: float) -> bool:
    """Delete one piece of what is older than a day; the caller's transaction commits.

    Nothing is kept longer because the clock was ahead when it was written.

    Args:
        connection: To the database.
        now: In seconds since 1970 UTC.

    Returns:
        Whether there may be more to delete.
    """
    counts = (
        _forget_rooms(connection, now - KEPT),
        _forget_answers(connection, now),
        _bound_ends(connection, now),
        _bound_answers(connection, now + KEPT),
    )
    return PIECE in counts


def _forget_rooms(connection: Connection, ended_by: float) -> int:
    # Rows of the outbox name versions of the room, and a forgotten one begins
    # anew at version 1: so it waits until the SFU has been told of its end.
    untold = exists().where(
        OUTBOX.c.app_id == ROOMS.c.app_id, OUTBOX.c.room == ROOMS.c.name
    )
    # Its members go before it, or they would be those of the next first life.
    keys = _rooms(
        connection, (ROOMS.c.ended_at <= ended_by) & ~ROOMS.c.has_past & ~untold
    )
    if keys:
        connection.execute(delete(ROOMS).where(_HERE), keys)
    return len(keys)


def _bound_ends(connection: Connection, latest: float) -> int:
    keys = _rooms(connection, ROOMS.c.ended_at > latest)
    if keys:
        connection.execute(update(ROOMS).where(_HERE).values(ended_at=latest), keys)
    return len(keys)


def _rooms(connection: Connection, which: ColumnElement[bool]) -> list[dict[str, str]]:
    found = select(ROOMS.c.app_id, ROOMS.c.name).where(which).limit(PIECE)
    return [
        {"key_app": app_id, "key_room": name}
        for app_id, name in connection.execute(found)
    ]


def _forget_answers(connection: Connection, now: float) -> int:
    old = _answers(ANSWERS.c.expires_at <= now)
    return connection.execute(delete(ANSWERS).where(old)).rowcount


def _bound_answers(connection: Connection, latest: float) -> int:
    ahead = _answers(ANSWERS.c.expires_at > latest)
    bounded = update(ANSWERS).where(ahead).values(expires_at=latest)
    return connection.execute(bounded).rowcount


def _answers(which: ColumnElement[bool]) -> ColumnElement[bool]:
    return ANSWERS.c.id.in_(select(ANSWERS.c.id).where(which).limit(PIECE))


_HERE = (ROOMS.c.app_id == bindparam("key_app")) & (
    ROOMS.c.name == bindparam("key_room")
)
