"""One request, read and checked: what handlers get.

Everything that can be refused without looking at a room is refused here, with
the path of the field.  Names come decoded from the router, which keeps an
encoded slash and dots apart from those of the path (L24).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar, cast
from urllib.parse import unquote_to_bytes

import attrs
from aiohttp import web

from utd_stream.contract.endpoints import Endpoint
from utd_stream.contract.signaling import SIGNAL_PATH
from utd_stream.engine.auth import Caller, invalid
from utd_stream.engine.config import Config
from utd_stream.engine.orders import Idempotency
from utd_stream.engine.rules.commands import Actor
from utd_stream.engine.services import Services
from utd_stream.engine.store import RoomKey
from utd_stream.errors import InvalidRequestError, RemoteProtocolError
from utd_stream.models.names import (
    check_call_id,
    check_identity,
    check_room_name,
    sfu_room_name,
)
from utd_stream.models.seats import MAX_SEAT_COUNT
from utd_stream.wire import decode_json, decode_request

__all__ = [
    "Call",
    "Paging",
    "check_head",
    "check_type",
    "read_call",
    "read_idempotency",
]

_R = TypeVar("_R")

_JSON = "application/json"
_HALF_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_DIGITS = re.compile(r"[0-9]{1,16}")
_REVISION = re.compile(r'"([0-9]{1,16})"|([0-9]{1,16})')
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_PER_PAGE = 20
_MAX_PER_PAGE = 100
_MAX_NUMBER = 2**53


@attrs.frozen
class Paging:
    """Which page of a list is wanted."""

    page: int = 1
    per_page: int = _PER_PAGE

    @property
    def first(self) -> int:
        """How many entries the pages before it have."""
        return (self.page - 1) * self.per_page


_FIRST_PAGE = Paging()


@attrs.frozen(kw_only=True)
class Call(Generic[_R]):
    """A request that is right as far as can be told without its room.

    Attributes:
        endpoint: Which was called.
        services: The engine's parts.
        caller: Who.
        actor: On whose behalf.
        body: The request's model, or None.
        room: From the path; empty where it has none.
        identity: Likewise.
        call_id: Likewise.
        index: Likewise; 0 where it has none.
        id: Likewise.
        paging: Of a list.
        filters: Of a list, by their names in the query.
        idempotency: Set where the request named a key.
        if_match: The revision the caller saw, or None.
        request_id: Of this request.
        ws_url: URL of the signaling socket, as this caller reaches it.
    """

    endpoint: Endpoint[_R, Any]
    services: Services
    caller: Caller
    actor: Actor
    body: _R
    room: str = ""
    call_id: str = ""
    identity: str = ""
    index: int = 0
    id: int = 0
    paging: Paging = _FIRST_PAGE
    filters: Mapping[str, str | datetime] = attrs.field(
        factory=dict[str, "str | datetime"]
    )
    idempotency: Idempotency | None = None
    if_match: int | None = None
    request_id: str = ""
    ws_url: str = ""

    @property
    def key(self) -> RoomKey:
        """The room's."""
        return (self.caller.app.id, self.room or self.call_id)


def read_call(  # noqa: PLR0913 -- all that was read so far
    request: web.Request,
    endpoint: Endpoint[_R, Any],
    services: Services,
    caller: Caller,
    raw: bytes,
    *,
    idempotency: Idempotency | None,
    request_id: str,
) -> Call[_R]:
    """Return the call that *request* with the body *raw* stands for.

    Raises:
        InvalidRequestError: If it stands for none.
        PermissionDeniedError: If a bearer says somebody else than the body.
        FeatureDisabledError: If the key may not say anybody.
    """
    body = _model(endpoint, raw)
    return Call(
        endpoint=endpoint,
        services=services,
        caller=caller,
        actor=caller.actor(endpoint.who, getattr(body, "identity", None)),
        body=body,
        paging=_paging(endpoint, request),
        filters=_filters(endpoint, request),
        idempotency=idempotency,
        if_match=_if_match(endpoint, request),
        request_id=request_id,
        ws_url=_ws_url(services.config, request),
        **_places(request.match_info, caller.app.id),
    )


def _ws_url(config: Config, request: web.Request) -> str:
    base = config.public_url or f"{request.scheme}://{request.host}"
    # http is ws, and https is wss.
    return "ws" + base.rstrip("/").removeprefix("http") + SIGNAL_PATH


def check_head(request: web.Request) -> None:
    """Refuse what the head alone shows to be wrong, before any work is done.

    A compressed body of half a megabyte can hold half a gigabyte, so the engine
    inflates none.

    Names are percent-encoded UTF-8.  The router would read `%FF` as the name of
    three characters, which is `%25FF`.

    Raises:
        InvalidRequestError: If the path or query is not percent-encoded UTF-8,
            or the body is encoded in any way.
    """
    target = request.raw_path.encode(errors="surrogateescape")
    try:
        is_text = not _HALF_ESCAPE.search(target)
        unquote_to_bytes(target).decode()
    except UnicodeDecodeError:
        is_text = False
    if not is_text:
        message = "the path and query must be percent-encoded UTF-8"
        raise InvalidRequestError(message, 400, "malformed")
    if "Content-Encoding" in request.headers:
        message = "send the body as it is, without a Content-Encoding"
        raise InvalidRequestError(message, 415, "unsupported_media_type")


