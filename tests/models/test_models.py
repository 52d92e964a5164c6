"""Models are frozen values that know their own bounds."""

from __future__ import annotations

import datetime as dt
import mmap
import sys
from array import array
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import Any, get_args, get_type_hints

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utd_stream import models
from utd_stream.contract import answers, requests
from utd_stream.errors import InvalidArgumentError
from utd_stream.models import (
    AudioFrame,
    Permission,
    RemoteParticipant,
    TrackSource,
    UTDRole,
    UTDSeat,
    UTDSeatGrid,
    UTDStreamType,
    VideoFrame,
    room_events,
)
from utd_stream.models.room_events import ParticipantAttributesChanged
from utd_stream.testing.models import grids, values

CLASSES = {
    name: value
    for home in (models, room_events, requests, answers)
    for name in home.__all__
    if attrs.has(value := getattr(home, name))
}
ENUMS = [
    value
    for name in models.__all__
    if isinstance(value := getattr(models, name), type) and issubclass(value, Enum)
]
NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
NAIVE = NOON.replace(tzinfo=None)

every_class = pytest.mark.parametrize("kind", CLASSES.values(), ids=CLASSES)


@every_class
def test_models_are_frozen(kind: Any) -> None:
    """Nobody can change a value that others look at."""
    blank = kind.__new__(kind)

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        blank.anything = 1


@pytest.mark.parametrize("kind", ENUMS, ids=lambda kind: kind.__name__)
def test_words_are_spelled_as_on_the_wire(kind: type[Enum]) -> None:
    """Members are upper case, their values the same word in lower case."""
    assert [member.value for member in kind] == [m.name.lower() for m in kind]


MOMENTS = [
    pytest.param(kind, field.name, id=f"{name}.{field.name}")
    for name, kind in CLASSES.items()
    for field in attrs.fields(kind)
    if field.name == "at" or field.name.endswith(("_at", "_until"))
    if kind is not VideoFrame  # whose time is since the first of its stream
]


@pytest.mark.parametrize(("kind", "field"), MOMENTS)
@given(data=st.data())
def test_moments_have_a_zone(kind: Any, field: str, data: st.DataObject) -> None:
    """A naive moment means another one on another machine."""
    value = data.draw(values(kind))

    assert getattr(attrs.evolve(value, **{field: NOON}), field) == NOON
    with pytest.raises(ValueError, match=f"{field} must be an aware datetime"):
        attrs.evolve(value, **{field: NAIVE})


def test_every_moment_is_tried() -> None:
    """Whatever is a date and time says so by its name."""
    tried = {(param.values[0], param.values[1]) for param in MOMENTS}
    hints = {
        (kind, name)
        for kind in CLASSES.values()
        for name, hint in get_type_hints(kind).items()
        if datetime in {hint, *get_args(hint)}
    }

    assert tried == hints


@pytest.mark.parametrize(
    "make",
    [
        lambda told: UTDSeat(seat_index=0, attributes=told).attributes,
        lambda told: RemoteParticipant(identity="ann", attributes=told).attributes,
        lambda told: ParticipantAttributesChanged("ann", told).changed,
    ],
    ids=["seat", "participant", "event"],
)
def test_attributes_cannot_be_written(make: Any) -> None:
    """A map that was given is copied, and the copy is read-only."""
    told = {"image": "a"}
    held = make(told)

    told["image"] = "b"

    assert held == {"image": "a"}
    with pytest.raises(TypeError):
        held["image"] = "c"


@given(one=grids(3), other=grids(3))
def test_equal_grids_hash_alike(one: UTDSeatGrid, other: UTDSeatGrid) -> None:
    """A grid can be a key, attributes and all."""
    assert hash(attrs.evolve(one)) == hash(one)
    assert one != other or hash(one) == hash(other)


@given(grid=grids(4))
def test_a_grid_shows_what_it_is(grid: UTDSeatGrid) -> None:
    """What is shown makes an equal grid, though defaults are left out."""
    assert eval(repr(grid), {**vars(models), "datetime": dt}) == grid  # noqa: S307 -- our own text


def test_a_grid_shows_no_defaults() -> None:
    """A free seat is its index, and attributes read like a dict."""
    seats = tuple(UTDSeat(seat_index=i) for i in range(3))

    assert repr(UTDSeatGrid(rev=2, seats=seats)) == (
        "UTDSeatGrid(rev=2, seats=(UTDSeat(seat_index=0), "
        "UTDSeat(seat_index=1), UTDSeat(seat_index=2)))"
    )
    taken = UTDSeat(seat_index=1, occupant_identity="ana", attributes={"image": "a"})
    assert repr(taken) == (
        "UTDSeat(seat_index=1, occupant_identity='ana', attributes={'image': 'a'})"
    )


@given(grid=grids(4, occupant_identity=st.sampled_from(["ann", "bob"])))
def test_a_grid_knows_who_sits_where(grid: UTDSeatGrid) -> None:
    """The first seat of somebody, or none; counting is by seats."""
    seat = grid.seat_of("ann")
    all_hers = [s for s in grid.seats if s.occupant_identity == "ann"]

    assert seat == (all_hers[0] if all_hers else None)
    assert grid.seat_count == len(grid.seats)


@given(seat=values(UTDSeat))
def test_a_seat_is_free_when_nothing_is_in_the_way(seat: UTDSeat) -> None:
    """Neither taken nor locked nor reserved."""
    blocked = [seat.occupant_identity, seat.reserved_for, seat.locked or None]

    assert seat.is_free == (blocked == [None, None, None])


