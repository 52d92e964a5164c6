"""Rooms of several types under the same rules: a second one is declared here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, cast, get_args

import attrs
import orjson
import pytest

from tests.engine.rules.scene import Scene, entering, stage
from utd_stream.contract.answers import Empty
from utd_stream.contract.endpoints import Who
from utd_stream.contract.requests import TokenRequest
from utd_stream.engine._codec import decode_room, encode_room
from utd_stream.engine.rules import (
    Member,
    Room,
    Rules,
    SyncMetadata,
    SyncParticipant,
    overdue,
    participant_metadata,
    permission,
    room_metadata,
)
from utd_stream.engine.rules import commands as c
from utd_stream.engine.rules.audio_room import AudioRoom, grid_of, seat_index_of
from utd_stream.engine.rules.decide import _ALWAYS, _FACTS, _ORDERS
from utd_stream.engine.rules.draft import Draft
from utd_stream.engine.rules.kind import Due, Handlers, Made, RoomKind, handlers, on
from utd_stream.engine.rules.kinds import KINDS, kind_of
from utd_stream.engine.rules.state import Content
from utd_stream.errors import ConflictError, InvalidRequestError
from utd_stream.models.participants import TrackSource
from utd_stream.models.rooms import SeatMode, UTDStreamType
from utd_stream.models.seats import UTDSeatGrid

HALL = UTDStreamType.LIVE_STREAM


@attrs.frozen(kw_only=True)
class Hall:
    """A hall with one lectern: who stands there may show a screen."""

    speaker: str | None = None
    until: datetime | None = None
    grant: int = 0

    @property
    def weight(self) -> int:
        """About how many bytes it takes in memory."""
        return 100


@attrs.frozen(kw_only=True)
class Rise:
    """Go to the lectern."""

    until: datetime | None = None


def hall(room: Room) -> Hall:
    """The content of a hall."""
    assert isinstance(room.content, Hall)
    return room.content


def rise(draft: Draft, command: Rise) -> Made:
    """Let somebody speak."""
    draft.change(content=Hall(speaker=draft.person, until=command.until))
    draft.touch(draft.person)
    return lambda _: Empty()


class HallKind:
    """Halls, as the rules of every room see them."""

    content = Hall
    sources = (TrackSource.SCREEN_SHARE,)
    commands: Handlers = handlers(on(Rise, rise))
    is_begun_by_a_mint = True
    most_participants = 0

    def grace(self, rules: Rules) -> float:
        """As long as a seat waits."""
        return rules.seat_grace

    def ended(self, content: Content) -> Hall:  # noqa: ARG002 -- the protocol's
        """Nobody speaks."""
        return Hall()

    def check_enters(self, draft: Draft, request: TokenRequest) -> None:
        """Anybody may listen."""

    def begin(self) -> Hall:
        """Nobody speaks."""
        return Hall()

    def entered(self, draft: Draft, member: Member, request: TokenRequest) -> None:
        """Let whoever is called by the hall's name speak at once."""
        if request.name == "speaker":
            draft.change(content=Hall(speaker=member.identity))

    def gone(self, draft: Draft, identity: str) -> None:
        """Leave the lectern."""
        if hall(draft.room).speaker == identity:
            draft.change(content=Hall())

    def absent(self, draft: Draft, identity: str, grace: float | None) -> None:  # noqa: ARG002 -- the protocol's
        """Who is lost speaks no more."""
        self.gone(draft, identity)

    def present(self, draft: Draft, identity: str) -> None:
        """Nothing waits for anybody."""

    def listed(self, draft: Draft, asked_at: datetime) -> None:
        """Nothing waits for anybody."""

    def expire(self, draft: Draft) -> None:
        """Let the time of a speaker run out."""
        until = hall(draft.room).until
        if until is not None and until <= draft.now:
            draft.change(content=Hall())

    def number(self, draft: Draft, identity: str, grant: int) -> None:
        """Show the number of the speaker's right."""
        if hall(draft.room).speaker == identity:
            draft.change(content=attrs.evolve(hall(draft.room), grant=grant))

    def settled(self, content: Content, now: datetime, rules: Rules) -> Content:  # noqa: ARG002 -- the protocol's
        """A speaker of the future speaks for as long as it takes."""
        return content

    def needs(self, room: Room, command: c.Command) -> Iterator[str | None]:  # noqa: ARG002 -- the protocol's
        """Nobody but who commands."""
        return iter(())

    def placed(self, room: Room) -> Iterator[str]:
        """Who speaks."""
        speaker = hall(room).speaker
        return iter((speaker,) if speaker else ())

    def holds(self, room: Room, identity: str) -> bool:
        """Whether *identity* speaks."""
        return hall(room).speaker == identity

    def deadlines(self, room: Room) -> Iterator[tuple[datetime, Due]]:
        """The end of a speaker's time."""
        until = hall(room).until
        if until is not None:
            yield until, "time"

    def granted(self, room: Room, identity: str) -> tuple[TrackSource, ...]:
        """The screen, for who speaks."""
        return self.sources if hall(room).speaker == identity else ()

    def grant(self, room: Room, identity: str) -> int:
        """The number of the speaker's right."""
        return hall(room).grant if hall(room).speaker == identity else 0

    def metadata(self, room: Room) -> dict[str, Any]:
        """Who speaks."""
        return {"_hall": hall(room).speaker}

    def shown(self, room: Room) -> UTDSeatGrid:
        """Nothing that clients of today could show."""
        return UTDSeatGrid(rev=room.rev)

    def differs(self, before: Content, after: Content) -> bool:
        """Whether another one speaks."""
        assert isinstance(before, Hall)
        assert isinstance(after, Hall)
        return before.speaker != after.speaker

    def check(self, room: Room, rules: Rules) -> None:  # noqa: ARG002 -- the protocol's
        """Refuse a speaker of a forbidden name."""
        if hall(room).speaker == "nobody":
            raise InvalidRequestError.at(("$.identity", "nobody may speak"))


