"""What everybody sees, and what the SFU is told (contract.md sections 4 and 5)."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.rules.scene import BACK_END, Scene, entering, stage
from utd_stream.engine.rules import (
    Actor,
    Command,
    Room,
    Rules,
    SyncMetadata,
    participant_metadata,
    permission,
    removal_notice,
    room_metadata,
)
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules.audio_room import grid_of
from utd_stream.models.participants import Permission, TrackSource
from utd_stream.models.rooms import DisconnectReason, SeatMode, UTDRole
from utd_stream.wire import grid_to_metadata, read_grid

VISIBLE: tuple[tuple[str, Command], ...] = (
    ("ann", c.TakeSeat(index=1)),
    ("bob", c.LeaveSeat()),
    ("bob", c.MoveSeat(target=1)),
    ("bob", c.LeaveRoom()),
    ("hal", c.SwapSeats(a=0, b=1)),
    ("hal", c.KickFromSeat(index=0)),
    ("hal", c.KickMember(identity="bob")),
    ("hal", c.LockSeat(index=1)),
    ("hal", c.MuteSeat(index=1)),
    ("hal", c.SetupSeats(seat_count=5)),
    ("hal", c.SetupSeats(seat_mode=SeatMode.REQUEST)),
    ("hal", c.SetupSeats(mode_id="x")),
    ("hal", c.InviteToSpeak(identity="ann")),
    ("hal", c.InviteToSpeak(identity="ann", seat_index=1)),
)
HIDDEN: tuple[tuple[str, Command], ...] = (
    ("ann", entering("ann")),
    ("ann", entering("ann", name="Ann", image="a.png")),
    ("bob", entering("bob", name="Robert")),
    ("new", entering("new")),
    ("ann", c.LeaveSeat()),
    ("ann", c.LeaveRoom()),
    ("bob", c.MoveSeat(target=0)),
    ("hal", c.KickMember(identity="ann")),
    ("hal", c.UnlockSeat(index=1)),
    ("hal", c.UnmuteSeat(index=0)),
    ("hal", c.SetupSeats(seat_count=4)),
    ("ann", c.CancelRequest()),
)


def company() -> Scene:
    """Bob sits on seat 0, Ann nowhere."""
    scene = stage("ann", "bob")
    scene.does("bob", c.TakeSeat(index=0))
    return scene


@pytest.mark.parametrize(("who", "command"), VISIBLE, ids=repr)
def test_a_visible_change_raises_the_revision_by_one(
    who: str, command: Command
) -> None:
    """Grid, mode, requests and invitations; the SFU's copy is written."""
    scene = company()
    before = scene.rev

    scene.does(who, command)

    assert scene.rev == before + 1
    assert SyncMetadata() in scene.effects


@pytest.mark.parametrize(("who", "command"), HIDDEN, ids=repr)
def test_an_invisible_change_leaves_the_revision(who: str, command: Command) -> None:
    """No-ops, mints and the roster: nobody is told anything."""
    scene = company()
    before = scene.rev

    scene.does(who, command)

    assert scene.rev == before
    assert SyncMetadata() not in scene.effects


def test_connections_leave_the_revision() -> None:
    """Who is connected is the roster's matter."""
    scene = company()
    before = scene.rev

    scene.connect("ann")
    scene.lists("ann", "bob")

    assert scene.rev == before


def test_requests_raise_the_revision() -> None:
    """Asked, answered, expired: each is seen."""
    scene = stage("ann", "bob", mode=SeatMode.REQUEST)
    revisions = [scene.rev]
    for who, command in (
        ("ann", c.RequestToSpeak()),
        ("bob", c.RequestToSpeak()),
        ("hal", c.RejectSpeaker(request_id=1)),
        ("bob", c.CancelRequest()),
        ("ann", c.RequestToSpeak()),
    ):
        scene.does(who, command)
        revisions.append(scene.rev)
    scene.after(60).hears(c.TimePassed())
    revisions.append(scene.rev)

    assert revisions == list(range(revisions[0], revisions[0] + 7))


def test_time_that_expires_nothing_is_not_seen() -> None:
    """A look at the clock is no change."""
    scene = company()
    before = scene.room

    scene.after(60).hears(c.TimePassed())

    assert (scene.room is before, scene.effects) == (True, ())


def test_every_change_is_a_version() -> None:
    """The aggregate counts its writes, visible or not; rows of members are none."""
    scene = company()
    before = scene.room.version

    scene.mint("ann", name="Ann")
    scene.does("hal", c.SetupSeats(mode_id="x"))
    scene.disconnect("bob", DisconnectReason.CONNECTION_TIMEOUT)

    assert scene.room.version == before + 2


def test_revisions_go_on_over_lives() -> None:
    """The next life never shows a revision that the last one showed."""
    scene = company()
    shown = scene.rev
    scene.does("hal", c.EndRoom())

    scene.mint("ann", role=UTDRole.HOST, host_seat=0)

    assert scene.rev == shown + 2
    assert scene.rev == scene.grid.rev


