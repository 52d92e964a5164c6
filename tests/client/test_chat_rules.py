"""What may be said in a chat, how fast, and what of it is heard."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utd_stream.client.rules.chat import Hearing, Saying, check_text, may_chat
from utd_stream.errors import InvalidArgumentError
from utd_stream.models.rooms import UTDRole

pauses = st.lists(st.floats(0, 3), max_size=60)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "blank"),
        (" \n\t", "blank"),
        ("x" * 4_001, "4001 bytes"),
        ("é" * 2_001, "4002 bytes"),
        ("\ud800", "Unicode"),
        (b"bytes", "not bytes"),
        (None, "not NoneType"),
    ],
)
def test_what_is_no_message_is_refused(text: Any, problem: str) -> None:
    """By what is wrong with it."""
    with pytest.raises(InvalidArgumentError, match=problem):
        check_text(text)


def test_a_message_is_trimmed() -> None:
    """Before it is measured."""
    assert check_text("  a b \n") == "a b"
    assert check_text(" " + "x" * 4_000 + " ") == "x" * 4_000


@pytest.mark.parametrize("role", [None, *UTDRole])
def test_a_locked_chat_is_for_moderators(role: UTDRole | None) -> None:
    """Whose role cannot be told is not heard then."""
    assert may_chat(role, is_locked=False)
    assert may_chat(role, is_locked=True) == (role in {UTDRole.ADMIN, UTDRole.HOST})


@pytest.mark.parametrize(("moderates", "share"), [(False, 1), (True, 2)])
@given(waits=pauses)
def test_nobody_says_more_than_they_may(
    moderates: bool,  # noqa: FBT001 -- a case
    share: int,
    waits: list[float],
) -> None:
    """Ten at once and one a second, moderators twice that; never less (L78)."""
    saying, now = Saying(), 1_000.0
    said: list[float] = []
    for wait in waits:
        now += wait
        pause = saying.wait(now, moderates=moderates)
        if pause:
            now += pause
            assert saying.wait(now, moderates=moderates) == 0
        said.append(now)
    for first, begun in enumerate(said):
        for last, ended in enumerate(said[first:], first):
            most = (10 + ended - begun) * share
            assert last - first + 1 <= most + 1e-3


def test_ten_at_once_then_one_a_second() -> None:
    """And who waited as long as was said may go on."""
    saying = Saying()
    assert [saying.wait(50.0, moderates=False) for _ in range(10)] == [0.0] * 10
    assert saying.wait(50.0, moderates=False) == pytest.approx(1)
    assert saying.wait(50.4, moderates=False) == pytest.approx(0.6)
    assert saying.wait(51.0, moderates=False) == 0
    assert saying.wait(70.0, moderates=False) == 0


@given(waits=pauses)
def test_a_flood_is_not_heard(waits: list[float]) -> None:
    """At most twenty of one sender in any ten seconds, and the others all the same."""
    hearing, now = Hearing(), 0.0
    told: list[float] = []
    for number, wait in enumerate(waits):
        now += wait / 10
        if hearing.takes("eve", f"e{number}", now):
            told.append(now)
        assert hearing.takes("ana", f"a{number}", now) or number >= 20
    for begun in told:
        assert sum(begun <= at < begun + 10 for at in told) <= 20


def test_no_message_is_heard_twice() -> None:
    """Of the last 1,024; neither they nor the senders pile up."""
    hearing = Hearing()
    for number in range(5_000):
        assert hearing.takes(f"s{number}", f"m{number}", number)
    assert not hearing.takes("s1", "m4999", 5_000)
    assert not hearing.takes("s1", "m3976", 5_000)
    assert hearing.takes("s1", "m3975", 5_000)
    assert (len(hearing._ids), len(hearing._heard)) == (1_024, 1_024)


def test_what_was_dropped_may_come_again() -> None:
    """What was not told is not remembered as told."""
    hearing = Hearing()
    for number in range(20):
        assert hearing.takes("eve", f"m{number}", 0)
    assert not hearing.takes("eve", "late", 9.9)
    assert hearing.takes("eve", "late", 10.0)
