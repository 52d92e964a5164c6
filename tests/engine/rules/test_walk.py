"""Any command or fact in any order: what holds after every decision."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import attrs
import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.engine.rules.scene import BACK_END, Scene, back_end_for, entering
from utd_stream.engine.rules import (
    Actor,
    Command,
    Decision,
    Member,
    Room,
    Say,
    SyncMetadata,
    SyncParticipant,
    SyncRoom,
    next_deadline,
    overdue,
    participant_metadata,
    permission,
    room_metadata,
)
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules.audio_room import grid_of
from utd_stream.engine.rules.keeping import may_forget
from utd_stream.errors import EngineError
from utd_stream.models.participants import Permission
from utd_stream.models.rooms import DisconnectReason, SeatMode, UTDRole
from utd_stream.models.seats import UTDSeatGrid
from utd_stream.ports import SfuParticipant

PEOPLE = ("hal", "ada", "ann", "bob")
people = st.sampled_from(PEOPLE)
sids = st.sampled_from(["PA_1", "PA_2"])
indexes = st.integers(-1, 4)
numbers = st.integers(1, 6)
seconds = st.sampled_from([0.0, 0.5, 2.0, 15.0, 60.0, 300.0])
modes = st.sampled_from(SeatMode)
actors = people.map(lambda who: Actor(identity=who, mints_roles=True))
anybody = actors | people.map(back_end_for) | st.just(BACK_END)

orders: st.SearchStrategy[Command] = st.one_of(
    st.builds(c.TakeSeat, index=indexes),
    st.builds(c.TakeSeat, index=indexes),
    st.builds(c.MoveSeat, target=indexes),
    st.builds(c.SwapSeats, a=indexes, b=indexes),
    st.builds(c.KickFromSeat, index=indexes),
    st.builds(c.LockSeat, index=indexes),
    st.builds(c.UnlockSeat, index=indexes),
    st.builds(c.MuteSeat, index=indexes),
    st.builds(c.UnmuteSeat, index=indexes),
    st.builds(c.ApproveSpeaker, request_id=numbers),
    st.builds(c.RejectSpeaker, request_id=numbers),
    st.builds(c.InviteToSpeak, identity=people, seat_index=st.none() | indexes),
    st.builds(c.AcceptInvitation, invitation_id=numbers),
    st.builds(c.DeclineInvitation, invitation_id=numbers),
    st.builds(c.KickMember, identity=people),
    st.builds(c.SetRole, identity=people, role=st.sampled_from(UTDRole)),
    st.builds(
        c.MuteParticipant,
        identity=people,
        audio=st.booleans(),
        video=st.booleans(),
        muted=st.booleans(),
    ),
    st.builds(c.SetRoomMetadata, metadata=st.sampled_from([{}, {"a": 1}, {"_a": 1}])),
    st.builds(
        c.MuteRoom, audio=st.booleans(), video=st.booleans(), muted=st.booleans()
    ),
    st.builds(
        c.SetupSeats,
        seat_count=st.none() | st.integers(1, 4),
        seat_mode=st.none() | modes,
        mode_id=st.sampled_from([None, "x"]),
    ),
    st.builds(c.LeaveRoom, connection=st.none() | st.integers(1 << 20, 3 << 20)),
    *map(st.just, (c.LeaveSeat(), c.RequestToSpeak(), c.CancelRequest())),
    *map(st.just, (c.LockChat(), c.UnlockChat())),
)
# Said again although nothing changed: a join, a listing, a kick, a new role.
REASSERTS = (
    *(c.MemberJoined, c.MembersListed, c.KickMember, c.SetRole, c.Enter),
    c.MuteParticipant,
)


def rights(scene: Scene) -> dict[str, tuple[Permission, int] | None]:
    """The right of everybody, with its number."""
    room, members = scene.room, scene.members
    told = {who: permission(room, members.get(who)) for who in PEOPLE}
    return {
        who: None if each is None else (each, number(room, who))
        for who, each in told.items()
    }


def hard_muted(room: Room, member: Member | None) -> bool:
    """Whether a moderator took somebody's microphone, or everybody's."""
    assert member is not None
    if member.muted.audio is not None:
        return member.muted.audio
    spared = member.role in {UTDRole.ADMIN, UTDRole.HOST}
    return bool(room.muted.audio) and not spared


def number(room: Room, who: str) -> int:
    """The number of somebody's right, as the seat shows it; 0 without one."""
    seat = grid_of(room).seat_of(who)
    return 0 if seat is None else seat.grant


