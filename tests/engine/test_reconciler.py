"""The laws of the reconciler, the deadlines and the webhooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.engine.house import OPEN, ROOM, House, app_of, open_house
from tests.engine.manual_clock import ManualClock
from utd_stream.adapters.loopback import Loopback
from utd_stream.engine.rules.audio_room import audio_room, grid_of
from utd_stream.models import DisconnectReason


async def occupant(house: House, index: int = 0) -> str | None:
    """Return who sits there, as committed."""
    return audio_room(await house.room()).seats[index].data.occupant


async def sit(house: House, identity: str, index: int = 0, **asked: Any) -> None:
    """Enter and take a seat."""
    await house.enter(identity, **asked)
    path = f"/seats/{index}/take"
    assert (await house.room_ask("POST", path, by=identity)).status == 200
    await house.clock.settle()


async def test_lost_notices_are_made_good(house: House) -> None:
    """Without any webhook the roster, the rights and the seats become right."""
    house.listens = False
    await sit(house, "ana")
    assert not (await house.member("ana")).is_connected
    await house.reconcile()
    assert (await house.member("ana")).is_connected
    assert house.speaks("ana")
    house.sfu.leave(house.sfu_room, "ana", DisconnectReason.CONNECTION_TIMEOUT)
    for _ in range(2):
        await house.reconcile()
        await house.clock.advance(15)
    await house.reconcile()

    assert await occupant(house) is None


async def test_periods_do_it_by_themselves() -> None:
    """Every reconcile period the SFU is looked at, nobody has to ask."""
    async with open_house(reconcile_period=5) as house:
        house.listens = False
        await house.enter("ana")
        await house.clock.advance(5)

        assert (await house.member("ana")).is_connected


async def test_forgotten_metadata_is_written_again(house: House) -> None:
    """A room whose metadata is gone, or of an older revision, is told again."""
    await sit(house, "ana")
    for forgotten in ("", "{}", "[]", '{"_seats": {"rev": 0}}', '{"_seats": 1}', "{"):
        await house.sfu.update_room_metadata(house.sfu_room, forgotten)
        await house.reconcile()

        assert house.metadata()["_seats"]["rev"] == 1, forgotten


async def test_changed_rights_are_repaired(house: House) -> None:
    """Whatever right the SFU shows, it becomes the one the engine has decided."""
    await sit(house, "ana")
    token = (await house.mint("ana")).body["token"]
    house.listens = False
    house.sfu.enter(token)
    assert not house.speaks("ana")
    await house.reconcile()

    assert house.speaks("ana")


async def test_a_room_that_fails_hides_no_other(house: House) -> None:
    """A room that cannot be read, live or ended, is skipped; the others are judged."""
    tokens = {}
    for name in ("damaged", "over", ROOM):
        tokens[name] = (await house.enter("ana", room_name=name)).body["token"]
    await house.ask("DELETE", "api/v1/rooms/over", by=app_of(OPEN, secret=True))
    await house.clock.settle()
    house.listens = False
    house.sfu.enter(tokens["over"])

    def damage(connection: Any) -> None:
        sql = "UPDATE rooms SET state = '[' WHERE name IN ('damaged', 'over')"
        connection.exec_driver_sql(sql)
        connection.commit()

    await house.services.writer.run(damage)
    house.services.writer.committed.forget()
    await house.sfu.update_room_metadata(house.sfu_room, "")
    await house.reconcile()

    assert house.metadata()["_seats"]["count"] == 9
    answer = await house.ask("GET", "api/v1/rooms/damaged", by="ana")
    assert (answer.status, answer.code) == (503, "unavailable")
    assert "restore a backup" in answer.body["message"]


async def test_strangers_are_removed(house: House) -> None:
    """Who is no member is put out of the room: at once by notice, or by a listing."""
    await house.enter("ana", role="host")
    token = (await house.mint("bob")).body["token"]
    await house.room_ask("DELETE", "/participants/bob", by="ana")
    for listens in (True, False):
        house.listens = listens
        house.sfu.enter(token)
        await house.told()
        await house.reconcile()

        assert house.sfu.participant(house.sfu_room, "bob") is None


async def test_ghosts_are_removed(house: House) -> None:
    """Who said goodbye is put out if the SFU still has them; who is back is not."""
    await sit(house, "ana")
    for is_back in (True, False):
        await house.room_ask("POST", "/leave", by="ana")
        await house.clock.settle()
        await house.reconcile()
        assert house.sfu.participant(house.sfu_room, "ana")
        await house.clock.advance(5)
        if is_back:
            await house.enter("ana")
        await house.reconcile()

        assert bool(house.sfu.participant(house.sfu_room, "ana")) == is_back
    assert not (await house.member("ana")).is_connected


async def test_a_failed_listing_unseats_nobody(house: House) -> None:
    """However long the SFU cannot be asked, nobody departs; then it is judged."""
    await sit(house, "ana")
    await sit(house, "bob", 1)
    await house.leave("bob", reason=DisconnectReason.CONNECTION_TIMEOUT)
    async with house.sfu.outage():
        await house.clock.advance(3600)
        await house.reconcile()
        assert await occupant(house, 1) == "bob"
    await house.reconcile()

    assert await occupant(house, 0) == "ana"
    assert await occupant(house, 1) is None


async def test_grace_ends_on_time(house: House) -> None:
    """An absence is judged when its grace is over, without waiting for a period."""
    await sit(house, "ana")
    await house.leave("ana", reason=DisconnectReason.CONNECTION_TIMEOUT)
    await house.clock.advance(14.9)
    assert await occupant(house) == "ana"
    await house.clock.advance(0.2)

    assert await occupant(house) is None


async def test_who_comes_back_keeps_the_seat(house: House) -> None:
    """A full reconnect is left, then joined: it costs neither seat nor right."""
    await sit(house, "ana")
    await house.leave("ana")
    await house.clock.advance(1.9)
    await house.enter("ana")
    await house.clock.advance(60)

    assert await occupant(house) == "ana"
    assert house.speaks("ana")


async def test_late_notice_of_an_old_connection_is_ignored(house: House) -> None:
    """That an older connection left says nothing about the one now there (T25)."""
    await sit(house, "ana")
    house.listens = False
    house.sfu.leave(house.sfu_room, "ana")
    late = house.notices.pop()
    house.sfu.enter((await house.mint("ana")).body["token"])
    house.listens = True
    await house.told()
    house.notices.append(late)
    await house.told()
    await house.clock.advance(60)

    assert await occupant(house) == "ana"
    assert (await house.member("ana")).is_connected


async def test_restarted_sfu_is_no_departure(house: House) -> None:
    """An SFU that has forgotten everything unseats nobody who comes back in time."""
    await sit(house, "ana")
    token = (await house.mint("ana")).body["token"]
    house.sfu.restart()
    await house.reconcile()
    await house.clock.advance(10)
    house.sfu.enter(token)
    await house.told()
    await house.clock.advance(60)
    await house.reconcile()

    assert await occupant(house) == "ana"
    assert house.speaks("ana")
    assert house.metadata()["_seats"]["rev"] == 1


async def test_an_ended_room_is_deleted_again(house: House) -> None:
    """A token that is still good opens no room for long."""
    answer = await house.enter("ana", role="host")
    await house.room_ask("DELETE", "", by="ana")
    await house.told()
    assert house.sfu.metadata(house.sfu_room) is None
    for listens in (True, False):
        house.listens = listens
        house.sfu.enter(answer.body["token"])
        await house.told()
        await house.reconcile()

        assert house.sfu.metadata(house.sfu_room) is None


async def test_rooms_of_others_are_left_alone(house: House) -> None:
    """What is no room of our apps, or was never ours, is neither listed nor ended."""
    names = ("somebody's", "popen_unknown", "pelse_room", "popen_")
    for name in names:
        await house.sfu.create_room(name, metadata="", empty_timeout=300)
    await house.enter("ana")
    house.sfu.asked.clear()
    await house.reconcile()

    assert {room for _, room, _ in house.sfu.asked} == {"", house.sfu_room}


async def test_empty_room_ends_after_its_time(house: House) -> None:
    """A room nobody is in ends after 300 s; one that is used does not."""
    await house.mint("ana")
    await house.clock.advance(299)
    assert (await house.room()).is_live
    await house.clock.advance(2)
    assert not (await house.room()).is_live
    await house.enter("ana")
    await house.clock.advance(3600)

    assert (await house.room()).is_live


async def test_requests_and_invitations_expire_on_time(house: House) -> None:
    """What nobody answers is gone after 60 s, and the seat it held is free."""
    await house.enter("ana", role="host", seat_mode="request")
    await house.enter("bob")
    asked = {"target_identity": "bob", "seat_index": 3}
    await house.room_ask("POST", "/speakers/request", by="bob")
    await house.room_ask("POST", "/speakers/invite", by="ana", json=asked)
    await house.clock.advance(59.9)
    grid = grid_of(await house.room())
    assert (len(grid.requests), len(grid.invitations)) == (1, 1)
    await house.clock.advance(0.2)

    grid = grid_of(await house.room())
    assert (grid.requests, grid.invitations) == ((), ())
    assert grid.seats[3].reserved_for is None


async def test_engine_that_was_down_judges_by_what_is(tmp_path: Path) -> None:
    """Down for longer than every grace, an engine unseats only who is not there."""
    clock = ManualClock()
    sfu = Loopback(clock)
    shared: dict[str, Any] = {
        "database": f"sqlite:///{tmp_path / 'engine.db'}",
        "clock": clock,
        "sfu": sfu,
        "reconcile_period": 5,
    }
    async with open_house(**shared) as house:
        for index, identity in enumerate(("ana", "bob", "cho")):
            await sit(house, identity, index)
        await house.leave("bob", reason=DisconnectReason.CONNECTION_TIMEOUT)
        await house.clock.settle()
    await clock.advance(3600)
    sfu.leave(house.sfu_room, "cho", DisconnectReason.CONNECTION_TIMEOUT)
    async with sfu.outage(), open_house(**shared) as house:
        await clock.advance(60)
        assert [await occupant(house, i) for i in range(3)] == ["ana", "bob", "cho"]
    async with open_house(**shared) as house:
        await clock.advance(1)
        assert [await occupant(house, i) for i in range(3)] == ["ana", None, "cho"]
        await clock.advance(20)

        assert [await occupant(house, i) for i in range(3)] == ["ana", None, None]


async def test_started_room_is_told_its_metadata(house: House) -> None:
    """A room that LiveKit opened by itself is furnished by the notice of it (T39)."""
    answer = await house.enter("ana")
    house.sfu.restart()
    house.sfu.enter(answer.body["token"])
    assert house.metadata() == {}
    await house.told()

    assert house.metadata()["_seats"]["count"] == 9


async def test_finished_room_makes_the_engine_look(house: House) -> None:
    """A notice of a room's end is a hint; what counts is the listing (T32)."""
    await house.enter("ana")
    await house.clock.advance(1)
    await house.sfu.delete_room(house.sfu_room)
    told = [orjson.loads(body)["event"] for body, _ in house.notices]
    assert told == ["participant_left", "room_finished"]
    house.notices.popleft()
    house.sfu.asked.clear()
    await house.told()

    assert ("list_rooms", "", "") in house.sfu.asked
    assert not (await house.member("ana")).is_connected