def check_type(request: web.Request, raw: bytes) -> None:
    """Refuse a body that does not say it is JSON.

    Raises:
        InvalidRequestError: If so.
    """
    if raw and request.content_type != _JSON:
        message = f"a body must be {_JSON}"
        raise InvalidRequestError(message, 415, "unsupported_media_type")


def read_idempotency(
    request: web.Request, endpoint: Endpoint[Any, Any], caller: Caller, raw: bytes
) -> Idempotency | None:
    """Return the Idempotency-Key of a write, or None.

    Raises:
        InvalidRequestError: If it cannot be one.
    """
    text = request.headers.get("Idempotency-Key")
    if not endpoint.is_write:
        return None
    void = request.headers.get("Idempotency-Void")
    if void is not None and (void != "true" or text is None):
        message = "Idempotency-Void must be true, beside an Idempotency-Key"
        raise InvalidRequestError(message, 400, "malformed")
    if text is None:
        return None
    if not _KEY.fullmatch(text):
        message = "Idempotency-Key must be 1 to 255 visible ASCII characters"
        raise InvalidRequestError(message, 400, "malformed")
    scope = (caller.app.id, caller.scope, text)
    path = request.rel_url.raw_path
    return Idempotency.of(scope, request.method, path, raw, is_void=void is not None)


def _model(endpoint: Endpoint[_R, Any], raw: bytes) -> _R:
    try:
        fields: Any = decode_json(raw) if raw else {}
    except RemoteProtocolError as error:
        raise InvalidRequestError(str(error), 400, "malformed") from None
    if endpoint.request is not None:
        return decode_request(endpoint.request, fields)
    if fields != {}:
        message = "$"
        raise invalid(message, "there is nothing to say in a body here")
    return cast("_R", None)  # as the endpoint says: it has no model


def _places(found: Mapping[str, str], app_id: str) -> dict[str, Any]:
    places: dict[str, Any] = {}
    for name, text in found.items():
        try:
            match name:
                case "room":
                    sfu_room_name(app_id, check_room_name(text))
                    places[name] = text
                case "call_id":
                    places[name] = check_call_id(text)
                case "identity":
                    places[name] = check_identity(text)
                case "index":
                    places[name] = _number(text, MAX_SEAT_COUNT - 1)
                case _:
                    places[name] = _number(text, _MAX_NUMBER)
        except ValueError as error:
            message = f"$.{name}"
            raise invalid(message, str(error)) from None
    return places


def _number(text: str, most: int) -> int:
    if not _DIGITS.fullmatch(text) or int(text) > most:
        message = f"must be a whole number from 0 to {most}"
        raise ValueError(message)
    return int(text)


def _paging(endpoint: Endpoint[Any, Any], request: web.Request) -> Paging:
    query = request.query
    if not query:
        return _FIRST_PAGE
    fields: dict[str, int] = {}
    for name, text in query.items():
        if name in endpoint.filters:
            continue
        if not endpoint.paged or name not in {"page", "per_page"}:
            message = f"$.{name}"
            raise invalid(message, "unknown in the query")
        if name in fields:
            message = f"$.{name}"
            raise invalid(message, "is there twice")
        most = _MAX_PER_PAGE if name == "per_page" else _MAX_NUMBER
        try:
            fields[name] = _number(text, most)
        except ValueError:
            fields[name] = 0
        if not fields[name]:
            message = f"$.{name}"
            raise invalid(message, f"must be a whole number from 1 to {most}")
    return Paging(**fields)


def _filters(
    endpoint: Endpoint[Any, Any], request: web.Request
) -> dict[str, str | datetime]:
    found: dict[str, str | datetime] = {}
    for name, text in request.query.items():
        known = endpoint.filters.get(name)
        if known is None:
            continue
        path = f"$.{name}"
        if name in found:
            raise invalid(path, "is there twice")
        if known.values and text not in known.values:
            raise invalid(path, f"must be one of {', '.join(known.values)}")
        try:
            found[name] = _moment(text) if known.is_time else check_identity(text)
        except ValueError as error:
            raise invalid(path, str(error)) from None
    return found


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        moment.timestamp()
    except (ValueError, OverflowError):
        message = "must be a date or a moment as ISO 8601, such as 2026-01-31"
        raise ValueError(message) from None
    return moment


def _if_match(endpoint: Endpoint[Any, Any], request: web.Request) -> int | None:
    text = request.headers.get("If-Match")
    if text is None or not endpoint.takes_if_match:
        return None
    found = _REVISION.fullmatch(text.strip())
    if found is None:
        message = "If-Match must be a revision, such as 12"
        raise InvalidRequestError(message, 400, "malformed")
    return int(found[1] or found[2])
