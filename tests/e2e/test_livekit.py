"""A law of the rig itself: LiveKit, its webhooks and the relay.

That webhooks are signed, and that clients connect, is said in tests/contract.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from livekit import api

from tests.relay import Registration
from utd_stream.adapters.livekit_process import LiveKitProcess

pytestmark = pytest.mark.livekit


async def test_restarted_server_tells_its_webhooks_again(
    own_livekit: LiveKitProcess,
    register_engine: Callable[[str], Registration],
    app_id: str,
) -> None:
    """The second life has the same keys and the same webhooks."""
    webhooks = register_engine("http://127.0.0.1:1/")
    webhooks.drop()
    own_livekit.kill()
    own_livekit.start()

    async with api.LiveKitAPI(
        own_livekit.http_url, own_livekit.api_key, own_livekit.api_secret
    ) as sfu:
        await sfu.room.create_room(api.CreateRoomRequest(name=f"p{app_id}_den"))

    told = await webhooks.arrival(lambda webhook: webhook.event == "room_started")
    assert told.app_id == app_id
