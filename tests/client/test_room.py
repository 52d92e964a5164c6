"""The room: connecting and leaving, in any order and at any moment."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import pytest

from tests.client.people import Person
from tests.planes import (
    MICROPHONE,
    Plane,
    eventually,
)
from utd_stream.errors import (
    ClosedError,
    ConnectError,
    DisconnectedError,
)
from utd_stream.media import Silence
from utd_stream.models import DisconnectReason
from utd_stream.models.room_events import (
    Connected,
    DataReceived,
    Disconnected,
    RoomEvent,
)


async def test_connecting_over_a_live_room_tears_it_down_first(
    ana: Person, plane: Plane
) -> None:
    """There is one connection at most, numbered, and only its events are told (L8)."""
    await ana.enter("ana")
    first = ana.room.room
    await ana.enter("ana")

    assert ana.room.connection == 2
    assert ana.room.room is not first
    assert not first.isconnected()
    await plane.sees("ana")
    assert not ana.of(Disconnected)


async def test_events_are_told_once_however_often_one_connects(
    ana: Person, ben: Person
) -> None:
    """A second connect does not subscribe a second time (L9)."""
    await ana.enter("ana")
    await ana.enter("ana")
    await ben.enter("ben")
    await ben.room.send_data(b"once")
    await ana.hears(DataReceived)
    await ben.room.send_data(b"end")
    await eventually(lambda: ana.of(DataReceived)[-1].data == b"end")

    assert [each.data for each in ana.of(DataReceived)] == [b"once", b"end"]


async def test_watchers_are_told_the_connection_before_subscribers(
    ana: Person,
) -> None:
    """A watcher hears every event first, with the number of its connection."""
    seen_by_watcher: list[int] = []
    ana.room.events.subscribe(lambda _: seen_by_watcher.append(len(ana.watched)))
    await ana.enter("ana")
    await ana.enter("ana")
    connected = [number for number, event in ana.watched if event == Connected()]

    assert connected == [1, 2]
    assert seen_by_watcher == list(range(1, len(ana.watched) + 1))


async def test_raising_watcher_harms_nobody(
    ana: Person, caplog: pytest.LogCaptureFixture
) -> None:
    """A watcher that fails is logged; the others and `events` go on."""

    def fail(number: int, event: RoomEvent) -> None:
        raise ValueError(number)

    ana.room.watch(fail)
    await ana.enter("ana")

    assert ana.of(Connected)
    assert "an observer of the room raised" in caplog.text


@pytest.mark.parametrize("turns", [0, 1, 2, 5, 30])
async def test_disposing_while_connecting_leaves_nobody(
    ana: Person, ben: Person, plane: Plane, turns: int
) -> None:
    """Whenever it comes, closing ends the connect, with nobody in the room (L8)."""
    await ben.enter("ben")
    connecting = asyncio.create_task(ana.enter("ana"))
    for _ in range(turns):
        await asyncio.sleep(0)
    await ana.room.aclose()
    with pytest.raises(ClosedError):
        await connecting

    await plane.sees("ben")
    with pytest.raises(ClosedError):
        await ana.enter("ana")


@pytest.mark.parametrize("after", [0.0, 0.01, 0.03, 0.06, 0.1])
async def test_cancelled_connect_leaves_nobody(
    ana: Person, ben: Person, plane: Plane, after: float
) -> None:
    """A timeout around connect ends the waiting; nobody stays in the room (T34)."""
    await ben.enter("ben")
    with suppress(TimeoutError):
        async with asyncio.timeout(after):
            await ana.enter("ana")
        await ana.room.disconnect()

    await plane.sees("ben")
    await ana.enter("ana")  # the room is as good as before
    await plane.sees("ana", "ben")


async def test_a_cancelled_connect_pushes_out_no_later_one(plane: Plane) -> None:
    """Whenever it is cancelled, the next one of that identity stays (T34, T58)."""
    delays = [0.004 * step for step in range(9)]

    async def again(after: float) -> tuple[Person, Person]:
        left, stays = Person(plane), Person(plane)
        with suppress(TimeoutError):
            async with asyncio.timeout(after):
                await left.enter(f"{after}")
        await stays.enter(f"{after}")
        return left, stays

    people = await asyncio.gather(*map(again, delays))
    await plane.clock.sleep(17)  # the SFU pushes out after 15 s

    for _, stays in people:
        assert not stays.of(Disconnected)
        stays.room.state()
    await plane.sees(*(f"{after}" for after in delays))
    for pair in people:
        for person in pair:
            await person.room.aclose()


async def test_of_two_rooms_of_one_identity_the_later_connect_stays(
    plane: Plane,
) -> None:
    """Two objects that connect at once go in one after the other (T10, T58)."""
    first, second = Person(plane), Person(plane)
    earlier = asyncio.create_task(first.enter("ana"))
    await plane.clock.sleep(0.012)
    await second.enter("ana")
    await earlier

    assert (await first.hears(Disconnected)).reason is (
        DisconnectReason.DUPLICATE_IDENTITY
    )
    second.room.state()
    await first.room.aclose()
    await second.room.aclose()


async def test_newer_connect_wins_over_a_pending_one(ana: Person, plane: Plane) -> None:
    """Of two connects at once the later is in the room, the earlier is told."""
    first = asyncio.create_task(ana.enter("ana"))
    await asyncio.sleep(0)
    await ana.enter("ana")
    with pytest.raises(ClosedError):
        await first

    assert ana.room.connection == 2
    await plane.sees("ana")


async def test_failed_connect_is_disposed_and_may_be_tried_again(
    ana: Person, plane: Plane
) -> None:
    """An attempt that fails leaves a room that can be connected (L8, T33)."""
    with pytest.raises(ConnectError):
        await ana.room.connect("ws://127.0.0.1:1", plane.token("ana"))
    with pytest.raises(DisconnectedError):
        ana.room.state()
    await ana.enter("ana")

    assert ana.room.state().local.identity == "ana"


async def test_refused_token_is_nowhere_in_the_error(
    ana: Person, plane: Plane, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the error, nor what led to it, nor a log holds the token (T23)."""
    token = plane.token("ana", valid_for=-100)
    with pytest.raises(ConnectError) as refused:
        await ana.room.connect(plane.url, token)

    error: BaseException | None = refused.value
    while error is not None:
        assert token not in repr(error)
        error = error.__cause__ or error.__context__
    assert token not in caplog.text
    assert refused.value.code == "unauthenticated"


