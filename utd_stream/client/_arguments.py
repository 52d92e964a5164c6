"""Checks of a client's arguments, before any request.

Each function raises `InvalidArgumentError`, which names the argument.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from utd_stream.errors import InvalidArgumentError, InvalidRequestError
from utd_stream.models.names import check_app_id
from utd_stream.wire import decode_request

__all__ = [
    "check_openable",
    "checked_app_id",
    "checked_kind",
    "checked_url",
    "request_of",
]

_R = TypeVar("_R")
_V = TypeVar("_V")


def request_of(model: type[_R], **fields: Any) -> _R:
    """Return a request with these fields; those that are None are left out."""
    given = {name: value for name, value in fields.items() if value is not None}
    try:
        return decode_request(model, given)
    except InvalidRequestError as error:
        message = str(error).removeprefix("$.")
    raise InvalidArgumentError(message)


def checked_json(name: str, value: Any) -> Any:
    """Return *value* if it can be sent as JSON, with nothing lost."""
    try:
        json.dumps(value, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        message = f"{name} must be JSON: {type(error).__name__}"
        raise InvalidArgumentError(message) from error
    return value


def checked_app_id(app_id: Any) -> str:
    """Return *app_id* if it is valid."""
    try:
        return check_app_id(app_id)
    except (TypeError, ValueError) as error:
        message = f"app id must be 1 to 64 letters, digits and hyphens, not {app_id!r}"
        raise InvalidArgumentError(message) from error


def checked_url(name: str, url: Any) -> str:
    """Return *url* if it begins with http:// or https://."""
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        message = f"{name} must begin with http:// or https://, not {url!r}"
        raise InvalidArgumentError(message)
    return url


def checked_kind(name: str, value: _V | None, kind: type[Any]) -> _V | None:
    """Return *value* if it is None or an instance of *kind*."""
    if value is None or isinstance(value, kind):
        return value
    given = type(value).__name__
    message = f"{name} must be of type {kind.__name__}, or None, not {given}"
    raise InvalidArgumentError(message)


def check_openable(source: object, what: str, frame: str, choices: str) -> None:
    """Refuse a source that cannot be opened; None is let pass.

    Args:
        source: What was given.
        what: It is meant to be.
        frame: What it is to give.
        choices: That would do.

    Raises:
        InvalidArgumentError: If it has no method `open`; the message names choices.
    """
    if isinstance(source, type):
        kind = f"the class {source.__name__}"
    elif source is None or callable(getattr(source, "open", None)):
        return
    else:
        kind = f"a {type(source).__name__}"
    message = (
        f"{what} is an object whose open() returns an async iterator of {frame}, "
        f"such as {choices}; not {kind}"
    )
    raise InvalidArgumentError(message)
