"""The two spellings of a seat grid: REST's and the room metadata's.

Reading takes both, mixed, and never raises: what makes no sense is left out
(lesson L7).  A room's grid must stay usable when one seat of it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeGuard

from utd_stream.models.rooms import SeatMode
from utd_stream.models.seats import (
    DEFAULT_SEAT_COUNT,
    MAX_SEAT_COUNT,
    Invitation,
    SpeakerRequest,
    UTDSeat,
    UTDSeatGrid,
)

__all__ = [
    "grid_to_json",
    "grid_to_metadata",
    "is_object",
    "moment_text",
    "read_grid",
    "read_moment",
]


def is_object(raw: object) -> TypeGuard[dict[str, Any]]:
    """Whether *raw*, read from JSON, is an object."""
    return isinstance(raw, dict)


def read_moment(raw: object) -> datetime | None:
    """Return the moment that *raw*, read from JSON, says, in UTC, or None."""
    if not isinstance(raw, str):
        return None
    try:
        value = datetime.fromisoformat(raw)
        return value.astimezone(UTC) if value.tzinfo else None
    except (ValueError, OverflowError):  # the year 1, further east
        return None


def moment_text(value: datetime) -> str:
    """Return *value* as JSON spells it: ISO 8601 in UTC, with a Z."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def grid_to_json(grid: UTDSeatGrid) -> dict[str, Any]:
    """Return the grid as REST spells it."""
    body: dict[str, Any] = {
        "seat_count": len(grid.seats),
        "seat_mode": grid.seat_mode.value,
        "rev": grid.rev,
        "seats": [
            _seat(seat, index="seat_index", occupant="occupant_identity")
            for seat in grid.seats
        ],
    }
    return _with_speakers(body, grid)


def grid_to_metadata(grid: UTDSeatGrid) -> dict[str, Any]:
    """Return the grid as the key ``_seats`` of a room's metadata spells it."""
    body: dict[str, Any] = {
        "count": len(grid.seats),
        "mode": grid.seat_mode.value,
        "rev": grid.rev,
        "seats": [
            _seat(seat, index="index", occupant="identity") for seat in grid.seats
        ],
    }
    return _with_speakers(body, grid)


def read_grid(raw: object) -> UTDSeatGrid | None:
    """Return the grid *raw* holds in either spelling, or None if it is none.

    Missing: nine seats, mode ``free``, revision 0.
    """
    if not is_object(raw):
        return None
    fields = raw
    count = _whole(_first(fields, "seat_count", "count"))
    listed: dict[int, UTDSeat] = {}
    for item in _items(fields.get("seats")):
        seat = _read_seat(item)
        if seat is not None:
            listed[seat.seat_index] = seat
    if count is None:
        count = max(listed, default=DEFAULT_SEAT_COUNT - 1) + 1
    count = min(max(count, 1), MAX_SEAT_COUNT)
    mode = _first(fields, "seat_mode", "mode")
    return UTDSeatGrid(
        seat_mode=SeatMode.REQUEST if mode == "request" else SeatMode.FREE,
        mode_id=_text(fields.get("mode_id")),
        rev=_whole(fields.get("rev")) or 0,
        seats=tuple(listed.get(i) or UTDSeat(seat_index=i) for i in range(count)),
        requests=_read_requests(fields.get("requests")),
        invitations=_read_invitations(fields.get("invitations")),
    )


def _seat(seat: UTDSeat, *, index: str, occupant: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        index: seat.seat_index,
        occupant: seat.occupant_identity,
        "locked": int(seat.locked),
        "muted": seat.muted,
        "reserved_for": seat.reserved_for,
    }
    if seat.grant:
        body["grant"] = seat.grant
    if seat.name is not None:
        body["name"] = seat.name
    if seat.attributes:
        body["attributes"] = dict(seat.attributes)
    return body


def _with_speakers(body: dict[str, Any], grid: UTDSeatGrid) -> dict[str, Any]:
    if grid.mode_id is not None:
        body["mode_id"] = grid.mode_id
    body["requests"] = [
        {"id": r.id, "identity": r.identity, "created_at": _iso(r.created_at)}
        for r in grid.requests
    ]
    body["invitations"] = [
        {
            "id": i.id,
            "identity": i.identity,
            "seat_index": i.seat_index,
            "expires_at": _iso(i.expires_at),
        }
        for i in grid.invitations
    ]
    return body


def _read_seat(fields: Mapping[str, Any]) -> UTDSeat | None:
    index = _whole(_first(fields, "seat_index", "index"))
    if index is None or not 0 <= index < MAX_SEAT_COUNT:
        return None
    attributes = fields.get("attributes")
    pairs = attributes if is_object(attributes) else {}
    return UTDSeat(
        seat_index=index,
        occupant_identity=_text(_first(fields, "occupant_identity", "identity")),
        locked=_flag(fields.get("locked")),
        muted=_flag(fields.get("muted")),
        reserved_for=_text(fields.get("reserved_for")),
        name=_text(fields.get("name")),
        attributes={
            key: value for key, value in pairs.items() if isinstance(value, str)
        },
        grant=max(_whole(fields.get("grant")) or 0, 0),
    )


def _read_requests(raw: object) -> tuple[SpeakerRequest, ...]:
    found: list[SpeakerRequest] = []
    for fields in _items(raw):
        number, identity = _whole(fields.get("id")), _text(fields.get("identity"))
        if number is not None and identity:
            created_at = read_moment(fields.get("created_at"))
            found.append(
                SpeakerRequest(id=number, identity=identity, created_at=created_at)
            )
    return tuple(found)


def _read_invitations(raw: object) -> tuple[Invitation, ...]:
    found: list[Invitation] = []
    for fields in _items(raw):
        number, identity = _whole(fields.get("id")), _text(fields.get("identity"))
        if number is not None and identity:
            found.append(
                Invitation(
                    id=number,
                    identity=identity,
                    seat_index=_whole(fields.get("seat_index")),
                    expires_at=read_moment(fields.get("expires_at")),
                )
            )
    return tuple(found)


def _items(raw: object) -> list[dict[str, Any]]:
    return [item for item in raw if is_object(item)] if _is_array(raw) else []


def _is_array(raw: object) -> TypeGuard[list[Any]]:
    return isinstance(raw, list)


def _first(fields: Mapping[str, Any], *names: str) -> object:
    for name in names:
        if fields.get(name) is not None:
            return fields[name]
    return None


def _whole(raw: object) -> int | None:
    return raw if isinstance(raw, int) and not isinstance(raw, bool) else None


def _text(raw: object) -> str | None:
    return raw if isinstance(raw, str) and raw else None


def _flag(raw: object) -> bool:
    return raw is True or raw == 1


def _iso(value: datetime | None) -> str | None:
    return None if value is None else moment_text(value)
