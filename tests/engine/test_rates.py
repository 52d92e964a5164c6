"""An app and a user are served as often as the limits say, and told when again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.engine.calling import Callers
from tests.engine.house import OPEN, SHUT, Answer, House, app_of, open_house
from utd_stream.engine import read_config
from utd_stream.engine._per_minute import PerMinute
from utd_stream.errors import InvalidArgumentError

BACK_END = app_of(OPEN, secret=True)


@pytest_asyncio.fixture
async def limited() -> AsyncIterator[House]:
    """An engine that serves a user six times a minute, and an app twenty times."""
    async with open_house(rate_identity=6, rate_app=20) as opened:
        yield opened


async def read(house: House, by: dict[str, str] | str, times: int = 1) -> list[Answer]:
    """Ask for a room that never was, again and again."""
    return [await house.room_ask("GET", "", by=by) for _ in range(times)]


def statuses(answers: list[Answer]) -> list[int]:
    """Return the status of each."""
    return [answer.status for answer in answers]


async def test_user_beyond_the_limit_is_told_when_to_ask_again(limited: House) -> None:
    """One request too many is 429, with whole seconds, a code and a request id."""
    answers = await read(limited, "ana", 7)

    assert statuses(answers) == [404] * 6 + [429]
    refused = answers[-1]
    assert refused.code == "rate_limited"
    assert refused.headers["Retry-After"] == "10"
    assert refused.body["request_id"] == refused.headers["X-Request-Id"]


async def test_the_wait_is_rounded_up(limited: House) -> None:
    """Whoever comes after Retry-After is served, and not a moment earlier."""
    await read(limited, "ana", 6)
    await limited.clock.advance(6.4)
    (refused,) = await read(limited, "ana")
    await limited.clock.advance(3.5)
    (early,) = await read(limited, "ana")
    await limited.clock.advance(0.1)
    (served,) = await read(limited, "ana")

    assert (refused.status, refused.headers["Retry-After"]) == (429, "4")
    assert (early.status, early.headers["Retry-After"]) == (429, "1")
    assert served.status == 404


async def test_a_minute_later_all_of_it_is_there_again(limited: House) -> None:
    """What was used up comes back evenly, the whole of it within a minute."""
    await read(limited, "ana", 6)
    await limited.clock.advance(60)

    assert statuses(await read(limited, "ana", 7)) == [404] * 6 + [429]


async def test_users_do_not_use_up_each_other(limited: House) -> None:
    """A user beyond the limit is refused alone, and counts for the app no more."""
    await read(limited, "ana", 50)

    assert statuses(await read(limited, "bob", 6)) == [404] * 6
    assert statuses(await read(limited, "cho", 6)) == [404] * 6
    assert statuses(await read(limited, "dan", 3)) == [404, 404, 429]


async def test_apps_do_not_use_up_each_other(limited: House) -> None:
    """An app beyond its limit is refused, its back end too; another one is served."""
    answers = await read(limited, BACK_END, 21)

    assert statuses(answers) == [404] * 20 + [429]
    assert answers[-1].headers["Retry-After"] == "3"
    assert statuses(await read(limited, "ana")) == [429]
    assert statuses(await read(limited, app_of(SHUT, secret=True))) == [404]


async def test_identity_in_a_body_is_not_counted(limited: House) -> None:
    """Behind a key or a secret an identity is a claim, and uses up nobody."""
    for by in (app_of(OPEN), BACK_END):
        for _ in range(7):
            answer = await limited.ask(
                "POST", "api/v1/auth/session", by=by, json={"identity": "ana"}
            )
            assert answer.status == 200

    assert statuses(await read(limited, "ana")) == [404]


async def test_wrong_credentials_count_for_nobody(limited: House) -> None:
    """A flood without credentials is refused, and uses up no app's requests."""
    wrong = {**BACK_END, "X-App-Secret": "wrong"}
    unknown = {"X-App-Id": "unknown", "X-App-Key": "k"}
    for by in (wrong, unknown, {}):
        assert statuses(await read(limited, by, 30)) == [401] * 30

    assert statuses(await read(limited, BACK_END)) == [404]


