"""A take is whole: the seat, the right and the microphone, or none of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

import pytest

from tests.planes import eventually, heard_hz
from tests.world import ROOM, World
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.client.timeouts import Timeouts
from utd_stream.engine.rules.audio_room import grid_of
from utd_stream.errors import (
    ConflictError,
    DisconnectedError,
    InvalidArgumentError,
    PermissionDeniedError,
    PublishError,
    RefusedError,
    TransportTimeoutError,
)
from utd_stream.models import AudioFrame, SeatMode, SeatOccupancy

Leaving = Callable[[UTDAudioRoomSession], Awaitable[object]]

# What a take goes through; each is a place to leave it.
ON_THE_WAY = (
    SeatOccupancy.TAKING,
    SeatOccupancy.GRANTING,
    SeatOccupancy.PUBLISHING,
)


async def begin_take(
    world: World, speaker: UTDAudioRoomSession, state: SeatOccupancy
) -> asyncio.Task[None]:
    """Let a take go on until it is there on its way."""
    if state is SeatOccupancy.GRANTING:
        world.grants.hold()  # else the right may come before the answer
    take = asyncio.create_task(speaker.take_seat(1))
    await speaker.occupancy.until(lambda s: s is state, 10)
    world.grants.release()
    return take


async def test_returns_with_the_right_and_the_microphone(world: World) -> None:
    """take_seat returns only when the SFU has granted and the track is up."""
    speaker = await world.join("speaker")

    await speaker.take_seat(4)

    listed = await world.listed("speaker")
    assert listed is not None
    assert listed.permission is not None
    assert listed.permission.can_publish
    assert speaker.seat.value == 4
    (publication,) = speaker.local_participant.publications
    assert publication.sid.startswith("TR_")  # the SFU's own word
    assert not speaker.microphone_muted.value


async def test_on_a_muted_seat_returns_when_seated(world: World) -> None:
    """Where the right does not come with the seat, take_seat returns silent."""
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await host.mute_seat(2)

    await speaker.take_seat(2)

    assert speaker.occupancy.value is SeatOccupancy.SILENT
    assert await world.seat_of("speaker") == 2


async def test_with_the_microphone_off_returns_when_seated(world: World) -> None:
    """Who said set_microphone(False) sits silent, and speaks when it is said."""
    speaker = await world.join("speaker")
    await speaker.set_microphone(False)

    await speaker.take_seat(2)

    assert speaker.occupancy.value is SeatOccupancy.SILENT
    await speaker.can_publish.until(bool, 10)
    await speaker.set_microphone(True)
    await speaker.occupancy.until(lambda s: s is SeatOccupancy.SPEAKING, 10)


async def test_without_a_source_nothing_is_asked(world: World) -> None:
    """An argument error names the choices before any request."""
    client = world.client(microphone=None)
    mute = await world.join("mute", client=client)
    rev = (await world.room()).rev

    with pytest.raises(InvalidArgumentError, match="Tone"):
        await mute.take_seat(0)

    assert (await world.room()).rev == rev


@pytest.mark.parametrize("state", ON_THE_WAY, ids=lambda s: s.value)
async def test_cancelled_on_the_way_leaves_nothing(
    world: World, state: SeatOccupancy
) -> None:
    """Wherever a take is cancelled, all of it is given back (L1, T35, T36)."""
    speaker = await world.join("speaker")
    take = await begin_take(world, speaker, state)

    take.cancel()

    with pytest.raises(asyncio.CancelledError):
        await take
    await speaker.occupancy.until(lambda s: s is SeatOccupancy.LISTENING, 20)
    await world.nothing_is_left("speaker")
    await speaker.take_seat(1)
    assert speaker.occupancy.value is SeatOccupancy.SPEAKING


async def test_cancelled_at_any_time_leaves_nothing(world: World) -> None:
    """Timeouts around a take, from none to too long, leave it whole (T18, L17)."""
    speaker = await world.join("speaker")
    for step in range(24):
        try:
            async with asyncio.timeout(step * 0.002):
                await speaker.take_seat(step % 9)
        except TimeoutError:
            await speaker.occupancy.until(lambda s: s is SeatOccupancy.LISTENING, 20)
        else:
            await speaker.leave_seat()
        await world.nothing_is_left("speaker")

    await speaker.take_seat(0)
    assert await world.seat_of("speaker") == 0


async def by_leave(session: UTDAudioRoomSession) -> None:
    await session.leave()


async def by_dispose(session: UTDAudioRoomSession) -> None:
    await session.dispose()


@pytest.mark.parametrize("goes", [by_leave, by_dispose], ids=["by leave", "by dispose"])
@pytest.mark.parametrize("state", ON_THE_WAY, ids=lambda s: s.value)
async def test_left_on_the_way_leaves_nothing(
    world: World, state: SeatOccupancy, goes: Leaving
) -> None:
    """Leaving or disposing drains the take and frees the seat at once (L1, L21)."""
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    take = await begin_take(world, speaker, state)

    await goes(speaker)

    with pytest.raises(DisconnectedError):
        await take
    assert await world.seat_of("speaker") is None
    await world.gone("speaker")
    await host.take_seat(1)


async def test_seat_lost_on_the_way_is_told(world: World) -> None:
    """Who is unseated while taking hears a conflict and publishes nothing (L16)."""
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    world.grants.delivers = False  # so that the right does not come before the lock
    take = asyncio.create_task(speaker.take_seat(1))
    await speaker.occupancy.until(lambda s: s is SeatOccupancy.GRANTING, 10)

    await host.lock_seat(1)

    with pytest.raises(ConflictError, match="lost"):
        await take
    await speaker.occupancy.until(lambda s: s is SeatOccupancy.LISTENING, 10)
    await world.nothing_is_left("speaker")


async def test_refusals_name_their_code(world: World) -> None:
    """Each no of the engine is its own typed error (L23, L28, L30)."""
    host = await world.join("host", as_host=True, seat_count=3)
    guest = await world.join("guest")
    await host.take_seat(0)
    await host.lock_seat(1)

    with pytest.raises(ConflictError) as taken:
        await guest.take_seat(0)
    with pytest.raises(ConflictError) as locked:
        await guest.take_seat(1)
    with pytest.raises(InvalidArgumentError) as outside:
        await guest.take_seat(3)
    with pytest.raises(InvalidArgumentError):
        await guest.take_seat("2")  # type: ignore[arg-type]  # the point of it
    with pytest.raises(RefusedError) as again:
        await host.take_seat(2)
    await host.setup_seats(seat_mode=SeatMode.REQUEST)
    with pytest.raises(PermissionDeniedError) as unasked:
        await guest.take_seat(2)

    assert (taken.value.code, taken.value.status_code) == ("seat_taken", 409)
    assert locked.value.code == "seat_locked"
    assert outside.value.status_code == 422
    assert again.value.code == "already_seated"
    assert unasked.value.is_forbidden
    assert guest.occupancy.value is SeatOccupancy.LISTENING
    assert await world.seat_of("guest") is None


async def test_who_sits_is_refused_at_once(world: World) -> None:
    """A take by one who sits is refused before anything is waited for (L23)."""
    speaker = await world.join("speaker")
    await speaker.take_seat(0)

    with pytest.raises(RefusedError) as refused:
        speaker.take_seat(1).send(None)  # runs to its first wait, and meets none

    assert refused.value.code == "already_seated"


class Unplugged:
    """A microphone that is not there."""

    def open(self) -> AsyncIterator[AudioFrame]:
        """Fail, as an app's own code may."""
        message = "no such device"
        raise OSError(message)


