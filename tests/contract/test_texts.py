"""The Media port: texts, whole, in order, and by whom."""

from __future__ import annotations

import asyncio

import pytest

from tests.contract.faults import reconnect
from tests.patience import patiently
from tests.planes import LISTENER, Guest, Plane, eventually
from utd_stream.errors import DisconnectedError
from utd_stream.models import Permission
from utd_stream.models.chat import CHAT_TOPIC
from utd_stream.models.room_events import TextReceived

MUTE = Permission(can_publish=False, can_publish_data=False)


async def heard(guest: Guest, count: int) -> list[TextReceived]:
    """Wait until somebody has heard so many texts."""
    await eventually(lambda: len(guest.of(TextReceived)) >= count)
    return guest.of(TextReceived)


async def test_texts_arrive_in_order_and_name_their_sender(plane: Plane) -> None:
    """Each once, with the id that its sender knows; not to the sender."""
    ana = await plane.enter("ana", permission=LISTENER)
    ben = await plane.enter("ben", permission=LISTENER)
    texts = [f"number {n}, äöü 🎈" for n in range(10)]
    ids = [await ana.room.send_text(text, topic=CHAT_TOPIC) for text in texts]
    last = await ben.room.send_text("x" * 4_000, topic=CHAT_TOPIC)

    told = await heard(ben, 10)
    assert [(each.text, each.id) for each in told] == list(zip(texts, ids, strict=True))
    assert {(each.identity, each.topic) for each in told} == {("ana", CHAT_TOPIC)}
    (mine,) = await heard(ana, 1)
    assert (mine.text, mine.identity, mine.id) == ("x" * 4_000, "ben", last)
    assert len({*ids, last}) == 11


async def test_a_newcomer_is_named(plane: Plane) -> None:
    """Though the SFU has not announced them: no text can be forged (T43, T45)."""
    ben = await plane.enter("ben", permission=LISTENER)
    eve = await plane.enter("eve", permission=LISTENER)
    await eve.room.send_text("hello", topic=CHAT_TOPIC)

    (told,) = await heard(ben, 1)
    assert told.identity == "eve"


async def test_who_may_not_send_data_is_not_heard(plane: Plane) -> None:
    """The SFU drops it without a word."""
    ben = await plane.enter("ben", permission=LISTENER)
    eve = await plane.enter("eve", permission=MUTE)
    ana = await plane.enter("ana", permission=LISTENER)
    await eve.room.send_text("unheard", topic=CHAT_TOPIC)
    await ana.room.send_text("heard", topic=CHAT_TOPIC)

    (told,) = await heard(ben, 1)
    assert (told.identity, told.text) == ("ana", "heard")


async def test_texts_go_on_after_a_reconnect(plane: Plane) -> None:
    """Both ways."""
    ana = await plane.enter("ana", permission=LISTENER)
    ben = await plane.enter("ben", permission=LISTENER)
    await reconnect(plane, ben)
    async with patiently(20):
        while not ana.of(TextReceived):
            await ben.room.send_text("here", topic=CHAT_TOPIC)
            await asyncio.sleep(0.1)
    await ana.room.send_text("there", topic=CHAT_TOPIC)
    assert (await heard(ben, 1))[0].text == "there"


async def test_without_a_connection_nothing_is_sent(plane: Plane) -> None:
    """A typed error says so."""
    ana = await plane.enter("ana", permission=LISTENER)
    await ana.room.disconnect()
    with pytest.raises(DisconnectedError):
        await ana.room.send_text("late", topic=CHAT_TOPIC)
