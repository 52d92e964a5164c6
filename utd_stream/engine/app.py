"""The engine as an aiohttp application.

Routes come from `ENDPOINTS`; what each does is in `routes`.  Every answer is
JSON with a request id, also where the router itself says no.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from math import ceil
from typing import Any

import orjson
from aiohttp import web

from utd_stream.contract.endpoints import ENDPOINTS, Endpoint, Who
from utd_stream.contract.signaling import SIGNAL_PATH
from utd_stream.engine._calls import (
    check_head,
    check_type,
    read_call,
    read_idempotency,
)
from utd_stream.engine._nowhere import nothing_at
from utd_stream.engine.auth import Credential
from utd_stream.engine.bodies import Bodies, ClientGoneError
from utd_stream.engine.border_log import log_failure
from utd_stream.engine.config import Config
from utd_stream.engine.connections import PARSING
from utd_stream.engine.cors import CALLING_APP, Cors, no_method
from utd_stream.engine.engine import Engine
from utd_stream.engine.listening import REFUSE
from utd_stream.engine.orders import Idempotency, Order
from utd_stream.engine.routes import COMMANDS, LOOKS, Reply, order_of
from utd_stream.engine.services import SERVICES, Services
from utd_stream.engine.store import Store
from utd_stream.engine.webhooks import check_signature, hear
from utd_stream.errors import (
    EngineError,
    InvalidRequestError,
    RateLimitedError,
    UnavailableError,
)
from utd_stream.ports import Clock, FactLog, Luck, Sfu
from utd_stream.wire import error_to_json

__all__ = ["ENGINE", "make_app"]

# LiveKit's webhooks hold the whole metadata of their room, in bytes.
_WEBHOOK_LIMIT = 2**21
# Of all bodies that are being read at once, of users and of LiveKit, in bytes.
_BODIES_LIMIT = 2**25
# HEAD is GET without the body, which aiohttp leaves out by itself.
_METHODS = {"GET": ("GET", "HEAD")}
ENGINE = web.AppKey("engine", Engine)
_REQUEST_IDS = web.AppKey("request_ids", Iterator[str])
_BODIES = web.AppKey("bodies", Bodies)
_NOTICES = web.AppKey("notices", Bodies)
_REQUEST_ID = web.RequestKey("request_id", str)


def make_app(  # noqa: PLR0913 -- its ports
    config: Config,
    *,
    sfu: Sfu,
    clock: Clock,
    luck: Luck,
    store: Store,
    threaded: bool = True,
    log: FactLog | None = None,
) -> web.Application:
    """Return an engine as an application; it runs while the application does.

    Args:
        config: In force; complete.
        sfu: The media plane; closed by whoever made it.
        clock: Of the engine.
        luck: Of the engine.
        store: The engine's own from now on: closed with it.
        threaded: False to write on the loop itself, as virtual time needs.
        log: Told what happens; None for nobody.
    """
    app = web.Application(
        middlewares=[_answer_errors],
        # `Bodies` bounds them, and says so in JSON.
        client_max_size=0,
        handler_args=PARSING,
    )
    Cors(config.apps).watch(app)
    engine = Engine(
        config,
        sfu=sfu,
        clock=clock,
        luck=luck,
        store=store,
        threaded=threaded,
        log=log,
    )
    app[ENGINE] = engine
    app[SERVICES] = engine.services
    # One draw for them all: a source of chance is slower than a counter.
    prefix = luck.token()
    ids = (f"{prefix}-{number}" for number in count(1))
    app[_REQUEST_IDS] = ids

    def refuse(error: EngineError) -> web.Response:
        return _refusal(error, next(ids))

    app[REFUSE] = refuse
    app[_BODIES] = Bodies(config.body_limit, _BODIES_LIMIT)
    app[_NOTICES] = Bodies(_WEBHOOK_LIMIT, _BODIES_LIMIT)
    app.cleanup_ctx.append(engine.running_with)
    app.on_shutdown.append(engine.stop_signaling)
    app.router.add_route("GET", SIGNAL_PATH, engine.signaling.serve)
    for endpoint in ENDPOINTS:
        serve = _webhook if endpoint.who is Who.SFU else _served(endpoint)
        for method in _METHODS.get(endpoint.method, (endpoint.method,)):
            app.router.add_route(method, endpoint.full_path, serve)
    return app


_Handle = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def _answer_errors(request: web.Request, handler: _Handle) -> web.StreamResponse:
    ids: Iterator[str] = request.app[_REQUEST_IDS]
    request_id = next(ids)
    request[_REQUEST_ID] = request_id
    try:
        response = await handler(request)
    except EngineError as error:
        response = _refusal(error, request_id)
    except web.HTTPException as error:
        response = _refusal(_router_error(request, error), request_id)
        if "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
    except ClientGoneError:
        raise  # nobody is there to be answered
    except Exception as error:  # noqa: BLE001 -- a border that must survive
        log_failure(f"request {request_id} failed", error)
        failure = UnavailableError("the engine failed; its log knows this request id")
        response = _refusal(failure, request_id)
    response.headers["X-Request-Id"] = request_id
    return response


def _served(endpoint: Endpoint[Any, Any]) -> _Handle:
    obey = COMMANDS.get(endpoint)
    handler = LOOKS.get(endpoint)

    async def serve(request: web.Request) -> web.StreamResponse:
        services = request.app[SERVICES]
        request_id = request[_REQUEST_ID]
        check_head(request)
        caller = services.authenticator.caller(request.headers, endpoint.who)
        if caller.credential is not Credential.NOTHING:
            request[CALLING_APP] = caller.app
        services.rates.check(caller)
        # From a stranger no body is read: there is nothing to say in it.
        is_stranger = caller.credential is Credential.NOTHING
        raw = b"" if is_stranger else await request.app[_BODIES].read(request)
        check_type(request, raw)
        key = read_idempotency(request, endpoint, caller, raw)
        try:
            call = read_call(
                request,
                endpoint,
                services,
                caller,
                raw,
                idempotency=key,
                request_id=request_id,
            )
        except EngineError as error:
            if key is None:
                raise
            return _response(await _refused(services, endpoint, key, error, request_id))
        if obey is None:
            assert handler is not None  # noqa: S101 -- a test holds the map total
            return _response(await handler(call))
        outcome = await services.writer.submit(order_of(call, obey(call)))
        return _response(Reply(outcome.body, outcome.status))

    return serve


async def _refused(
    services: Services,
    endpoint: Endpoint[Any, Any],
    key: Idempotency,
    error: EngineError,
    request_id: str,
) -> Reply:
    """Keep a refusal too: the same key is for the same request only."""
    order = Order(
        key=("", ""),
        command=error,
        who=endpoint.who,
        idempotency=key,
        request_id=request_id,
    )
    outcome = await services.writer.submit(order)
    return Reply(outcome.body, outcome.status)


async def _webhook(request: web.Request) -> web.StreamResponse:
    services = request.app[SERVICES]
    check_head(request)
    signature = request.headers.get("Authorization", "")
    check_signature(services, signature)
    body = await request.app[_NOTICES].read(request)
    await hear(services, body, signature)
    return _response(Reply(b"{}"))


def _response(reply: Reply) -> web.Response:
    return web.Response(
        body=reply.body, status=reply.status, content_type="application/json"
    )


def _refusal(error: EngineError, request_id: str) -> web.Response:
    reply = Reply(
        orjson.dumps(error_to_json(error, request_id)), error.status_code or 503
    )
    response = _response(reply)
    response.headers["X-Request-Id"] = request_id
    if error.retryable:
        after = error.retry_after if isinstance(error, RateLimitedError) else 1
        response.headers["Retry-After"] = str(max(ceil(after), 1))
    if error.status_code == web.HTTPUnauthorized.status_code:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _router_error(request: web.Request, error: web.HTTPException) -> EngineError:
    if error.status == web.HTTPNotFound.status_code:
        return nothing_at(request.path)
    if error.status == web.HTTPMethodNotAllowed.status_code:
        return no_method(request)
    return InvalidRequestError(error.reason, 400, "malformed")
