"""Who leaves gives up the seat, who is only away for a moment does not."""

from __future__ import annotations

from functools import partial

import pytest

from tests.conformance.entering import entering
from tests.planes import LISTENER, heard_hz
from tests.world import ROOM, World
from tests.world_ground import Told
from utd_stream.errors import NotFoundError, PermissionDeniedError
from utd_stream.models import DisconnectReason, SeatOccupancy, UTDConnectionState
from utd_stream.models.room_events import Disconnected


async def test_leaving_frees_the_seat_at_once_without_webhooks(world: World) -> None:
    """session.leave() tells the engine before it disconnects."""
    world.webhooks.drop()
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await speaker.take_seat(2)

    await speaker.leave()

    assert await world.seat_of("speaker") is None
    await world.gone("speaker")
    assert speaker.connection_state.value is UTDConnectionState.DISCONNECTED
    assert speaker.seat.value is None
    await host.take_seat(2)


async def test_a_session_that_left_can_come_back(world: World) -> None:
    """A session that left comes back, and hears everything once (L8, L9)."""
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await speaker.leave()

    await speaker.rejoin()
    await speaker.rejoin()

    revisions: list[int] = []
    told = speaker.seats.subscribe(lambda grid: revisions.append(grid.rev))
    await host.lock_seat(8)
    await speaker.seats.until(lambda g: g.seats[8].locked, 10)
    told.dispose()
    assert len(revisions) == 2
    assert (await world.present()).count("speaker") == 1


async def test_a_full_reconnect_keeps_the_seat(hasty_world: World) -> None:
    """Who is back 60 ms after leaving, with a new sid, keeps the seat (T29, T38)."""
    world = hasty_world
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await speaker.take_seat(1)
    before = await world.listed("speaker")
    assert before is not None

    await world.reconnect(speaker)
    now = await world.listed("speaker")
    assert now is not None
    assert now.sid != before.sid
    await world.webhooks.arrival(lambda w: w.event == "participant_left")
    await world.reconcile()

    assert await world.seat_of("speaker") == 1
    await speaker.occupancy.until(lambda s: s is SeatOccupancy.SPEAKING, 10)
    await host.remote_participants.until(
        lambda all_: any(p.publications for p in all_ if p.identity == "speaker"), 10
    )


async def test_the_device_that_was_replaced_cannot_free_the_seat(
    hasty_world: World,
) -> None:
    """The newest connection of an identity wins and keeps the seat (T10, T25)."""
    world = hasty_world
    old = await world.join("speaker")
    await old.take_seat(1)

    new = await world.join("speaker")

    await old.connected.until(lambda is_connected: not is_connected, 10)
    assert old.snapshot.value.reason == "duplicate_identity"
    await old.leave()
    await old.dispose()
    stale = world.client()
    await stale.authenticate("speaker")
    await stale.api.leave_room(ROOM, connection=1)
    await world.reconcile()
    assert await world.seat_of("speaker") == 1
    await new.occupancy.until(lambda s: s is SeatOccupancy.SPEAKING, 10)


async def test_a_late_notice_of_an_old_connection_unseats_nobody(
    hasty_world: World,
) -> None:
    """A late word that an older connection left unseats nobody (T15, T25)."""
    world = hasty_world
    speaker = await world.join("speaker")
    await speaker.take_seat(1)
    world.webhooks.hold(lambda w: w.event == "participant_left")

    await world.reconnect(speaker)
    now = await world.listed("speaker")
    assert now is not None

    async def is_known() -> bool:
        return (await world.member("speaker")).sid == now.sid

    await world.until(is_known)  # else the word is not late
    await world.webhooks.arrival(lambda w: w.event == "participant_left")
    await world.webhooks.release()

    assert await is_known()
    assert await world.seat_of("speaker") == 1
    await speaker.occupancy.until(lambda s: s is SeatOccupancy.SPEAKING, 10)


