"""The fact log: what happened in a run, as JSON lines.

One line for each fact, command, effect, revision and refusal, in the order in
which they happened, each with its number, its time, whose it is and its
fields.  What is not shown by `repr` (tokens, keys, secrets) is not in it; of
bytes only their number is.  `FACT_LOG_SCHEMA` describes a line.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import Enum
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import attrs
import orjson

from utd_stream.errors import UTDStreamException
from utd_stream.ports import Clock, FactKind

__all__ = ["FACT_LOG_SCHEMA", "JsonLines"]

FACT_LOG_SCHEMA: Final[Mapping[str, Any]] = MappingProxyType(
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
                "description": "Whose it is: engine, sfu, or a client's session.",
            },
            "kind": {"enum": ["fact", "command", "effect", "revision", "refusal"]},
            "name": {"type": "string", "minLength": 1},
            "data": {"type": "object"},
        },
    }
)

_Encode: TypeAlias = Callable[[Any], Any]


class JsonLines:
    """`FactLog` as JSON lines.

    Args:
        clock: Whose time the lines show.
        write: Takes each line, without its end; None only keeps them.
        keep: How many of the newest lines `lines` holds; None for all.

    Attributes:
        lines: The newest lines, oldest first.
    """

    def __init__(
        self,
        clock: Clock,
        write: Callable[[str], object] | None = None,
        *,
        keep: int | None = None,
    ) -> None:
        self.lines: deque[str] = deque(maxlen=keep)
        self._clock = clock
        self._write = write
        self._count = 0

    def note(self, who: str, kind: FactKind, what: object) -> None:
        """Take one line."""
        self._count += 1
        entry = {
            "n": self._count,
            "at": _moment(self._clock.now()),
            "who": who,
            "kind": kind,
            "name": type(what).__name__,
            "data": _fields(what),
        }
        line = orjson.dumps(entry).decode()
        self.lines.append(line)
        if self._write is not None:
            self._write(line)


def _moment(moment: datetime) -> str:
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


def _texts(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(_plain(name)): _plain(item) for name, item in value.items()}


_ENCODERS: Final[tuple[tuple[Any, _Encode], ...]] = (
    (Enum, lambda value: value.value),
    ((str, bool, int, float, type(None)), _same),
    (bytes, lambda value: {"bytes": len(value)}),
    (datetime, _moment),
    (Mapping, _texts),
    ((list, tuple), lambda value: [_plain(item) for item in value]),
    ((set, frozenset), lambda value: sorted((_plain(item) for item in value), key=str)),
    (UTDStreamException, lambda value: {"is": type(value).__name__, **_fields(value)}),
)
