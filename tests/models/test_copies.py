"""Values can be sent to another process, kept in a file and copied."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Mapping
from typing import Any, get_args

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import utd_stream
from utd_stream import machines, media, models, snapshots
from utd_stream.contract import answers, requests
from utd_stream.machines import (
    connection,
    invitation,
    place,
    request,
    seat,
    track,
)
from utd_stream.models import RemoteParticipant, UTDSeat, room_events
from utd_stream.ports import RoomState, SfuNotice, SfuParticipant
from utd_stream.testing import FACT_LOG_SCHEMA
from utd_stream.testing.models import values

_HOMES = (utd_stream, models, room_events, requests, answers, snapshots, machines)
_MACHINES = (connection, invitation, place, request, seat, track)
# Declarations hold functions; settings are bound to more than their types.
_SETTINGS = {
    "utd_stream.client.timeouts",
    "utd_stream.machines._declare",
    "utd_stream.media.devices",
    "utd_stream.media.files",
    "utd_stream.media.pattern",
    "utd_stream.media.sources",
}
CLASSES = {
    value.__name__: value
    for value in (
        *(getattr(home, name) for home in _HOMES for name in home.__all__),
        *(getattr(home, name) for home in _MACHINES for name in home.__all__),
        *(RoomState, SfuParticipant, *get_args(SfuNotice)),
    )
    if isinstance(value, type)
    and attrs.has(value)
    and value.__setattr__ is not object.__setattr__  # frozen: a value
    and not getattr(value, "__parameters__", ())  # of something: drawn in answers
    and value.__module__ not in _SETTINGS
}
COPIES: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),  # noqa: S301 -- made here
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}

every_way = pytest.mark.parametrize("again", COPIES.values(), ids=COPIES)


@pytest.mark.parametrize("kind", CLASSES.values(), ids=CLASSES)
@settings(max_examples=5)  # of each class: what matters is its fields' types
@given(data=st.data())
def test_a_copy_of_a_value_is_equal(kind: type[Any], data: st.DataObject) -> None:
    """Pickled or copied, every value is what it was, and reads the same."""
    value = data.draw(values(kind))

    for again in COPIES.values():
        copied = again(value)
        assert copied == value
        assert type(copied) is type(value)
        assert repr(copied) == repr(value)


@every_way
@pytest.mark.parametrize(
    "value",
    [media.Silence(), media.Tone(440, 0.5), utd_stream.Timeouts(), FACT_LOG_SCHEMA],
    ids=lambda value: type(value).__name__,
)
def test_a_copy_of_a_setting_is_equal(
    value: object, again: Callable[[Any], Any]
) -> None:
    """So are descriptions of sounds, limits and the schema of the log."""
    assert again(value) == value


@every_way
def test_a_copied_map_is_still_read_only(again: Callable[[Any], Any]) -> None:
    """A copy can be written no more than the value it was made of."""
    seat = again(UTDSeat(seat_index=0, attributes={"image": "a"}))

    with pytest.raises(TypeError):
        seat.attributes["image"] = "b"


def test_a_map_equals_a_dict() -> None:
    """Attributes compare with a dict, become one, and read as one."""
    told: Mapping[str, str] = {"image": "a", "lang": "de"}
    held = RemoteParticipant(identity="ann", attributes=told).attributes

    assert held == told
    assert told == held
    assert dict(held) == told
    assert repr(held) == repr(told)
    assert held != {"image": "a"}
