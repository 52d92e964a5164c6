"""Bad input through the SDK: a typed error that says the remedy, nothing half done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import jwt
import pytest

from tests.patience import patiently
from tests.planes import eventually
from tests.world import ROOM, World
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.contract.requests import TokenRequest
from utd_stream.errors import (
    ClosedError,
    ConflictError,
    ConnectError,
    FeatureDisabledError,
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
    TransportError,
    UnauthenticatedError,
    UsageError,
    UTDStreamException,
)
from utd_stream.models import SeatMode, UTDConnectionState, UTDStreamType


def bearer(world: World, identity: str, *, valid_for: float, secret: str = "") -> str:
    """Sign a bearer as the engine would, or as somebody else."""
    now = int(world.clock.now().timestamp())
    claims = {
        "app": world.app.id,
        "identity": identity,
        "iat": now - 60,
        "nbf": now - 60,
        "exp": now + int(valid_for),
    }
    return jwt.encode(claims, secret or world.config.secret, "HS256")


def provided(token: str) -> Callable[[str], Awaitable[str]]:
    async def provide(_: str) -> str:
        return token

    return provide


@pytest.mark.parametrize("name", ["base_url", "token_base_url"])
async def test_an_address_that_is_none_is_named(world: World, name: str) -> None:
    """The argument that is wrong is named, and how it would be right."""
    wrong: dict[str, Any] = {name: "127.0.0.1:8080"}

    with pytest.raises(InvalidArgumentError, match=f"^{name} must begin with http"):
        world.client(**wrong)


async def test_wrong_key_is_unauthenticated(world: World) -> None:
    """A key that is not the app's opens nothing, and is no ban (L4)."""
    client = world.client(app_key="wrong")

    with pytest.raises(UnauthenticatedError) as refused:
        await client.join_audio_room("ana", ROOM)

    assert refused.value.status_code == 401
    assert not refused.value.is_banned


@pytest.mark.parametrize(
    ("valid_for", "secret"),
    [(-10.0, ""), (600.0, "x" * 32)],
    ids=["expired", "foreign"],
)
async def test_bad_bearer_is_unauthenticated(
    world: World, valid_for: float, secret: str
) -> None:
    """An expired or a foreign bearer is refused by name."""
    token = bearer(world, "ana", valid_for=valid_for, secret=secret)
    client = world.client(app_key=None, session_provider=provided(token))

    with pytest.raises(UnauthenticatedError):
        await client.join_audio_room("ana", ROOM)


async def test_a_provider_that_fails_ends_the_join(world: World) -> None:
    """What the app's own back end did wrong is an error, never a silent wait."""

    async def provide(_: str) -> str:
        message = "the back end is away"
        raise OSError(message)

    client = world.client(app_key=None, session_provider=provide)

    async with patiently(30):
        with pytest.raises(TransportError, match="session_provider"):
            await client.join_audio_room("ana", ROOM)


async def test_a_bearer_speaks_for_its_own_identity_only(world: World) -> None:
    """A mint for another identity than the bearer's is forbidden."""
    token = bearer(world, "ana", valid_for=600)
    client = world.client(app_key=None, session_provider=provided(token))

    with pytest.raises(PermissionDeniedError) as refused:
        await client.join_audio_room("ben", ROOM)

    assert refused.value.is_forbidden


async def test_one_client_is_one_identity(world: World) -> None:
    """Another identity on the same client is an argument error, before asking."""
    client = world.client()
    await client.authenticate("ana")

    with pytest.raises(InvalidArgumentError, match="another client"):
        await client.join_audio_room("ben", ROOM)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="blank"),
        pytest.param(".", id="a dot"),
        pytest.param("..", id="two dots"),
        pytest.param("call_1", id="of a call"),
        pytest.param("bans", id="bans"),
        pytest.param("x" * 257, id="257 bytes"),
        pytest.param("a\x00b", id="a control character"),
        pytest.param("e\u0301", id="not NFC"),
    ],
)
async def test_bad_room_names_are_refused_before_asking(
    world: World, name: str
) -> None:
    """What cannot be a room's name is an argument error (L24, T30)."""
    client = world.client()

    with pytest.raises(InvalidArgumentError):
        await client.join_audio_room("ana", name)


@pytest.mark.parametrize(
    "name",
    ["a/b", "50% off", "caf\u00e9 \U0001f600", "a?b#c"],
    ids=["a slash", "a percent sign", "an emoji", "signs of addresses"],
)
async def test_odd_names_work(world: World, name: str) -> None:
    """Slashes, spaces, emoji and signs reach the engine as they are (L24, T30)."""
    client = world.client()
    session = await client.join_audio_room(name, name, as_host=True)

    await session.lock_seat(0)
    member = await client.api.get_participant(name, name)

    assert member.identity == name
    assert session.seats.value.seats[0].locked
    await session.dispose()


