"""A mistake is shown where the app made it, without what is below."""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from utd_stream import EmbeddedWorld, Silence, UTDAudioRoomSession, UTDStreamClient
from utd_stream import embedded as make_world
from utd_stream._border import shortening
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.errors import (
    ConflictError,
    ConnectError,
    InvalidArgumentError,
    MailboxFullError,
    NotFoundError,
    TransportError,
    TransportTimeoutError,
    UTDStreamException,
)
from utd_stream.reactive import EventsSource
from utd_stream.testing import Simulation

Asked = Callable[[], Awaitable[object]]


@pytest_asyncio.fixture
async def world() -> AsyncIterator[EmbeddedWorld]:
    """A world with nobody in it."""
    async with make_world() as made:
        yield made


@pytest_asyncio.fixture
async def ben(world: EmbeddedWorld) -> UTDAudioRoomSession:
    """A guest of a room whose first seat ana has."""
    ana = await world.client(microphone=Silence()).join_audio_room("ana", "r")
    await ana.take_seat(0)
    return await world.client(microphone=Silence()).join_audio_room("ben", "r")


def below(error: BaseException) -> list[str]:
    """The functions of the package in a traceback, from the top."""
    return [
        frame.f_code.co_name
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if frame.f_globals["__name__"].startswith("utd_stream")
    ]


async def caught(
    ask: Asked, kind: type[UTDStreamException]
) -> tuple[UTDStreamException, str]:
    """An error of a call, and how it is printed."""
    with pytest.raises(kind) as raised:
        await ask()
    return raised.value, "".join(traceback.format_exception(raised.value))


async def test_a_refusal_ends_at_the_method_that_was_called(
    ben: UTDAudioRoomSession,
) -> None:
    """The app's frames, the method's, and the sentence."""
    asked: dict[str, tuple[Asked, type[UTDStreamException]]] = {
        "take_seat": (lambda: ben.take_seat(0), ConflictError),
        "approve_speaker": (lambda: ben.approve_speaker(9), UTDStreamException),
        "accept_invitation": (ben.accept_invitation, NotFoundError),
        "lock_seat": (lambda: ben.lock_seat(-1), InvalidArgumentError),
        "until": (lambda: ben.seat.until(0, timeout=0), TransportTimeoutError),
    }
    for name, (ask, kind) in asked.items():
        error, printed = await caught(ask, kind)
        assert below(error) == [name]
        assert printed.count("Traceback") == 1
        assert printed.rstrip().endswith(str(error))


async def test_what_an_app_was_handling_stays(ben: UTDAudioRoomSession) -> None:
    """An error inside the app's own `except` shows both, as Python does."""

    async def ask() -> None:
        try:
            raise LookupError  # noqa: TRY301 -- the app's
        except LookupError:
            await ben.take_seat(0)

    _, printed = await caught(ask, ConflictError)

    assert "LookupError" in printed
    assert printed.count("Traceback") == 2


async def test_a_renamed_argument_is_told_once(world: EmbeddedWorld) -> None:
    """What the engine says of its field is not printed beside the argument."""
    ana = await world.client().join_audio_room("ana", "r", as_host=True)

    _, printed = await caught(lambda: ana.lock_seat(99), InvalidArgumentError)

    assert printed.count("Traceback") == 1
    assert printed.count("must be from 0 to 8") == 1


async def test_an_error_of_the_app_stays_the_cause(world: EmbeddedWorld) -> None:
    """What its own `session_provider` raised is shown, with its frames."""

    async def my_back_end(identity: str) -> str:
        message = f"no user {identity}"
        raise KeyError(message)

    client = world.client(session_provider=my_back_end)
    error, printed = await caught(
        lambda: client.join_audio_room("zoe", "r"), TransportError
    )

    assert isinstance(error.__cause__, KeyError)
    assert "no user zoe" in printed
    assert "in my_back_end" in printed
    assert below(error) == ["join_audio_room"]
    assert below(error.__cause__) == []


async def test_a_cause_from_outside_stays_without_its_frames() -> None:
    """That nobody listens is worth a line, not the way down to the socket."""
    async with UTDStreamClient("app", "key", base_url="http://127.0.0.1:1") as client:
        error, printed = await caught(lambda: client.authenticate("ana"), ConnectError)

    assert "ConnectionRefusedError" in printed
    assert "site-packages" not in printed
    assert below(error) == ["authenticate"]


@pytest.mark.parametrize("said", ["not there", ""])
def test_the_first_cause_is_never_left_out(said: str) -> None:
    """A cause in between that says the same is; in a circle nothing hangs."""
    first, between = OSError(said and "the cable is cut"), TransportError(said)
    between.__cause__ = first

    @shortening
    def ask() -> None:
        raise ConnectError(said) from between

    with pytest.raises(ConnectError) as raised:
        ask()
    causes = [raised.value.__cause__]
    causes += [each.__cause__ for each in causes if each is not None]
    assert first in causes

    first.__cause__ = between
    with pytest.raises(ConnectError):
        ask()


def test_a_constructor_is_where_its_mistake_is_shown() -> None:
    """Also of arguments that a function further down checks."""
    with pytest.raises(InvalidArgumentError) as raised:
        UTDStreamClient("not an id!", "key")

    assert below(raised.value) == ["__init__"]


def test_a_world_is_where_its_mistake_is_shown() -> None:
    """Of its settings, too."""
    with pytest.raises(InvalidArgumentError) as raised:
        make_world(seat_grace=-1)

    assert below(raised.value) == ["embedded"]


async def test_a_reader_that_fell_behind_shows_its_loop() -> None:
    """``async for`` raises where it stands."""
    source: EventsSource[int] = EventsSource(AsyncioClock())
    reader = source.events.iterate(limit=1)
    source.emit(1)
    source.emit(2)
    await anext(reader)

    error, _ = await caught(lambda: anext(reader), MailboxFullError)

    assert below(error) == ["__anext__"]


def test_a_step_of_a_simulation_shows_the_step() -> None:
    """The loop that ran it is left out; frames of the app's program stay."""

    async def my_program(session: UTDAudioRoomSession) -> None:
        await session.take_seat(-1)

    with Simulation(seed=1) as sim:
        client = sim.world.client(microphone=Silence())
        session = sim.run(client.join_audio_room("ana", "r"))
        with pytest.raises(InvalidArgumentError) as raised:
            sim.run(my_program(session))

    names = [f.f_code.co_name for f, _ in traceback.walk_tb(raised.value.__traceback__)]
    assert names[1:] == ["run", "my_program"]


async def test_the_whole_is_in_the_log_at_debug(
    ben: UTDAudioRoomSession, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever works on the package finds what was left out."""
    with caplog.at_level(logging.DEBUG, "utd_stream.errors"):
        await caught(lambda: ben.take_seat(0), ConflictError)

    assert "UTDAudioRoomSession.take_seat raised" in caplog.text
    assert "_take_seat" in caplog.text


async def test_ipython_shows_no_more(ben: UTDAudioRoomSession) -> None:
    """A cell's traceback is made of the same frames."""
    ultratb = pytest.importorskip("IPython.core.ultratb")

    error, _ = await caught(lambda: ben.take_seat(0), ConflictError)
    shown = "\n".join(
        ultratb.VerboseTB(theme_name="nocolor").structured_traceback(
            type(error), error, error.__traceback__
        )
    )

    assert "audio_room.py" in shown
    assert "_rest.py" not in shown
    assert str(error) in shown
