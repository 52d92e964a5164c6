"""Checks of a seat's arguments, before the engine is asked and after it refused."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from utd_stream.errors import (
    InvalidArgumentError,
    InvalidRequestError,
    UTDErrorCode,
)
from utd_stream.models.rooms import SeatMode

__all__ = ["check_index", "check_mode", "naming_arguments"]

_OF_ARGUMENTS = {UTDErrorCode.INVALID.value, UTDErrorCode.TOO_LARGE.value}
# What the wire calls otherwise than the methods of a session.
_ARGUMENTS = {"target_seat": "index", "target_identity": "identity", "id": "request_id"}


def check_index(index: Any, name: str = "index") -> int:
    """Return *index*; refuse what cannot be one before anything is asked.

    Raises:
        InvalidArgumentError: If it is not a whole number from 0.
    """
    if not isinstance(index, int) or isinstance(index, bool) or index < 0:
        message = f"{name} must be a seat index, a whole number from 0"
        raise InvalidArgumentError(message)
    return index


def check_mode(mode: Any) -> SeatMode | None:
    """Return *mode*, which may be None; refuse what cannot be one.

    Raises:
        InvalidArgumentError: If it is something else, such as the wire's word.
    """
    if mode is not None and not isinstance(mode, SeatMode):
        message = f"seat_mode must be SeatMode.FREE or SeatMode.REQUEST, not {mode!r}"
        raise InvalidArgumentError(message)
    return mode


@contextmanager
def naming_arguments() -> Generator[None]:
    """Raise `InvalidArgumentError` where the engine says that an argument is wrong.

    It names the caller's argument, not the wire's field, and is of the class that
    an argument has which was wrong before anything was asked.
    """
    try:
        yield
    except InvalidRequestError as error:
        if error.code not in _OF_ARGUMENTS:
            raise
        field, colon, problem = str(error).removeprefix("$.").partition(": ")
        message = f"{_ARGUMENTS.get(field, field)}{colon}{problem}"
        raise InvalidArgumentError(message, error.status_code) from None  # the same
