"""Who may do what to whom: each rule of contract.md sections 2 and 3."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.engine.rules.scene import (
    BACK_END,
    KEY,
    NOON,
    Scene,
    back_end_for,
    stage,
    who_may,
)
from utd_stream.contract.endpoints import Who
from utd_stream.engine.rules import Actor, Command, Rows, Rules, SyncMetadata, decide
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules.authority import check_may
from utd_stream.errors import EngineError, NotFoundError, PermissionDeniedError
from utd_stream.models.rooms import UTDRole

ADMIN, HOST = UTDRole.ADMIN, UTDRole.HOST

OF_MODERATORS: tuple[Command, ...] = (
    c.KickMember(identity="bob"),
    c.SetupSeats(seat_count=2),
    c.SwapSeats(a=0, b=1),
    c.KickFromSeat(index=0),
    c.LockSeat(index=0),
    c.UnlockSeat(index=0),
    c.MuteSeat(index=0),
    c.UnmuteSeat(index=0),
    c.ApproveSpeaker(request_id=1),
    c.RejectSpeaker(request_id=1),
    c.InviteToSpeak(identity="bob"),
)
OF_MEMBERS: tuple[Command, ...] = (
    c.TakeSeat(index=0),
    c.LeaveSeat(),
    c.MoveSeat(target=0),
    c.RequestToSpeak(),
    c.CancelRequest(),
    c.AcceptInvitation(invitation_id=1),
    c.DeclineInvitation(invitation_id=1),
)
ORDERS = (*OF_MODERATORS, *OF_MEMBERS, c.EndRoom())

every_order = pytest.mark.parametrize("command", ORDERS, ids=lambda o: type(o).__name__)


def company() -> Scene:
    """An owner, two more hosts, two admins and somebody, each on a seat."""
    scene = Scene()
    scene.mint("own", role=HOST)
    scene.mint_as(HOST, "hal", "hug")
    scene.mint_as(ADMIN, "ada", "abe")
    scene.mint("bob")
    for index, identity in enumerate(("own", "hal", "hug", "ada", "abe", "bob")):
        scene.does(identity, c.TakeSeat(index=index))
    return scene


# Who may act on whom; the owner is a host with a fact of his own.
MAY_ACT_ON = {
    "own": {"own", "hal", "hug", "ada", "abe", "bob"},
    "hal": {"hal", "hug", "ada", "abe", "bob"},
    "ada": {"ada", "abe", "bob"},
}
# What ends or moves somebody, by where they sit and who they are.
ACTS: dict[str, Callable[[int, str], Command]] = {
    "kick": lambda _, who: c.KickMember(identity=who),
    "kick from seat": lambda index, _: c.KickFromSeat(index=index),
    "lock": lambda index, _: c.LockSeat(index=index),
    "mute": lambda index, _: c.MuteSeat(index=index),
    "unmute": lambda index, _: c.UnmuteSeat(index=index),
    "swap to": lambda index, _: c.SwapSeats(a=index, b=8),
    "swap from": lambda index, _: c.SwapSeats(a=8, b=index),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
@pytest.mark.parametrize("whom", ["own", "hal", "hug", "ada", "abe", "bob"])
@pytest.mark.parametrize("actor", MAY_ACT_ON)
def test_nobody_acts_upwards(
    actor: str, whom: str, act: Callable[[int, str], Command]
) -> None:
    """An admin never acts on a host or the owner, a host never on the owner."""
    scene = company()
    command = act(scene.sits[whom], whom)

    if whom in MAY_ACT_ON[actor]:
        scene.does(actor, command)
    else:
        scene.refuses(actor, command, "forbidden")


@pytest.mark.parametrize("whom", ["own", "hal", "ada", "bob"])
@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_the_back_end_acts_on_everybody(
    whom: str, act: Callable[[int, str], Command]
) -> None:
    """The secret has every role's authority."""
    scene = company()

    scene.does(BACK_END, act(scene.sits[whom], whom))


@pytest.mark.parametrize(
    ("actor", "count", "allowed"),
    [
        ("ada", 4, True),
        ("ada", 3, True),
        ("ada", 2, False),
        ("hal", 1, True),
        ("own", 1, True),
    ],
)
def test_a_setup_unseats_nobody_upwards(
    actor: str, count: int, *, allowed: bool
) -> None:
    """A grid cannot be shrunk below one who stands higher."""
    scene = company()

    if allowed:
        scene.does(actor, c.SetupSeats(seat_count=count))
        assert scene.grid.seat_count == count
    else:
        scene.refuses(actor, c.SetupSeats(seat_count=count), "forbidden")