# Metadata.


def test_room_metadata_holds_the_grid_and_the_room() -> None:
    """What REST tells and what the SFU's copy tells are one grid."""
    scene = company()

    told = orjson.loads(room_metadata(scene.room))

    assert read_grid(told["_seats"]) == scene.grid
    assert told["_room"] == {
        "type": "audio_room",
        "owner_identity": "hal",
        "rev": scene.room.metadata_rev,
    }


@pytest.mark.parametrize(
    ("actor", "told"),
    [
        ("hal", {"by": "hal", "reason": "ended"}),
        (BACK_END, {"by": None, "reason": "ended"}),
        (None, {"by": None, "reason": "empty"}),
    ],
    ids=["host", "back end", "nobody"],
)
def test_metadata_of_an_ended_room_says_how(
    actor: Actor | str | None, told: dict[str, str | None]
) -> None:
    """By whom and why, until the next life."""
    scene = company()
    if actor is not None:
        scene.does(actor, c.EndRoom())
    else:
        scene.after(1).lists()
        scene.after(300).lists()

    assert orjson.loads(room_metadata(scene.room))["_room"]["ended"] == told
    scene.mint("hal", role=UTDRole.HOST)
    assert "ended" not in orjson.loads(room_metadata(scene.room))["_room"]


def test_metadata_of_the_kicked_says_so() -> None:
    """Until the next mint; it gives no right."""
    scene = company()
    assert removal_notice(scene.room, scene.members.get("bob")) is None
    scene.does("hal", c.KickMember(identity="bob"))

    notice = removal_notice(scene.room, scene.members.get("bob"))

    assert notice is not None
    assert notice[0] == right(speaks=False)
    assert orjson.loads(notice[1])["removed"] == "kicked"
    scene.mint("bob")
    assert removal_notice(scene.room, scene.members.get("bob")) is None
    assert removal_notice(scene.room, scene.members.get("stranger")) is None
    assert "removed" not in orjson.loads(
        participant_metadata(scene.room, scene.members["bob"])
    )


@pytest.mark.parametrize("role", UTDRole, ids=lambda role: role.value)
def test_participant_metadata_is_the_engines(role: UTDRole) -> None:
    """Its keys stand over the app's own of the same name."""
    scene = Scene()
    scene.mint_as(role, "ann")
    scene.mint("ann", metadata='{"role": "owner", "appId": "x", "team": 1}')

    told = orjson.loads(participant_metadata(scene.room, scene.members["ann"]))

    member = scene.members["ann"]
    assert told == {
        "role": role.value,
        "appId": "app",
        "service": "utd_stream",
        "connection": member.connection,
        "team": 1,
    }


@pytest.mark.parametrize(
    "key",
    [
        *("role", "appId", "service", "videoEffects", "connection", "stage"),
        *("grant", "muted", "removed"),
    ],
)
def test_no_app_speaks_for_the_engine(key: str) -> None:
    """A key that only the engine may write is never shown with the app's value."""
    scene = Scene()
    scene.mint("ann")
    plain = orjson.loads(participant_metadata(scene.room, scene.members["ann"]))
    scene.mint("ann", metadata=orjson.dumps({key: "forged", "team": 1}).decode())

    told = orjson.loads(participant_metadata(scene.room, scene.members["ann"]))

    assert told.pop("team") == 1
    assert told.pop("connection") > plain.pop("connection")
    assert told == plain


@given(
    image=st.sampled_from(["", "a.png", "\x01" * 256]),
    mode_id=st.sampled_from(["", "\x01" * 128]),
    limit=st.integers(1, 12_000),
    count=st.integers(1, 4),
)
def test_metadata_never_passes_its_limit(
    image: str, mode_id: str, limit: int, count: int
) -> None:
    """What would encode to more is refused at the write that causes it."""
    scene = Scene()
    worst = '"' * 250
    for index in range(count):
        scene.mint(f"{worst}{index}", name='"' * 128, image=image)
    scene.mint("hal", role=UTDRole.HOST, seat_count=count, mode_id=mode_id)
    scene.rules = Rules(max_metadata_bytes=limit)

    for index in range(count):
        actor = scene.person(f"{worst}{index}")
        if not fits_after(scene, actor, c.TakeSeat(index=index), limit):
            scene.refuses(actor, c.TakeSeat(index=index), "invalid")
            return
        scene.does(actor, c.TakeSeat(index=index))


def grid_bytes(room: Room) -> int:
    """How much of the room's metadata is the grid."""
    return len(orjson.dumps({"_seats": grid_to_metadata(grid_of(room))}))


def fits_after(scene: Scene, actor: Actor, command: Command, limit: int) -> bool:
    """Whether the room would fit after *command*."""
    strict, scene.rules = scene.rules, Rules()
    after = scene.decide(command, actor).room
    scene.rules = strict
    return grid_bytes(after) <= limit