async def test_leaving_drains_a_pending_publish(ana: Person, plane: Plane) -> None:
    """Disconnect waits for what is being published, then leaves (L21, T35)."""
    await ana.enter("ana")
    publishing = asyncio.create_task(ana.room.publish(MICROPHONE, Silence()))
    await asyncio.sleep(0)
    leaving = asyncio.create_task(ana.room.disconnect())
    await asyncio.sleep(0)
    with pytest.raises(DisconnectedError):
        await ana.room.unpublish(MICROPHONE)
    await leaving

    assert (await publishing).source is MICROPHONE
    await plane.sees()


async def test_leaving_is_idempotent_and_safe_during_itself(
    ana: Person, plane: Plane
) -> None:
    """Leaving twice, at once, or before entering is quiet; both wait for the end."""
    await ana.room.disconnect()
    await ana.enter("ana")
    first = asyncio.create_task(ana.room.disconnect())
    await asyncio.sleep(0)
    await ana.room.disconnect()
    assert not ana.room.room.isconnected()
    await first
    await ana.room.disconnect()

    assert ana.of(Disconnected) == [Disconnected(DisconnectReason.CLIENT_INITIATED)]
    await ana.enter("ana")
    await plane.sees("ana")


async def test_leaving_waits_for_the_connection_before_too(ana: Person) -> None:
    """Left while one connection takes another's place, neither is in the room."""
    await ana.enter("ana")
    before = ana.room.room
    entering = asyncio.create_task(ana.enter("ana"))
    await asyncio.sleep(0)
    assert ana.room.connection == 2

    await ana.room.disconnect()

    assert not before.isconnected()
    with pytest.raises(ClosedError):
        await entering


async def test_cancelled_leaving_leaves_all_the_same(ana: Person, plane: Plane) -> None:
    """Who stops waiting for a disconnect does not stop the disconnect."""
    await ana.enter("ana")
    leaving = asyncio.create_task(ana.room.disconnect())
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving

    await plane.sees()


async def test_removed_room_is_over_and_may_be_connected_again(
    ana: Person, plane: Plane
) -> None:
    """After a removal everything says so, and nothing stays behind (T20)."""
    await ana.enter("ana")
    await ana.room.publish(MICROPHONE, Silence())
    await plane.sfu.remove_participant(plane.room(), "ana")
    told = await ana.hears(Disconnected)
    assert told.reason is DisconnectReason.PARTICIPANT_REMOVED
    removed = ana.room._connection
    assert removed is not None
    await eventually(lambda: removed.has_ended)  # by itself
    assert removed.lost is DisconnectReason.PARTICIPANT_REMOVED
    for refused in (ana.room.publish(MICROPHONE, Silence()), ana.room.send_data(b"x")):
        with pytest.raises(DisconnectedError):
            await refused
    await ana.enter("ana")

    assert ana.room.state().local.publications == ()
    await plane.sees("ana")


async def test_closing_completes_the_events(ana: Person) -> None:
    """`events` goes on over connections and completes with the room."""
    completed = asyncio.Event()
    ana.room.events.subscribe(on_completed=completed.set)
    await ana.enter("ana")
    await ana.room.disconnect()
    assert not completed.is_set()
    await ana.room.aclose()

    assert completed.is_set()


async def test_nothing_works_before_entering(ana: Person) -> None:
    """Every call says that there is no connection; there is no native room."""
    assert (ana.room.room, ana.room.connection) == (None, 0)
    for call in (ana.room.state, lambda: ana.room.audio("ben")):
        with pytest.raises(DisconnectedError):
            call()
    with pytest.raises(DisconnectedError):
        await ana.room.send_data(json.dumps({"type": "chat"}).encode())