async def test_a_source_that_fails_is_told_as_ours(world: World) -> None:
    """The app's own error is the cause of a publish error; the seat is given back."""
    client = world.client(microphone=Unplugged())
    speaker = await world.join("speaker", client=client)

    with pytest.raises(PublishError, match="OSError") as failed:
        await speaker.take_seat(0)

    assert isinstance(failed.value.__cause__, OSError)
    await speaker.occupancy.until(lambda s: s is SeatOccupancy.LISTENING, 10)
    await world.nothing_is_left("speaker")


async def test_moving_leaves_no_gap(world: World) -> None:
    """A move is one update, and the track is the same before and after (L27)."""
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    await speaker.take_seat(1)
    await host.seats.until(lambda g: g.seats[1].occupant_identity == "speaker", 10)
    (before,) = speaker.local_participant.publications
    revisions: list[int] = []
    told = host.seats.subscribe(lambda grid: revisions.append(grid.rev))

    await speaker.move_seat(5)

    await host.seats.until(lambda g: g.seats[5].occupant_identity == "speaker", 10)
    told.dispose()
    (after,) = speaker.local_participant.publications
    assert after.sid == before.sid
    assert len(revisions) == 2
    with pytest.raises(ConflictError):
        await host.take_seat(5)
    await host.take_seat(1)
    with pytest.raises(ConflictError):
        await speaker.move_seat(1)
    assert speaker.seat.value == 5


