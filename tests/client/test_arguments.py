"""An argument that cannot be meant is refused by its name, before anything is asked."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from tests.client.lounge import ROOM, Lounge, lounge
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.client.timeouts import Timeouts
from utd_stream.compose import UTDStreamClient
from utd_stream.errors import InvalidArgumentError

__all__ = ["lounge"]

HALF = "\ud800"  # half a character: no text that could be sent

CLIENTS: dict[str, dict[str, Any]] = {
    "app id": {"app_id": 5},
    "base_url": {"base_url": None},
    "token_base_url": {"token_base_url": b"http://127.0.0.1"},
    "app_key": {"app_key": b"key"},
    "session_provider": {"session_provider": "token"},
    "timeouts": {"timeouts": 5},
    "session": {"session": 5},
    "ports": {"ports": 5},
}


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_names_what_is_wrong(name: str) -> None:
    """Whatever type it is of."""
    with pytest.raises(InvalidArgumentError, match=f"^{name} must"):
        UTDStreamClient(**{"app_id": "app", "app_key": "key", **CLIENTS[name]})


@pytest.mark.parametrize("limit", [0, -1, float("nan"), "1", None], ids=repr)
@pytest.mark.parametrize("name", ["request", "seat", "goodbye"])
def test_a_limit_is_a_number_of_seconds(name: str, limit: Any) -> None:
    """More than none."""
    with pytest.raises(InvalidArgumentError, match=f"^{name} must be .* seconds"):
        Timeouts(**{name: limit})


ENTRIES: dict[str, dict[str, Any]] = {
    "identity": {"identity": 5},
    "name": {"name": "x" * 200},
    "device_id": {"device_id": b"phone"},
}


@pytest.mark.parametrize("name", ENTRIES)
def test_signing_in_names_what_is_wrong(lounge: Lounge, name: str) -> None:
    """As joining does; the client stays nobody's."""
    client = lounge.sim.world.client()

    with pytest.raises(InvalidArgumentError, match=f"^{name}: "):
        lounge.sim.run(client.authenticate(**{"identity": "ann", **ENTRIES[name]}))
    with pytest.raises(InvalidArgumentError, match=f"^{name}: "):
        lounge.sim.run(
            client.join_audio_room(
                **{"identity": "ann", "room_name": ROOM, **ENTRIES[name]}
            )
        )

    assert client.identity is None


def test_a_mode_is_no_text(lounge: Lounge) -> None:
    """The word on the wire is not the value; the error says what is."""
    mode: Any = "free"
    host = lounge.joined("host", as_host=True)
    client = lounge.sim.world.client()

    for work in (
        host.setup_seats(seat_mode=mode),
        client.join_audio_room("ann", ROOM, seat_mode=mode),
    ):
        with pytest.raises(InvalidArgumentError, match=r"SeatMode\.FREE"):
            lounge.sim.run(work)


_Work = Callable[[UTDAudioRoomSession], Awaitable[Any]]
SAID: dict[str, tuple[str, _Work]] = {
    "a text": ("data", lambda s: s.send_data("hello")),  # type: ignore[arg-type]  # the point of it
    "nothing": ("data", lambda s: s.send_data(None)),  # type: ignore[arg-type]  # likewise
    "no list": ("destination_identities", lambda s: s.send_data(b"x", to=5)),  # type: ignore[arg-type]  # likewise
    "no name": ("destination_identities", lambda s: s.send_data(b"x", to=[5])),  # type: ignore[list-item]  # likewise
    "no topic": ("topic", lambda s: s.send_data(b"x", topic=5)),  # type: ignore[arg-type]  # likewise
    "half a name": ("identity", lambda s: s.kick(HALF)),
    "a huge index": ("request", lambda s: s.move_seat(10**30)),
    "a huge count": ("request", lambda s: s.setup_seats(seat_count=10**30)),
    "half an identity": ("request", lambda s: s.invite_to_speak(HALF)),
}


@pytest.mark.parametrize("what", SAID)
def test_a_session_names_what_is_wrong(lounge: Lounge, what: str) -> None:
    """Nobody's error but ours, and nothing has happened."""
    host = lounge.joined("host", as_host=True)
    rev = lounge.grid().rev
    name, call = SAID[what]

    async def work() -> None:
        await call(host)

    with pytest.raises(InvalidArgumentError, match=name):
        lounge.sim.run(work())
    assert lounge.grid().rev == rev


SAID_BY_THE_ENGINE: dict[str, tuple[str, _Work]] = {
    "a long name": ("identity", lambda s: s.kick("x" * 300)),
    "nobody's name": ("identity", lambda s: s.invite_to_speak("")),
    "a great count": ("seat_count", lambda s: s.setup_seats(seat_count=101)),
    "a long layout": ("mode_id", lambda s: s.setup_seats(mode_id="x" * 300)),
    "an endless layout": ("larger", lambda s: s.setup_seats(mode_id="x" * 100_000)),
    "no number": ("request_id", lambda s: s.approve_speaker("x")),  # type: ignore[arg-type]  # the point of it
}


@pytest.mark.parametrize("what", SAID_BY_THE_ENGINE)
def test_what_only_the_engine_finds_wrong_is_the_same_error(
    lounge: Lounge, what: str
) -> None:
    """It names the argument: the path of a request is nothing a caller knows."""
    host = lounge.joined("host", as_host=True)
    name, call = SAID_BY_THE_ENGINE[what]

    async def work() -> None:
        await call(host)

    with pytest.raises(InvalidArgumentError, match=name) as raised:
        lounge.sim.run(work())
    assert raised.value.status_code in {413, 422}


def index_arguments() -> Iterator[tuple[str, str]]:
    """Each argument of a session's methods that is the index of a seat."""
    for method, member in inspect.getmembers(UTDAudioRoomSession, callable):
        if not method.startswith("_"):
            for name in inspect.signature(member).parameters:
                if name in {"index", "seat_index", "a", "b"}:
                    yield method, name


OTHERS = {"identity": "guest", "a": 1, "b": 2}
NO_SEATS = {"text": "2", "fraction": 2.0, "truth": True, "nothing": None}
NO_SEATS |= {"below": -1, "beyond": 99, "far beyond": 10_000}


@pytest.mark.parametrize("index", NO_SEATS.values(), ids=NO_SEATS.keys())
@pytest.mark.parametrize(("method", "name"), [*index_arguments()])
def test_whatever_is_no_seat_is_the_same_error(
    lounge: Lounge, method: str, name: str, index: Any
) -> None:
    """Whether this client knows or the engine, at every method that takes a seat."""
    if (method, index) == ("invite_to_speak", None):
        return  # the first free seat
    host = lounge.joined("host", as_host=True)
    lounge.joined("guest")
    ask = getattr(host, method)
    others = {n: OTHERS[n] for n in inspect.signature(ask).parameters if n in OTHERS}

    with pytest.raises(InvalidArgumentError, match=rf"^{name}\b"):
        lounge.sim.run(ask(**{**others, name: index}))


def test_a_seat_to_join_on_is_refused_alike(lounge: Lounge) -> None:
    """Whether no grid has it, or this one has not."""
    for index in ("2", -1, 100, 9):
        client = lounge.sim.world.client()
        wrong: dict[str, Any] = {"seat_count": 9, "host_seat": index}

        with pytest.raises(InvalidArgumentError, match="host_seat"):
            lounge.sim.run(client.join_audio_room("ana", ROOM, as_host=True, **wrong))
