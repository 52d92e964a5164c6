"""Times of the future, after a clock was set back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

__all__ = ["late"]


def late(value: object, limit: datetime, *names: str) -> dict[str, Any]:
    """Return *limit* under each of *names* under which *value* has a later time."""
    times: dict[str, datetime | None] = {name: getattr(value, name) for name in names}
    return {name: limit for name, at in times.items() if at is not None and at > limit}
