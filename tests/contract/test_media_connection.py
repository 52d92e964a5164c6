"""The Media port: entering, being there and leaving."""

from __future__ import annotations

import asyncio

import pytest

from tests.patience import patiently
from tests.planes import (
    LISTENER,
    MICROPHONE,
    Plane,
)
from utd_stream.errors import ClosedError, ConnectError, DisconnectedError
from utd_stream.models import DisconnectReason
from utd_stream.models.room_events import (
    Connected,
    Disconnected,
    LocalTrackUnpublished,
    RoomMetadataChanged,
    UnknownEvent,
)


async def test_connected_is_told_once_before_connect_returns(plane: Plane) -> None:
    """Whoever has entered was told so, exactly once."""
    ana = await plane.enter("ana")

    assert ana.of(Connected) == [Connected()]


async def test_state_knows_oneself_at_once(plane: Plane) -> None:
    """Identity, sid and rights are there when connect returns (T13)."""
    ana = await plane.enter("ana", permission=LISTENER)
    me = ana.state.local

    assert (me.identity, me.permission) == ("ana", LISTENER)
    assert me.sid == (await plane.listed())["ana"]


async def test_roster_may_lag_but_the_listing_does_not(plane: Plane) -> None:
    """The SFU lists a newcomer at once; the others hear of it later (T11, T26)."""
    ana = await plane.enter("ana")
    await plane.enter("ben")

    assert set(await plane.listed()) == {"ana", "ben"}
    await ana.sees_remote("ben")


async def test_those_present_are_known_on_entering(plane: Plane) -> None:
    """A newcomer needs no event to know who is there (T13)."""
    await plane.enter("ana")
    ben = await plane.enter("ben")

    assert [each.identity for each in ben.state.remotes] == ["ana"]


async def test_leaving_ends_a_pending_publish(plane: Plane) -> None:
    """A publish that the SFU never answers ends with the connection (T22, T35)."""
    ana = await plane.enter("ana", permission=LISTENER)
    pending = asyncio.create_task(ana.publish_tone())
    await asyncio.sleep(0.1)  # the SFU says nothing, so there is nothing to wait for
    assert not pending.done()

    async with patiently(8):
        await ana.room.disconnect()
        with pytest.raises(DisconnectedError):
            await pending


async def test_churn_harms_nobody(
    plane: Plane, caplog: pytest.LogCaptureFixture
) -> None:
    """People who come, speak and go at once leave a room that is whole (T19)."""
    ana = await plane.enter("ana")

    async def pass_by(number: int) -> None:
        guest = await plane.enter(f"guest {number}")
        await guest.publish_tone()
        guest.room.set_muted(MICROPHONE, muted=True)
        await plane.allow(f"guest {number}", LISTENER, metadata="m")
        await guest.room.disconnect()

    await asyncio.gather(*(pass_by(number) for number in range(6)))
    await plane.sfu.update_room_metadata(plane.room(), "still there?")
    await ana.hears(RoomMetadataChanged)

    assert not ana.of(UnknownEvent)
    ours = [each for each in caplog.records if each.name.startswith("utd_stream")]
    assert not [each.getMessage() for each in ours]


async def test_removal_says_why_and_ends_everything(plane: Plane) -> None:
    """A removed guest is told once, and the room tells the truth from then on (T20)."""
    ana = await plane.enter("ana")
    await ana.publish_tone()
    await plane.sfu.remove_participant(plane.room(), "ana")

    assert (
        await ana.hears(Disconnected)
    ).reason is DisconnectReason.PARTICIPANT_REMOVED
    with pytest.raises(DisconnectedError):
        ana.room.state()
    with pytest.raises(DisconnectedError):
        await ana.publish_tone()
    with pytest.raises(DisconnectedError):
        await ana.room.send_data(b"x", reliable=True, to=[], topic="")
    await ana.room.disconnect()
    assert len(ana.of(Disconnected)) == 1


@pytest.mark.parametrize("leaves", [True, False], ids=["left", "removed"])
async def test_tracks_end_with_the_connection(plane: Plane, *, leaves: bool) -> None:
    """Who leaves or is removed is told of the end of each track, once."""
    ana = await plane.enter("ana")
    await ana.publish_tone()
    if leaves:
        await ana.room.disconnect()
    else:
        await plane.sfu.remove_participant(plane.room(), "ana")
    await ana.hears(Disconnected)
    await ana.hears(LocalTrackUnpublished)
    await ana.room.disconnect()

    ends = Disconnected | LocalTrackUnpublished
    told = [type(each) for each in ana.told if isinstance(each, ends)]
    assert sorted(told, key=str) == [Disconnected, LocalTrackUnpublished]
    assert told[-1] is Disconnected or not leaves


async def test_end_of_the_room_says_why(plane: Plane) -> None:
    """Whoever is in a room that is deleted is told that."""
    ana = await plane.enter("ana")
    await plane.sfu.delete_room(plane.room())

    assert (await ana.hears(Disconnected)).reason is DisconnectReason.ROOM_DELETED