def test_what_is_too_large_says_the_remedy() -> None:
    """422, the path of the whole, and nothing is changed."""
    scene = company()
    scene.rules = Rules(max_metadata_bytes=100)

    error = scene.refuses("ann", c.TakeSeat(index=1), "invalid")

    assert error.details["errors"][0]["path"] == "$"
    assert "shrink the grid" in str(error)


def test_exactly_the_limit_fits() -> None:
    """A limit is the last size that passes."""
    scene = company()
    seated = scene.decide(TAKE, scene.person("ann")).room
    size = grid_bytes(seated)

    scene.rules = Rules(max_metadata_bytes=size - 1)
    scene.refuses("ann", TAKE, "invalid")
    scene.rules = Rules(max_metadata_bytes=size)
    scene.does("ann", TAKE)


TAKE = c.TakeSeat(index=1)


def test_a_hundred_full_seats_fit() -> None:
    """The largest grid with the longest names is within the default limit."""
    scene = Scene()
    scene.mint("hal", role=UTDRole.HOST, seat_count=100)
    for index in range(100):
        who = f"{index:03}" + '"' * 253
        scene.mint(who, name='"' * 128, image='"' * 256)
        scene.does(who, c.TakeSeat(index=index))

    assert len(room_metadata(scene.room).encode()) < 400_000


# Rights.


def right(*, speaks: bool) -> Permission:
    """The whole record of an audio room, as the contract writes it."""
    return Permission(
        can_subscribe=True,
        can_publish=speaks,
        can_publish_sources=(TrackSource.MICROPHONE,),
        can_publish_data=True,
        can_update_metadata=False,
        hidden=False,
        can_subscribe_metrics=False,
    )


def test_who_sits_may_publish_a_microphone() -> None:
    """The record is whole (T1), and its sources are never empty (T37)."""
    scene = company()

    told = {who: permission(scene.room, each) for who, each in scene.members.items()}

    assert told["bob"] == right(speaks=True)
    assert told["ann"] == told["hal"] == right(speaks=False)


def test_a_muted_seat_gives_no_right() -> None:
    """The sources stay: an empty list would open the camera (T37)."""
    scene = company()
    scene.does("hal", c.MuteSeat(index=0))

    assert permission(scene.room, scene.members.get("bob")) == right(speaks=False)
    assert "bob" not in scene.speakers


# Numbers of rights.


def number(scene: Scene, who: str) -> int:
    """The number of a right, as the seat shows it; 0 without one."""
    seat = scene.grid.seat_of(who)
    return 0 if seat is None else seat.grant


def test_each_right_that_begins_has_a_new_number() -> None:
    """Lost and regained is another right, whoever has it and on whichever seat."""
    scene = company()
    numbers = [number(scene, "bob")]
    for command in (c.MuteSeat(index=0), c.UnmuteSeat(index=0)):
        scene.does("hal", command)
        numbers.append(number(scene, "bob"))
    scene.does("bob", c.LeaveSeat())
    scene.does("ann", c.TakeSeat(index=0))
    numbers.append(number(scene, "ann"))

    assert numbers == [1, 0, 2, 3]


def test_numbers_go_on_over_lives() -> None:
    """A right of the next life is none of the last one."""
    scene = company()
    last = number(scene, "bob")
    scene.does("hal", c.EndRoom())
    scene.mint("ann", role=UTDRole.HOST, host_seat=0)

    assert number(scene, "ann") == last + 1


def test_a_right_that_moves_keeps_its_number() -> None:
    """Nothing is written at the SFU: it is the same right."""
    scene = company()
    before = number(scene, "bob")
    scene.does("bob", c.MoveSeat(target=2))

    assert number(scene, "bob") == before
    assert scene.synced == set()


@pytest.mark.parametrize("muted", [(), (0,), (1,), (0, 1)], ids=repr)
def test_a_swap_numbers_the_rights_that_begin(muted: tuple[int, ...]) -> None:
    """Who may speak before and after keeps the number; who may not, has none."""
    scene = company()
    scene.does("ann", c.TakeSeat(index=1))
    for index in muted:
        scene.does("hal", c.MuteSeat(index=index))
    before = {who: number(scene, who) for who in ("ann", "bob")}
    newest = scene.room.next_grant

    scene.does("hal", c.SwapSeats(a=0, b=1))

    for who, seat in (("ann", 0), ("bob", 1)):
        begins = before[who] or newest
        assert number(scene, who) == (0 if seat in muted else begins)


def test_who_is_no_member_has_no_right_at_all() -> None:
    """None: the SFU must not have them."""
    scene = company()
    scene.does("hal", c.KickMember(identity="bob"))

    assert permission(scene.room, scene.members.get("bob")) is None
    assert permission(scene.room, scene.members.get("stranger")) is None
    scene.does("hal", c.EndRoom())
    assert permission(scene.room, scene.members.get("ann")) is None
