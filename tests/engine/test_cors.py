"""Web pages call the engine where their app says so, and nowhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import attrs
import pytest
import pytest_asyncio

from tests.engine.house import GONE, OPEN, SHUT, Answer, House, app_of, open_house
from utd_stream.engine import App, Config, read_config
from utd_stream.engine.cors import with_local_pages
from utd_stream.errors import InvalidArgumentError

PAGE = "https://app.example.com"
OTHERS_PAGE = "https://shut.example.com"
FOREIGN = "https://evil.example.com"

APPS = (
    attrs.evolve(OPEN, allowed_origins=(PAGE, "http://localhost:*")),
    attrs.evolve(SHUT, allowed_origins=(OTHERS_PAGE,)),
    GONE,
)


@pytest_asyncio.fixture
async def site() -> AsyncIterator[House]:
    """An engine that two apps call from pages of their own."""
    async with open_house(apps=APPS, rate_identity=1) as opened:
        yield opened


def preflight(origin: str) -> dict[str, str]:
    """Return what a browser sends before a POST with JSON and credentials."""
    return {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }


def listed(answer: Answer, name: str) -> set[str]:
    """Return the names that a header lists."""
    return {each.strip() for each in answer.headers.get(name, "").split(",")}


def reader(answer: Answer) -> str | None:
    """Return whose page may read *answer*."""
    return answer.headers.get("Access-Control-Allow-Origin")


@pytest.mark.parametrize("origin", [PAGE, OTHERS_PAGE, "http://localhost:5173"])
async def test_preflight_of_any_apps_page_is_answered(site: House, origin: str) -> None:
    """A preflight names no app, so the pages of every app may go on to ask."""
    for path in ("api/v1/token", "api/v1/rooms/a/seats/0/take", "health"):
        answer = await site.ask("OPTIONS", path, headers=preflight(origin))

        assert (answer.status, answer.raw) == (204, b"")
        assert reader(answer) == origin
        assert answer.headers["X-Request-Id"]
        assert "Origin" in listed(answer, "Vary")
        assert listed(answer, "Access-Control-Allow-Methods") >= {
            *("GET", "HEAD", "POST", "DELETE")
        }


async def test_page_may_send_all_but_the_secret(site: House) -> None:
    """Every header of an app may be sent, and never the back end's secret."""
    answer = await site.ask("OPTIONS", "api/v1/token", headers=preflight(PAGE))

    assert listed(answer, "Access-Control-Allow-Headers") == {
        "Authorization",
        "Content-Type",
        "X-App-Id",
        "X-App-Key",
        "Idempotency-Key",
        "If-Match",
        "Idempotency-Void",
    }


@pytest.mark.parametrize(
    "headers",
    [
        preflight(FOREIGN),
        preflight("null"),
        preflight(f"{PAGE}:8443"),
        preflight(f"{PAGE}.evil.com"),
        preflight("http://localhost:5173.evil.com"),
        preflight("http://localhostess"),
        preflight("https://localhost:5173"),
        {"Origin": PAGE},
        {},
    ],
    ids=str,
)
async def test_other_options_are_no_method(
    site: House, headers: Mapping[str, str]
) -> None:
    """OPTIONS that is no preflight of an allowed page is 405 as JSON."""
    answer = await site.ask("OPTIONS", "api/v1/token", headers=headers)

    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert listed(answer, "Allow") == {"POST"}
    assert reader(answer) in {None, headers.get("Origin")}
    assert not {FOREIGN, "null"} & {reader(answer)}


async def test_answers_are_for_the_pages_of_the_app_that_called(site: House) -> None:
    """A page reads what its own app is answered, and not what another's is."""
    asked = {"identity": "ana"}
    for origin, allowed in ((PAGE, PAGE), (OTHERS_PAGE, None), (FOREIGN, None)):
        answer = await site.ask(
            "POST",
            "api/v1/auth/session",
            by=app_of(OPEN),
            json=asked,
            headers={"Origin": origin},
        )

        assert (answer.status, reader(answer)) == (200, allowed)
        assert "Origin" in listed(answer, "Vary")


