"""The laws of the outbox."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.engine.house import OPEN, ROOM, House, open_house
from tests.engine.manual_clock import ManualClock
from utd_stream.adapters.loopback import Loopback
from utd_stream.engine.store import OutboxRow
from utd_stream.errors import SfuRefusedError, TransportError
from utd_stream.models.names import sfu_room_name
from utd_stream.models.participants import Permission

SECRET = {"X-App-Id": OPEN.id, "X-App-Secret": OPEN.secret}


def asked(house: House, *operations: str) -> list[tuple[str, str, str]]:
    """Return what the SFU was asked that changes something, and forget it."""
    found = [one for one in house.sfu.asked if not one[0].startswith("list_")]
    house.sfu.asked.clear()
    return [one for one in found if not operations or one[0] in operations]


async def test_seat_is_followed_by_its_right(house: House) -> None:
    """Who sits may speak, who stands up may not, and the room shows it."""
    await house.enter("ana")
    assert not house.speaks("ana")
    await house.room_ask("POST", "/seats/0/take", by="ana")
    await house.clock.settle()
    assert house.speaks("ana")
    assert house.metadata()["_seats"]["seats"][0]["identity"] == "ana"
    await house.room_ask("POST", "/seats/leave", by="ana")
    await house.clock.settle()

    assert not house.speaks("ana")
    assert house.metadata()["_seats"]["seats"][0]["identity"] is None


async def test_grants_come_before_metadata(house: House) -> None:
    """By the time a seat is shown as taken, its occupant can speak."""
    await house.enter("ana")
    asked(house)
    await house.room_ask("POST", "/seats/0/take", by="ana")
    await house.clock.settle()

    assert asked(house) == [
        ("update_participant", house.sfu_room, "ana"),
        ("update_room_metadata", house.sfu_room, ""),
    ]


async def test_a_grant_waits_for_no_older_metadata(house: House) -> None:
    """The right of the next change goes out while the grid before is written."""
    await house.enter("ana")
    asked(house)
    house.sfu.delay = 1.0
    await house.room_ask("POST", "/seats/0/take", by="ana")
    await house.clock.advance(1.5)  # granted, and the grid is being written
    await house.room_ask("POST", "/seats/leave", by="ana")
    await house.clock.advance(1.0)

    grant = ("update_participant", house.sfu_room, "ana")
    grid = ("update_room_metadata", house.sfu_room, "")
    assert asked(house) == [grant, grid, grant]
    assert not house.speaks("ana")
    await house.clock.advance(1.0)
    assert asked(house) == [grid]


async def test_later_rows_replace_earlier_ones(house: House) -> None:
    """While the SFU is slow, changes gather: only what they come to is sent."""
    await house.enter("ana")
    asked(house)
    async with house.sfu.outage():
        for path in ("/seats/0/take", "/seats/leave") * 5:
            await house.room_ask("POST", path, by="ana")
        await house.room_ask("POST", "/seats/3/take", by="ana")
    await house.clock.advance(10)

    assert sorted(asked(house)) == [
        ("update_participant", house.sfu_room, "ana"),
        ("update_room_metadata", house.sfu_room, ""),
    ]
    assert house.speaks("ana")
    assert house.metadata()["_seats"]["seats"][3]["identity"] == "ana"


async def test_messages_come_before_the_removal(house: House) -> None:
    """Who is kicked hears why before the connection ends; so do all at the end.

    The engine says it in a message, and where the engine alone can write.
    """
    await house.enter("ana", role="host")
    await house.enter("bob")
    asked(house)
    await house.room_ask("DELETE", "/participants/bob", by="ana")
    await house.clock.settle()
    room = house.sfu_room
    assert asked(house)[:3] == [
        ("send_data", room, ""),
        ("update_participant", room, "bob"),
        ("remove_participant", room, "bob"),
    ]
    await house.room_ask("DELETE", "", by="ana")
    await house.clock.settle()

    assert asked(house) == [
        ("send_data", room, ""),
        ("update_room_metadata", room, ""),
        ("delete_room", room, ""),
    ]
    said = [(orjson.loads(m.data), m.to) for m in house.sfu.messages]
    assert said == [({"type": "_kicked"}, ("bob",)), ({"type": "_room_ended"}, ())]


async def test_messages_are_never_replaced(house: House) -> None:
    """Two people kicked while the SFU was away are both told."""
    await house.enter("ana", role="host")
    for identity in ("bob", "cho"):
        await house.enter(identity)
    async with house.sfu.outage():
        for identity in ("bob", "cho"):
            await house.room_ask("DELETE", f"/participants/{identity}", by="ana")
    await house.clock.advance(10)

    assert {message.to for message in house.sfu.messages} == {("bob",), ("cho",)}
    assert house.sfu.participant(house.sfu_room, "bob") is None


async def test_a_failing_room_blocks_no_other(house: House) -> None:
    """What one room's SFU node refuses holds up that room alone."""
    await house.enter("ana")
    minted = await house.mint("bob", room_name="other")
    other = sfu_room_name(OPEN.id, "other")
    await house.clock.settle()
    house.sfu.enter(minted.body["token"])
    async with house.sfu.failing(house.sfu_room):
        await house.room_ask("POST", "/seats/0/take", by="ana")
        await house.ask("POST", "api/v1/rooms/other/seats/0/take", by="bob")
        await house.clock.settle()
        granted = house.sfu.participant(other, "bob")

        assert granted
        assert granted.permission
        assert granted.permission.can_publish
        assert not house.speaks("ana")
    await house.clock.advance(1)
    assert house.speaks("ana")


