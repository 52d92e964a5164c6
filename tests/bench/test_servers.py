"""What the benchmarks ask answers as LiveKit and an engine do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench.filling import APP_KEY, filling
from tests.bench.line import Line, serving
from tests.bench.load import commit, mint, sign
from tests.bench.servers import APP, SECRET
from utd_stream.adapters.livekit_api import LiveKitSfu
from utd_stream.errors import SfuNotFoundError
from utd_stream.models import Permission

ROOM = "pbench_lounge"


async def test_room_service_answers_as_livekit() -> None:
    """The engine's adapter finds in it what it wrote there, and nothing else."""
    async with filling() as world:
        sfu = LiveKitSfu(f"http://127.0.0.1:{world.livekit.port}", "key", SECRET)
        await world.fill([("lounge", "ana"), ("lounge", "bob")], told=True)
        written = Permission(can_publish=True)
        await sfu.update_participant(ROOM, "bob", permission=written, metadata="{}")
        await sfu.update_room_metadata(ROOM, "[]")
        await sfu.remove_participant(ROOM, "ana")

        (room,) = await sfu.list_rooms()
        (bob,) = await sfu.list_participants(ROOM)

        assert (room.name, room.metadata, room.num_participants) == (ROOM, "[]", 1)
        assert (bob.identity, bob.permission, bob.metadata) == ("bob", written, "{}")
        with pytest.raises(SfuNotFoundError):
            await sfu.remove_participant(ROOM, "ana")
        await sfu.delete_room(ROOM)
        assert await sfu.list_rooms() == ()
        await sfu.aclose()


async def test_people_are_let_in_by_webhook_or_by_listing() -> None:
    """However they came, the engine shows them as connected."""
    async with filling() as world:
        await world.fill([("told", "ana")], told=True)
        await world.fill([("listed", "ana")], told=False)
        await world.engine.tell("look", room="listed")
        line = await Line.open(world.engine.port)
        for room in ("told", "listed"):
            path = f"/api/v1/rooms/{room}/participants"
            secret = {"X_App_Id": APP.id, "X_App_Secret": APP.secret}
            told = json.loads(await line.ask(path, method="GET", **secret))

            assert [each["connected"] for each in told["data"]] == [True]
        line.close()
        assert (await world.counts())["requests"] > 0


@pytest.mark.parametrize("kind", ["bare", "prompt_engine"])
async def test_servers_serve_what_is_measured(kind: str, tmp_path: Path) -> None:
    """A bare server signs and commits; an engine mints and seats whom it lets in."""
    async with serving(kind, database=str(tmp_path / "bench.db"), sync=0.001) as server:
        line = await Line.open(server.port)
        if kind == "bare":
            await sign(line, 1)
            await commit(line, 1)
        else:
            await mint(line, 1)
            asked = {"type": "audio_room", "room_name": "room-1", "identity": "ana"}
            minted = json.loads(await line.ask("/api/v1/token", asked, **APP_KEY))
            bearer = f"Bearer {minted['user_token']}"
            await line.ask("/api/v1/rooms/room-1/seats/0/take", Authorization=bearer)
        line.close()

        assert await server.cpu() > 0
