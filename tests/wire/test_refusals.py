"""An error of the engine crosses the wire and comes back the same."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utd_stream.errors import (
    BannedError,
    ConflictError,
    EngineError,
    FeatureDisabledError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    UnauthenticatedError,
    UnavailableError,
    UTDErrorCode,
)
from utd_stream.testing.models import json_values, texts
from utd_stream.wire import (
    error_from_answer,
    error_to_json,
    is_refusal,
    retry_after,
)

AT = "Wed, 21 Oct 2015 07:28:00 GMT"
NOW = datetime(2015, 10, 21, 7, 28, tzinfo=UTC)

KINDS = (
    InvalidRequestError,
    UnauthenticatedError,
    PermissionDeniedError,
    BannedError,
    FeatureDisabledError,
    NotFoundError,
    ConflictError,
    RateLimitedError,
    UnavailableError,
)
CODES = {
    (InvalidRequestError, 400): "malformed",
    (InvalidRequestError, 405): "method_not_allowed",
    (InvalidRequestError, 413): "too_large",
    (InvalidRequestError, 415): "unsupported_media_type",
    (InvalidRequestError, 422): "invalid",
    (UnauthenticatedError, 401): "unauthenticated",
    (PermissionDeniedError, 403): "forbidden",
    (BannedError, 403): "banned",
    (FeatureDisabledError, 403): "feature_disabled suspended "
    "appkey_identity_mint_disabled",
    (NotFoundError, 404): "not_found",
    (ConflictError, 409): "conflict invalid_transition already_seated seat_taken "
    "seat_locked pending settled callee_busy caller_busy answered_elsewhere on_stage "
    "room_full stale_revision",
    (RateLimitedError, 429): "rate_limited",
    (UnavailableError, 503): "unavailable",
}
CASES = [
    (kind, status, code)
    for (kind, status), codes in CODES.items()
    for code in codes.split()
]


def across(error: EngineError, headers: Mapping[str, str] | None = None) -> EngineError:
    """The error as a client raises it."""
    body = orjson.dumps(error_to_json(error, "r1"))
    assert error.status_code is not None
    return error_from_answer(error.status_code, body, headers or {})


@given(
    case=st.sampled_from(CASES),
    message=texts(),
    details=st.dictionaries(texts(), json_values()),
)
def test_errors_come_back_as_they_were_raised(
    case: tuple[type[EngineError], int, str], message: str, details: dict[str, Any]
) -> None:
    """Class, status, code, message, details and request id are the same."""
    kind, status, code = case
    details.pop("retry_after", None)
    sent = kind(message, status, code, details=details)

    got = across(sent)

    assert type(got) is kind
    assert (got.status_code, got.code, str(got)) == (status, code, str(sent))
    assert got.request_id == "r1"
    assert {k: v for k, v in got.details.items() if k != "retry_after"} == details


@pytest.mark.parametrize(("kind", "status", "code"), CASES)
def test_each_code_comes_back_as_its_class(
    kind: type[EngineError], status: int, code: str
) -> None:
    """Every code of the contract has one class on both sides."""
    got = across(kind("no", status, code))

    assert (type(got), got.status_code, got.code) == (kind, status, code)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_class_alone_crosses(kind: type[EngineError]) -> None:
    """An error that says nothing of its own comes back with its class's words."""
    got = across(kind())

    assert type(got) is kind
    assert (got.code, got.message) == (kind.code, kind.code)


def test_every_code_of_the_contract_crosses() -> None:
    """The cases above are all that an engine may answer."""
    assert {code for *_, code in CASES} == {code.value for code in UTDErrorCode}


@pytest.mark.parametrize("header", [{"retry-after": "7"}, {}], ids=["header", "body"])
def test_how_long_to_wait_crosses(header: dict[str, str]) -> None:
    """The seconds are in the header and in the details; one of them is enough."""
    got = across(RateLimitedError(retry_after=7.0), header)

    assert isinstance(got, RateLimitedError)
    assert got.retry_after == 7.0
    assert got.details == {"retry_after": 7.0}


@pytest.mark.parametrize(
    "header",
    ["soon", "", "-1", "Wed, 21 Oct 2015 07:28:00 GMT", "9" * 400],
    ids=["word", "nothing", "negative", "date", "for ever"],
)
@pytest.mark.parametrize("told", [None, "7", True, -1, []], ids=repr)
def test_an_unreadable_pause_is_a_second(header: str, told: object) -> None:
    """A proxy may say anything; what cannot be read is one second."""
    body = orjson.dumps({"code": "rate_limited", "details": {"retry_after": told}})

    got = error_from_answer(429, body, {"retry-after": header})

    assert isinstance(got, RateLimitedError)
    assert got.retry_after == 1.0


def test_no_details_are_not_sent() -> None:
    """A body says what there is to say."""
    body = error_to_json(NotFoundError("no room"), "r1")

    assert body == {"code": "not_found", "message": "no room", "request_id": "r1"}


@given(
    status=st.integers(300, 599),
    body=st.binary() | json_values().map(orjson.dumps),
    retry_after=st.text(),
)
def test_whatever_is_answered_is_an_error_of_ours(
    status: int, body: bytes, retry_after: str
) -> None:
    """A proxy's page, half a body, another server's JSON: never another error."""
    headers = {"retry-after": retry_after, "x-request-id": "r2"}

    got = error_from_answer(status, body, headers)

    assert isinstance(got, EngineError)
    assert got.status_code == status
    assert str(got)


def test_what_a_proxy_says_is_told_by_its_status() -> None:
    """A page of HTML has no code: the status stands in, the id is the header's."""
    got = error_from_answer(502, b"<html>", {"x-request-id": "r2"})

    assert (got.code, str(got)) == ("http_502", "the engine answered 502")
    assert (got.request_id, got.details) == ("r2", {})


def test_fields_of_a_wrong_type_are_as_if_missing() -> None:
    """A code that is a number is none."""
    body = orjson.dumps({"code": 5, "message": [], "request_id": 1, "details": "a"})

    got = error_from_answer(409, body, {})

    assert type(got) is ConflictError
    assert (got.code, str(got)) == ("error", "the engine answered 409")
    assert (got.request_id, got.details) == ("", {})


@pytest.mark.parametrize(
    ("told", "header", "now", "seconds"),
    [
        ("Wed, 21 Oct 2015 07:28:09 GMT", {"date": AT}, None, 9.0),
        ("Wed, 21 Oct 2015 07:28:09 GMT", {}, NOW, 9.0),
        ("Wed, 21 Oct 2015 07:27:00 GMT", {"date": AT}, None, 0.0),
        ("Wed, 21 Oct 2015 07:28:09 GMT", {}, None, None),
        ("soon", {"date": AT}, NOW, None),
    ],
    ids=["by its own date", "by ours", "past", "by none", "word"],
)
def test_a_pause_may_end_at_a_date(
    told: str, header: dict[str, str], now: datetime | None, seconds: float | None
) -> None:
    """A date is compared with the answer's own, else with the time here."""
    assert retry_after({"retry-after": told, **header}, now) == seconds


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_the_engine_is_told_from_a_gateways(
    kind: type[EngineError],
) -> None:
    """The engine names code and request; a page, or another failure, is not its own."""
    error = kind(request_id="r")
    status = error.status_code or 0
    body = error_to_json(error, "r")

    assert is_refusal(status, body)
    assert not is_refusal(200, body)
    assert not is_refusal(status, {**body, "request_id": ""})
    assert not is_refusal(status, [body])
    assert not is_refusal(502, {**body, "code": "bad_gateway"})