async def test_tries_are_spaced_and_never_end(house: House) -> None:
    """An SFU that is away is tried again and again, ever more seldom, up to 7.5 s."""
    await house.enter("ana")
    async with house.sfu.outage():
        await house.room_ask("POST", "/seats/0/take", by="ana")
        await house.clock.advance(3600)
    await house.clock.advance(7.5)

    assert house.speaks("ana")
    assert 5 <= house.services.outbox._pause(100_000) <= 7.5


async def test_a_busy_room_is_tried_as_soon_as_a_quiet_one(house: House) -> None:
    """However much was asked while the SFU was away, it was not away for longer."""
    await house.enter("ana")
    async with house.sfu.outage():
        for path in ("/seats/0/take", "/seats/leave") * 10:
            await house.room_ask("POST", path, by="ana")
        await house.room_ask("POST", "/seats/0/take", by="ana")
        await house.clock.settle()
    await house.clock.advance(0.3)

    assert house.speaks("ana")


async def test_an_absent_participant_is_done(house: House) -> None:
    """A right of somebody who is not there is forgotten, not tried for ever."""
    await house.mint("ana")
    asked(house)
    await house.room_ask("POST", "/seats/0/take", by="ana")
    await house.clock.settle()
    await house.services.outbox.idle()

    assert asked(house, "update_participant") == [
        ("update_participant", house.sfu_room, "ana")
    ]


@pytest.mark.parametrize(("times", "speaks"), [(2, True), (3, False)])
async def test_present_participant_not_found_is_tried_thrice(
    house: House,
    times: int,
    speaks: bool,  # noqa: FBT001 -- a parameter
) -> None:
    """A stale "not found" (T6) is outlived; a lasting one is left to the listing."""
    await house.enter("ana")
    house.sfu.lose_sight_of("ana", times=times)
    await house.room_ask("POST", "/seats/0/take", by="ana")
    await house.clock.advance(0.4)
    assert house.speaks("ana") is speaks
    await house.reconcile()

    assert house.speaks("ana")


async def test_room_that_exists_gets_our_metadata(house: House) -> None:
    """LiveKit leaves a room that exists as it is, so metadata is written after."""
    await house.sfu.create_room(house.sfu_room, metadata="old", empty_timeout=9)
    await house.mint("ana", role="host")
    await house.clock.settle()

    assert house.metadata()["_room"]["owner_identity"] == "ana"


