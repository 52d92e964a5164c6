"""Who becomes a member, as what, and what a host may seed (contract.md 2)."""

from __future__ import annotations

import pytest

from tests.engine.rules.scene import Scene, back_end_for, entering, stage
from utd_stream.engine.rules import SyncMetadata, SyncParticipant, SyncRoom
from utd_stream.engine.rules import commands as c
from utd_stream.models.rooms import SeatMode, UTDRole, UTDStreamType

VISITOR, AUDIENCE, GUEST, ADMIN, HOST = UTDRole


def test_the_first_token_begins_the_life() -> None:
    """A room begins with its first token: nine free seats, revision 0."""
    scene = Scene()

    scene.mint("ann")

    assert scene.room.is_live
    assert (scene.room.life, scene.grid.seat_count, scene.rev) == (1, 9, 0)
    assert scene.grid.seat_mode is SeatMode.FREE
    assert SyncRoom() in scene.effects


def test_joining_seats_nobody() -> None:
    """A token is no seat, the host's neither."""
    scene = Scene()

    scene.mint("hal", role=HOST)

    assert scene.sits == {}
    assert scene.speakers == set()


def test_only_the_first_token_opens_the_room() -> None:
    """Every later one finds it open."""
    scene = Scene()
    scene.mint("ann")

    scene.mint("bob")

    assert scene.effects == ()


def test_the_first_who_asks_becomes_host_and_owner() -> None:
    """Where the key mints and nobody owns the room, asking is enough, once."""
    scene = Scene()

    first, second = scene.mint("hal", role=HOST), scene.mint("bob", role=HOST)

    assert (first.role, second.role) == (HOST, AUDIENCE)
    assert scene.room.owner == "hal"


def test_a_new_owner_is_told() -> None:
    """The room's metadata names its owner, so it is written."""
    scene = Scene()
    scene.mint("ann")

    scene.mint("hal", role=HOST)

    assert SyncMetadata() in scene.effects
    assert scene.rev == 0


def test_where_keys_mint_nobody_nobody_raises_himself() -> None:
    """In an app whose back end mints, a bearer gets no role by asking."""
    scene = Scene(mints_roles=False)

    member = scene.mint("hal", role=HOST)

    assert member.role is AUDIENCE
    assert scene.room.owner is None


@pytest.mark.parametrize("asked", [HOST, ADMIN, GUEST], ids=lambda role: role.value)
def test_who_asks_for_more_gets_audience(asked: UTDRole) -> None:
    """Nobody raises himself; the answer says what was granted."""
    assert stage().mint("bob", role=asked).role is AUDIENCE


@pytest.mark.parametrize("asked", [ADMIN, GUEST], ids=lambda role: role.value)
def test_being_first_makes_nobody_admin(asked: UTDRole) -> None:
    """The empty room is open to hosts alone."""
    assert Scene().mint("bob", role=asked).role is AUDIENCE


@pytest.mark.parametrize(
    ("asked", "granted"), [(None, AUDIENCE), (AUDIENCE, AUDIENCE), (VISITOR, VISITOR)]
)
def test_who_asks_for_no_more_gets_it(asked: UTDRole | None, granted: UTDRole) -> None:
    """Missing means audience; lower is granted."""
    assert Scene().mint("bob", role=asked).role is granted


@pytest.mark.parametrize("role", UTDRole, ids=lambda role: role.value)
def test_the_back_end_mints_any_role(role: UTDRole) -> None:
    """The secret may, owner or not, and a host it makes can be the owner."""
    scene = Scene(mints_roles=False)

    scene.mint_as(role, "ann")

    assert scene.members["ann"].role is role
    assert scene.room.owner == ("ann" if role is HOST else None)


def test_the_second_host_is_not_the_owner() -> None:
    """The owner is the first whose granted role was host."""
    scene = stage()

    scene.mint_as(HOST, "bob")

    assert scene.members["bob"].role is HOST
    assert scene.room.owner == "hal"


@pytest.mark.parametrize("asked", [None, VISITOR, AUDIENCE, HOST], ids=str)
def test_a_member_who_mints_again_keeps_the_role(asked: UTDRole | None) -> None:
    """Whatever he asks or leaves out."""
    scene = stage("bob")

    again = [scene.mint(who, role=asked).role for who in ("hal", "ada", "bob")]

    assert again == [HOST, ADMIN, AUDIENCE]


def test_a_member_does_not_become_host_by_asking_again() -> None:
    """Also not while the room has no owner."""
    scene = Scene()
    scene.mint("ann")

    assert scene.mint("ann", role=HOST).role is AUDIENCE
    assert scene.room.owner is None