async def test_who_asks_how_the_engine_is_is_not_counted(limited: House) -> None:
    """What needs no credentials has no limit."""
    for path in ("health", "api/v1/openapi.json"):
        for _ in range(30):
            assert (await limited.ask("GET", path)).status == 200


async def test_limit_is_not_kept_under_a_key(limited: House) -> None:
    """A write refused by the limit is done when it comes again with its key."""
    await limited.enter("ana", role="host")
    key = {"Idempotency-Key": "once"}
    await read(limited, "ana", 6)
    refused = await limited.room_ask("POST", "/seats/1/take", by="ana", headers=key)
    await limited.clock.advance(10)
    served = await limited.room_ask("POST", "/seats/1/take", by="ana", headers=key)

    assert (refused.status, served.status) == (429, 200)
    assert served.body["seat_index"] == 1


async def test_body_of_a_refused_request_is_not_looked_at(limited: House) -> None:
    """Whoever is beyond the limit costs no more than the look at credentials."""
    await read(limited, "ana", 6)
    answer = await limited.room_ask("POST", "/seats/leave", by="ana", data=b"[" * 9999)

    assert answer.status == 429


async def test_one_user_calls_another_so_many_times_a_minute() -> None:
    """A call too many is 429, whoever asks for it; others are called on."""
    async with open_house(rate_pair=2) as house:
        callers = Callers(house)
        for _ in range(2):
            assert (await callers.dial("ana", "ben")).status == 201
            await callers.say("ana", "end")

        refused = await callers.dial("ana", "ben")
        by_back_end = await callers.dial("ana", "ben", by=BACK_END, identity="ana")
        others = [
            (await callers.dial(*pair)).status
            for pair in (("ana", "cho"), ("ben", "dan"))
        ]
        await house.clock.advance(30)
        later = await callers.dial("ana", "ben")

    assert (refused.status, refused.code) == (429, "rate_limited")
    assert refused.headers["Retry-After"] == "30"
    assert "calls to this user" in refused.body["message"]
    assert (by_back_end.status, others) == (429, [201, 201])
    assert later.status == 201


async def test_nought_is_no_limit(house: House) -> None:
    """Where nothing is limited everything is served."""
    assert statuses(await read(house, "ana", 200)) == [404] * 200


def test_only_those_who_still_owe_are_remembered() -> None:
    """However many come, those who came over a minute ago are forgotten."""
    limit = PerMinute(120)
    for number in range(10_000):
        assert not limit.take(f"user {number}", now=number * 0.1)

    assert len(limit) <= 600


def test_a_limit_holds_for_those_who_never_pause() -> None:
    """Asked ten times a second for ten minutes, a limit of sixty gives 659."""
    limit = PerMinute(60)
    served = [n for n in range(6_000) if not limit.take("ana", now=n / 10)]

    assert len(served) == 60 + 599


def test_limits_come_from_the_settings() -> None:
    """File, environment and flags say them, and no number is below nought."""
    environ = {"UTD_STREAM_RATE_APP": "0", "UTD_STREAM_RATE_IDENTITY": "7"}
    config = read_config(environ=environ)

    assert (config.rate_app, config.rate_identity, config.rate_pair) == (0, 7, 6)
    with pytest.raises(InvalidArgumentError, match="rate_identity"):
        read_config(environ={"UTD_STREAM_RATE_IDENTITY": "-1"})


def test_limiter_is_loaded_where_a_limit_is_set() -> None:
    """The engine without limits runs without pyrate-limiter being loaded."""
    program = (
        "import sys; from utd_stream.adapters.clock import AsyncioClock;"
        "from utd_stream.engine.rates import Rates;"
        "Rates(app={0}, identity=0, pair=0, clock=AsyncioClock());"
        "print('pyrate_limiter' in sys.modules)"
    )
    loaded = [
        subprocess.run(  # noqa: S603 -- this interpreter, a program from above
            [sys.executable, "-c", program.format(limit)],
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout.strip()
        for limit in (0, 1)
    ]

    assert loaded == ["False", "True"]
