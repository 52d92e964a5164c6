"""What LiveKit's client forgot to negotiate is offered anew, and not for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit import rtc
from livekit.rtc._proto.stats_pb2 import RtcStats

from utd_stream.adapters._livekit_negotiation import Negotiation
from utd_stream.testing import run

OUTBOUND = RtcStats(outbound_rtp=RtcStats.OutboundRtp())


class Client:
    """LiveKit's client as far as it is asked: it offers when a method registers."""

    def __init__(self, *, can_subscribe: bool = True) -> None:
        self.offers = 0
        self.is_connected = True
        self.is_curious = True
        self.others: dict[str, Any] = {}
        self.local_participant = SimpleNamespace(
            permissions=SimpleNamespace(can_subscribe=can_subscribe),
            register_rpc_method=self._offer,
            unregister_rpc_method=str.isascii,
        )
        self.on_offer: Callable[[], None] = lambda: None

    @property
    def remote_participants(self) -> dict[str, Any]:
        return {"ben": SimpleNamespace(identity="ben", track_publications=self.others)}

    def isconnected(self) -> bool:
        return self.is_connected

    def _offer(self, name: str, handler: object) -> None:
        assert callable(handler), name
        self.offers += 1
        self.on_offer()

    def negotiation(self, **tracks: Any) -> Negotiation:
        """What is proven, over these tracks of one's own, by their sources."""
        feeds = {name: SimpleNamespace(track=track) for name, track in tracks.items()}
        return Negotiation(
            cast("rtc.Room", self), cast("Any", feeds), lambda *_: self.is_curious
        )


class Track:
    """A track of one's own: it has figures once it was offered."""

    def __init__(self, *figures: RtcStats) -> None:
        self.figures = list(figures)

    async def get_stats(self) -> list[RtcStats]:
        return self.figures


class Mute(Track):
    """A track that answers nothing, or an error."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__()
        self.error = error

    async def get_stats(self) -> list[RtcStats]:
        if self.error is not None:
            raise self.error
        await asyncio.Event().wait()
        return self.figures


async def over(negotiation: Negotiation) -> None:
    """Look, and let a minute pass."""
    negotiation.look()
    await asyncio.sleep(60)


def test_what_is_negotiated_is_left_alone() -> None:
    """A track with figures, and one that is received, need no offer."""
    client = Client()
    client.others["TR"] = SimpleNamespace(track=object())

    run(over(client.negotiation(microphone=Track(OUTBOUND))))

    assert client.offers == 0


def test_a_track_that_was_not_offered_is_offered_anew() -> None:
    """One offer is enough if it is taken."""
    client, track = Client(), Track()
    client.on_offer = lambda: track.figures.append(OUTBOUND)

    run(over(client.negotiation(microphone=track)))

    assert client.offers == 1


def test_a_track_that_is_not_received_is_asked_for_anew() -> None:
    """One that was announced, and never came, comes with the next offer."""
    client = Client()
    lost = client.others["TR"] = SimpleNamespace(track=None)

    def come() -> None:
        lost.track = object()

    client.on_offer = come

    run(over(client.negotiation()))

    assert client.offers == 1


@pytest.mark.parametrize("error", [None, RuntimeError("no transceiver")])
def test_what_never_comes_is_asked_for_a_few_times(error: Exception | None) -> None:
    """A track whose figures never come costs four offers, whatever it answers."""
    client = Client()

    run(over(client.negotiation(microphone=Mute(error))))

    assert client.offers == 4


def test_news_begins_the_looks_anew() -> None:
    """What is published while it is looked at gets all its looks, too."""
    client = Client()
    client.others["TR"] = SimpleNamespace(track=None)

    async def program() -> None:
        negotiation = client.negotiation()
        negotiation.look()
        await asyncio.sleep(2)
        assert client.offers == 2
        await over(negotiation)

    run(program())

    assert client.offers == 2 + 4


@pytest.mark.parametrize("case", ["not wanted", "not allowed", "not connected"])
def test_what_cannot_be_received_is_not_asked_for(case: str) -> None:
    """Without the wish, the right or the connection nothing is missing."""
    client = Client(can_subscribe=case != "not allowed")
    client.others["TR"] = SimpleNamespace(track=None)
    client.is_connected = case != "not connected"
    negotiation = client.negotiation()
    client.is_curious = case != "not wanted"

    run(over(negotiation))

    assert client.offers == 0


def test_news_upon_news_delays_no_look() -> None:
    """In a room where somebody comes ten times a second it is looked at, too."""
    client = Client()
    client.others["TR"] = SimpleNamespace(track=None)

    async def program() -> None:
        negotiation = client.negotiation()
        for _ in range(19):
            negotiation.look()
            await asyncio.sleep(0.1)
        await negotiation.aclose()

    run(program())

    assert client.offers == 3


def test_the_end_ends_the_looks() -> None:
    """Nothing is looked at, nor left running, once it is closed, nor begun anew."""
    client = Client()
    client.others["TR"] = SimpleNamespace(track=None)

    async def program() -> None:
        negotiation = client.negotiation()
        negotiation.look()
        await negotiation.aclose()
        negotiation.look()
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await asyncio.sleep(60)

    run(program())

    assert client.offers == 0
