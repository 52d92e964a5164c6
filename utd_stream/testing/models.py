"""Hypothesis strategies for models, requests and answers.

Every value is one that the package itself could make: names are names, texts
fit their fields, and what crosses the wire can.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import attrs
from hypothesis import strategies as st

from utd_stream.contract import fields as f
from utd_stream.models.media import AudioFrame, VideoFrame
from utd_stream.models.names import check_display_name, check_identity, check_room_name
from utd_stream.models.seats import MAX_SEAT_COUNT, UTDSeat, UTDSeatGrid

__all__ = [
    "aware_datetimes",
    "display_names",
    "grids",
    "json_values",
    "names",
    "room_names",
    "texts",
    "values",
]


def texts(max_bytes: int = 64) -> st.SearchStrategy[str]:
    """Return any text that can be encoded, control characters included."""
    return st.text(max_size=max_bytes).filter(lambda t: len(t.encode()) <= max_bytes)


def names() -> st.SearchStrategy[str]:
    """Return whatever may name a participant."""
    return _checked(check_identity, 64)


def room_names() -> st.SearchStrategy[str]:
    """Return whatever may name a room."""
    return _checked(check_room_name, 64)


def display_names() -> st.SearchStrategy[str]:
    """Return whatever may be shown as somebody's name."""
    return _checked(check_display_name, 32)


def aware_datetimes() -> st.SearchStrategy[datetime]:
    """Return moments of this century and the last, in any time zone."""
    offsets = st.integers(-12 * 60, 14 * 60).map(lambda m: timedelta(minutes=m))
    return st.datetimes(
        datetime(1970, 1, 2),  # noqa: DTZ001 -- the zone is drawn beside it
        datetime(2099, 12, 30),  # noqa: DTZ001 -- likewise
        timezones=st.just(UTC) | offsets.map(timezone),
    )


def json_values() -> st.SearchStrategy[Any]:
    """Return anything that may be read from JSON."""
    numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(
        allow_nan=False, allow_infinity=False
    )
    return st.recursive(
        st.none() | st.booleans() | numbers | texts(),
        lambda inner: st.lists(inner) | st.dictionaries(texts(), inner),
        max_leaves=10,
    )


def grids(
    max_seats: int = 5, /, **pools: st.SearchStrategy[Any]
) -> st.SearchStrategy[UTDSeatGrid]:
    """Return grids whose seats are in order; see `values` for *pools*."""
    # Made once for each count: to make them at each draw takes milliseconds.
    return st.one_of([_grid(count, pools) for count in range(1, max_seats + 1)])


def values(kind: Any, /, **pools: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return any value of *kind*: a model, a request, an answer, an enum.

    Args:
        kind: Its type.
        pools: What fields of a name are drawn from, wherever they occur.
    """
    return _of(kind, "", pools)


_Pools = Mapping[str, st.SearchStrategy[Any]]


def _checked(check: Callable[[str], str], max_chars: int) -> st.SearchStrategy[str]:
    def fits(text: str) -> bool:
        try:
            check(text)
        except ValueError:
            return False
        return True

    alphabet = st.characters(exclude_categories=("Cs", "Cc"))
    drawn = st.text(alphabet, min_size=1, max_size=max_chars)
    return drawn.map(lambda text: unicodedata.normalize("NFC", text)).filter(fits)


def _grid(count: int, pools: _Pools) -> st.SearchStrategy[UTDSeatGrid]:
    seats = [
        _of(UTDSeat, "", {**pools, "seat_index": st.just(index)})
        for index in range(count)
    ]
    return _built(UTDSeatGrid, {**pools, "seats": st.tuples(*seats)}, UTDSeatGrid)


_SOME_TEXTS = frozenset(
    # These are never empty: None says that there is nothing.
    {"identity", "mode_id", "name", "occupant_identity", "owner_identity"}
    | {"reserved_for", "room_name", "token", "url", "user_token"}
)
_PLAIN: Mapping[Any, st.SearchStrategy[Any]] = {
    f.Identity: names(),
    f.RoomName: room_names(),
    f.RoomOrCall: room_names(),
    f.DisplayName: display_names(),
    f.Image: texts(256),
    f.ModeId: texts(128),
    f.JsonObjectText: texts(256),
    f.Text20: texts(20),
    f.Text50: texts(50),
    f.Text100: texts(100),
    f.Text256: texts(256),
    f.SeatIndex: st.integers(0, MAX_SEAT_COUNT - 1),
    f.SeatCount: st.integers(1, MAX_SEAT_COUNT),
    f.WholeNumber: st.integers(0, 2**53),
    bool: st.booleans(),
    bytes: st.binary(max_size=64),
    datetime: aware_datetimes(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    int: st.integers(0, 2**53),
    Any: json_values(),
    NoneType: st.none(),
}


def _of(  # noqa: C901, PLR0911 -- a line for each kind of type
    kind: Any, name: str, pools: _Pools
) -> st.SearchStrategy[Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        return st.one_of([_of(member, name, pools) for member in arguments])
    if name in pools and kind is not NoneType:
        return pools[name]
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind is str:
        return display_names() if name in _SOME_TEXTS else texts()
    if origin is tuple:
        return st.lists(_of(arguments[0], name, pools), max_size=3).map(tuple)
    if origin is Mapping:
        value = arguments[1]
        told = texts() if value is object else _of(value, name, pools)
        return st.dictionaries(texts(), told, max_size=2)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    if kind is UTDSeatGrid:
        return grids(**pools)
    if kind is AudioFrame:
        return _built(kind, {**_SOUND, **pools}, kind)
    if kind is VideoFrame:
        return st.tuples(_SIDES, _SIDES).flatmap(_pictures)
    return _built(origin or kind, pools, kind)


# Whole samples of one channel or two.
_SOUND: _Pools = {
    "samples": st.binary(max_size=32).map(lambda part: part * 4),
    "sample_rate_hz": st.integers(1, 192_000),
    "channels": st.sampled_from((1, 2)),
}


_SIDES = st.integers(1, 8).map(lambda half: 2 * half)


def _pictures(size: tuple[int, int]) -> st.SearchStrategy[VideoFrame]:
    width, height = size
    whole = width * height * 3 // 2
    return st.builds(
        VideoFrame,
        width_px=st.just(width),
        height_px=st.just(height),
        data=st.binary(min_size=whole, max_size=whole),
        at=st.floats(0, 1e6),
        rotation=st.sampled_from((0, 90, 180, 270)),
    )


def _built(model: Any, pools: _Pools, kind: Any) -> st.SearchStrategy[Any]:
    hints = get_type_hints(model)
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for field in attrs.fields(model):
        hint = hints[field.name]
        if isinstance(hint, TypeVar):
            (hint,) = get_args(kind)  # of a generic value: what it holds
        elif getattr(hint, "__parameters__", ()):
            hint = hint[get_args(kind)]
        fields[field.name] = _of(hint, field.name, pools)
    return st.builds(model, **fields)
