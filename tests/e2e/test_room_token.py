"""What the engine's room tokens say is understood by the real SFU."""

from __future__ import annotations

import aiohttp
import jwt
import pytest
from livekit import api

from tests.world import ROOM, World
from utd_stream.adapters.livekit_process import LiveKitProcess
from utd_stream.adapters.livekit_rtc import LiveKitMedia

pytestmark = pytest.mark.livekit


async def minted(world: World) -> str:
    """Return the room token of a mint."""
    headers = {"X-App-Id": world.app.id, "X-App-Key": world.app.key}
    body = {"type": "audio_room", "room_name": ROOM, "identity": "ana"}
    url = f"{world.base_url}/api/v1/token"
    async with (
        aiohttp.ClientSession() as pool,
        pool.post(url, headers=headers, json=body) as response,
    ):
        return str((await response.json())["token"])


async def test_room_opened_by_a_token_lives_as_long_as_ours(
    world: World, livekit: LiveKitProcess
) -> None:
    """A room that LiveKit opens by itself has the timeouts of the engine's rooms."""
    claims = jwt.decode(await minted(world), options={"verify_signature": False})
    unknown = f"p{world.app.id}_unknown"
    claims["video"]["room"] = unknown
    room = LiveKitMedia().open(adaptive_stream=False, dynacast=False)
    token = world.sfu.sign_token(claims)

    await room.connect(world.config.livekit_url, token, auto_subscribe=False)

    async with api.LiveKitAPI(
        livekit.http_url, livekit.api_key, livekit.api_secret
    ) as asked:
        answer = await asked.room.list_rooms(api.ListRoomsRequest(names=[unknown]))
    await room.disconnect()
    (opened,) = answer.rooms
    assert (opened.empty_timeout, opened.departure_timeout) == (300, 300)