def test_a_refused_setup_moves_nobody() -> None:
    """Those lower who sit beyond the end as well stay where they are."""
    scene = company()
    scene.does("hal", c.MoveSeat(target=8))
    before = scene.sits

    scene.refuses("ada", c.SetupSeats(seat_count=2), "forbidden")

    assert scene.sits == before


def test_swapping_with_a_higher_one_is_acting_on_him() -> None:
    """Also when the other one is oneself, or stands lower."""
    scene = company()

    scene.refuses("ada", c.SwapSeats(a=scene.sits["ada"], b=1), "forbidden")
    scene.refuses("ada", c.SwapSeats(a=scene.sits["bob"], b=0), "forbidden")
    scene.refuses("hal", c.SwapSeats(a=scene.sits["ada"], b=0), "forbidden")


@pytest.mark.parametrize("command", OF_MODERATORS, ids=lambda o: type(o).__name__)
@pytest.mark.parametrize("role", [UTDRole.VISITOR, UTDRole.AUDIENCE, UTDRole.GUEST])
def test_moderation_asks_for_a_role(role: UTDRole, command: Command) -> None:
    """Below admin nobody moderates; the refusal names the role."""
    scene = stage("bob")
    scene.mint_as(role, "ann")

    error = scene.refuses("ann", command, "forbidden")

    assert f"the role {role.value} may not" in str(error)


def test_roles_of_a_past_life_moderate_nothing() -> None:
    """Moderation asks for a role of this room's present life."""
    scene = stage()
    scene.does("hal", c.EndRoom())
    scene.mint("bob", role=HOST)

    scene.refuses("ada", c.LockSeat(index=0), "forbidden")
    scene.mint("ada")
    scene.refuses("ada", c.LockSeat(index=0), "forbidden")


@every_order
def test_strangers_may_nothing(command: Command) -> None:
    """A command by one who is no member: 403."""
    error = stage("bob").refuses("stranger", command, "forbidden")

    assert "mint a token first" in str(error)


@every_order
def test_the_kicked_may_nothing(command: Command) -> None:
    """Not a member until the next mint, whatever the role was."""
    scene = stage("bob")
    scene.does("hal", c.KickMember(identity="ada"))

    scene.refuses("ada", command, "forbidden")


@every_order
def test_rooms_that_do_not_live_are_not_found(command: Command) -> None:
    """Never begun or ended: 404, for the back end too."""
    scene = stage("bob")
    scene.does("hal", c.EndRoom())

    scene.refuses("hal", command, "not_found")
    scene.refuses(back_end_for("hal"), command, "not_found")
    Scene().refuses("hal", command, "not_found")


@pytest.mark.parametrize("command", OF_MEMBERS, ids=lambda o: type(o).__name__)
def test_the_back_end_sits_for_members_only(command: Command) -> None:
    """Acting for somebody does not make him a member."""
    stage("bob").refuses(back_end_for("stranger"), command, "forbidden")


@pytest.mark.parametrize(
    ("who", "allowed"), [("own", True), ("hal", True), ("ada", False), ("bob", False)]
)
def test_hosts_and_the_owner_end_the_room(who: str, *, allowed: bool) -> None:
    """An admin moderates and does not end; the back end does."""
    scene = company()

    if allowed:
        scene.does(who, c.EndRoom())
        assert not scene.room.is_live
    else:
        scene.refuses(who, c.EndRoom(), "forbidden")
        scene.does(BACK_END, c.EndRoom())


def kicked() -> Scene:
    """The app's back end has kicked the owner."""
    scene = company()
    scene.does(BACK_END, c.KickMember(identity="own"))
    return scene


def demoted(role: UTDRole = UTDRole.AUDIENCE) -> Scene:
    """The app's back end has given the owner another role."""
    scene = company()
    scene.mint_as(role, "own")
    return scene


def self_kicked() -> Scene:
    """The owner has kicked himself."""
    scene = company()
    scene.does("own", c.KickMember(identity="own"))
    return scene


every_end = pytest.mark.parametrize("end", [kicked, demoted, self_kicked])


@every_end
def test_who_is_no_host_any_more_owns_nothing(end: Callable[[], Scene]) -> None:
    """A kick or another role ends the ownership; the room is told at once."""
    scene = end()

    assert scene.room.owner is None
    assert SyncMetadata() in scene.effects


@every_end
def test_powers_are_those_of_the_role(end: Callable[[], Scene]) -> None:
    """The next mint says audience, and audience is what one may."""
    scene = end()
    again = scene.mint("own")

    assert (again.role, scene.room.owner) == (UTDRole.AUDIENCE, None)
    scene.refuses("own", c.LockSeat(index=8), "forbidden")
    scene.does("hal", c.KickMember(identity="own"))