async def test_forgotten_room_is_made_again_for_its_metadata(house: House) -> None:
    """Metadata for a room the SFU does not know opens it."""
    await house.mint("ana")
    await house.clock.settle()
    house.sfu.restart()
    await house.room_ask("POST", "/seats/0/take", by="ana")
    await house.clock.settle()

    assert house.metadata()["_seats"]["rev"] == 1


async def test_what_the_sfu_never_takes_is_dropped(house: House) -> None:
    """A refusal that will not pass is logged, and holds nothing up."""
    await house.enter("ana")
    row = OutboxRow(OPEN.id, ROOM, "say", "9", 0, "nonsense")
    house.services.outbox.put([row])
    await house.clock.advance(1)
    await house.room_ask("POST", "/seats/0/take", by="ana")
    await house.clock.advance(10)

    assert house.speaks("ana")


class Wedged(Loopback):
    """A plane that cannot say anything to one participant."""

    async def update_participant(
        self, name: str, identity: str, *, permission: Permission, metadata: str
    ) -> None:
        """Fail for one, serve the others."""
        if identity == "ana":
            message = "the participant's node does not answer"
            raise TransportError(message)
        await super().update_participant(
            name, identity, permission=permission, metadata=metadata
        )


async def test_a_failing_participant_blocks_no_other() -> None:
    """Whom the SFU cannot reach is tried again while the others are served at once."""
    clock = ManualClock()
    async with open_house(clock=clock, sfu=Wedged(clock)) as house:
        for index, identity in enumerate(("ana", "bob", "cho")):
            await house.enter(identity)
            await house.room_ask("POST", f"/seats/{index}/take", by=identity)
        await house.clock.settle()

        speaking = [who for who in ("ana", "bob", "cho") if house.speaks(who)]
        assert speaking == ["bob", "cho"]


class Refusing(Loopback):
    """A plane that will never take a right of one participant."""

    def __init__(self, clock: ManualClock, error: Exception) -> None:
        super().__init__(clock)
        self.error: Exception | None = error

    async def update_participant(
        self, name: str, identity: str, *, permission: Permission, metadata: str
    ) -> None:
        """Refuse for one, if it is a revoke; serve the others."""
        if identity == "ana" and self.error and not permission.can_publish:
            raise self.error
        await super().update_participant(
            name, identity, permission=permission, metadata=metadata
        )


@pytest.mark.parametrize("away", [False, True], ids=["at once", "after an outage"])
@pytest.mark.parametrize(
    "error",
    [
        SfuRefusedError("metadata is too large"),
        TypeError("Recursion limit reached"),
        UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
    ],
    ids=["refused", "not encoded", "no Unicode"],
)
async def test_a_right_that_cannot_be_written_ends_the_connection(
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    away: bool,  # noqa: FBT001 -- a parameter
) -> None:
    """Who loses a seat is silent, even if the SFU will never take the revoke."""
    clock = ManualClock()
    sfu = Refusing(clock, error)
    async with open_house(clock=clock, sfu=sfu) as house:
        sfu.error = None
        for index, identity in enumerate(("ana", "bob")):
            await house.enter(identity)
            await house.room_ask("POST", f"/seats/{index}/take", by=identity)
        await house.clock.settle()
        assert house.speaks("ana")
        sfu.error = error
        if away:
            async with sfu.outage():
                await house.room_ask("POST", "/seats/0/kick", by=SECRET)
                await house.clock.advance(1)
        else:
            await house.room_ask("POST", "/seats/0/kick", by=SECRET)
        await house.clock.advance(10)

        assert sfu.participant(house.sfu_room, "ana") is None
        assert house.speaks("bob")
        assert house.metadata()["_seats"]["seats"][0]["identity"] is None
    # The message of a fault may quote what a client sent.
    is_refusal = isinstance(error, SfuRefusedError)
    assert (str(error) in caplog.text) is is_refusal


