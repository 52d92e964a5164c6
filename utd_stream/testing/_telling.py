"""The fact log as a person reads it, in the report of a failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

__all__ = ["told"]

# How much a failure shows, and how wide.
_LINES = 40
_WIDTH = 150
_TEXT = 40


def told(lines: Sequence[str]) -> str:
    """Return the newest *lines* of a fact log, a short line for each.

    Left out is that the engine listed the SFU and nothing changed: it does so
    every few seconds.
    """
    eventful = list(_eventful(lines))
    newest = [_line(entry) for entry in eventful[-_LINES:]]
    title = f"fact log, newest {len(newest)} of {len(lines)} lines, shortened:"
    return "\n".join([title, *newest])


def _eventful(lines: Sequence[str]) -> Iterator[dict[str, Any]]:
    committed: Any = None
    for line in lines:
        entry: dict[str, Any] = orjson.loads(line)
        data = entry["data"]
        match entry["name"]:
            case "Order" if data["command"]["is"] == "MembersListed":
                continue
            case "Answered" if data["to"] == "MembersListed":
                continue
            case "CommittedRoom":
                room = data["room"], data["version"]
                if room == committed and not data["members"]:
                    continue
                committed = room
            case _:
                pass
        yield entry


def _line(entry: dict[str, Any]) -> str:
    at = entry["at"].partition("T")[2].rstrip("Z")
    what = f"{entry['name']}({_fields(entry['data'])})"
    return _clipped(f"{at} {entry['who']}: {what}", _WIDTH)


def _fields(data: dict[str, Any]) -> str:
    shown = ((name, _shown(value)) for name, value in data.items() if name != "is")
    return ", ".join(f"{name}={text}" for name, text in shown if text)


def _shown(value: Any) -> str:
    """Return *value* in a word or two; nothing of what is not there."""
    if value is None or value is False or value in ("", [], {}):
        return ""
    is_a: object = value.__class__  # of JSON
    if is_a is list:
        items: list[Any] = value
        return f"[{', '.join(map(_shown, items))}]"
    if is_a is not dict:
        return _clipped(str(value), _TEXT)
    fields: dict[str, Any] = value
    kind = fields.get("is")
    if kind == "UTDSeatGrid":
        return f"rev {fields['rev']} of [{', '.join(map(_seat, fields['seats']))}]"
    return f"{kind}({_fields(fields)})" if kind else f"{{{_fields(fields)}}}"


def _seat(seat: dict[str, Any]) -> str:
    who = seat["occupant_identity"] or seat["reserved_for"] or "-"
    signs = [name for name in ("locked", "muted") if seat[name]]
    return " ".join([who, *signs])


def _clipped(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 3]}..."