def test_the_back_end_changes_a_role_and_the_sfu_is_told() -> None:
    """The new role is in the metadata of one who is connected."""
    scene = stage("bob")

    scene.mint_as(ADMIN, "bob")

    assert scene.members["bob"].role is ADMIN
    assert scene.effects == (SyncParticipant("bob"),)


def test_a_back_end_that_asks_for_no_role_changes_none() -> None:
    """Leaving the role out is no wish for another one."""
    scene = stage()

    assert scene.mint("ada", by=back_end_for("ada")).role is ADMIN
    assert scene.mint("new", by=back_end_for("new")).role is AUDIENCE


def test_a_kick_ends_membership_and_role() -> None:
    """Who was kicked is audience after the next mint, which admits him again."""
    scene = stage()
    scene.does("hal", c.KickMember(identity="ada"))
    assert scene.member("ada") is None

    again = scene.mint("ada", role=ADMIN)

    assert again.role is AUDIENCE
    assert scene.member("ada") == again


def test_roles_are_held_for_one_life() -> None:
    """The next life begins without owner, roles and members."""
    scene = stage("bob")
    scene.does("hal", c.EndRoom())

    bob = scene.mint("bob", role=HOST)

    assert (bob.role, scene.room.owner, set(scene.members)) == (
        HOST,
        "bob",
        {"bob"},
    )
    assert scene.mint("hal").role is AUDIENCE


def test_connections_rise_with_every_mint() -> None:
    """Each mint of a member has a number of its own, over kicks and lives."""
    scene = Scene()
    numbers = [scene.mint("hal", role=HOST).connection, scene.mint("hal").connection]
    scene.does("hal", c.KickMember(identity="hal"))
    numbers.append(scene.mint("hal", by=back_end_for("hal"), role=HOST).connection)
    scene.does("hal", c.EndRoom())
    numbers.append(scene.mint("hal").connection)

    assert numbers == sorted(set(numbers))


def test_a_mint_keeps_what_it_leaves_out() -> None:
    """Name, picture and the app's keys stay until others come (L13)."""
    scene = Scene()
    scene.mint("ann", name="Ann", image="a.png", metadata='{"team": 1}')

    again = scene.mint("ann")
    other = scene.mint("ann", name="Anna", image="b.png", metadata='{"team": 2}')

    assert (again.name, dict(again.attributes), again.metadata) == (
        "Ann",
        {"image": "a.png"},
        '{"team": 1}',
    )
    assert (other.name, dict(other.attributes), other.metadata) == (
        "Anna",
        {"image": "b.png"},
        '{"team": 2}',
    )


@pytest.mark.parametrize(
    "text",
    [
        *("[]", "5", "x", '{"a": 1', '"{}"', "null", '{"a": 1e999}'),
        *('{"a":' * 65 + "1" + "}" * 65, '{"a":' + "[" * 254 + "]" * 254 + "}"),
    ],
)
def test_app_metadata_is_an_object(text: str) -> None:
    """Anything else is refused with its path, and nobody becomes a member."""
    scene = Scene()

    error = scene.refuses("ann", entering("ann", metadata=text), "invalid")

    assert error.details["errors"][0]["path"] == "$.metadata"


def test_empty_metadata_is_none() -> None:
    """An empty text says nothing."""
    assert Scene().mint("ann", metadata="").metadata == ""


# Resuming.


def test_who_resumes_keeps_everything() -> None:
    """An automatic mint of a reconnect changes the connection's number alone."""
    scene = stage("bob")
    scene.does("bob", c.TakeSeat(index=1))
    before = scene.members["bob"]

    after = scene.mint("bob", resume=True)

    assert after.connection == before.connection + 1
    assert scene.sits == {"bob": 1}
    assert scene.effects == ()


def test_a_life_that_ended_cannot_be_resumed() -> None:
    """404: a reconnect begins no life."""
    scene = stage("bob")
    scene.does("hal", c.EndRoom())

    scene.refuses("bob", entering("bob", resume=True), "not_found")


def test_a_room_that_never_began_cannot_be_resumed() -> None:
    """404 too."""
    Scene().refuses("bob", entering("bob", resume=True), "not_found")


def test_the_kicked_do_not_come_back_by_themselves() -> None:
    """403: a reconnect re-admits nobody; a mint of a person does."""
    scene = stage("bob")
    scene.does("ada", c.KickMember(identity="bob"))

    scene.refuses("bob", entering("bob", resume=True), "forbidden")
    scene.mint("bob")
    scene.mint("bob", resume=True)


def test_strangers_do_not_resume() -> None:
    """403: nobody without a mint in this life."""
    stage().refuses("bob", entering("bob", resume=True), "forbidden")


# The host's seed.