async def test_metadata_waits_for_nobody_who_fails() -> None:
    """Each change is shown to all, though one of them cannot be granted anything."""
    clock = ManualClock()
    async with open_house(clock=clock, sfu=Wedged(clock)) as house:
        for identity in ("ana", "bob"):
            await house.enter(identity)
        await house.room_ask("POST", "/seats/0/take", by="ana")
        await house.clock.advance(10)  # it is tried at least once
        assert house.metadata()["_seats"]["seats"][0]["identity"] == "ana"
        await house.room_ask("POST", "/seats/1/take", by="bob")
        await house.clock.settle()

        assert house.metadata()["_seats"]["seats"][1]["identity"] == "bob"
        assert house.speaks("bob")


@pytest.mark.parametrize("away", [0.1, 1.0, 3.0, 10.0, 60.0])
async def test_grants_come_before_metadata_when_the_sfu_is_back(
    house: House, away: float
) -> None:
    """However long it was away, and whenever it is tried again."""
    await house.enter("ana")
    async with house.sfu.outage():
        await house.room_ask("POST", "/seats/0/take", by="ana")
        await house.clock.advance(away)
        asked(house)
    await house.clock.advance(10)

    assert [operation for operation, _, _ in asked(house)] == [
        "update_participant",
        "update_room_metadata",
    ]


async def test_a_stop_sends_what_goes_fast(house: House) -> None:
    """Who stops the engine while a right is written shows the grid all the same."""
    await house.enter("ana")
    house.sfu.delay = 0.2
    await house.room_ask("POST", "/seats/0/take", by="ana")
    await house.stop()

    assert house.speaks("ana")
    assert house.metadata()["_seats"]["seats"][0]["identity"] == "ana"


async def test_late_metadata_opens_no_room_that_has_ended(house: House) -> None:
    """A write that finds no room looks anew whether there shall be one."""
    await house.enter("ana", role="host")
    house.sfu.delay = 1.0
    await house.room_ask("POST", "/seats/0/take", by="ana")
    await house.clock.advance(1.5)  # granted, and the grid is being written
    house.sfu.delay = 0.0
    await house.room_ask("DELETE", "", by="ana")
    await house.clock.advance(1.0)

    assert ("create_room", house.sfu_room, "") not in asked(house)[-2:]
    assert house.sfu.metadata(house.sfu_room) is None


async def test_a_restart_sends_what_was_left(tmp_path: Path) -> None:
    """What the SFU had not heard when the engine stopped, it hears from the next."""
    database = f"sqlite:///{tmp_path / 'engine.db'}"
    clock = ManualClock()
    sfu = Loopback(clock)
    shared: dict[str, Any] = {"database": database, "clock": clock, "sfu": sfu}
    async with open_house(**shared) as house:
        await house.enter("ana", role="host")
        await house.enter("bob")
        async with sfu.outage():
            await house.room_ask("POST", "/seats/0/take", by="ana")
            await house.room_ask("DELETE", "/participants/bob", by="ana")
            await house.clock.settle()
            await house.stop()
    assert not house.speaks("ana")
    async with open_house(**shared) as house:
        await house.clock.advance(1)

        assert house.speaks("ana")
        assert sfu.participant(house.sfu_room, "bob") is None
        assert [message.to for message in sfu.messages] == [("bob",)]


async def test_idle_outbox_is_empty_on_disk(house: House) -> None:
    """What was sent is deleted, so that a restart repeats little."""
    await house.enter("ana")
    await house.room_ask("POST", "/seats/0/take", by="ana")
    await house.clock.advance(1)

    def count(connection: Any) -> int:
        rows = connection.exec_driver_sql("SELECT count(*) FROM outbox").scalar_one()
        connection.rollback()
        return int(rows)

    assert await house.services.writer.run(count) == 0