@given(right=values(Permission), source=values(TrackSource))
def test_no_listed_source_means_every_source(
    right: Permission, source: TrackSource
) -> None:
    """What LiveKit does with an empty list, ours says too (T37)."""
    everything = attrs.evolve(right, can_publish_sources=())

    assert everything.may_publish(source) == right.can_publish
    assert right.may_publish(source) == (
        right.can_publish
        and (source in right.can_publish_sources or not right.can_publish_sources)
    )


def test_a_right_is_by_default_to_listen() -> None:
    """Subscribing and data, nothing else."""
    right = Permission()

    assert (right.can_subscribe, right.can_publish_data) == (True, True)
    assert not any(right.may_publish(source) for source in TrackSource)
    assert not right.can_update_metadata
    assert not right.hidden
    assert not right.can_subscribe_metrics


@pytest.mark.parametrize(
    ("kind", "belongs"),
    [
        ("audio_call", {"is_call"}),
        ("video_call", {"is_call", "has_video"}),
        ("live_stream", {"has_video"}),
        ("audio_room", set[str]()),
    ],
)
def test_a_type_knows_what_belongs_to_it(kind: str, belongs: set[str]) -> None:
    """Two are calls, two have video."""
    made = UTDStreamType(kind)

    assert made.wire == kind
    assert {n for n in ("is_call", "has_video") if getattr(made, n)} == belongs


def test_roles_are_in_order() -> None:
    """Visitor, audience, guest, admin, host; the last two moderate."""
    ranked = sorted(UTDRole, key=lambda role: role.rank)

    assert [r.value for r in ranked] == [
        "visitor",
        "audience",
        "guest",
        "admin",
        "host",
    ]
    assert [r.moderates for r in ranked] == [False, False, False, True, True]
    assert [r.rank for r in ranked] == [0, 1, 2, 3, 4]


@given(frame=values(AudioFrame))
def test_a_frame_knows_how_long_it_lasts(frame: AudioFrame) -> None:
    """Samples of each channel over the rate."""
    each = frame.samples_per_channel

    assert each * frame.channels * 2 == len(frame.samples)
    assert frame.duration == each / frame.sample_rate_hz
    assert str(len(frame.samples)) in repr(frame)


NOISE = bytes(range(8))
SHORTS = array("h", NOISE)
if sys.byteorder == "big":
    SHORTS.byteswap()


@pytest.mark.parametrize(
    "samples",
    [
        bytearray(NOISE),
        memoryview(NOISE),
        memoryview(SHORTS),
        SHORTS,
        np.frombuffer(NOISE, "<i2"),
        np.frombuffer(NOISE, "<i2").reshape(2, 2),
        np.frombuffer(NOISE, "u1"),
        np.frombuffer(NOISE, "i1"),
        memoryview(NOISE).cast("b"),
        memoryview(bytes(2 * len(NOISE)).join([NOISE[:4], NOISE[4:]]))[:4],
    ],
    ids=lambda samples: type(samples).__name__,
)
def test_a_frame_holds_bytes(samples: Any) -> None:
    """Whatever holds bytes or 16-bit samples is copied to bytes, with its length."""
    frame = AudioFrame(samples=samples)

    assert type(frame.samples) is bytes
    assert frame.samples == bytes(memoryview(samples).cast("B").tobytes())
    assert frame.duration == len(frame.samples) / 2 / 48_000


def test_a_frame_holds_a_copy() -> None:
    """A buffer that is used again for the next sound does not change the frame."""
    buffer = bytearray(NOISE)
    frame = AudioFrame(samples=buffer)

    buffer[0] = 255

    assert frame.samples == NOISE


def test_a_stepped_view_is_taken_in_its_order() -> None:
    """One channel of two is taken without the other."""
    both: Any = np.frombuffer(NOISE, "<i2")  # numpy tells checkers of no buffer

    assert AudioFrame(samples=both[::2]).samples == bytes([0, 1, 4, 5])


def _released() -> memoryview:
    view = memoryview(NOISE)
    view.release()
    return view


def _closed() -> mmap.mmap:
    pages = mmap.mmap(-1, 8)
    pages.close()
    return pages


def _dates() -> Any:
    return np.zeros(4, "M8[s]")


@pytest.mark.parametrize("samples", [_released, _closed, _dates])
def test_samples_that_cannot_be_read_are_refused(samples: Callable[[], Any]) -> None:
    """Such as a buffer that its owner has closed; the error says so."""
    with pytest.raises(InvalidArgumentError, match="samples cannot be read"):
        AudioFrame(samples=samples())


@pytest.mark.parametrize(
    "fields",
    [
        {"samples": b"\0"},
        {"samples": bytearray(3)},
        {"samples": b"", "sample_rate_hz": 0},
        {"samples": b"", "sample_rate_hz": 48_000.0},
        {"samples": b"", "sample_rate_hz": "48000"},
        {"samples": b"", "channels": 3},
        {"samples": b"", "channels": True},
        {"samples": b"", "channels": "1"},
        {"samples": b"\0\0", "channels": 2},
        {"samples": "text"},
        {"samples": None},
        {"samples": 960},
        {"samples": [0, 0]},
        {"samples": np.zeros(4, "?")},
        {"samples": np.zeros(4, "f4")},
        {"samples": np.zeros(4, ">i2")},
        {"samples": np.zeros(4, "u2")},
        {"samples": array("i", [0])},
    ],
    ids=repr,
)
def test_a_frame_that_cannot_be_played_is_refused(fields: dict[str, Any]) -> None:
    """Whole samples, for each channel, at a rate; the error names the field."""
    with pytest.raises(InvalidArgumentError, match=r"samples|sample_rate_hz|channels"):
        AudioFrame(**fields)
