"""Whatever answers in the engine's place, and servers that say when to come again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.asking import GRID, MINT, OF, TOKEN, engine, leave_seat
from tests.client.engine_script import Engine, Page, refusal
from utd_stream.client._retries import Tries
from utd_stream.errors import (
    ConflictError,
    IntermediaryError,
    NotFoundError,
    RateLimitedError,
    TransportError,
    UnavailableError,
    UTDStreamException,
)

__all__ = ["engine"]

HTML = b"<html><title>Sign in</title></html>"
JSON = orjson.dumps({"rev": 1, "grid": {}})
LIMITED = orjson.dumps({"code": "rate_limited", "message": "slow", "request_id": "r"})
FOREIGN = [
    *(Page(status) for status in (300, 301, 302, 303, 307, 308, 400, 401, 403)),
    *(Page(status) for status in (404, 405, 407, 408, 410, 413, 425, 429)),
    *(Page(status) for status in (500, 501, 502, 503, 504, 520, 521, 522, 523, 524)),
    Page(200, HTML),
    Page(200, b""),
    Page(204, b""),
    Page(200, JSON[:-3], {"X-Request-Id": "r1"}),  # half an answer
    Page(200, JSON),  # of somebody else
    Page(404, LIMITED),
    Page(404, b'{"detail": "Not Found"}', {"X-Request-Id": "envoy"}),
    Page(401, b'{"message": "no"}', {"X-Request-Id": "envoy"}),
    Page(502, b"", {"X-Request-Id": "envoy"}),
]
foreign = pytest.mark.parametrize(
    "page", FOREIGN, ids=lambda page: f"{page.status}-{page.body[:12]!r}"
)


@foreign
async def test_what_is_not_the_engines_is_asked_again(
    engine: Engine, page: Page
) -> None:
    """With the same key, as after any transport fault."""
    engine.answers(page, page, GRID)

    assert (await leave_seat(engine.rest())).rev == 1
    assert [asked.key for asked in engine.asked] == ["key-1"] * 3


@foreign
async def test_who_answered_is_told(engine: Engine, page: Page) -> None:
    """A typed error names the status, where it came from and a remedy."""
    engine.answers(page)

    with pytest.raises(IntermediaryError) as caught:
        await leave_seat(engine.rest())

    error = caught.value
    assert isinstance(error, TransportError)
    assert (error.code, error.status_code) == ("intermediary", page.status)
    assert error.retryable
    assert f"{engine.url.rstrip('/')} answered {page.status}" in str(error)
    assert "proxy" in str(error)
    assert "; " in str(error)
    assert "<" not in str(error)


async def test_the_engines_no_is_the_engines(engine: Engine) -> None:
    """JSON of its shape with its request id is no fault of the way."""
    engine.answers(refusal(404, "not_found"))

    with pytest.raises(NotFoundError):
        await leave_seat(engine.rest())

    assert len(engine.asked) == 1


async def test_a_proxys_401_renews_no_bearer(engine: Engine) -> None:
    """The bearer is as good as before."""
    renewed: list[None] = []

    async def renew() -> bool:
        renewed.append(None)
        return True

    rest = engine.rest()
    rest.bearer, rest.renew = "b", renew
    engine.answers(Page(401), GRID)

    await leave_seat(rest)

    assert renewed == []


@pytest.mark.parametrize(
    ("status", "code"), [(429, "rate_limited"), (503, "unavailable")]
)
@pytest.mark.parametrize("is_date", [False, True], ids=["seconds", "date"])
@pytest.mark.parametrize("is_engine", [False, True], ids=["proxy", "engine"])
async def test_a_retry_after_is_honored(
    engine: Engine, status: int, code: str, *, is_date: bool, is_engine: bool
) -> None:
    """The same key is sent again after the time that was asked for."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    due = format_datetime(now + timedelta(seconds=4), usegmt=True)
    headers = {"Retry-After": due if is_date else "4"}
    body = HTML
    if is_engine:
        headers["X-Request-Id"] = "r1"
        body = orjson.dumps(refusal(status, code)[1])
    headers["Date"] = format_datetime(now, usegmt=True)
    engine.answers(Page(status, body, headers), GRID)

    await leave_seat(engine.rest())

    (pause,) = engine.clock.slept
    assert 4.0 <= pause < 4.5
    assert [asked.key for asked in engine.asked] == ["key-1"] * 2


