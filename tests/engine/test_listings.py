"""A listing of any size is told in parts, and only its differences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from tests.engine.rules.scene import NOON
from tests.engine.writers import KEY, enter, writing
from utd_stream.contract import Who
from utd_stream.engine._listings import parts_of
from utd_stream.engine.orders import Order
from utd_stream.engine.rules import Room, Rules, participant_metadata, permission
from utd_stream.engine.rules.commands import MembersListed
from utd_stream.engine.rules.keeping import row_of
from utd_stream.engine.rules.state import Member
from utd_stream.engine.writer import Writer
from utd_stream.ports import SfuParticipant

# More than one range of what is known, and no multiple of it.
MANY = 2_345


async def filled(writer: Writer, count: int) -> tuple[Room, list[SfuParticipant]]:
    """Let so many members be connected; the room, and how the SFU lists them."""
    await writer.submit(enter("first"))
    room = await writer.room(KEY)
    assert room is not None
    members = [
        Member(identity=f"m{n}", sid=f"PA_{n}", joined_at=NOON, seen_at=NOON)
        for n in range(count)
    ]
    rows = [row_of(room, member, Rules()) for member in members]
    await writer.transact(lambda store: store.members.write(rows))
    return room, [listed(room, member) for member in members]


def listed(room: Room, member: Member) -> SfuParticipant:
    """Return how the SFU lists *member* if all is as it should be."""
    return SfuParticipant(
        identity=member.identity,
        sid=member.sid or "",
        joined_at=NOON,
        permission=permission(room, member),
        metadata=participant_metadata(room, member),
    )


async def told(
    writer: Writer, room: Room, participants: Sequence[SfuParticipant], **other: Any
) -> Sequence[MembersListed]:
    """Return what the writer would be told."""
    given: dict[str, Any] = {
        "asked_at": NOON,
        "metadata_rev": room.metadata_rev,
        "is_due": False,
    }
    return await parts_of(writer, room, participants, **given | other)


async def test_what_is_known_is_not_told(database: str) -> None:
    """No difference and nothing due: no command, however many are listed."""
    async with writing(database) as writer:
        room, everybody = await filled(writer, MANY)

        assert await told(writer, room, everybody) == ()
        assert await told(writer, room, everybody[::-1]) == ()


@pytest.mark.parametrize("other", [{"is_due": True}, {"metadata_rev": None}], ids=repr)
async def test_what_is_due_is_told_without_anybody(
    database: str, other: dict[str, Any]
) -> None:
    """A grace, an emptiness, the room's metadata: one part, which is the last."""
    async with writing(database) as writer:
        room, everybody = await filled(writer, 3)

        (part,) = await told(writer, room, everybody, **other)

    assert (part.participants, part.vanished, part.is_last) == ((), (), True)


async def test_differences_are_told_in_parts(database: str) -> None:
    """Each once, 250 at a time, the last one marked; nobody else."""
    async with writing(database) as writer:
        room, everybody = await filled(writer, MANY)
        gone, other = everybody[::4], everybody[1::4]
        present = [each for each in everybody if each not in gone and each not in other]
        present += [attrs.evolve(each, sid="PA_new") for each in other]
        stranger = SfuParticipant(identity="stranger", sid="PA_x", joined_at=NOON)

        parts = await told(writer, room, [*present, stranger])

    unlike = [p.identity for part in parts for p in part.participants]
    vanished = [who for part in parts for who in part.vanished]
    assert sorted(unlike) == sorted([*(p.identity for p in other), "stranger"])
    assert sorted(vanished) == sorted(p.identity for p in gone)
    sizes = [len(part.participants) + len(part.vanished) for part in parts]
    assert sizes == [250] * (len(parts) - 1) + sizes[-1:]
    assert [part.is_last for part in parts] == [False] * (len(parts) - 1) + [True]


async def test_all_parts_together_make_the_roster_agree(database: str) -> None:
    """Told one by one, they leave nothing to tell."""
    async with writing(database) as writer:
        room, everybody = await filled(writer, 600)
        present = [attrs.evolve(each, sid=f"{each.sid}x") for each in everybody[100:]]
        for part in await told(writer, room, present, asked_at=datetime.now(UTC)):
            await writer.submit(Order(key=KEY, command=part, who=Who.SFU))

        after = await writer.room(KEY)
        assert after is not None
        assert await told(writer, after, present) == ()
        (part,) = await told(writer, after, present[1:])
        assert part.vanished == (present[0].identity,)
