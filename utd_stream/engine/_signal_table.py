"""What the devices of people are told of calls, kept for those who come back."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs
from sqlalchemy import (
    Connection,
    Dialect,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from utd_stream.contract.signaling import SIGNALS_KEPT, CallSignal
from utd_stream.engine._schema import CALLS, META, SIGNALS
from utd_stream.engine._statement import Statement
from utd_stream.models.calls import UTDCallStatus

__all__ = ["News", "SignalTable"]

_S = SIGNALS.c
_EPOCH, _FLOOR = "epoch", "signals_floor"
_RINGS = [status.value for status in UTDCallStatus if status.is_unanswered]


@attrs.frozen
class News:
    """One thing that a person is told.

    Attributes:
        seq: Its number.
        event: What it says, a `CallSignal`.
        device: The client that answered the call, or empty.
        state: The row of the call, JSON.
    """

    seq: int
    event: str
    device: str
    state: str


class SignalTable:
    """Rows of news.

    Args:
        connection: Returns the store's; used within its transaction.
        dialect: Of the database.
    """

    def __init__(self, connection: Callable[[], Connection], dialect: Dialect) -> None:
        self._connection = connection
        # A ring that came late does not ring.
        is_over = and_(
            _S.event == CallSignal.INCOMING.value,
            ~select(literal(1))
            .where(
                CALLS.c.app_id == _S.app_id,
                CALLS.c.call_id == _S.call_id,
                or_(*(CALLS.c.status == status for status in _RINGS)),
            )
            .exists(),
        )
        self._above = Statement(
            select(_S.seq, _S.event, _S.device, _S.state, is_over)
            .where(
                _S.app_id == bindparam("key_app"),
                _S.identity == bindparam("key_identity"),
                _S.seq > bindparam("key_seq"),
            )
            .order_by(_S.seq)
            .limit(bindparam("key_limit")),
            dialect,
        )

    def epoch(self, drawn: str) -> str:
        """Return what names this database; *drawn* where nothing does so far."""
        connection = self._connection()
        found = connection.execute(
            select(META.c.value).where(META.c.key == _EPOCH)
        ).scalar()
        if found is None:
            connection.execute(insert(META).values(key=_EPOCH, value=drawn))
        return drawn if found is None else found

    def above(
        self, app_id: str, identity: str, seq: int, limit: int
    ) -> tuple[Sequence[News], int, bool]:
        """Return the news of a person after number *seq*, oldest first.

        Args:
            app_id: Whose.
            identity: To whom.
            seq: Of the newest that is known.
            limit: How many rows are looked at.

        Returns:
            What is still true to tell; the number of the newest that was looked at,
            as given where nothing is new; and whether there may be more.
        """
        asked = {
            "key_app": app_id,
            "key_identity": identity,
            "key_seq": seq,
            "key_limit": limit,
        }
        rows = self._above.run(self._connection(), [asked]).fetchall()
        told = [News(*row[:4]) for row in rows if not row[4]]
        return told, rows[-1][0] if rows else seq, len(rows) == limit

    def newest(self) -> int:
        """Return the number of the newest news of all; of a deleted one, too."""
        found: int | None = (
            self._connection().execute(select(func.max(_S.seq))).scalar()
        )
        return max(found or 0, self.floor())

    def floor(self) -> int:
        """Return the number up to which news may be deleted."""
        here = select(META.c.value).where(META.c.key == _FLOOR)
        return int(self._connection().execute(here).scalar() or 0)

    def forget(self, now: float, limit: int) -> bool:
        """Delete *limit* rows that are kept no longer.

        Args:
            now: In seconds since 1970 UTC.
            limit: How many.

        Returns:
            Whether there may be more.
        """
        connection = self._connection()
        old = (_S.at <= now - SIGNALS_KEPT) | (_S.at > now + SIGNALS_KEPT)
        found = [
            seq for (seq,) in connection.execute(select(_S.seq).where(old).limit(limit))
        ]
        if found:
            connection.execute(delete(SIGNALS).where(_S.seq.in_(found)))
            self._raise_floor(max(found))
        return len(found) == limit

    def _raise_floor(self, seq: int) -> None:
        connection = self._connection()
        here = META.c.key == _FLOOR
        if connection.execute(select(META.c.value).where(here)).scalar() is None:
            connection.execute(insert(META).values(key=_FLOOR, value=str(seq)))
            return
        floor = max(seq, self.floor())
        connection.execute(update(META).where(here).values(value=str(floor)))
