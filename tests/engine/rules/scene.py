"""A room that lives through decisions, one at a time, on a clock of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from utd_stream.contract import ENDPOINTS
from utd_stream.contract.answers import InvitationAnswer, RequestAnswer, SeatedAnswer
from utd_stream.contract.endpoints import Who
from utd_stream.contract.requests import TokenRequest
from utd_stream.engine.rules import (
    Actor,
    Command,
    Decision,
    Effect,
    Member,
    Room,
    Rules,
    SyncParticipant,
    participant_metadata,
    permission,
)
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules.audio_room import AudioRoom, audio_room, grid_of
from utd_stream.engine.rules.rows import member_of
from utd_stream.errors import EngineError, engine_error
from utd_stream.models.rooms import (
    DisconnectReason,
    SeatMode,
    UTDRole,
    UTDStreamType,
)
from utd_stream.models.seats import UTDSeatGrid
from utd_stream.ports import SfuParticipant
from utd_stream.testing.grids import KeptRoom

__all__ = [
    "BACK_END",
    "KEY",
    "NOON",
    "Scene",
    "ask",
    "asking",
    "back_end_for",
    "entering",
    "invite",
    "reserved",
    "seated",
    "stage",
    "take",
    "waiting",
    "who_may",
]

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
KEY = ("app", "lounge")
BACK_END = Actor(is_secret=True)

_WHO = {endpoint.name: endpoint.who for endpoint in ENDPOINTS}
_STATUS = {"forbidden": 403, "feature_disabled": 403, "not_found": 404, "invalid": 422}
_OTHER_NAMES: Mapping[type, str] = {
    c.Enter: "create_token",
    c.KickMember: "kick_participant",
}


def who_may(command: Command) -> Who:
    """Who may say *command*, as the contract's list of endpoints says."""
    kind = type(command)
    spelled = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
    return _WHO.get(_OTHER_NAMES.get(kind, spelled), Who.SFU)


class Scene:
    """One room name, and what was decided about it.

    Args:
        rules: The numbers in force.
        mints_roles: The app lets its key mint identities.
    """

    def __init__(self, *, mints_roles: bool = True, **rules: Any) -> None:
        self.mints_roles = mints_roles
        self.now = NOON
        self.kept = KeptRoom(KEY, Rules(**rules))
        self.effects: tuple[Effect, ...] = ()

    # Reading.

    @property
    def room(self) -> Room:
        """As it was decided last."""
        assert self.kept.room is not None
        return self.kept.room

    @property
    def members(self) -> Mapping[str, Member]:
        """Of the life that goes on."""
        return self.kept.members

    def member(self, identity: str) -> Member | None:
        """Somebody whom the SFU may have, or None."""
        return member_of(self.room, self.members, identity)

    @property
    def rules(self) -> Rules:
        """The numbers in force."""
        return self.kept.rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self.kept.rules = rules

    @property
    def grid(self) -> UTDSeatGrid:
        """What everybody sees."""
        return grid_of(self.room)

    @property
    def content(self) -> AudioRoom:
        """What it holds as an audio room."""
        return audio_room(self.room)

    @property
    def rev(self) -> int:
        """Of the grid."""
        return self.room.rev

    @property
    def sits(self) -> dict[str, int]:
        """Who sits where, each on one seat."""
        sitting = [
            (seat.occupant_identity, seat.seat_index)
            for seat in self.grid.seats
            if seat.occupant_identity
        ]
        assert len(dict(sitting)) == len(sitting)
        return dict(sitting)

    @property
    def speakers(self) -> set[str]:
        """Who may publish."""
        return {
            identity
            for identity, member in self.members.items()
            if (right := permission(self.room, member)) and right.can_publish
        }

    @property
    def synced(self) -> set[str]:
        """Whose rights the last decision writes."""
        return {e.identity for e in self.effects if isinstance(e, SyncParticipant)}

    def is_awaited(self, identity: str) -> bool:
        """Whether a seat waits for somebody who is not seen."""
        index = self.sits.get(identity)
        return index is not None and self.content.seats[index].absence is not None

    # Doing.

    def after(self, seconds: float) -> Scene:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        return self

    def person(self, identity: str) -> Actor:
        """Somebody with a bearer."""
        return Actor(identity=identity, mints_roles=self.mints_roles)

    def decide(self, command: Command, actor: Actor) -> Decision:
        """What would be decided; nothing is kept."""
        return self.kept.decide(
            command, who=who_may(command), actor=actor, now=self.now
        )

    def does(self, who: str | Actor, command: Command) -> Any:
        """Let somebody do something; the answer."""
        actor = who if isinstance(who, Actor) else self.person(who)
        decision = self.decide(command, actor)
        self.kept.keep(decision)
        self.effects = decision.effects
        return decision.answer

    def refuses(self, who: str | Actor, command: Command, code: str) -> EngineError:
        """Let somebody ask in vain; the refusal."""
        before = self.kept.room, self.members
        with pytest.raises(EngineError) as caught:
            self.does(who, command)
        assert (self.kept.room, self.members) == before
        status = _STATUS.get(code, 409)
        assert (caught.value.status_code, caught.value.code) == (status, code)
        assert type(caught.value) is type(engine_error(status, code, ""))
        return caught.value

    def hears(self, fact: c.Fact) -> None:
        """Let the SFU or the clock tell something."""
        self.does(Actor(), fact)

    def mint(self, identity: str, *, by: Actor | None = None, **asked: Any) -> Member:
        """Let somebody ask for a token."""
        command = entering(identity, **asked)
        member = self.does(by or self.person(identity), command)
        assert isinstance(member, Member)
        return member

    def mint_as(self, role: UTDRole, *identities: str) -> None:
        """Let the back end mint a role for each."""
        for identity in identities:
            self.mint(identity, by=back_end_for(identity), role=role)

    def connect(self, *identities: str) -> None:
        """Let the SFU see members come."""
        for identity in identities:
            self.hears(
                c.MemberJoined(participant=self.seen(identity, f"PA_{identity}"))
            )

    def disconnect(self, identity: str, reason: DisconnectReason) -> None:
        """Let the SFU see a member go."""
        sid = self.members[identity].sid or "PA_old"
        self.hears(c.MemberLeft(identity=identity, sid=sid, reason=reason))

    def seen(self, identity: str, sid: str = "", **fields: Any) -> SfuParticipant:
        """A participant as the SFU lists them, with all as it should be."""
        member = self.members.get(identity)
        told: dict[str, Any] = {
            "identity": identity,
            "sid": sid or (member.sid if member and member.sid else f"PA_{identity}"),
            "joined_at": self.now,
        }
        if member is not None:
            told["permission"] = permission(self.room, member)
            told["metadata"] = participant_metadata(self.room, member)
            told["joined_at"] = member.joined_at or self.now
        return SfuParticipant(**{**told, **fields})

    def lists(self, *present: str | SfuParticipant, ago: float = 0.0) -> None:
        """Let a listing, asked *ago* seconds before, show who is there."""
        self.hears(
            self.kept.listed(
                [p if isinstance(p, SfuParticipant) else self.seen(p) for p in present],
                asked_at=self.now - timedelta(seconds=ago),
            )
        )


