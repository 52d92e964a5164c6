"""A room as the store keeps it: JSON, its members apart.

Members are rows of their own, so that a seat taken in a room of a thousand
writes one member and not a thousand.  What equals its default is left out:
most seats are free.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar, cast, get_args, get_origin

import attrs
import orjson
from cattrs import Converter
from cattrs.gen import (
    make_dict_structure_fn,
    make_dict_unstructure_fn,
    override,
)

from utd_stream.engine.rules.audio_room import AudioRoom, Seat
from utd_stream.engine.rules.kinds import KINDS
from utd_stream.engine.rules.state import Content, Member, Room
from utd_stream.errors import UnavailableError
from utd_stream.models.json_text import read_json

__all__ = ["decode_member", "decode_room", "encode_member", "encode_room"]

_T = TypeVar("_T")
_NONE: Mapping[str, Any] = {}
# Columns of their own in the table of members.
_COLUMNS = ("identity", "role", "admitted", "sid", "seen_at", "idle_since")


def encode_room(room: Room) -> str:
    """Return *room* as text."""
    return orjson.dumps(_CONVERTER.unstructure(room, Room)).decode()


def decode_room(state: str) -> Room:
    """Return the room that `encode_room` wrote.

    Raises:
        UnavailableError: If *state* is not what `encode_room` writes.
    """
    return _read(state, Room)


def encode_member(member: Member) -> str:
    """Return everything of *member* but what has a column of its own."""
    return orjson.dumps(_CONVERTER.unstructure(member, Member)).decode()


def decode_member(state: str, columns: Mapping[str, Any]) -> Member:
    """Return the member that `encode_member` wrote, with what is in *columns*.

    Raises:
        UnavailableError: If *state* is not what `encode_member` writes.
    """
    return _read(state, Member, columns)


def _read(state: str, kind: type[_T], columns: Mapping[str, Any] = _NONE) -> _T:
    try:
        fields = cast("dict[str, Any]", read_json(state))
        return _CONVERTER.structure({**fields, **columns}, kind)
    except Exception as error:  # hooks raise what they find
        message = (
            f"a {kind.__name__.lower()} in the database cannot be read: "
            "another program wrote there, or the file is damaged; restore a backup"
        )
        raise UnavailableError(message) from error


class _SeatTexts:
    """The text of each seat, kept while the seat stays the same object.

    A command changes one seat or two; to write the others again would cost
    more than everything else that is written with them.
    """

    _LIMIT = 16_384

    def __init__(self, encode: Callable[[Seat], Any]) -> None:
        self._encode = encode
        # The seat is kept too, so that its id stays its own.
        self._texts: dict[int, tuple[Seat, orjson.Fragment]] = {}

    def of(self, seats: tuple[Seat, ...]) -> list[orjson.Fragment]:
        """Return the text of each of *seats*."""
        return [self._text(seat) for seat in seats]

    def _text(self, seat: Seat) -> orjson.Fragment:
        found = self._texts.get(id(seat))
        if found is not None:
            return found[1]
        if len(self._texts) >= self._LIMIT:
            self._texts.clear()
        text = orjson.Fragment(orjson.dumps(self._encode(seat)))
        self._texts[id(seat)] = (seat, text)
        return text


def _short(converter: Converter, kind: Any) -> Any:
    # Datetimes and enums stay as they are: orjson writes both.
    apart: Any = {}
    if kind is Member:
        apart |= dict.fromkeys(_COLUMNS, override(omit=True))
    if kind is AudioRoom:
        apart["seats"] = override(omit_if_default=False)
    return make_dict_unstructure_fn(
        kind, converter, _cattrs_omit_if_default=True, **apart
    )


class _Rooms:
    """Structures rooms: the class of a content follows from the room's type."""

    def __init__(self, converter: Converter) -> None:
        self._converter = converter
        self._structure = make_dict_structure_fn(
            Room, converter, content=override(struct_hook=lambda raw, _: raw)
        )

    def read(self, raw: Any, kind: type[Room]) -> Room:
        """Return the room that *raw* stands for."""
        room = self._structure(raw, kind)
        content = self._converter.structure(room.content, KINDS[room.type].content)
        return attrs.evolve(room, content=content)


def _is_mapping(kind: Any) -> bool:
    return get_origin(kind) is Mapping


def _is_seats(kind: Any) -> bool:
    return bool(kind == tuple[Seat, ...])


def _time(raw: Any, _: object) -> datetime:
    # A column's is one already.
    return raw if isinstance(raw, datetime) else datetime.fromisoformat(raw)


def _make_converter() -> Converter:
    converter = Converter()
    converter.register_unstructure_hook_factory(attrs.has, partial(_short, converter))
    seats = _SeatTexts(partial(converter.unstructure, unstructure_as=Seat))
    converter.register_unstructure_hook_func(_is_seats, seats.of)
    converter.register_unstructure_hook_func(_is_mapping, dict)
    converter.register_unstructure_hook(Enum, lambda member: member)
    converter.register_structure_hook_func(
        _is_mapping,
        lambda raw, kind: MappingProxyType(
            {
                key: converter.structure(value, get_args(kind)[1])
                for key, value in raw.items()
            }
        ),
    )
    # By its class a hook of a protocol would take all that has its attributes.
    converter.register_unstructure_hook_func(
        lambda kind: kind is Content,
        lambda content: converter.unstructure(content, type(content)),
    )
    converter.register_structure_hook(datetime, _time)
    converter.register_structure_hook(Room, _Rooms(converter).read)
    return converter


_CONVERTER = _make_converter()