async def test_a_retry_after_beyond_the_limit_is_the_callers(engine: Engine) -> None:
    """It is raised at once, with the seconds."""
    headers = {"Retry-After": "30", "X-Request-Id": "r1"}
    engine.answers(Page(429, LIMITED, headers))

    with pytest.raises(RateLimitedError) as caught:
        await leave_seat(engine.rest())

    assert caught.value.retry_after == 30.0
    assert len(engine.asked) == 1
    assert engine.clock.slept == []


async def test_pauses_stay_below_the_limit(engine: Engine) -> None:
    """A server that says "in a second" for ever is asked until the limit."""
    engine.answers(Page(503, HTML, {"Retry-After": "1"}))

    with pytest.raises(IntermediaryError) as caught:
        await leave_seat(engine.rest(timeout=5.0))

    assert caught.value.retry_after == 1.0
    assert 3.0 < sum(engine.clock.slept) <= 5.0


async def test_a_limit_without_a_time_is_waited_for(engine: Engine) -> None:
    """A 429 of whomever is asked again after a second at least."""
    engine.answers(Page(429), Page(429, LIMITED, {"X-Request-Id": "r1"}), TOKEN)

    await engine.rest().call(OF["create_token"], MINT)

    assert all(pause >= 1.0 for pause in engine.clock.slept)
    assert len(engine.asked) == 3


async def test_an_unavailable_engine_says_when(engine: Engine) -> None:
    """Its error holds the seconds, or None."""
    body = orjson.dumps(refusal(503, "unavailable")[1])
    for asked, said in ((90.0, {"Retry-After": "90"}), (None, {})):
        engine.answers(Page(503, body, {"X-Request-Id": "r1", **said}))
        with pytest.raises(UnavailableError) as caught:
            await leave_seat(engine.rest())
        assert caught.value.retry_after == asked


FAULTS = st.sampled_from(
    [
        TransportError("broken"),
        IntermediaryError("page", 502),
        IntermediaryError("page", 429),
        *(IntermediaryError("page", 503, retry_after=s) for s in (0.0, 0.5, 8.0)),
        *(RateLimitedError(retry_after=s) for s in (0.0, 1.0, 1e9)),
        UnavailableError(),
        UnavailableError(retry_after=2.0),
    ]
)


@given(
    errors=st.lists(FAULTS, min_size=1, max_size=200),
    limit=st.floats(0.1, 60),
    luck=st.floats(0, 1, exclude_max=True),
)
def test_tries_end(errors: list[UTDStreamException], limit: float, luck: float) -> None:
    """However servers answer, tries are few and pauses within their bounds."""
    tries = Tries()
    for error in errors:
        tries = tries.after(error)
        pause = tries.pause(error, limit=limit, luck=luck)
        if pause is None:
            break
        said = getattr(error, "retry_after", None)
        assert pause >= (said or 0.0)
        assert said is None or tries.waited + pause <= limit
        tries = attrs.evolve(tries, waited=tries.waited + pause)
        assert tries.count <= 3 + limit / 0.2


async def test_an_answer_of_no_weight_does_not_hide_what_may_be_done(
    engine: Engine,
) -> None:
    """After a fault a 503 says nothing of the try before, which may be served."""
    unavailable = Page(
        503,
        orjson.dumps(refusal(503, "unavailable")[1]),
        {"X-Request-Id": "r1", "Retry-After": "60"},
    )
    engine.answers(Page(502), unavailable)

    with pytest.raises(IntermediaryError):
        await leave_seat(engine.rest())


async def test_what_the_engine_decided_holds_after_a_fault(engine: Engine) -> None:
    """The same key gets the same answer: a conflict then was one before."""
    engine.answers(Page(502), refusal(409, "seat_taken"))

    with pytest.raises(ConflictError):
        await leave_seat(engine.rest())