def entering(identity: str, **asked: Any) -> c.Enter:
    """The command of a mint."""
    told = {
        "type": UTDStreamType.AUDIO_ROOM,
        "room_name": KEY[1],
        "identity": identity,
        **asked,
    }
    return c.Enter(request=TokenRequest(**told))


def back_end_for(identity: str) -> Actor:
    """The app's own back end, on behalf of somebody."""
    return Actor(identity=identity, is_secret=True)


def stage(*people: str, mode: SeatMode = SeatMode.FREE, **rules: Any) -> Scene:
    """A room with a host ``hal``, an admin ``ada`` and *people*, all connected."""
    scene = Scene(**rules)
    scene.mint("hal", role=UTDRole.HOST, seat_count=4, seat_mode=mode)
    scene.mint_as(UTDRole.ADMIN, "ada")
    for identity in people:
        scene.mint(identity)
    scene.connect("hal", "ada", *people)
    return scene


def take(scene: Scene, who: str, index: int) -> SeatedAnswer:
    """Let somebody sit down."""
    answer = scene.does(who, c.TakeSeat(index=index))
    assert isinstance(answer, SeatedAnswer)
    return answer


def seated() -> Scene:
    """Ann and Bob sit and are connected."""
    scene = stage("ann", "bob")
    scene.does("ann", c.TakeSeat(index=0))
    scene.does("bob", c.TakeSeat(index=1))
    return scene


def reserved(index: int = 1, *, mode: SeatMode = SeatMode.REQUEST) -> Scene:
    """A room in which a seat is held for ann."""
    scene = stage("ann", "bob", mode=mode)
    scene.does("hal", c.InviteToSpeak(identity="ann", seat_index=index))
    return scene


def asking(*people: str, **rules: Any) -> Scene:
    """A room in request mode."""
    return stage(*people, mode=SeatMode.REQUEST, **rules)


def ask(scene: Scene, who: str) -> int:
    """Let somebody ask; the number of the request."""
    answer = scene.does(who, c.RequestToSpeak())
    assert isinstance(answer, RequestAnswer)
    return answer.request_id


def invite(scene: Scene, who: str, seat: int | None = None) -> int:
    """Let the host invite somebody; the number of the invitation."""
    answer = scene.does("hal", c.InviteToSpeak(identity=who, seat_index=seat))
    assert isinstance(answer, InvitationAnswer)
    return answer.invitation_id


def waiting(scene: Scene) -> tuple[list[str], list[str]]:
    """Who asks and who is asked."""
    grid = scene.grid
    return [r.identity for r in grid.requests], [i.identity for i in grid.invitations]
