"""JSON to values and back, on both sides of the wire.

Requests are read strictly: exact types, known fields only, every problem with
its path.  What an engine or an SFU tells is read leniently where a newer one
may say more, and never raises anything but `RemoteProtocolError`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any, TypeVar, cast, get_args, get_origin

import attrs
import orjson
from cattrs import Converter, transform_error
from cattrs.errors import BaseValidationError
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from utd_stream.contract.answers import SessionAnswer, UTDTokenResponse
from utd_stream.contract.fields import FIELDS
from utd_stream.errors import (
    EngineError,
    InvalidRequestError,
    RateLimitedError,
    RemoteProtocolError,
    UTDErrorCode,
    engine_error,
)
from utd_stream.models._frozen_map import frozen_map
from utd_stream.models.json_text import read_json
from utd_stream.models.rooms import UTDStreamType
from utd_stream.models.seats import UTDSeatGrid
from utd_stream.wire._grid import (
    grid_to_json,
    grid_to_metadata,
    is_object,
    moment_text,
    read_grid,
    read_moment,
)
from utd_stream.wire._jwt import bearer_expiry, token_holder

__all__ = [
    "bearer_expiry",
    "decode",
    "decode_json",
    "decode_request",
    "encode",
    "error_from_answer",
    "error_to_json",
    "grid_to_json",
    "grid_to_metadata",
    "is_object",
    "is_refusal",
    "read_grid",
    "retry_after",
    "to_json",
    "token_holder",
]

_T = TypeVar("_T")

_FIRST_ERROR = 400
_FIRST_FAILURE = 500


def decode_json(body: bytes) -> object:
    """Return the JSON value of *body*.

    Raises:
        RemoteProtocolError: If it is not JSON, or nested too deep to read.
    """
    try:
        return read_json(body)
    except ValueError as error:
        raise RemoteProtocolError(str(error), "$") from None


def decode_request(model: type[_T], raw: object) -> _T:
    """Return the request *raw* stands for; unknown fields are refused.

    Raises:
        InvalidRequestError: If it stands for none; ``details.errors`` lists
            ``{path, message}`` for each problem.
    """
    fields = raw if is_object(raw) else {}
    known = {field.name for field in attrs.fields(cast("Any", model))}
    problems: list[tuple[str, str]] = []
    try:
        request = _CONVERTER.structure(raw, model)
        if known.issuperset(fields):
            return request
    except Exception as error:  # noqa: BLE001 -- hooks raise what they find
        problems = _problems(error)
    unknown = sorted(set(fields) - known)
    problems += [(f"$.{name}", "unknown field") for name in unknown]
    raise InvalidRequestError.at(*problems)


def decode(model: type[_T], raw: object) -> _T:
    """Return the value *raw* stands for; unknown fields are ignored.

    Raises:
        RemoteProtocolError: If it stands for none.
    """
    try:
        return _CONVERTER.structure(raw, model)
    except Exception as error:  # noqa: BLE001 -- hooks raise what they find
        problems = _problems(error)
    text = "; ".join(f"{path}: {message}" for path, message in problems)
    raise RemoteProtocolError(text, problems[0][0])


def to_json(value: object) -> Any:
    """Return *value* as JSON values; fields that are None are left out."""
    return _CONVERTER.unstructure(value)


def encode(value: object) -> bytes:
    """Return *value* as JSON."""
    return orjson.dumps(to_json(value))


def error_to_json(error: EngineError, request_id: str) -> dict[str, Any]:
    """Return the body of an error answer."""
    body: dict[str, Any] = {
        "code": error.code,
        "message": str(error),
        "request_id": request_id,
    }
    details = dict(error.details)
    if isinstance(error, RateLimitedError):
        details["retry_after"] = error.retry_after
    if details:
        body["details"] = details
    return body


def is_refusal(status: int, raw: object) -> bool:
    """Whether JSON of an answer is an error as the engine writes it.

    Of its own failures the engine has one code; any other one from 500 on is
    a gateway's.
    """
    texts = ("code", "message", "request_id")
    return (
        status >= _FIRST_ERROR
        and is_object(raw)
        and all(isinstance(raw.get(name), str) and raw[name] for name in texts)
        and (status < _FIRST_FAILURE or raw["code"] == UTDErrorCode.UNAVAILABLE.value)
    )


def error_from_answer(
    status: int,
    body: bytes,
    headers: Mapping[str, str],
    *,
    now: datetime | None = None,
) -> EngineError:
    """Return the error that an answer of *status* stands for; never raises.

    Args:
        status: HTTP status.
        body: As it came; something else than the engine may have written it.
        headers: Names in lower case.
        now: For a Retry-After that is a date; see `retry_after`.
    """
    try:
        raw = decode_json(body)
    except RemoteProtocolError:
        raw = None
    fields = raw if is_object(raw) else {}

    def text(key: str, default: str) -> str:
        value = fields.get(key)
        return value if isinstance(value, str) and value else default

    details = fields.get("details")
    details = details if is_object(details) else {}
    asked = retry_after(headers, now)
    return engine_error(
        status,
        text("code", "error" if fields else f"http_{status}"),
        text("message", f"the engine answered {status}"),
        request_id=text("request_id", headers.get("x-request-id", "")),
        details=details,
        retry_after=_told_pause(details.get("retry_after")) if asked is None else asked,
    )


def retry_after(
    headers: Mapping[str, str], now: datetime | None = None
) -> float | None:
    """Return the seconds that a Retry-After asks to wait, or None.

    It holds seconds or a date.  A date is compared with the answer's own Date,
    since this machine's clock may be wrong, else with *now*.

    Args:
        headers: Names in lower case.
        now: The time here; None to read no date without a Date beside it.

    Source:
        RFC 9110, section 10.2.3.
    """
    asked = headers.get("retry-after", "").strip()
    if asked.isdecimal():
        seconds = float(asked)
        return seconds if math.isfinite(seconds) else None
    due = _http_date(asked)
    since = _http_date(headers.get("date", "")) or now
    if due is None or since is None:
        return None
    return max((due - since).total_seconds(), 0.0)


def _told_pause(told: object) -> float | None:
    if isinstance(told, int | float) and not isinstance(told, bool) and told >= 0:
        return float(told)
    return None


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _object(raw: object) -> dict[str, Any]:
    if not is_object(raw):
        message = "must be an object"
        raise ValueError(message)
    return raw


def _problems(error: BaseException) -> list[tuple[str, str]]:
    if not isinstance(error, BaseValidationError):
        return [("$", _say(error, None))]
    lines = transform_error(error, path="$", format_exception=_say)
    pairs = [line.rpartition(" @ ") for line in lines]
    return [(path, message) for message, _, path in pairs]


def _say(error: BaseException, _: type | None) -> str:
    if isinstance(error, KeyError):
        return "required field missing"
    if isinstance(error, ValueError) and error.args:
        return str(error.args[0])
    return "must be of another type"


def _exact(kind: type) -> Callable[[object, object], object]:
    # cattrs would make '5' of 5 and True of 'no'.
    def structure(raw: object, _: object) -> object:
        right = isinstance(raw, kind) and isinstance(raw, bool) == (kind is bool)
        if not right:
            raise ValueError(_MUST_BE[kind])
        return raw

    return structure


_MUST_BE: dict[type, str] = {
    str: "must be a string",
    int: "must be a whole number",
    bool: "must be true or false",
}


def _float(raw: object, _: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        message = "must be a number"
        raise ValueError(message)  # noqa: TRY004 -- a problem of the data
    return float(raw)


def _datetime(raw: object, _: object) -> datetime:
    value = read_moment(raw)
    if value is None:
        message = "must be a date and time with a time zone, as a string"
        raise ValueError(message)
    return value


# How calls were spelled before.
_OLD_TYPES = {"voice": "audio_call", "video": "video_call"}


def _enum(raw: object, kind: type[Enum]) -> Enum:
    if kind is UTDStreamType and isinstance(raw, str):
        raw = _OLD_TYPES.get(raw, raw)
    for member in kind:
        if member.value == raw:
            return member
    message = "must be one of " + ", ".join(str(m.value) for m in kind)
    raise ValueError(message)


def _field(new_type: Any) -> Callable[[object, object], object]:
    rule = FIELDS[new_type]
    exact = _exact(rule.base)
    return lambda raw, kind: rule.check(exact(raw, kind))


def _grid(raw: object, _: object) -> UTDSeatGrid:
    grid = read_grid(raw)
    if grid is None:
        message = "must be a seat grid"
        raise ValueError(message)
    return grid


def _make_converter() -> Converter:
    converter = Converter()
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _exact(kind))
    converter.register_structure_hook(float, _float)
    converter.register_structure_hook(datetime, _datetime)
    converter.register_structure_hook_func(
        lambda kind: isinstance(kind, type) and issubclass(kind, Enum), _enum
    )
    for new_type in FIELDS:
        converter.register_structure_hook(new_type, _field(new_type))
    converter.register_structure_hook_func(
        _is_json_object, lambda raw, _: frozen_map(_object(raw))
    )
    converter.register_unstructure_hook_func(_is_json_object, dict)
    converter.register_structure_hook(UTDSeatGrid, _grid)
    converter.register_unstructure_hook(datetime, moment_text)
    converter.register_unstructure_hook(UTDSeatGrid, grid_to_json)
    converter.register_unstructure_hook_factory(_is_attrs, _leaving_out_none(converter))
    converter.register_structure_hook_factory(_is_attrs, _from_object(converter))
    converter.register_structure_hook(UTDTokenResponse, _token_hook(converter))
    converter.register_structure_hook(
        SessionAnswer, _from_object(converter, user_token=_SOME)(SessionAnswer)
    )
    return converter


def _is_json_object(kind: Any) -> bool:
    return get_origin(kind) is Mapping and get_args(kind)[1] is Any


def _is_attrs(kind: Any) -> bool:
    return attrs.has(get_origin(kind) or kind)


def _from_object(converter: Converter, **overrides: Any) -> Callable[[Any], Any]:
    # cattrs would look for the first field in a number, and name the field.
    def factory(kind: Any) -> Any:
        read = make_dict_structure_fn(kind, converter, **overrides)

        def structure(raw: object, _: object) -> object:
            return read(_object(raw), kind)

        return structure

    return factory


def _leaving_out_none(converter: Converter) -> Callable[[Any], Any]:
    def factory(kind: Any) -> Any:
        names = {"room_name": "roomName"} if kind is UTDTokenResponse else {}
        fields = attrs.fields(get_origin(kind) or kind)
        overrides: Any = {
            field.name: override(
                omit_if_default=field.default is None, rename=names.get(field.name)
            )
            for field in fields
        }
        return make_dict_unstructure_fn(kind, converter, **overrides)

    return factory


def _some_text(raw: object, _: object) -> str:
    text = str(_exact(str)(raw, str))
    if not text:
        message = "must not be empty"
        raise ValueError(message)
    return text


# What would open nothing, and take the place of what does.
_SOME = override(struct_hook=_some_text)


def _token_hook(converter: Converter) -> Callable[[Any, Any], UTDTokenResponse]:
    read = make_dict_structure_fn(
        UTDTokenResponse, converter, token=_SOME, url=_SOME, user_token=_SOME
    )

    def structure(raw: Any, kind: Any) -> UTDTokenResponse:
        fields = {k: v for k, v in _object(raw).items() if v is not None}
        if "roomName" in fields:
            fields.setdefault("room_name", fields["roomName"])
        return read(fields, kind)

    return structure


_CONVERTER = _make_converter()
