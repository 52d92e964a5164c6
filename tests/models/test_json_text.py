"""JSON that others wrote: what is read can be written again."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utd_stream.models.json_text import MAX_JSON_DEPTH, read_json
from utd_stream.testing.models import json_values


def nested(levels: int, opening: str = "[", closing: str = "]") -> str:
    """Return that many containers, one in the other."""
    inner = "1" if opening.endswith(":") else ""
    return opening * levels + inner + closing * levels


KINDS = pytest.mark.parametrize(
    ("opening", "closing"), [("[", "]"), ('{"a":', "}")], ids=["arrays", "objects"]
)


@given(json_values())
def test_what_is_shallow_is_read_as_it_is(value: object) -> None:
    """Texts and bytes say the same."""
    body = orjson.dumps(value)

    assert read_json(body) == read_json(body.decode()) == orjson.loads(body)


@KINDS
def test_the_bound_is_exact(opening: str, closing: str) -> None:
    """64 levels are read, 65 are refused."""
    read_json(nested(MAX_JSON_DEPTH, opening, closing))

    with pytest.raises(ValueError, match="nested deeper than 64 levels"):
        read_json(nested(MAX_JSON_DEPTH + 1, opening, closing))


@KINDS
@pytest.mark.parametrize("levels", [200, 255, 1_024, 1_025, 100_000])
def test_deeper_is_refused_in_one_way(opening: str, closing: str, levels: int) -> None:
    """Whether orjson could read it, write it, both or neither."""
    with pytest.raises(ValueError):  # noqa: PT011 -- orjson words one half of them
        read_json(nested(levels, opening, closing))


@given(st.text(st.characters(codec=None), max_size=8) | st.binary(max_size=12))
def test_what_is_read_can_be_written_inside_another(text: str | bytes) -> None:
    """Whatever comes is refused, or can be passed on by any writer of JSON."""
    try:
        value = read_json(text)
    except ValueError:
        return
    written = orjson.dumps({"keys": {"more": value}})

    assert json.loads(json.dumps(value)) == orjson.loads(written)["keys"]["more"]


@pytest.mark.parametrize(
    "number", ["1" * 19, "9" * 40, "9" * 5_000, "1e308", "1e999", "-0", "NaN"]
)
def test_numbers_are_refused_or_can_be_written(number: str) -> None:
    """A number beyond 64 bits becomes a float; beyond a float it is refused."""
    try:
        value = read_json(number)
    except ValueError:
        return

    assert orjson.loads(orjson.dumps(value)) == value


def test_an_error_quotes_nothing() -> None:
    """The text may hold a secret."""
    with pytest.raises(ValueError, match="not JSON") as caught:
        read_json('{"password": "hunter2')

    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