def written(room: Room) -> Any:
    """What the room's metadata shows, whatever its revision."""
    told = orjson.loads(room_metadata(room))
    del told["_room"]["rev"]
    return told


def facts(room: Room) -> tuple[object, ...]:
    """What is shown beside the grid."""
    return room.owner, room.muted, room.chat_locked, room.metadata


def seen(room: Room) -> UTDSeatGrid:
    """What is visible, whatever its revision."""
    return attrs.evolve(grid_of(room), rev=0)


class Walk(RuleBasedStateMachine):
    """A room, the people who want something of it, and an SFU that says anything."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene(room_empty=60.0, forget_idle=30.0)
        self.newest = 0

    @initialize(
        mode=modes,
        seated=st.lists(people, unique=True, max_size=3),
        all_in=st.booleans(),
    )
    def begin(self, mode: SeatMode, seated: list[str], *, all_in: bool) -> None:
        """Begin in company, so that there is something to do."""
        self.scene.mint("hal", role=UTDRole.HOST, seat_count=3)
        self.scene.mint_as(UTDRole.ADMIN, "ada")
        for who in ("ann", "bob"):
            self.scene.mint(who)
        if all_in:
            self.scene.connect(*PEOPLE)
        for index, who in enumerate(seated):
            self.scene.does(who, c.TakeSeat(index=index))
        self.scene.does("hal", c.SetupSeats(seat_mode=mode))
        self.newest = len(seated)

    # What may happen.

    @rule(past=seconds)
    def time_passes(self, past: float) -> None:
        """Let time pass; nothing happens by itself."""
        self.scene.after(past)

    @rule(
        actor=anybody,
        who=people,
        role=st.none() | st.sampled_from(UTDRole),
        resume=st.booleans(),
        seat=st.none() | st.integers(0, 3),
    )
    def somebody_mints(
        self,
        actor: Actor,
        who: str,
        role: UTDRole | None,
        seat: int | None,
        *,
        resume: bool,
    ) -> None:
        """Mint, as oneself or through the back end."""
        actor = attrs.evolve(actor, identity=who)
        asked = entering(who, role=role, resume=resume, host_seat=seat, name=who)
        self.happens(asked, actor)

    @rule(actor=anybody, command=orders)
    def somebody_acts(self, actor: Actor, command: Command) -> None:
        """Ask anything of the room."""
        self.happens(command, actor)

    @precondition(lambda self: self.scene.now.second % 3 == 0)
    @rule(actor=anybody)
    def somebody_ends_it(self, actor: Actor) -> None:
        """End the room, now and then."""
        self.happens(c.EndRoom(), actor)

    @rule(who=people, sid=sids, ago=seconds)
    def the_sfu_sees_a_join(self, who: str, sid: str, ago: float) -> None:
        """Tell of a connection, sometimes long after."""
        self.happens(c.MemberJoined(participant=self.connection(who, sid, ago)))

    @rule(
        who=people,
        sid=sids,
        reason=st.sampled_from(DisconnectReason),
    )
    def the_sfu_sees_a_departure(
        self, who: str, sid: str, reason: DisconnectReason
    ) -> None:
        """Tell of an end, of any connection for any reason."""
        self.happens(c.MemberLeft(identity=who, sid=sid, reason=reason))

    @rule(
        present=st.lists(people, unique=True),
        sid=sids,
        ago=seconds,
        rev=st.none() | st.integers(0, 9),
        is_last=st.booleans(),
    )
    def the_sfu_is_listed(
        self,
        present: list[str],
        sid: str,
        ago: float,
        rev: int | None,
        *,
        is_last: bool,
    ) -> None:
        """List anybody, as of any moment before, or tell a part of that."""
        listed = self.scene.kept.listed(
            [self.connection(who, sid, ago) for who in present],
            asked_at=self.scene.now - timedelta(seconds=ago),
        )
        self.happens(attrs.evolve(listed, metadata_rev=rev, is_last=is_last))

    @rule(ago=seconds)
    def the_sfu_forgets(self, ago: float) -> None:
        """List the SFU's rooms without this one."""
        asked_at = self.scene.now - timedelta(seconds=ago)
        self.happens(c.RoomGone(asked_at=asked_at))

    @rule()
    def the_clock_strikes(self) -> None:
        """Let what is due lapse."""
        self.happens(c.TimePassed())

    @rule()
    def the_idle_are_forgotten(self) -> None:
        """Delete the rows of those who hold nothing."""
        scene = self.scene
        gone = [
            (scene.room.life_key, member.identity)
            for member in scene.members.values()
            if may_forget(scene.room, member, scene.now, scene.rules)
        ]
        scene.kept.table.delete(gone)

    def connection(self, who: str, sid: str, ago: float) -> SfuParticipant:
        """Somebody at the SFU, with rights that may be wrong."""
        joined_at = self.scene.now - timedelta(seconds=ago)
        return SfuParticipant(identity=who, sid=sid, joined_at=joined_at)

    # What holds of every decision.

    def happens(self, command: Command, actor: Actor | None = None) -> None:
        """Decide and look at what was decided."""
        actor = actor or Actor()
        before, old = self.scene.room, rights(self.scene)
        spoke = {who: self.may_speak(who) for who in PEOPLE}
        decision = self.decided(command, actor)
        assert decision == self.decided(command, actor)
        if isinstance(decision, str):
            return
        self.check_revision(before, decision, command)
        self.scene.kept.keep(decision)
        self.check_rights(old, decision, command)
        self.check_numbers(before, decision.room, spoke)

    def decided(self, command: Command, actor: Actor) -> Decision | str:
        """The decision, or the code of the refusal."""
        try:
            return self.scene.decide(command, actor)
        except EngineError as error:
            return error.code

    def check_revision(
        self, before: Room, decision: Decision, command: Command
    ) -> None:
        """The revision rises exactly with what is visible, and is told."""
        after = decision.room
        visible = seen(before) != seen(after)
        assert after.rev == before.rev + visible
        assert (after is before) == (after == before)
        assert after.version == before.version + (after is not before)
        forgotten = (
            isinstance(command, c.MembersListed)
            and command.is_last
            and command.metadata_rev != after.metadata_rev
        )
        told = visible or facts(before) != facts(after) or forgotten
        goes_on = before.is_live and after.is_live
        assert (SyncMetadata() in decision.effects) == (told and goes_on)
        differs = written(before) != written(after)
        assert after.metadata_rev == before.metadata_rev + differs
        began = after.is_live and after.life != before.life
        if before.is_live and not after.is_live:
            assert decision.effects == (Say("_room_ended"), SyncRoom())
        elif before.is_live or began:
            assert (SyncRoom() in decision.effects) == began

    def check_rights(
        self,
        old: dict[str, tuple[Permission, int] | None],
        decision: Decision,
        command: Command,
    ) -> None:
        """Whose right changed is written; nobody else's is, but to reassert it."""
        new = rights(self.scene)
        synced = {
            e.identity for e in decision.effects if isinstance(e, SyncParticipant)
        }
        changed = {who for who in PEOPLE if old[who] != new[who]}
        if isinstance(command, c.Enter):
            # A newcomer's right is in the token, unless a seat came with it.
            changed -= {
                who for who in changed if old[who] is None and who not in synced
            }
        if decision.room.is_live:
            assert changed <= synced
            assert synced == changed or isinstance(command, REASSERTS)
        else:
            assert not synced  # everybody goes with the room

    def may_speak(self, who: str) -> bool:
        """Whether somebody has a right now."""
        right = permission(self.scene.room, self.scene.members.get(who))
        return right is not None and right.can_publish

    def check_numbers(
        self, before: Room, after: Room, may_speak: dict[str, bool]
    ) -> None:
        """A right keeps its number; one that begins has a higher one than all."""
        for who in PEOPLE:
            old, new = number(before, who), number(after, who)
            assert new in {0, old} or new > self.newest
            goes_on = may_speak[who] and self.may_speak(who)
            assert not goes_on or old == new
        self.newest = max(self.newest, *(number(after, who) for who in PEOPLE))

    # What holds of every room.

    @invariant()
    def one_person_has_one_seat(self) -> None:
        """And each seat one person, who is a member."""
        seats = self.scene.grid.seats
        sitting = Counter(s.occupant_identity for s in seats if s.occupant_identity)
        assert all(count == 1 for count in sitting.values())
        assert all(self.scene.member(who) for who in sitting)
        assert all(not (s.locked and s.occupant_identity) for s in seats)

    @invariant()
    def rights_follow_the_seats(self) -> None:
        """A permission is a pure function of seat and mutes, always whole."""
        room = self.scene.room
        speaking = {s.occupant_identity for s in self.scene.grid.seats if not s.muted}
        for who in PEOPLE:
            member = self.scene.members.get(who)
            right = permission(room, member)
            assert (right is None) == (self.scene.member(who) is None)
            speaks = who in speaking and not hard_muted(room, member)
            assert right is None or right.can_publish == speaks
            assert right is None or right.can_publish_sources

    @invariant()
    def numbers_belong_to_rights(self) -> None:
        """Whoever may speak has the number that their seat and metadata show."""
        room = self.scene.room
        for who, member in self.scene.members.items():
            told = orjson.loads(participant_metadata(room, member)).get("grant", 0)
            assert told == number(room, who)
            assert (told > 0) == self.may_speak(who)
        assert all(s.occupant_identity or not s.grant for s in grid_of(room).seats)
        shown = [seat.grant for seat in grid_of(room).seats if seat.grant]
        assert len(set(shown)) == len(shown)

    @invariant()
    def reservations_belong_to_invitations(self) -> None:
        """A seat is held exactly by a pending invitation that names it."""
        grid = self.scene.grid
        held = {s.seat_index: s.reserved_for for s in grid.seats if s.reserved_for}
        named = {
            i.seat_index: i.identity
            for i in grid.invitations
            if i.seat_index is not None
        }
        assert held == named
        asked = [i.identity for i in grid.invitations]
        asking = [r.identity for r in grid.requests]
        assert len(set(asked)) == len(asked)
        assert len(set(asking)) == len(asking)
        seated = {s.occupant_identity for s in grid.seats}
        assert not seated & {*asked, *asking}

    @invariant()
    def absences_belong_to_seats(self) -> None:
        """Only who sits and is not seen is waited for."""
        for seat in self.scene.content.seats:
            if seat.absence is not None:
                assert seat.data.occupant is not None
                assert not self.scene.members[seat.data.occupant].is_connected
                assert seat.data.absent_since == seat.absence.since

    @invariant()
    def who_said_goodbye_sits_nowhere(self) -> None:
        """Nobody whom the SFU shall remove has a seat."""
        for member in self.scene.members.values():
            if member.left_at is not None:
                assert member.identity not in self.scene.sits

    @invariant()
    def emptiness_is_noted(self) -> None:
        """A room that lives is empty since some time exactly while nobody is in it."""
        room = self.scene.room
        if room.is_live:
            somebody = any(m.is_connected for m in self.scene.members.values())
            assert (room.empty_since is None) == somebody

    @invariant()
    def the_owner_is_a_host(self) -> None:
        """Role and powers agree: who owns the room is a member as its host."""
        room = self.scene.room
        if room.owner is not None:
            owner = self.scene.member(room.owner)
            assert owner is not None
            assert owner.role is UTDRole.HOST

    @invariant()
    def ended_rooms_are_empty(self) -> None:
        """Nobody is a member, nothing is due."""
        room = self.scene.room
        if not room.is_live:
            assert not self.scene.members
            assert room.owner is None
            assert all(seat.is_free for seat in self.scene.grid.seats)
            assert next_deadline(room, self.scene.rules) is None

    @invariant()
    def deadlines_are_kept(self) -> None:
        """What is due by now is exactly what the first deadline says."""
        room, rules, now = self.scene.room, self.scene.rules, self.scene.now
        due = next_deadline(room, rules)
        assert (due is not None and due <= now) == bool(overdue(room, rules, now))


def test_every_decision_keeps_the_laws() -> None:
    """Whatever is asked and told, in any order: see the checks above."""
    run_state_machine_as_test(
        Walk, settings=settings(stateful_step_count=60, deadline=None)
    )
