"""Hypothesis strategies for what is said: orders, facts, events, bodies, frames.

Every value is one that some peer could send, sensible or not: an order names a
seat that is not there, a fact comes late.  Whoever wants people and seats to
meet gives few of them::

    orders(identity=st.sampled_from(("ana", "ben")), seats=st.integers(0, 2))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import orjson
from hypothesis import strategies as st

from utd_stream.contract.endpoints import ENDPOINTS
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules import effects as e
from utd_stream.models.room_events import RoomEvent
from utd_stream.models.seats import UTDSeatGrid
from utd_stream.ports import SfuNotice
from utd_stream.testing.models import grids, json_values, texts, values
from utd_stream.wire import grid_to_json, grid_to_metadata

__all__ = [
    "answers",
    "call_orders",
    "data_messages",
    "effects",
    "entries",
    "facts",
    "grid_frames",
    "metadata_frames",
    "notices",
    "orders",
    "requests",
    "room_events",
]

# What the engine tells people of, beside the grid.
_KINDS = ("_kicked", "_room_ended", "_seat_update")


def orders(
    *kinds: type[c.Order], **pools: st.SearchStrategy[Any]
) -> st.SearchStrategy[c.Order]:
    """Return whatever somebody may order in a room.

    Args:
        kinds: Which orders; all by default.
        pools: What fields of a name are drawn from.  ``seats`` and ``ids``
            stand for all that name a seat, a request or an invitation.
    """
    spread = _spread(pools)
    return st.one_of([values(kind, **spread) for kind in kinds or get_args(c.Order)])


def entries(
    **pools: st.SearchStrategy[Any],
) -> st.SearchStrategy[c.Enter | c.LeaveRoom]:
    """Return whatever lets somebody into a room, or out of it."""
    return _any_of(c.Enter | c.LeaveRoom, _spread(pools))


def call_orders(
    **pools: st.SearchStrategy[Any],
) -> st.SearchStrategy[c.CallCommand | c.CreateCall]:
    """What somebody orders about calls."""
    return _any_of(c.CallCommand | c.CreateCall, pools)


def facts(**pools: st.SearchStrategy[Any]) -> st.SearchStrategy[c.Fact]:
    """Return whatever the SFU and the clock may tell the engine of a room."""
    return _any_of(c.Fact, _spread(pools))


def effects(**pools: st.SearchStrategy[Any]) -> st.SearchStrategy[e.Effect]:
    """Return whatever a decision may ask of the SFU."""
    return _any_of(e.Effect, {"kind": st.sampled_from(_KINDS), **pools})


def notices(**pools: st.SearchStrategy[Any]) -> st.SearchStrategy[SfuNotice]:
    """Return whatever an SFU may tell its engine."""
    return _any_of(SfuNotice, pools)


def room_events(**pools: st.SearchStrategy[Any]) -> st.SearchStrategy[RoomEvent]:
    """Return whatever an SFU may tell a client."""
    return _any_of(RoomEvent, pools)


def requests(**pools: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return the body of any request, as its model."""
    models = {each.request: None for each in ENDPOINTS if each.request is not None}
    return st.one_of([values(model, **pools) for model in models])


def answers(**pools: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return the body of any answer, as its model."""
    models = {each.answer: None for each in ENDPOINTS if each.answer is not None}
    return st.one_of([values(model, **pools) for model in models])


def grid_frames(**pools: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return a grid as JSON, in one of its two spellings, or something like it."""
    spelled = st.sampled_from((grid_to_json, grid_to_metadata))
    whole = st.builds(_spelled, grids(**pools), spelled)
    keys = st.sampled_from(("seats", "rev", "count", "requests", "invitations"))
    return whole | st.builds(_disturbed, whole, keys, json_values())


def metadata_frames(**pools: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    """Return a room's metadata: an engine's, an older one's, another's, or noise."""
    owner = st.none() | texts()
    room = st.fixed_dictionaries(
        {}, optional={"type": texts(), "owner_identity": owner}
    )
    keys = st.fixed_dictionaries(
        {}, optional={"_seats": grid_frames(**pools), "_room": room}
    )
    return st.one_of(keys.map(_text), json_values().map(_text), texts())


def data_messages() -> st.SearchStrategy[bytes]:
    """Return a data message: an engine's, an app's, a forged one, or noise."""
    told = st.fixed_dictionaries(
        {"type": st.sampled_from(_KINDS) | texts()},
        optional={"_seats": grid_frames(), "identity": texts(), "text": texts()},
    )
    return st.one_of(told.map(orjson.dumps), st.binary(max_size=64))


def _any_of(
    union: Any, pools: dict[str, st.SearchStrategy[Any]]
) -> st.SearchStrategy[Any]:
    return st.one_of([values(kind, **pools) for kind in get_args(union)])


# Fields that stand for the same thing.
_ALIKE = {
    "seats": ("a", "b", "host_seat", "index", "seat_index", "target"),
    "ids": ("invitation_id", "request_id"),
}


def _spread(pools: dict[str, st.SearchStrategy[Any]]) -> dict[str, Any]:
    spread = {
        name: pools[alike]
        for alike in _ALIKE
        if alike in pools
        for name in _ALIKE[alike]
    }
    return {**spread, **{k: v for k, v in pools.items() if k not in _ALIKE}}


def _spelled(
    grid: UTDSeatGrid, spell: Callable[[UTDSeatGrid], dict[str, Any]]
) -> dict[str, Any]:
    return spell(grid)


def _disturbed(frame: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    """Return *frame* with *value* at *key*; None takes it out."""
    kept = {name: held for name, held in frame.items() if name != key}
    return kept if value is None else {**kept, key: value}


def _text(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
