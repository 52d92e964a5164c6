"""Reads answers, and tells the engine's from those of a proxy in its place."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar, cast

from utd_stream.contract.endpoints import Endpoint
from utd_stream.errors import IntermediaryError, RemoteProtocolError
from utd_stream.ports import HttpAnswer
from utd_stream.wire import (
    decode,
    decode_json,
    error_from_answer,
    is_refusal,
    retry_after,
)

__all__ = ["read_answer"]

_A = TypeVar("_A")

_OK = range(200, 300)


def read_answer(
    endpoint: Endpoint[Any, _A], answer: HttpAnswer, *, origin: str, now: datetime
) -> _A:
    """Return what the engine answered.

    The engine answers with JSON of its contract, and always with its
    X-Request-Id.  Any other answer comes from a proxy, a balancer or another
    server; then the engine may have served the request, or not.

    Args:
        endpoint: The operation that was asked for.
        answer: The answer to read.
        origin: The base URL that was asked.
        now: The present, for a Retry-After that is a date.

    Raises:
        EngineError: If the engine says no.
        IntermediaryError: If something else than the engine answered.
        RemoteProtocolError: If JSON with a request id is not of the contract.
    """
    if not answer.headers.get("x-request-id"):
        raise _foreign(answer, origin, now)
    try:
        raw = decode_json(answer.body)
    except RemoteProtocolError:
        raw = None
    if answer.status in _OK and raw is not None:
        return (
            cast("_A", raw) if endpoint.answer is None else decode(endpoint.answer, raw)
        )
    if is_refusal(answer.status, raw):
        raise error_from_answer(answer.status, answer.body, answer.headers, now=now)
    raise _foreign(answer, origin, now)


def _foreign(answer: HttpAnswer, origin: str, now: datetime) -> IntermediaryError:
    message = (
        f"{origin} answered {answer.status} in the engine's place (a proxy, a "
        "balancer or another server: the answer lacks the engine's JSON or its "
        f"X-Request-Id); {_remedy(answer.status)}"
    )
    asked = retry_after(answer.headers, now)
    return IntermediaryError(message, answer.status, retry_after=asked)


_REMEDIES = (
    (range(200, 300), "is base_url the engine's own, and past any login page?"),
    (range(300, 400), "give as base_url the address that it redirects to"),
    ((401, 403, 407), "let it pass requests to /api/v1 without a sign-in"),
    ((404, 405, 410), "is base_url right, with its path?"),
    ((408, 425, 429), "ask again later"),
    (range(500, 600), "the engine may be starting again; ask again later"),
)


def _remedy(status: int) -> str:
    for statuses, remedy in _REMEDIES:
        if status in statuses:
            return remedy
    return "check what stands between this client and the engine"
