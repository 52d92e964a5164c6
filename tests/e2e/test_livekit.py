"""Laws of the rig itself: LiveKit, its webhooks and the relay."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from livekit import api, rtc

from tests.relay import Registration
from utd_stream.adapters.livekit_process import LiveKitProcess

pytestmark = pytest.mark.livekit


def admin(server: LiveKitProcess) -> api.LiveKitAPI:
    """Speak to the server as an engine does."""
    return api.LiveKitAPI(server.http_url, server.api_key, server.api_secret)


async def test_webhooks_arrive_with_a_good_signature(
    livekit: LiveKitProcess, register_engine: Callable[[str], Registration], app_id: str
) -> None:
    """What the relay records is what LiveKit signed."""
    webhooks = register_engine("http://127.0.0.1:1/")
    webhooks.drop()
    async with admin(livekit) as sfu:
        await sfu.room.create_room(api.CreateRoomRequest(name=f"p{app_id}_den"))

    told = await webhooks.arrival(lambda webhook: webhook.event == "room_started")

    verifier = api.TokenVerifier(livekit.api_key, livekit.api_secret)
    receiver = api.WebhookReceiver(verifier)
    event = receiver.receive(told.body.decode(), told.headers["Authorization"])
    assert event.room.name == f"p{app_id}_den"


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

    async with admin(own_livekit) as sfu:
        await sfu.room.create_room(api.CreateRoomRequest(name=f"p{app_id}_den"))

    told = await webhooks.arrival(lambda webhook: webhook.event == "room_started")
    assert told.app_id == app_id


def token(server: LiveKitProcess, room: str, identity: str) -> str:
    """Admit *identity* to *room*."""
    grants = api.VideoGrants(room_join=True, room=room)
    made = api.AccessToken(server.api_key, server.api_secret)
    return made.with_identity(identity).with_grants(grants).to_jwt()


async def test_media_connects_over_loopback(
    livekit: LiveKitProcess, register_engine: Callable[[str], Registration], app_id: str
) -> None:
    """A real client gets in, and its data gets out to another."""
    webhooks = register_engine("http://127.0.0.1:1/")
    webhooks.drop()
    name = f"p{app_id}_den"
    ana, bob = rtc.Room(), rtc.Room()
    heard: asyncio.Queue[rtc.DataPacket] = asyncio.Queue()
    bob.on("data_received", heard.put_nowait)
    try:
        await bob.connect(livekit.url, token(livekit, name, "bob"))
        await ana.connect(livekit.url, token(livekit, name, "ana"))
        await ana.local_participant.publish_data(b"hello", reliable=True)

        async with asyncio.timeout(10):
            packet = await heard.get()
        assert packet.data == b"hello"
        await webhooks.arrival(
            lambda webhook: (
                webhook.event == "participant_joined"
                and webhook.payload["participant"]["identity"] == "ana"
            )
        )
    finally:
        await ana.disconnect()
        await bob.disconnect()
