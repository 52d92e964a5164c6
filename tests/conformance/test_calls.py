"""Two people call each other: the engine decides, the SFU lets exactly them in."""

from __future__ import annotations

import asyncio

import jwt
import pytest

from tests.conformance.entering import entering
from tests.planes import heard_hz
from tests.world import World
from utd_stream.client.call import UTDCallSession
from utd_stream.contract.fields import Identity, RoomOrCall
from utd_stream.contract.requests import TokenRequest
from utd_stream.errors import ConnectError, NotFoundError
from utd_stream.models import (
    CallEndReason,
    UTDCallStatus,
    UTDStreamType,
)
from utd_stream.models.names import sfu_room_name
from utd_stream.snapshots.session import is_connected

ENDED = UTDCallStatus.ENDED


async def until_over(*sessions: UTDCallSession) -> None:
    """Wait until all of them have heard the end."""
    for session in sessions:
        await session.end_info.until(lambda end: end is not None, 20)


async def token_for(world: World, identity: str, room: str) -> str:
    """Return a token that lets *identity* into *room* of the SFU."""
    client = world.client()
    await client.authenticate(identity)
    minted = await client.api.create_token(entering(identity))
    claims = jwt.decode(minted.token, options={"verify_signature": False})
    claims["video"]["room"] = room
    del claims["roomConfig"]
    return world.sfu.sign_token(claims)


async def test_two_people_hear_each_other(world: World) -> None:
    """Tones both ways; both hear the same end, and are out of the media room."""
    ana, ben = await world.caller("ana", 440), await world.caller("ben", 660)
    calling, answering = await world.talk(ana, ben)

    heard = await asyncio.gather(
        heard_hz(calling.audio("ben")), heard_hz(answering.audio("ana"))
    )
    await answering.end()
    await until_over(calling, answering)

    assert heard == pytest.approx([660, 440], abs=5)
    assert calling.end_info.value == answering.end_info.value
    end = calling.end_info.value
    assert end is not None
    assert (end.status, end.reason) == (ENDED, CallEndReason.CALLEE_HANGUP)
    for session in (calling, answering):
        await session.connected.until(lambda connected: not connected, 20)


async def test_the_callee_may_decline(world: World) -> None:
    """The caller leaves the media room, and may call again at once."""
    ana, ben = await world.caller("ana"), await world.caller("ben")
    calling = world.call_session(ana)
    await calling.start("ben")
    (incoming,) = await ben.ringing_calls.until(bool, 20)

    await incoming.reject()
    await until_over(calling)
    await calling.connected.until(lambda connected: not connected, 20)

    assert calling.status.value is UTDCallStatus.REJECTED
    await calling.start("ben")
    assert calling.connected.value


async def test_both_call_at_once(world: World) -> None:
    """L45: one call is left, and sound goes both ways."""
    ana, ben = await world.caller("ana", 440), await world.caller("ben", 660)
    sessions = [world.call_session(client) for client in (ana, ben)]

    await asyncio.gather(sessions[0].start("ben"), sessions[1].start("ana"))
    heard = await asyncio.gather(
        heard_hz(sessions[0].audio("ben")), heard_hz(sessions[1].audio("ana"))
    )

    assert sessions[0].call_id.value == sessions[1].call_id.value
    assert heard == pytest.approx([660, 440], abs=5)


async def test_nobody_else_gets_in(world: World) -> None:
    """Neither by a token of the engine's, nor by one that is signed for the room."""
    ana, ben = await world.caller("ana"), await world.caller("ben")
    cho = await world.caller("cho")
    calling, _ = await world.talk(ana, ben)
    request = TokenRequest(
        type=UTDStreamType.AUDIO_CALL,
        room_name=RoomOrCall(calling.room_name),
        identity=Identity("cho"),
    )

    with pytest.raises(NotFoundError):
        await cho.api.create_token(request)
    room = sfu_room_name(world.app.id, calling.room_name)
    token = await token_for(world, "cho", room)
    with pytest.raises(ConnectError):  # two are in it already
        await world.intrude(token)

    listed = await world.sfu.list_participants(room)
    assert sorted(each.identity for each in listed) == ["ana", "ben"]
    assert calling.status.value is UTDCallStatus.ACTIVE


async def test_who_comes_while_it_rings_is_removed(world: World) -> None:
    """The engine lets in exactly the two."""
    ana, ben = await world.caller("ana"), await world.caller("ben")
    calling = world.call_session(ana)
    await calling.start("ben")
    room = sfu_room_name(world.app.id, calling.room_name)
    await world.intrude(await token_for(world, "cho", room))

    async def is_alone() -> bool:
        listed = await world.sfu.list_participants(room)
        return [each.identity for each in listed] == ["ana"]

    await world.until(is_alone, timeout=20)
    (incoming,) = await ben.ringing_calls.until(bool, 20)
    answering = await incoming.answer()
    assert answering.status.value is UTDCallStatus.ACTIVE
    await answering.dispose()


async def test_an_sfu_that_dies_is_survived_or_ends_the_call(
    mortal_world: World,
) -> None:
    """Both are back and hear each other, or both hear the same end."""
    world = mortal_world
    ana, ben = await world.caller("ana", 440), await world.caller("ben", 660)
    calling, answering = await world.talk(ana, ben)

    both = (calling, answering)
    lost = [
        asyncio.ensure_future(each.connected.until(lambda now: not now, 60))
        for each in both
    ]
    await asyncio.sleep(0)  # they listen from now on
    await world.kill_sfu()
    await world.start_sfu()
    await asyncio.gather(*lost)
    for session in both:
        await session.snapshot.until(
            lambda now: now.end_info is not None or is_connected(now), 90
        )
    if calling.end_info.value is None and answering.end_info.value is None:
        heard = await asyncio.gather(
            heard_hz(calling.audio("ben")), heard_hz(answering.audio("ana"))
        )
        assert heard == pytest.approx([660, 440], abs=5)
    else:
        await until_over(calling, answering)
        assert calling.end_info.value == answering.end_info.value


async def test_a_muted_microphone_stays_muted(world: World) -> None:
    """Off mutes at once, on is heard again."""
    ana, ben = await world.caller("ana", 440), await world.caller("ben", 660)
    calling, answering = await world.talk(ana, ben)

    await calling.set_microphone(False)
    assert calling.microphone_muted.value
    await calling.set_microphone(True)

    assert await heard_hz(answering.audio("ana")) == pytest.approx(440, abs=5)


async def test_an_app_may_end_a_call(world: World) -> None:
    """By its secret: nobody's hang-up, and both hear it."""
    ana, ben = await world.caller("ana"), await world.caller("ben")
    calling, answering = await world.talk(ana, ben)
    back_end = world.http()
    answer = await back_end.request(
        "POST",
        f"{world.base_url}/api/v1/calls/{calling.room_name}/end",
        headers={
            "X-App-Id": world.app.id,
            "X-App-Secret": world.app.secret,
            "Content-Type": "application/json",
        },
        body=b"{}",
    )
    await back_end.aclose()

    await until_over(calling, answering)

    assert answer.status == 200
    for session in (calling, answering):
        end = session.end_info.value
        assert end is not None
        assert (end.reason, end.by) == (CallEndReason.ENDED_BY_APP, None)