@pytest.mark.parametrize("signature", ["", "nonsense", "Bearer x.y.z"])
async def test_unsigned_notice_is_refused(house: House, signature: str) -> None:
    """Whoever is not LiveKit is not listened to."""
    await house.enter("ana")
    house.listens = False
    house.sfu.leave(house.sfu_room, "ana")
    body, _ = house.notices.pop()

    answer = await house.ask(
        "POST", "livekit/webhook", data=body, headers={"Authorization": signature}
    )

    assert (answer.status, answer.code) == (401, "unauthenticated")
    assert (await house.member("ana")).is_connected


async def test_notice_is_for_the_body_that_was_signed(house: House) -> None:
    """A signature of another notice is none."""
    await house.enter("ana")
    house.listens = False
    house.sfu.leave(house.sfu_room, "ana")
    house.sfu.enter((await house.mint("bob")).body["token"])
    (body, _), (_, signature) = house.notices[0], house.notices[-1]

    answer = await house.ask(
        "POST", "livekit/webhook", data=body, headers={"Authorization": signature}
    )

    assert answer.status == 401


async def test_notices_about_others_are_taken_and_ignored(house: House) -> None:
    """A notice of an unknown app or room, or of another kind, is 200 and no more."""
    house.listens = False
    await house.sfu.create_room("pelse_room", metadata="", empty_timeout=300)
    await house.sfu.create_room("popen_room", metadata="", empty_timeout=300)
    claims: dict[str, Any] = {"roomJoin": True, "canPublish": False}
    for name in ("pelse_room", "popen_room", "plain"):
        token = house.sfu.sign_token(
            {"sub": "x", "exp": 2e9, "video": {**claims, "room": name}}
        )
        house.sfu.enter(token)
    house.listens = True
    await house.told()

    assert await house.services.writer.room((OPEN.id, ROOM)) is None


async def test_large_notice_is_heard(house: House) -> None:
    """LiveKit's notices hold the room's metadata, which may be 400,000 bytes."""
    await house.enter("ana")
    await house.sfu.update_room_metadata(house.sfu_room, "x" * 400_000)
    await house.leave("ana")

    assert not (await house.member("ana")).is_connected