RISE = cast("c.Command", Rise())


@pytest.fixture(autouse=True)
def _halls(monkeypatch: pytest.MonkeyPatch) -> None:
    kind: RoomKind = HallKind()
    monkeypatch.setitem(KINDS, HALL, kind)


def opened(*people: str) -> Scene:
    """A hall with *people* in it."""
    scene = Scene()
    for who in people:
        scene.mint(who, type=HALL)
    scene.connect(*people)
    return scene


def does(scene: Scene, who: str, command: object) -> Any:
    """Let somebody do what only halls know."""
    decision = scene.kept.decide(
        cast("c.Command", command),
        who=Who.SELF,
        actor=scene.person(who),
        now=scene.now,
    )
    scene.kept.keep(decision)
    scene.effects = decision.effects
    return decision.answer


def test_a_command_has_one_handler() -> None:
    """Each is in one table: of every room's, or of one type's."""
    # Both types of calls have the same.
    of_types = {id(kind.commands): kind.commands for kind in KINDS.values()}
    tables = [_ALWAYS, _FACTS, _ORDERS, *of_types.values()]
    found = [command for table in tables for command in table]

    assert len(found) == len(set(found))
    # One is about several aggregates, and decided beside them.
    assert set(found) - {Rise} == set(get_args(c.Command)) - {c.CreateCall}


def test_a_name_in_use_by_another_type_is_refused() -> None:
    """409 while it lives; an end frees the name, and its numbers go on."""
    scene = opened("hal", "ann")
    does(scene, "hal", RISE)
    scene.refuses("ann", entering("ann"), "conflict")
    scene.mint("own", by=None, type=HALL)
    rev = scene.rev

    scene.hears(c.RoomGone(asked_at=scene.after(1).now))
    scene.after(300).hears(c.RoomGone(asked_at=scene.now))
    assert not scene.room.is_live
    scene.mint("ann")

    assert (scene.room.type, scene.room.life) == (UTDStreamType.AUDIO_ROOM, 2)
    assert scene.content == AudioRoom()
    assert scene.rev > rev


