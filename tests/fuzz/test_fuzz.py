"""The fuzzer finds what is off, and nothing where nothing is."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from tests.fuzz.__main__ import engine
from tests.fuzz.people import People
from tests.fuzz.walk import Ground, Tally, walk
from utd_stream.engine.openapi import document

# As many as reach the rooms, in the order of the endpoints.
_REQUESTS = 30


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """An engine in a process of its own."""
    with engine() as where:
        yield where


def fuzzed(url: str, told: dict[str, Any]) -> Tally:
    """Return what came of requests of the app's secret, judged by *told*."""
    people = People(url, seed=0)
    ground = Ground(
        document=told,
        url=url,
        people=people,
        seed=0,
        is_over=lambda: False,
        tell=lambda _: None,
    )
    (tally,) = walk(ground, ("secret",), _REQUESTS)
    people.close()
    return tally


def test_an_engine_is_as_it_says(url: str) -> None:
    """Nothing is off where the document is the engine's own."""
    tally = fuzzed(url, orjson.loads(document()))

    assert tally.failures == {}
    assert tally.requests == _REQUESTS
    assert "create_session" in tally.served


def test_what_strays_is_found(url: str) -> None:
    """A field, a refusal and a status that are not as described are found."""
    bent = copy.deepcopy(orjson.loads(document()))
    schemas = bent["components"]["schemas"]
    schemas["SessionAnswer"]["required"].append("nothing")
    schemas["SessionRequest"]["properties"]["identity"]["enum"] = ["nobody"]
    del bent["paths"]["/api/v1/auth/refresh"]["post"]["responses"]["401"]

    found = "\n".join(fuzzed(url, bent).failures)

    assert "create_session: Response violates schema" in found
    assert "create_session: took what its schema refuses" in found
    assert "refresh_session: Undocumented status code" in found
