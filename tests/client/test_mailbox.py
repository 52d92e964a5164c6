"""One fact at a time, in the order they were posted, whatever handlers do."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utd_stream._border import HomeLoop
from utd_stream.client._mailbox import Mailbox
from utd_stream.errors import ClosedError

# A posted event is a list of the events its handler posts.
trees = st.recursive(st.just(()), lambda inner: st.lists(inner, max_size=3).map(tuple))


class Desk:
    """A handler that posts what a tree says, and a note of what it handled."""

    def __init__(self) -> None:
        self.handled: list[object] = []
        self.depth = 0
        self.mailbox: Mailbox[object] = Mailbox(self.handle, HomeLoop())

    def handle(self, event: object) -> None:
        """Handle *event* and post what it holds."""
        assert self.depth == 0, "re-entered"
        self.depth += 1
        self.handled.append(event)
        if isinstance(event, tuple):
            for child in event:
                self.mailbox.post(child)
        self.depth -= 1


def in_turn(tree: object) -> Iterator[object]:
    """A tree, breadth first: each generation behind the one before."""
    queue = [tree]
    while queue:
        event = queue.pop(0)
        yield event
        queue += event if isinstance(event, tuple) else ()


@given(tree=trees)
def test_events_are_handled_in_the_order_they_were_posted(tree: object) -> None:
    """Also those that handlers post, and never one inside another."""
    desk = Desk()

    desk.mailbox.post(tree)

    assert desk.handled == list(in_turn(tree))


def failing_on(*events: str) -> tuple[Mailbox[str], list[str]]:
    """A mailbox whose handler fails on some events, and posts two from "both"."""
    handled: list[str] = []

    def handle(event: str) -> None:
        handled.append(event)
        if event == "both":
            mailbox.post("one")
            mailbox.post("two")
        if event in events:
            raise ClosedError(event)

    mailbox = Mailbox(handle, HomeLoop())
    return mailbox, handled


def test_who_posts_hears_of_a_refusal() -> None:
    """What the handler raises comes back to the one whose event it was."""
    mailbox, _ = failing_on("a")

    with pytest.raises(ClosedError, match="a"):
        mailbox.post("a")


def test_a_refused_event_strands_none_behind_it() -> None:
    """What it had posted before it failed is handled all the same."""
    mailbox, handled = failing_on("both")

    with pytest.raises(ClosedError, match="both"):
        mailbox.post("both")

    assert handled == ["both", "one", "two"]


def test_anothers_failure_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """An event that waited is nobody's to catch: it is logged, the rest goes on."""
    mailbox, handled = failing_on("one")

    with caplog.at_level(logging.ERROR, "utd_stream.client"):
        mailbox.post("both")

    assert handled == ["both", "one", "two"]
    (record,) = caplog.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], ClosedError)


@pytest.mark.parametrize("poison", ["a", "one"])
def test_a_mailbox_outlives_failures(poison: str) -> None:
    """After an error, raised or logged, the next event is handled at once."""
    mailbox, handled = failing_on(poison)
    for event in ("a", "both"):
        try:
            mailbox.post(event)
        except ClosedError:
            assert event == poison

    mailbox.post("z")

    assert handled[-1] == "z"


def test_an_interrupted_mailbox_is_not_stuck() -> None:
    """What ends the program's turn, such as Ctrl-C, leaves it usable."""
    handled: list[str] = []

    def handle(event: str) -> None:
        handled.append(event)
        if event == "first":
            mailbox.post("stop")
            mailbox.post("waiting")
        if event == "stop":
            raise KeyboardInterrupt

    mailbox = Mailbox[str](handle, HomeLoop())
    interrupt(lambda: mailbox.post("first"))

    mailbox.post("next")

    assert set(handled) == {"first", "stop", "waiting", "next"}


def interrupt(work: Callable[[], None]) -> None:
    """Do *work*, which ends by Ctrl-C."""
    with pytest.raises(KeyboardInterrupt):
        work()