async def test_late_right_is_waited_for_once(world: World) -> None:
    """When the right does not come in time the take ends and leaves nothing (L17)."""
    client = world.client(timeouts=Timeouts(seat=10.0))
    speaker = await world.join("speaker", client=client)
    world.grants.takes = False

    with pytest.raises(TransportTimeoutError):
        await speaker.take_seat(0)

    world.grants.takes = True
    await speaker.occupancy.until(lambda s: s is SeatOccupancy.LISTENING, 10)
    await world.nothing_is_left("speaker")
    await speaker.take_seat(0)
    assert speaker.occupancy.value is SeatOccupancy.SPEAKING


async def test_approved_and_invited_speak_by_themselves(world: World) -> None:
    """Whoever is seated by somebody else publishes without being told to."""
    host = await world.join("host", as_host=True, seat_mode=SeatMode.REQUEST)
    asker = await world.join("asker")
    request_id = await asker.request_to_speak()
    await host.speaker_requests.until(bool, 10)
    assert [r.identity for r in host.speaker_requests.value] == ["asker"]

    await host.approve_speaker(request_id)

    await asker.occupancy.until(lambda s: s is SeatOccupancy.SPEAKING, 10)
    invited = await world.join("invited")
    await host.invite_to_speak("invited", 7)
    await invited.invitation.until(lambda i: i is not None, 10)
    with pytest.raises(ConflictError) as held:
        await host.lock_seat(7)
    assert held.value.details["reserved_for"] == "invited"
    await invited.accept_invitation()
    assert invited.seat.value == 7
    assert invited.invitation.value is None
    assert invited.occupancy.value is SeatOccupancy.SPEAKING


async def test_seated_without_a_source_is_silent(world: World) -> None:
    """Who has no microphone and is seated by a moderator sits silent."""
    host = await world.join("host", as_host=True, seat_mode=SeatMode.REQUEST)
    client = world.client(microphone=None)
    mute = await world.join("mute", client=client)
    request_id = await mute.request_to_speak()

    await host.approve_speaker(request_id)

    await mute.seat.until(lambda index: index == 0, 10)
    assert mute.occupancy.value is SeatOccupancy.SILENT


async def test_rev_is_the_same_everywhere(world: World) -> None:
    """The engine, every observer and a GET agree on the grid."""
    host = await world.join("host", as_host=True)
    guest = await world.join("guest")
    await guest.take_seat(3)
    grid = grid_of(await world.room())

    await host.seats.until(lambda g: g.rev == grid.rev, 10)

    assert host.seats.value == guest.seats.value == grid
    assert await guest.get_seats() == grid
    client = world.client()
    await client.authenticate("host")
    assert await client.api.get_seats(ROOM) == grid


