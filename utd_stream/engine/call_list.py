"""Listing calls, a piece at a time, so that no command waits for a list.

The calls are read by their time, newest first, and looked at here: what is asked
for may be rare among a million.  How many are looked at, and how many are counted,
is bounded; where every call of somebody is wanted, an index counts them.

Source: contract.md section 3, Calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

import attrs

from utd_stream.engine._call_table import Listed
from utd_stream.engine.store import Store
from utd_stream.engine.writer import Writer
from utd_stream.models.calls import UTDCallStatus
from utd_stream.models.rooms import UTDStreamType

__all__ = ["CallFilter", "list_calls"]

_PIECE = 500
MOST_COUNTED = 10_000
_MOST_LOOKED_AT = 100_000


@attrs.frozen(kw_only=True)
class CallFilter:
    """Which calls are wanted; None is any.

    Attributes:
        identity: One of the parties.
        status: Where they stand.
        type: Their type.
        start: Created then or later, UTC.
        end: Created earlier, UTC.
    """

    identity: str | None = None
    status: UTDCallStatus | None = None
    type: UTDStreamType | None = None
    start: datetime | None = None
    end: datetime | None = None

    @property
    def takes_all(self) -> bool:
        """Whether any status and any type will do."""
        return self.status is None and self.type is None

    def takes(self, call: Listed) -> bool:
        """Whether *call* is wanted, but for its party and its time."""
        if self.status is not None and call.status != self.status.value:
            return False
        return self.type is None or call.type == self.type.value


async def list_calls(
    writer: Writer, app_id: str, wanted: CallFilter, first: int, limit: int
) -> tuple[list[str], int]:
    """Return calls from the *first* one on, newest first, and how many there are.

    Args:
        writer: Reads them between batches.
        app_id: Whose.
        wanted: Which.
        first: How many to pass over.
        limit: How many to return at most.

    Returns:
        The rows as JSON; and their number, 10,000 for more.

    Raises:
        UnavailableError: If the database cannot be read now.
    """
    start = wanted.start.timestamp() if wanted.start else 0.0
    before = _at(wanted.end)
    page: list[str] = []
    total = looked_at = 0
    while total < MOST_COUNTED and looked_at < _MOST_LOOKED_AT:
        size = _PIECE
        if wanted.takes_all:
            size = min(size, first + limit - total)
        piece = await writer.transact(
            partial(
                _piece,
                app_id=app_id,
                identity=wanted.identity,
                before=before,
                size=size,
            )
        )
        for call in piece:
            if call.initiated_at < start:
                return page, total
            if wanted.takes(call):
                if first <= total < first + limit:
                    page.append(call.state)
                total += 1
        if wanted.takes_all and len(page) == limit:
            counting = partial(_count, app_id=app_id, wanted=wanted, start=start)
            return page, await writer.transact(counting)
        if len(piece) < size:
            break
        looked_at += len(piece)
        before = piece[-1]
    return page, min(total, MOST_COUNTED)


def _piece(
    store: Store, app_id: str, identity: str | None, before: Listed | None, size: int
) -> Sequence[Listed]:
    return store.calls.newest(app_id, identity, before, size)


def _count(store: Store, app_id: str, wanted: CallFilter, start: float) -> int:
    end = wanted.end.timestamp() if wanted.end else None
    return store.calls.count(app_id, wanted.identity, start, end, MOST_COUNTED)


def _at(end: datetime | None) -> Listed | None:
    """Return what stands behind all calls created before *end*."""
    if end is None:
        return None
    nobody: dict[str, str] = dict.fromkeys(("caller", "callee", "type", "status"), "")
    return Listed(initiated_at=end.timestamp(), call_id="", state="", **nobody)
