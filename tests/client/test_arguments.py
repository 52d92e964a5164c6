"""An argument that cannot be meant is refused by its name, before anything is asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.client.lounge import ROOM, Lounge, lounge
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.client.timeouts import Timeouts
from utd_stream.compose import UTDStreamClient
from utd_stream.errors import InvalidArgumentError, InvalidRequestError

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


def test_what_the_engine_says_of_a_member_is_named_as_the_method_does(
    lounge: Lounge,
) -> None:
    """The path of a request is nothing a caller knows."""
    host = lounge.joined("host", as_host=True)

    with pytest.raises(InvalidRequestError, match=r"^identity"):
        lounge.sim.run(host.kick("x" * 300))