async def test_cancelled_join_leaves_nobody(world: World) -> None:
    """A join that is cancelled leaves no ghost, and a next one works (T34)."""
    client = world.client()
    await world.join("host", as_host=True)
    for step in range(8):
        with suppress(TimeoutError):
            async with asyncio.timeout(step * 0.008):
                session = await client.join_audio_room("ghost", ROOM)
                await session.dispose()

    await world.gone("ghost")

    session = await world.join("ghost", client=client)
    assert await eventually(lambda: session.connected.value)


async def test_closing_waits_for_a_join_that_was_left(world: World) -> None:
    """The engine hears that nobody comes before the client's pool is closed."""
    client = world.client()
    joining = asyncio.create_task(
        client.join_audio_room("ghost", ROOM, as_host=True, host_seat=0)
    )
    address = (world.app.id, ROOM)
    # The engine tells nobody else; turn by turn, so that the join is still going on.
    while await world.services.writer.room(address) is None:  # noqa: ASYNC110 -- see above
        await asyncio.sleep(0)
    assert await world.seat_of("ghost") == 0

    joining.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joining
    await client.aclose()

    assert await world.seat_of("ghost") is None


@pytest.mark.parametrize("mode", SeatMode)
async def test_a_client_started_again_takes_its_seat(
    world: World, mode: SeatMode
) -> None:
    """After a kill -9 the same program has its seat, and is heard, as if for the first.

    Its engine says that the seat is held; another seat stays a conflict.
    """
    host = await world.join("host", as_host=True)
    killed = await world.seat_mortal("speaker", seat=2)
    await host.setup_seats(seat_mode=mode)
    await killed.kill()
    rev = (await world.room()).rev

    again = await world.join("speaker")
    await again.take_seat(2)

    assert again.occupancy.value is SeatOccupancy.SPEAKING
    await heard_hz(host.audio("speaker"))
    assert await world.seat_of("speaker") == 2
    assert (await world.room()).rev == rev
    with pytest.raises(RefusedError) as another:
        await again.take_seat(3)
    assert another.value.code == "already_seated"


async def test_a_seat_one_has_is_taken_at_the_engine(world: World) -> None:
    """By REST, too, from a client that knows nothing of its seat: 200, as it was."""
    speaker = await world.join("speaker")
    await speaker.take_seat(2)
    rev = (await world.room()).rev
    other = world.client()
    await other.authenticate("speaker")

    answer = await other.api.take_seat(ROOM, 2)

    assert (answer.seat_index, answer.speaks, answer.rev) == (2, True, rev)
    with pytest.raises(ConflictError) as another:
        await other.api.take_seat(ROOM, 3)
    assert another.value.code == "already_seated"
    assert speaker.occupancy.value is SeatOccupancy.SPEAKING


def standing(session: UTDAudioRoomSession) -> SeatOccupancy:
    """Return where a seat and its microphone stand now."""
    return session.occupancy.value


async def test_taking_ones_seat_again_returns_when_heard(world: World) -> None:
    """Seated by somebody else, on a seat unmuted or silent: take_seat then speaks."""
    host = await world.join("host", as_host=True)
    await host.setup_seats(seat_mode=SeatMode.REQUEST)
    speaker = await world.join("speaker")
    await host.approve_speaker(await speaker.request_to_speak())
    await speaker.seat.until(0, 10)

    await speaker.take_seat(0)
    assert standing(speaker) is SeatOccupancy.SPEAKING
    await speaker.take_seat(0)
    assert standing(speaker) is SeatOccupancy.SPEAKING

    await host.mute_seat(0)
    await speaker.occupancy.until(SeatOccupancy.SILENT, 10)
    await speaker.seats.until(lambda grid: grid.seats[0].muted, 10)
    await speaker.take_seat(0)
    assert standing(speaker) is SeatOccupancy.SILENT
    await host.unmute_seat(0)
    await speaker.seats.until(lambda grid: not grid.seats[0].muted, 10)
    await speaker.take_seat(0)
    assert standing(speaker) is SeatOccupancy.SPEAKING