def test_the_first_host_seeds_the_grid() -> None:
    """Size, mode and layout come from the first host's mint."""
    scene = Scene()

    scene.mint("hal", role=HOST, seat_count=3, seat_mode=SeatMode.REQUEST, mode_id="x")

    grid = scene.grid
    assert (grid.seat_count, grid.seat_mode, grid.mode_id) == (3, SeatMode.REQUEST, "x")


def test_the_grid_is_seeded_once() -> None:
    """Later mints of hosts change nothing; a seed that came late still counts."""
    scene = Scene()
    scene.mint("hal", role=HOST)
    scene.mint("hal", role=HOST, seat_count=3)
    scene.mint_as(HOST, "bob")

    scene.mint("bob", seat_count=5, mode_id="other", seat_mode=SeatMode.REQUEST)

    assert (scene.grid.seat_count, scene.grid.mode_id) == (3, None)
    assert scene.grid.seat_mode is SeatMode.FREE


def test_who_is_no_host_seeds_nothing() -> None:
    """The fields are ignored, whoever was first."""
    scene = Scene()

    scene.mint("ann", seat_count=3, host_seat=0, mode_id="x")
    scene.mint("ada", by=back_end_for("ada"), role=ADMIN, seat_count=3, host_seat=0)

    assert (scene.grid.seat_count, scene.grid.mode_id, scene.sits) == (9, None, {})


def test_a_setup_ends_the_seeding() -> None:
    """Once a host has set the grid up, no mint does."""
    scene = Scene()
    scene.mint("hal", role=HOST)
    scene.does("hal", c.SetupSeats(seat_count=4))

    scene.mint("hal", seat_count=7, host_seat=0)

    assert (scene.grid.seat_count, scene.sits) == (4, {})


def test_a_host_seat_is_taken_with_the_mint() -> None:
    """In the same commit, in request mode too; the right comes with it."""
    scene = Scene()

    scene.mint("hal", role=HOST, seat_mode=SeatMode.REQUEST, host_seat=2)

    assert scene.sits == {"hal": 2}
    assert scene.synced == {"hal"}
    assert scene.speakers == {"hal"}


def test_a_host_seat_that_is_taken_refuses_the_mint() -> None:
    """409, and the host is no member by it."""
    scene = Scene()
    scene.mint("ann")
    scene.does("ann", c.TakeSeat(index=2))

    scene.refuses("hal", entering("hal", role=HOST, host_seat=2), "seat_taken")

    assert scene.member("hal") is None
    assert scene.room.owner is None


def test_a_host_who_sits_takes_no_second_seat_with_a_mint() -> None:
    """409: one person, one seat, also here."""
    scene = Scene()
    scene.mint("hal", role=HOST)
    scene.does("hal", c.TakeSeat(index=1))

    scene.refuses("hal", entering("hal", host_seat=2), "already_seated")

    assert scene.sits == {"hal": 1}


def test_a_host_seat_that_is_held_already_is_no_conflict() -> None:
    """A host who sits there is seated there, and has configured the grid."""
    scene = Scene()
    scene.mint("hal", role=HOST)
    scene.does("hal", c.TakeSeat(index=2))

    scene.mint("hal", host_seat=2, seat_count=4)

    assert (scene.sits, scene.grid.seat_count) == ({"hal": 2}, 4)


def test_a_host_seat_beyond_the_grid_is_an_error_of_the_field() -> None:
    """422 with its path, judged by the size that is asked for."""
    command = entering("hal", role=HOST, seat_count=3, host_seat=3)

    error = Scene().refuses("hal", command, "invalid")

    assert error.details["errors"] == [
        {"path": "$.host_seat", "message": "must be from 0 to 2"}
    ]


def test_other_types_are_not_served_yet() -> None:
    """A typed refusal, and no room."""
    kind = UTDStreamType.LIVE_STREAM
    Scene().refuses("ann", entering("ann", type=kind), "feature_disabled")


@pytest.mark.parametrize("kind", [UTDStreamType.AUDIO_CALL, UTDStreamType.VIDEO_CALL])
def test_a_mint_begins_no_call(kind: UTDStreamType) -> None:
    """A call begins with its creation: before, there is nothing to enter."""
    Scene().refuses("ann", entering("ann", type=kind), "not_found")


def test_the_back_end_says_for_whom() -> None:
    """A mint, a departure, a seat are somebody's: 422 without a name."""
    scene = stage()
    back_end = back_end_for("ann")
    scene.mint("ann", by=back_end)
    nobody = type(back_end)(is_secret=True)

    for command in (entering("ann"), c.LeaveRoom()):
        error = scene.refuses(nobody, command, "invalid")
        assert error.details["errors"][0]["path"] == "$.identity"
