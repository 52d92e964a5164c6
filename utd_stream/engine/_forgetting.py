"""Forgetting members who have had no connection for a quarter of an hour.

Those who hold something are kept.  Rows are deleted a piece at a time, between
two batches, so that no command waits long for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from utd_stream.engine.committed import Committed
from utd_stream.engine.rules.keeping import may_forget
from utd_stream.engine.rules.members import Place
from utd_stream.engine.rules.state import Member, Room, Rules
from utd_stream.engine.store import RoomKey, Store
from utd_stream.errors import UnavailableError

__all__ = ["PIECE", "forget_members"]

# More than a batch can write, so that pieces are deleted faster than written.
PIECE = 1_000
# Who is due and holds something is looked at again so much later.
_AGAIN = timedelta(minutes=1)


def forget_members(
    store: Store, committed: Committed, rules: Rules, now: datetime
) -> bool:
    """Forget one piece of those who are due, and commit that.

    Args:
        store: Whose rows.
        committed: Forgets them too.
        rules: The numbers in force.
        now: UTC.

    Returns:
        Whether there may be more.
    """
    with store.transaction():
        due = store.members.due(now, PIECE)
        gone = list(_gone(store, committed, rules, now, _readable(store, due).items()))
        store.members.delete(gone)
        store.members.put_off(set(due).difference(gone), now + _AGAIN)
    for place in gone:
        committed.rows.drop(place)
    return len(due) == PIECE


def _readable(store: Store, places: Sequence[Place]) -> Mapping[Place, Member]:
    """Return the rows of *places* but for damaged ones, which hide no other."""
    try:
        return store.members.rows(places)
    except UnavailableError:
        if len(places) == 1:
            return {}
    half = len(places) // 2
    return {**_readable(store, places[:half]), **_readable(store, places[half:])}


def _gone(
    store: Store,
    committed: Committed,
    rules: Rules,
    now: datetime,
    due: Iterable[tuple[Place, Member]],
) -> Iterable[Place]:
    """Yield of whom nothing is lost."""
    for place, member in due:
        app_id, name, life = place[0]
        try:
            room = _room(store, committed, (app_id, name))
        except UnavailableError:
            continue  # its commands are told so
        if room is None or not room.is_live or room.life != life:
            yield place  # of a life that has ended
        elif may_forget(room, member, now, rules):
            yield place


def _room(store: Store, committed: Committed, key: RoomKey) -> Room | None:
    try:
        return committed.room(key)
    except KeyError:
        room = store.load(key)
        committed.keep(key, room)
        return room
