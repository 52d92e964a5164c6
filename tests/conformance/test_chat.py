"""What people write to each other, and who is heard."""

from __future__ import annotations

import asyncio

import pytest

from tests.planes import eventually
from tests.world import World
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.errors import (
    ClosedError,
    DisconnectedError,
    InvalidArgumentError,
    RateLimitedError,
    RefusedError,
)
from utd_stream.models import ChatMessage, UTDRole


def read(session: UTDAudioRoomSession) -> list[ChatMessage]:
    """Return what a session hears from now on."""
    heard: list[ChatMessage] = []
    session.chat.subscribe(heard.append)
    return heard


async def test_what_is_written_is_heard_by_all_in_order(world: World) -> None:
    """One's own once, when it is sent; with name and role of an announced sender."""
    host = await world.join("host", as_host=True)
    guest = await world.join("guest")
    told = [read(host), read(guest)]
    await host.remote_participants.until(bool, 20)
    await guest.remote_participants.until(bool, 20)
    sent = [await host.send_chat(f"  number {n} 🎈\n") for n in range(5)]
    await eventually(lambda: len(told[1]) >= 5)
    answer = await guest.send_chat("yes")
    await eventually(lambda: len(told[0]) >= 6)

    assert [each.text for each in sent] == [f"number {n} 🎈" for n in range(5)]
    assert told[0][:5] == sent
    assert all(each.is_local for each in sent)
    assert [each.id for each in told[1]] == [each.id for each in (*sent, answer)]
    first, last = told[1][0], told[0][-1]
    assert (first.identity, first.role, first.is_local) == ("host", UTDRole.HOST, False)
    assert (last.identity, last.role, last.text) == ("guest", UTDRole.AUDIENCE, "yes")


async def test_a_newcomer_is_heard_under_their_name(world: World) -> None:
    """Announced or not (T26, T45)."""
    host = await world.join("host", as_host=True)
    heard = read(host)
    guest = await world.join("guest")
    await guest.send_chat("hello")
    await eventually(lambda: heard)

    assert [(each.identity, each.text) for each in heard] == [("guest", "hello")]


async def test_a_locked_chat_is_the_moderators(world: World) -> None:
    """Others neither send nor are heard; once unlocked they are again."""
    host = await world.join("host", as_host=True)
    guest = await world.join("guest")
    heard = [read(host), read(guest)]
    await guest.remote_participants.until(bool, 20)
    await host.lock_chat()
    await guest.chat_locked.until(bool, 10)
    await host.chat_locked.until(bool, 10)

    with pytest.raises(RefusedError, match="only hosts and admins") as refused:
        await guest.send_chat("psst")
    assert refused.value.is_forbidden
    # Another client than ours, which does not obey.
    await guest.room.send_text("psst", "lk.chat")
    await host.send_chat("silence")
    await eventually(lambda: heard[1])
    await host.unlock_chat()
    await guest.chat_locked.until(lambda locked: not locked, 10)
    await host.chat_locked.until(lambda locked: not locked, 10)
    await guest.send_chat("thanks")
    await eventually(lambda: len(heard[0]) >= 2)

    for told in heard:
        assert [each.text for each in told] == ["silence", "thanks"]


@pytest.mark.asyncio(loop_factories=["loopback"])
async def test_nobody_floods_the_chat(world: World) -> None:
    """Ten at once; who waits as the error says may go on.

    Where time is virtual: a busy machine is slow enough by itself.
    """
    host = await world.join("host", as_host=True)
    guest = await world.join("guest")
    heard = read(host)
    for number in range(10):
        await guest.send_chat(f"{number}")
    with pytest.raises(RateLimitedError) as refused:
        await guest.send_chat("more")
    assert 0 < refused.value.retry_after <= 1
    await asyncio.sleep(refused.value.retry_after)
    await guest.send_chat("again")
    await eventually(lambda: heard and heard[-1].text == "again")


@pytest.mark.parametrize("text", ["", "  ", "x" * 4_001])
async def test_what_is_no_message_is_refused_at_once(world: World, text: str) -> None:
    """Nothing is sent, and the next one is."""
    host = await world.join("host", as_host=True)
    heard = read(host)
    with pytest.raises(InvalidArgumentError):
        await host.send_chat(text)
    await host.send_chat("x")
    assert [each.text for each in heard] == ["x"]


async def test_what_other_clients_send_is_held_to_the_same(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """What is blank, too long or of another topic is nobody's message, and no fault."""
    host = await world.join("host", as_host=True)
    guest = await world.join("guest")
    heard = read(host)
    for text, topic in (("", "lk.chat"), ("x" * 4_001, "lk.chat"), ("aside", "other")):
        await guest.room.send_text(text, topic)
    await guest.send_chat("after them")
    await eventually(lambda: heard)

    assert [each.text for each in heard] == ["after them"]
    assert not [each for each in caplog.records if "observer" in each.getMessage()]


async def test_without_a_room_there_is_no_chat(world: World) -> None:
    """A session that left says so; one that is disposed of has ended its chat."""
    host = await world.join("host", as_host=True)
    ended = asyncio.create_task(host.chat.until(lambda _: False))
    await host.leave()
    with pytest.raises(DisconnectedError):
        await host.send_chat("late")
    await host.dispose()
    with pytest.raises(ClosedError):
        await ended
    with pytest.raises(ClosedError):
        await host.send_chat("later")