@every_end
def test_the_next_granted_host_owns(end: Callable[[], Scene]) -> None:
    """By the app's own key or by its back end; who was owner is not by himself."""
    by_key, by_secret = end(), end()
    by_key.mint("own")
    assert by_key.mint("new", role=HOST).role is HOST
    by_secret.mint_as(HOST, "new")

    for scene in (by_key, by_secret):
        assert scene.room.owner == "new"
        scene.refuses("hal", c.KickMember(identity="new"), "forbidden")
        scene.does("new", c.KickMember(identity="hal"))


@pytest.mark.parametrize("role", [UTDRole.ADMIN, UTDRole.GUEST, UTDRole.VISITOR])
def test_every_lower_role_ends_the_ownership(role: UTDRole) -> None:
    """Whatever it is that the secret gives instead of host."""
    assert demoted(role).room.owner is None


def test_an_owner_stays_owner_through_everything_else() -> None:
    """Mints without a role, the host's again, leaving: all keep the ownership."""
    scene = company()
    scene.mint("own", role=UTDRole.AUDIENCE)
    scene.mint("own", by=back_end_for("own"))
    scene.mint_as(HOST, "own")
    scene.does("own", c.LeaveRoom())
    scene.mint_as(HOST, "new")

    assert scene.room.owner == "own"


@pytest.mark.parametrize(
    ("who", "counts"), [("own", True), ("hal", True), ("ada", False), ("secret", True)]
)
def test_a_host_configures_the_grid(who: str, *, counts: bool) -> None:
    """After a setup of an admin the first host's mint still seeds the grid."""
    scene = company()
    actor = BACK_END if who == "secret" else scene.person(who)
    scene.does(actor, c.SetupSeats(mode_id="x"))

    scene.mint("hal", mode_id="y")

    assert scene.grid.mode_id == ("x" if counts else "y")


def test_who_is_not_there_cannot_be_kicked() -> None:
    """404 for one who is no member, or no more."""
    scene = stage("bob")
    scene.does("hal", c.KickMember(identity="bob"))

    scene.refuses("hal", c.KickMember(identity="bob"), "not_found")
    scene.refuses("hal", c.KickMember(identity="stranger"), "not_found")


@pytest.mark.parametrize(
    ("who", "may"),
    [
        (Who.MEMBER, {"hal", "ada", "bob", "secret"}),
        (Who.MODERATOR, {"hal", "ada", "secret"}),
        (Who.HOST, {"hal", "secret"}),
        (Who.OWNER, {"hal", "secret"}),
        (Who.SELF, {"hal", "ada", "bob"}),
        (Who.SECRET, {"secret"}),
        (Who.SFU, {"hal", "ada", "bob", "stranger", "secret"}),
    ],
    ids=lambda value: value.value if isinstance(value, Who) else "",
)
def test_each_word_for_who_means_the_same_everywhere(who: Who, may: set[str]) -> None:
    """The list of endpoints says who may; one function knows what that means."""
    scene = stage("bob")
    actors = {name: Actor(identity=name) for name in ("hal", "ada", "bob", "stranger")}
    actors["secret"] = BACK_END

    def passes(actor: Actor) -> bool:
        try:
            return check_may(scene.room, scene.members, actor, who) is scene.room
        except PermissionDeniedError:
            return False

    assert {name for name, actor in actors.items() if passes(actor)} == may


def test_what_is_for_the_back_end_says_so() -> None:
    """The refusal tells a member that no role will do."""
    scene = stage()

    with pytest.raises(EngineError, match="only the app's own back end"):
        check_may(scene.room, scene.members, Actor(identity="hal"), Who.SECRET)


@pytest.mark.parametrize("command", [*ORDERS, c.TimePassed()], ids=repr)
def test_every_order_stands_in_the_contract(command: Command) -> None:
    """Who may is read from the endpoints; facts are the SFU's and the clock's."""
    assert (who_may(command) is Who.SFU) == isinstance(command, c.TimePassed)


def test_facts_about_a_room_that_never_lived_are_not_found() -> None:
    """The SFU may know rooms which are none of ours."""
    facts: tuple[Command, ...] = (
        c.TimePassed(),
        c.RoomGone(asked_at=NOON),
        c.MembersListed(participants=(), asked_at=NOON),
    )
    for fact in facts:
        with pytest.raises(NotFoundError):
            decide(
                None,
                Rows({}),
                fact,
                key=KEY,
                who=Who.SFU,
                actor=Actor(),
                now=NOON,
                rules=Rules(),
            )