async def test_refusals_are_read_as_answers_are(site: House) -> None:
    """A page learns of 401, 404, 405, 422, 429 and 503, with request id and wait."""
    here = {"Origin": PAGE}
    room = "api/v1/rooms/lounge"
    wrong = {"Authorization": "Bearer expired"}
    answers = [
        await site.ask("GET", room, by=wrong, headers=here),
        await site.ask("GET", "nowhere", headers=here),
        await site.ask("PATCH", room, headers=here),
        await site.ask("POST", "api/v1/token", by=app_of(OPEN), headers=here),
        await site.ask("GET", room, by="ana", headers=here),
        await site.ask("GET", room, by="ana", headers=here),
        await site.ask("GET", "health", headers=here),
    ]

    assert [a.status for a in answers] == [401, 404, 405, 422, 404, 429, 200]
    assert {reader(answer) for answer in answers} == {PAGE}
    for answer in answers:
        exposed = listed(answer, "Access-Control-Expose-Headers")
        assert exposed == {"X-Request-Id", "Retry-After"}


async def test_failure_of_the_engine_is_read_too(site: House) -> None:
    """A page learns that the engine cannot serve it now."""
    site.services.writer.kill()
    answer = await site.ask(
        "POST",
        "api/v1/rooms/lounge/seats/leave",
        by="ana",
        headers={"Origin": PAGE},
    )

    assert (answer.status, reader(answer)) == (503, PAGE)


async def test_no_page_may_call_by_default(house: House) -> None:
    """Where no app names a page nothing is said to any."""
    asked = await house.ask("OPTIONS", "api/v1/token", headers=preflight(PAGE))
    told = await house.ask("GET", "health", headers={"Origin": PAGE})

    assert (asked.status, asked.code) == (405, "method_not_allowed")
    assert "allowed_origins" in asked.body["message"]
    assert reader(asked) is reader(told) is None


async def test_star_is_every_page() -> None:
    """An app may let every page call; the star is sent, not the page's own word."""
    apps = (attrs.evolve(OPEN, allowed_origins=("*",)), SHUT)
    async with open_house(apps=apps) as house:
        asked = await house.ask("OPTIONS", "api/v1/token", headers=preflight(FOREIGN))
        told = await house.room_ask(
            "GET", "", by=app_of(SHUT, secret=True), headers={"Origin": FOREIGN}
        )

    assert (asked.status, reader(asked)) == (204, "*")
    assert reader(told) is None


def app(*origins: str) -> App:
    """Return an app whose pages are *origins*."""
    return attrs.evolve(OPEN, allowed_origins=origins)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("https://App.Example.com:443", "https://app.example.com"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:*", "http://[::1]:*"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("*", "*"),
    ],
)
def test_origins_are_read_as_browsers_spell_them(written: str, read: str) -> None:
    """Case and the usual port make no difference to a browser."""
    assert app(written).allowed_origins == (read,)


@pytest.mark.parametrize(
    "written",
    [
        "https://app.example.com/",
        "https://app.example.com/page",
        "app.example.com",
        "https://",
        "https://user@app.example.com",
        "https://app.example.com:port",
        "https://app.example.com?x",
        "https://*.example.com",
        "https://bücher.example",
        " https://app.example.com",
        "https://app.example.com\n",
        "null",
        "",
    ],
)
def test_what_no_browser_sends_is_refused(written: str) -> None:
    """An origin that could never match is refused, with how to write it."""
    with pytest.raises(InvalidArgumentError, match="no origin; write it as browsers"):
        app(written)


def test_file_names_the_pages_of_each_app(tmp_path: Path) -> None:
    """An app of the file has its own pages, and none where it says nothing."""
    file = tmp_path / "engine.toml"
    file.write_text(
        '[[apps]]\nid = "a"\nkey = "k"\nsecret = "s"\n'
        'allowed_origins = ["https://app.example.com", "http://localhost:*"]\n'
        '[[apps]]\nid = "b"\nkey = "k"\nsecret = "s"\n'
    )

    assert [app.allowed_origins for app in read_config(file=file).apps] == [
        ("https://app.example.com", "http://localhost:*"),
        (),
    ]
    file.write_text(file.read_text().replace('"http://localhost:*"', "8080"))
    with pytest.raises(InvalidArgumentError, match=r"apps\[0\].allowed_origins"):
        read_config(file=file)


async def test_pages_of_this_machine_may_call_in_dev() -> None:
    """`dev` lets any port of localhost call, unless the app names its pages."""
    apps = with_local_pages(Config(apps=(app(PAGE), SHUT))).apps

    assert apps[0].allowed_origins == (PAGE,)
    async with open_house(apps=(apps[1],)) as house:
        for origin in (
            *("http://localhost:3000", "http://localhost", "https://localhost:8443"),
            *("http://127.0.0.1:8080", "http://[::1]:5173"),
        ):
            answer = await house.ask("OPTIONS", "health", headers=preflight(origin))
            assert (answer.status, reader(answer)) == (204, origin)
        answer = await house.ask("OPTIONS", "health", headers=preflight(PAGE))
        assert answer.status == 405
