"""Names the wishes of a join that the engine did not grant."""

from __future__ import annotations

from utd_stream.contract.answers import UTDTokenResponse
from utd_stream.contract.requests import TokenRequest
from utd_stream.models.rooms import UTDRole

__all__ = ["ungranted"]

_WHO_GRANTS = (
    "a back end grants it by a mint with role=host and X-App-Secret (POST "
    "/api/v1/token), before this join; the app's own mint grants it only in an "
    "app that allows the app key to mint, to the first who asks while the room "
    "has no owner"
)


def ungranted(request: TokenRequest, answer: UTDTokenResponse) -> str | None:
    """Return a text on the ungranted wishes of *request*, and on who grants them.

    None if the engine granted every wish.
    """
    who = f"{request.identity!r} in {request.room_name!r}"
    lost = _lost_seats(request, answer)
    if request.role is UTDRole.HOST and answer.role is not UTDRole.HOST:
        owner = answer.owner_identity
        owned = "" if owner is None else f" (the room's owner is {owner!r})"
        ignored = f"; ignored, since they count for a host: {lost}" if lost else ""
        role = answer.role.value
        return f"{who}: granted {role}, not host{owned}; {_WHO_GRANTS}{ignored}"
    if not lost:
        return None
    if answer.role is UTDRole.HOST:
        return (
            f"{who}: ignored, since a host has set up this room before: {lost}; "
            "change it by setup_seats() and take_seat()"
        )
    return f"{who}: ignored, since the role is {answer.role.value}: {lost}; ask as_host"


def _lost_seats(request: TokenRequest, answer: UTDTokenResponse) -> str:
    """Return those wishes for the grid that it does not show."""
    grid = answer.seats
    if grid is None:
        return ""
    mine = grid.seat_of(request.identity)
    wishes = (
        ("seat_count", request.seat_count, grid.seat_count),
        ("seat_mode", request.seat_mode, grid.seat_mode),
        ("mode_id", request.mode_id, grid.mode_id),
        ("host_seat", request.host_seat, None if mine is None else mine.seat_index),
    )
    return ", ".join(
        f"{name}={getattr(wish, 'value', wish)!r}"
        for name, wish, got in wishes
        if wish is not None and wish != got
    )
