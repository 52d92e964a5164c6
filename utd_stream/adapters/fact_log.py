"""The fact log: what happened in a run, as JSON lines.

One line for each fact, command, effect, revision and refusal, in the order in
which they happened, each with its number, its time, whose it is and its
fields.  What is not shown by `repr` (tokens, keys, secrets) is not in it; of
bytes only their number is, and of what is not ours only its class.
`FACT_LOG_SCHEMA` describes a line.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final, TypeAlias

import attrs
import orjson

from utd_stream.adapters.clock import AsyncioClock
from utd_stream.errors import UTDStreamException
from utd_stream.models._frozen_map import frozen_map
from utd_stream.ports import Clock, FactKind

__all__ = ["FACT_LOG_SCHEMA", "JsonLines"]

FACT_LOG_SCHEMA: Final[Mapping[str, Any]] = frozen_map(
    {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of the fact log of utd_stream, version 1",
        "type": "object",
        "additionalProperties": False,
        "required": ["n", "at", "who", "kind", "name", "data"],
        "properties": {
            "n": {
                "type": "integer",
                "minimum": 1,
                "description": "Rises by one with every line.",
            },
            "at": {
                "type": "string",
                "format": "date-time",
                "description": "UTC, in milliseconds.",
            },
            "who": {
                "type": "string",
                "minLength": 1,
                "description": "Whose it is: engine, faults, or a client's session.",
            },
            "kind": {"enum": ["fact", "command", "effect", "revision", "refusal"]},
            "name": {"type": "string", "minLength": 1},
            "data": {"type": "object"},
        },
    }
)

_LOG = logging.getLogger("utd_stream.fact_log")

_Encode: TypeAlias = Callable[[Any], Any]


class JsonLines:
    """`FactLog` as JSON lines.

    It never raises: what cannot be encoded says so in its line, and what
    *write* raises is logged.

    ::

        async with embedded(fact_log=JsonLines(write=print, keep=0)) as world: ...

    Args:
        clock: Whose time the lines show; the real one by default.
        write: Takes each line, without its end; None only keeps them.
        keep: How many of the newest lines `lines` holds; None for all.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        write: Callable[[str], object] | None = None,
        *,
        keep: int | None = None,
    ) -> None:
        self._kept: deque[_Entry | str] = deque(maxlen=keep)
        self._clock = clock or AsyncioClock()
        self._write = write
        self._count = 0

    @property
    def lines(self) -> list[str]:
        """The newest lines, oldest first; encoded when they are read."""
        return [each if isinstance(each, str) else each.line() for each in self._kept]

    def note(self, who: str, kind: FactKind, what: object) -> None:
        """Take one line."""
        self._count += 1
        entry = _Entry(self._count, self._clock.now(), who, kind, what)
        # What is frozen can wait; an error would keep alive where it was raised.
        is_frozen = attrs.has(type(what))
        self._kept.append(entry if is_frozen else entry.line())
        if self._write is not None:
            try:
                self._write(entry.line())
            except Exception:  # noqa: BLE001 -- the caller's own function
                _LOG.exception("a line of the fact log could not be written")


@attrs.frozen
class _Entry:
    """One line, not yet encoded."""

    number: int
    at: datetime
    who: str
    kind: FactKind
    what: object

    def line(self) -> str:
        entry: dict[str, Any] = {
            "n": self.number,
            "at": _moment(self.at),
            "who": _text(self.who),
            "kind": self.kind,
            "name": type(self.what).__name__,
        }
        try:
            line = orjson.dumps(entry | {"data": _fields(self.what)})
        except Exception as error:  # noqa: BLE001 -- another's object may do anything
            line = orjson.dumps(entry | {"data": {"unreadable": type(error).__name__}})
        return line.decode()


def _moment(moment: datetime) -> str:
    if moment.tzinfo is None:  # another's; whose time it is nobody knows
        return moment.isoformat(timespec="milliseconds")
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _fields(what: object) -> dict[str, Any]:
    if isinstance(what, UTDStreamException):
        return {"code": what.code, "message": str(what)}
    # What is hidden from `repr` is hidden here.
    return {
        field.name: _plain(getattr(what, field.name))
        for field in _declared(what)
        if field.repr is True
    }


def _declared(what: object) -> tuple[attrs.Attribute[Any], ...]:
    kind: type[Any] = type(what)
    return attrs.fields(kind) if attrs.has(kind) else ()


def _plain(value: Any) -> Any:
    for kind, encode in _ENCODERS:
        if isinstance(value, kind):
            return encode(value)
    # Of a foreign object no more than its class: its text may hold a secret.
    return {"is": type(value).__name__, **_fields(value)}


def _same(value: Any) -> Any:
    return value


def _text(value: str) -> str:
    return value.encode(errors="replace").decode()  # JSON has no half characters


def _number(value: int) -> int | str:
    return value if -(2**63) <= value < 2**63 else str(value)


def _texts(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(_plain(name)): _plain(item) for name, item in value.items()}


_ENCODERS: Final[tuple[tuple[Any, _Encode], ...]] = (
    (Enum, lambda value: _plain(value.value)),
    (str, _text),
    ((bool, float, type(None)), _same),
    (int, _number),
    (bytes, lambda value: {"bytes": len(value)}),
    (datetime, _moment),
    (Mapping, _texts),
    ((list, tuple), lambda value: [_plain(item) for item in value]),
    ((set, frozenset), lambda value: sorted((_plain(item) for item in value), key=str)),
    (UTDStreamException, lambda value: {"is": type(value).__name__, **_fields(value)}),
)
