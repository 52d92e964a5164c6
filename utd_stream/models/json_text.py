"""JSON that others wrote, read so that it can be written again.

orjson reads 1,024 levels and writes 254, and code that walks a value
recursively ends even sooner.  Everything from outside is read here, with one
bound for all, so that nothing is taken in that cannot be passed on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import orjson

__all__ = ["MAX_JSON_DEPTH", "read_json"]

# Far more than people nest by hand, far less than any writer of JSON bears.
MAX_JSON_DEPTH = 64


def read_json(text: str | bytes) -> object:
    """Return the JSON value that *text* spells.

    Raises:
        ValueError: If it is not JSON, or arrays and objects are nested deeper
            than `MAX_JSON_DEPTH`; never quotes the text.
    """
    try:
        value: object = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        message = f"not JSON: {error}"
        raise ValueError(message) from None  # it quotes the text
    if _is_deeper(value, MAX_JSON_DEPTH):
        message = f"nested deeper than {MAX_JSON_DEPTH} levels"
        raise ValueError(message)
    return value


def _is_deeper(value: object, depth: int) -> bool:
    layer = [value]
    for _ in range(depth):
        layer = [inner for outer in layer for inner in _inside(outer)]
        if not layer:
            return False
    return any(isinstance(each, dict | list) for each in layer)


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return cast("dict[str, object]", value).values()
    return cast("list[object]", value) if isinstance(value, list) else ()
