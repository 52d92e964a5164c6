"""Which web pages may call the engine: CORS, for the `allowed_origins` of apps.

A preflight names no app, so the engine answers it for the pages of any app.  An
answer may be read by the pages of the calling app; where the credentials are not
right, by the pages of any app: a page must be able to read that its bearer has
expired.  Credentials are headers that a page sets itself, never cookies.
`X-App-Secret` is not among the headers that a page may send.

Source: contract.md sections 3 and 6.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable

import attrs
from aiohttp import hdrs, web

from utd_stream.contract.endpoints import ENDPOINTS
from utd_stream.engine.config import App, Config
from utd_stream.errors import InvalidRequestError

__all__ = ["CALLING_APP", "Cors", "no_method", "with_local_pages"]

# Whose credentials a request showed; set once they are known to be right.
CALLING_APP = web.RequestKey("calling_app", App)

_SENT = (
    "Authorization",
    "Content-Type",
    "X-App-Id",
    "X-App-Key",
    "Idempotency-Key",
    "If-Match",
    "Idempotency-Void",
)
_READ = ("X-Request-Id", "Retry-After")
_METHODS = tuple(sorted({"HEAD", *(endpoint.method for endpoint in ENDPOINTS)}))
# How long a browser may remember a preflight, in seconds.
_MAX_AGE = 600
_PORT = re.compile(r"(:[0-9]{1,5})?")
_LOCAL = tuple(
    f"{scheme}://{host}:*"
    for scheme in ("http", "https")
    for host in ("localhost", "127.0.0.1", "[::1]")
)

_Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


def with_local_pages(config: Config) -> Config:
    """Return *config* with pages of this machine allowed where an app names none."""
    apps = [
        app if app.allowed_origins else attrs.evolve(app, allowed_origins=_LOCAL)
        for app in config.apps
    ]
    return attrs.evolve(config, apps=tuple(apps))


def no_method(request: web.Request) -> InvalidRequestError:
    """Return the error of a method that a path does not have."""
    message = f"{request.method} is not allowed here"
    if _is_preflight(request):
        message += ": the page's origin is in no app's allowed_origins"
    return InvalidRequestError(message, 405, "method_not_allowed")


class Cors:
    """Tells browsers which pages may call, and read what is answered.

    Args:
        apps: Those whose pages may.
    """

    def __init__(self, apps: Iterable[App]) -> None:
        every = (origin for app in apps for origin in app.allowed_origins)
        self._origins = tuple(dict.fromkeys(every))

    def watch(self, app: web.Application) -> None:
        """Answer the preflights of *app*, and mark its answers."""
        if self._origins:
            app.middlewares.append(self._answer_preflights)
            app.on_response_prepare.append(self._mark)

    @web.middleware
    async def _answer_preflights(
        self, request: web.Request, handler: _Handle
    ) -> web.StreamResponse:
        if not (_is_preflight(request) and _allowed(request, self._origins)):
            return await handler(request)
        return web.Response(
            status=204,
            headers={
                hdrs.ACCESS_CONTROL_ALLOW_METHODS: ", ".join(_METHODS),
                hdrs.ACCESS_CONTROL_ALLOW_HEADERS: ", ".join(_SENT),
                hdrs.ACCESS_CONTROL_MAX_AGE: str(_MAX_AGE),
            },
        )

    async def _mark(self, request: web.Request, response: web.StreamResponse) -> None:
        caller = request.get(CALLING_APP)
        origins = self._origins if caller is None else caller.allowed_origins
        # An answer that was kept for one page must not be shown to another.
        response.headers.add(hdrs.VARY, hdrs.ORIGIN)
        if allowed := _allowed(request, origins):
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = allowed
            response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = ", ".join(_READ)


def _is_preflight(request: web.Request) -> bool:
    return (
        request.method == hdrs.METH_OPTIONS
        and hdrs.ORIGIN in request.headers
        and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
    )


def _allowed(request: web.Request, origins: tuple[str, ...]) -> str:
    """Return the value of Access-Control-Allow-Origin; empty for none."""
    origin = request.headers.get(hdrs.ORIGIN, "")
    if not origin:
        return ""
    if "*" in origins:
        return "*"
    return origin if any(_matches(each, origin) for each in origins) else ""


def _matches(allowed: str, origin: str) -> bool:
    place = allowed.removesuffix(":*")
    if place == allowed:
        return origin == allowed
    return origin.startswith(place) and bool(
        _PORT.fullmatch(origin.removeprefix(place))
    )