async def test_newest_connection_of_an_identity_wins(plane: Plane) -> None:
    """The newest connection wins; the older one is told of it (T10)."""
    first = await plane.enter("ana")
    second = await plane.enter("ana")

    told = await first.hears(Disconnected)
    assert told.reason is DisconnectReason.DUPLICATE_IDENTITY
    assert (await plane.listed())["ana"] == second.state.local.sid


async def test_nothing_is_told_after_disconnect(plane: Plane) -> None:
    """Leaving says so once, and then there is silence at both ends."""
    ana, ben = await plane.enter("ana"), await plane.enter("ben")
    await ana.publish_tone()
    await ana.room.disconnect()
    told = len(ana.told)
    assert ana.of(Disconnected) == [Disconnected(DisconnectReason.CLIENT_INITIATED)]
    await plane.sfu.update_room_metadata(plane.room(), "late")
    await ben.hears(RoomMetadataChanged)

    assert len(ana.told) == told
    await plane.sees("ben")


async def test_leaving_while_the_sfu_writes_leaves_nobody(plane: Plane) -> None:
    """A farewell is not lost to what the SFU has to say at that moment.

    Of ten, one may be on a busy machine; LiveKit alone loses three.
    """
    await plane.enter("ana")
    ghosts: list[int] = []
    for number in range(10):
        guest = await plane.enter(f"guest {number}")
        await asyncio.gather(
            plane.sfu.update_room_metadata(plane.room(), f"{number}"),
            guest.room.disconnect(),
        )
        try:
            present = (f"guest {ghost}" for ghost in ghosts)
            await plane.sees("ana", *present, timeout=2)
        except TimeoutError:
            ghosts.append(number)

    assert len(ghosts) < 2


async def test_disconnect_is_idempotent(plane: Plane) -> None:
    """Leaving twice, at once, or without having entered, is quiet."""
    ana, nobody = await plane.enter("ana"), plane.guest()
    await asyncio.gather(ana.room.disconnect(), ana.room.disconnect())
    await ana.room.disconnect()
    await nobody.room.disconnect()

    assert nobody.told == []
    with pytest.raises(ClosedError):
        await nobody.room.connect(plane.url, plane.token("x"), auto_subscribe=True)


async def test_leaving_while_entering_leaves_nobody(plane: Plane) -> None:
    """Disconnect during connect ends both, with nobody in the room (L8)."""
    ben = await plane.enter("ben")
    ana = plane.guest()
    entering = asyncio.create_task(
        ana.room.connect(plane.url, plane.token("ana"), auto_subscribe=True)
    )
    await asyncio.sleep(0)
    await ana.room.disconnect()
    with pytest.raises(ClosedError):
        await entering

    await plane.sees("ben")
    assert ben.state.local.identity == "ben"


async def test_expired_token_is_refused_without_a_trace_of_it(
    plane: Plane, caplog: pytest.LogCaptureFixture
) -> None:
    """An expired token is refused with the remedy, and quoted nowhere (T23, T33)."""
    token = plane.token("ana", valid_for=-600)
    with pytest.raises(ConnectError) as refused:
        await plane.guest().room.connect(plane.url, token, auto_subscribe=True)
    error = refused.value

    assert error.code == "unauthenticated"
    assert "mint a new one" in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None
    assert "eyJ" not in caplog.text + str(error)


async def test_dead_server_is_no_refusal(plane: Plane) -> None:
    """A dead server is told apart from a refused token, with the remedy (T33)."""
    with pytest.raises(ConnectError, match="is LiveKit running") as refused:
        await plane.guest().room.connect(
            "ws://127.0.0.1:1", plane.token("ana"), auto_subscribe=True
        )

    assert refused.value.code == "connect"
    assert refused.value.retryable


async def test_names_too_long_are_refused(plane: Plane) -> None:
    """An identity of 257 bytes does not come in; one of 256 does (T30)."""
    for identity in ("a" * 257, "é" * 128 + "a"):
        with pytest.raises(ConnectError) as refused:
            await plane.enter(identity)
        assert refused.value.code == "invalid"

    await plane.enter("é" * 128)


async def test_rooms_with_names_too_long_are_not_entered(plane: Plane) -> None:
    """A token for a room of 257 bytes is refused; one of 256 opens it (T30)."""

    async def enter(room: str) -> None:
        grants = {"video": {"roomJoin": True, "room": room}}
        token = plane.sfu.sign_token(plane.claims("ana") | grants)
        await plane.guest().room.connect(plane.url, token, auto_subscribe=True)

    longest = plane.room()
    longest += "é" * ((256 - len(longest)) // 2) + "r" * (len(longest) % 2)
    assert len(longest.encode()) == 256
    with pytest.raises(ConnectError) as refused:
        await enter(longest + "r")
    assert refused.value.code == "invalid"

    await enter(longest)
    assert longest in {room.name for room in await plane.sfu.list_rooms()}