async def test_a_kicked_member_does_not_come_back(world: World) -> None:
    """A kick ends the session; neither a held token nor a resume undo it (T8)."""
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await speaker.take_seat(1)
    client = world.client()
    token = await client.api.create_token(entering("speaker"))

    await host.kick("speaker")

    await speaker.connected.until(lambda is_connected: not is_connected, 10)
    assert speaker.snapshot.value.reason == "participant_removed"
    assert speaker.occupancy.value is SeatOccupancy.LISTENING
    assert await world.seat_of("speaker") is None
    intruder = await world.intrude(token.token)
    removed = await intruder.hears(Disconnected)
    assert removed.reason is DisconnectReason.PARTICIPANT_REMOVED
    await world.gone("speaker")
    with pytest.raises(PermissionDeniedError):
        await client.api.create_token(entering("speaker", resume=True))


async def test_who_is_lost_loses_the_seat(hasty_world: World) -> None:
    """The SFU notices the dead and the cut off late; then the grace runs (T12, T38)."""
    world = hasty_world
    dead = await world.seat_mortal("dead", seat=1)
    cut_off = await world.seat_mortal("cut off", seat=2)
    sids: dict[str, str] = {}

    async def are_heard() -> bool:
        for identity in ("dead", "cut off"):
            listed = await world.listed(identity)
            if listed is not None and listed.track_sources:
                sids[identity] = listed.sid
        return len(sids) == 2

    await world.until(are_heard)  # else the SFU counts them among the aborted (T15)

    await dead.kill()
    await cut_off.cut()

    assert [await world.seat_of("dead"), await world.seat_of("cut off")] == [1, 2]
    for identity, sid in sids.items():
        notice = await world.webhooks.arrival(
            partial(is_departure, identity), timeout=45
        )
        participant = notice.payload["participant"]
        assert participant["sid"] == sid
        assert participant["disconnectReason"] == "CONNECTION_TIMEOUT"
        await world.until(partial(is_unseated, world, identity), timeout=15)
    await cut_off.mend()
    await world.permitted("cut off", LISTENER)  # it is back, and listens


def is_departure(identity: str, told: Told) -> bool:
    """Whether a webhook says that somebody left."""
    has_left = told.event == "participant_left"
    return has_left and told.payload["participant"]["identity"] == identity


async def is_unseated(world: World, identity: str) -> bool:
    """Whether the engine has freed a seat by now."""
    await world.reconcile()
    return await world.seat_of(identity) is None


async def test_a_short_cut_is_no_departure(hasty_world: World) -> None:
    """Who is out of reach for two seconds keeps seat, connection and voice (T38)."""
    world = hasty_world
    host = await world.join("host", as_host=True)
    speaker = await world.seat_mortal("speaker", seat=1)
    await heard_hz(host.audio("speaker"))
    before = await world.listed("speaker")

    await speaker.cut()
    await world.clock.sleep(2)  # the cut itself is what is tested
    await speaker.mend()

    sound = host.audio("speaker")
    await heard_hz(sound)  # what was on its way
    assert await heard_hz(sound) == pytest.approx(440, rel=0.1)
    assert await world.listed("speaker") == before
    assert await world.seat_of("speaker") == 1


async def test_an_engine_that_was_away_unseats_nobody_who_is_there(
    hasty_world: World,
) -> None:
    """An engine that was down past a grace judges by a listing, and unseats nobody."""
    world = hasty_world
    speaker = await world.join("speaker")
    await speaker.take_seat(3)
    await world.stop_engine()
    await world.reconnect(speaker)
    await world.clock.sleep(0.6)  # the grace itself is what is tested

    await world.start_engine()
    await world.reconcile()
    await world.reconcile()

    assert await world.seat_of("speaker") == 3
    await speaker.occupancy.until(lambda s: s is SeatOccupancy.SPEAKING, 10)


async def test_a_room_that_ends_removes_everybody(world: World) -> None:
    """end_room disconnects all, and the name may live again."""
    host = await world.join("host", as_host=True)
    guest = await world.join("guest")
    await guest.take_seat(0)

    await host.end_room()

    for session in (host, guest):
        await session.connected.until(lambda is_connected: not is_connected, 10)
        assert session.snapshot.value.reason == "room_deleted"
    with pytest.raises(NotFoundError):
        await host.get_seats()
    again = await world.join("guest", as_host=True)
    assert again.is_host
    assert again.seats.value.seats[0].occupant_identity is None