def test_a_name_may_live_again_as_another_type() -> None:
    """The next life has the content of its own type, and nothing of the last."""
    scene = stage("ann", mode=SeatMode.REQUEST)
    scene.does("hal", c.EndRoom())

    scene.mint("ann", type=HALL)

    assert (scene.room.type, scene.room.content) == (HALL, Hall())


def test_commands_of_another_type_are_refused() -> None:
    """409, whoever asks, and nothing changes; neither can its content be read."""
    scene = opened("hal")
    scene.refuses("hal", c.TakeSeat(index=0), "conflict")
    with pytest.raises(ConflictError):
        grid_of(scene.room)
    assert seat_index_of(scene.room, "hal") is None

    lounge = stage()
    with pytest.raises(ConflictError):
        does(lounge, "hal", RISE)


def test_a_type_gives_its_own_rights() -> None:
    """What it grants may be published; with nothing granted, nothing may (T37)."""
    scene = opened("hal", "ann")
    silent = permission(scene.room, scene.members["ann"])
    assert silent is not None
    assert (silent.can_publish, silent.can_publish_sources) == (False, HallKind.sources)

    assert does(scene, "ann", RISE) == Empty()

    speaks = permission(scene.room, scene.members["ann"])
    assert speaks == attrs.evolve(silent, can_publish=True)
    assert scene.effects == (SyncParticipant("ann"), SyncMetadata())


def test_rights_of_any_type_are_numbered() -> None:
    """One that begins has the next number; one that goes on keeps its own."""
    scene = opened("hal", "ann")
    grants: list[int] = []
    for who in ("ann", "ann", "hal", "ann"):
        does(scene, who, Rise(until=scene.now))
        told = orjson.loads(participant_metadata(scene.room, scene.members[who]))
        grants.append(told["grant"])

    assert grants == [1, 1, 2, 3]
    assert "grant" not in orjson.loads(
        participant_metadata(scene.room, scene.members["hal"])
    )


def test_a_type_shows_its_own_metadata() -> None:
    """Its key, and the one of every room; the revision rises where it differs."""
    scene = opened("hal", "ann")
    rev = scene.rev
    does(scene, "ann", RISE)
    does(scene, "ann", Rise(until=scene.now))

    keys = orjson.loads(room_metadata(scene.room))

    assert set(keys) == {"_hall", "_room"}
    assert (keys["_hall"], keys["_room"]["type"]) == ("ann", HALL.value)
    assert scene.rev == rev + 1


def test_a_type_may_refuse_what_comes_out() -> None:
    """Then nothing changes, as with any refusal."""
    scene = opened("nobody")
    before = scene.room

    with pytest.raises(InvalidRequestError):
        does(scene, "nobody", RISE)

    assert scene.room is before


@pytest.mark.parametrize(
    "leaves",
    [
        lambda scene: scene.does("ann", c.LeaveRoom()),
        lambda scene: scene.does("hal", c.LeaveRoom()),
        lambda scene: scene.after(9).hears(c.TimePassed()),
    ],
    ids=["who speaks", "another one", "nobody, in time"],
)
def test_a_type_hears_who_is_gone(leaves: Any) -> None:
    """A goodbye and a deadline are the type's to follow."""
    scene = opened("hal", "ann")
    does(scene, "ann", Rise(until=scene.now))
    assert overdue(scene.room, scene.rules, scene.now) == {"time"}

    leaves(scene)

    is_over = scene.now > scene.room.created_at or not hall(scene.room).speaker
    assert (hall(scene.room).speaker is None) == is_over


def test_a_mint_is_the_types_to_follow() -> None:
    """Who comes with a request of the type's own gets what it asks for."""
    scene = opened("hal")

    scene.mint("ann", type=HALL, name="speaker")

    assert hall(scene.room).speaker == "ann"


def test_a_room_of_any_type_round_trips() -> None:
    """The store reads the content by the type."""
    scene = opened("hal", "ann")
    does(scene, "ann", Rise(until=scene.now))

    read = decode_room(encode_room(scene.room))

    assert read == scene.room
    assert kind_of(read) is KINDS[HALL]