async def test_not_a_member_is_forbidden(world: World) -> None:
    """Commands are for members; a room that never was is not found."""
    await world.join("host", as_host=True)
    client = world.client()
    await client.authenticate("nobody")

    with pytest.raises(PermissionDeniedError):
        await client.api.take_seat(ROOM, 0)
    with pytest.raises(NotFoundError):
        await client.api.take_seat("elsewhere", 0)

    assert (await world.room()).rev == 0


async def test_asking_twice_and_answering_twice(world: World) -> None:
    """Pending and settled are their own codes; the engine's list rules (L3, L30)."""
    host = await world.join("host", as_host=True, seat_mode=SeatMode.REQUEST)
    guest = await world.join("guest")
    request_id = await guest.request_to_speak()

    with pytest.raises(ConflictError) as twice:
        await guest.request_to_speak()
    assert [r.id for r in guest.speaker_requests.value] == [request_id]
    await host.reject_speaker(request_id)
    with pytest.raises(ConflictError) as late:
        await host.approve_speaker(request_id)

    assert twice.value.code == "pending"
    assert late.value.code == "settled"
    assert late.value.details["settled_by"] == "host"
    await guest.speaker_requests.until(lambda all_: not all_, 10)
    assert await world.seat_of("guest") is None


async def test_other_kinds_of_rooms_are_refused_by_name(world: World) -> None:
    """What this engine does not serve is a feature, not a ban (L4)."""
    client = world.client()
    request = TokenRequest(
        type=UTDStreamType.LIVE_STREAM,
        room_name=ROOM,  # type: ignore[arg-type]  # a checked name
        identity="ana",  # type: ignore[arg-type]  # likewise
    )

    with pytest.raises(FeatureDisabledError):
        await client.api.create_token(request)


async def test_no_engine_is_said_with_the_remedy(world: World) -> None:
    """Nobody listens: a connect error that names the address (T33)."""
    await world.stop_engine()

    with pytest.raises(TransportError, match=f"{world.base_url}: is the") as refused:
        await world.join("ana")

    assert refused.value.retryable


async def test_no_sfu_is_said_and_the_join_can_be_tried_again(
    mortal_world: World,
) -> None:
    """A dead SFU is a connect error, which quotes no token and can pass (T23, T33)."""
    world = mortal_world
    client = world.client()
    await world.kill_sfu()

    with pytest.raises(ConnectError) as refused:
        await world.join("ana", client=client)

    error = refused.value
    assert "eyJ" not in repr((error, error.__cause__, error.__context__))
    await world.start_sfu()
    session = await world.join("ana", client=client)
    assert session.connected.value


async def test_engine_gone_leaves_the_session_whole(world: World) -> None:
    """A take while the engine is away fails, gives back, and works again later."""
    speaker = await world.join("speaker")
    await world.stop_engine()

    with pytest.raises(TransportError):
        await speaker.take_seat(0)

    assert speaker.connected.value
    await world.start_engine()
    await speaker.take_seat(1)
    assert await world.seat_of("speaker") == 1


def every_call(session: UTDAudioRoomSession) -> list[Callable[[], Awaitable[Any]]]:
    return [
        lambda: session.take_seat(0),
        session.leave_seat,
        lambda: session.set_microphone(True),
        session.accept_invitation,
        session.rejoin,
        lambda: session.send_data(b"x"),
    ]


async def test_a_disposed_session_says_so(world: World) -> None:
    """Every call on what is over is a typed error, and dispose stays quiet."""
    session = await world.join("ana")
    await session.dispose()
    await session.dispose()
    await session.leave()

    for call in every_call(session):
        with pytest.raises(UTDStreamException):
            await call()
    with pytest.raises((ClosedError, UsageError)):
        await session.take_seat(0)

    assert session.connection_state.value is UTDConnectionState.DISCONNECTED
    await world.gone("ana")


async def test_a_bearer_is_renewed_before_it_ends(world: World) -> None:
    """A session provider's short bearer is exchanged in time, by itself."""
    asked: list[str] = []

    async def provide(identity: str) -> str:
        asked.append(identity)
        return bearer(world, identity, valid_for=4)

    client = world.client(app_key=None, session_provider=provide)
    first = await client.authenticate("ana")

    await eventually(lambda: client._rest.bearer != first)

    assert asked == ["ana"]
    session = await client.join_audio_room("ana", ROOM)
    await session.dispose()
