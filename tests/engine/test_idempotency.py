"""The same key again is the same request: it happens once and answers the same."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.engine.house import OPEN, ROOM, Answer, House, app_of, open_house
from utd_stream.contract.answers import SeatedAnswer
from utd_stream.engine.rules.audio_room import seat_index_of
from utd_stream.wire import decode

KEY = {"Idempotency-Key": "k1"}


async def take(house: House, by: str = "ana", index: int = 0, **more: Any) -> Answer:
    """Take a seat under the key."""
    headers = KEY | more.pop("headers", {})
    return await house.room_ask(
        "POST", f"/seats/{index}/take", by=by, headers=headers, **more
    )


async def test_same_request_happens_once(house: House) -> None:
    """A repeated request gets the first answer again, and does nothing."""
    await house.enter("ana")
    first = await take(house)

    again = await take(house)

    assert (first.status, again.status, again.body) == (200, 200, first.body)
    assert (await house.room()).rev == 1


async def test_replay_shows_the_grid_of_now(house: House) -> None:
    """Status and fields are the first answer's, grid and revision are not."""
    await house.enter("ana")
    first = await take(house)
    await house.room_ask("POST", "/seats/leave", by="ana")

    again = await take(house)

    room = await house.room()
    assert seat_index_of(room, "ana") is None
    assert again.status == 200
    assert (again.body["seat_index"], again.body["speaks"]) == (0, True)
    assert set(again.body) == set(first.body)
    assert again.body["rev"] == again.body["grid"]["rev"] == room.rev == 2
    assert again.body["grid"]["seats"][0]["occupant_identity"] is None


@pytest.mark.parametrize("lives_again", [False, True], ids=["ended", "lives again"])
async def test_replay_after_the_end_has_no_grid(
    house: House,
    lives_again: bool,  # noqa: FBT001 -- a parameter
) -> None:
    """The room of that answer is no more, whatever bears its name now."""
    await house.enter("ana", role="host")
    first = await take(house)
    await house.room_ask("DELETE", "", by="ana")
    if lives_again:
        await house.mint("ana")

    again = await take(house)

    fields = {k: v for k, v in first.body.items() if k not in {"rev", "grid"}}
    assert (again.status, again.body) == (200, fields)
    answer = decode(SeatedAnswer, again.body)
    assert (answer.seat_index, answer.rev, answer.grid.rev) == (0, 0, 0)


async def test_replay_shows_the_grid_to_members_only(house: House) -> None:
    """Who was kicked is told again what was answered, and not who sits now."""
    await house.enter("hal", role="host")
    await house.enter("ana")
    await take(house)
    await house.room_ask("DELETE", "/participants/ana", by="hal")

    again = await take(house)

    assert again.status == 200
    assert again.body == {"seat_index": 0, "speaks": True}


async def test_back_end_sees_the_grid_in_its_replay(house: House) -> None:
    """The app's secret is told the grid whoever it acts for, or for nobody."""
    await house.enter("ana")
    await house.room_ask("POST", "/seats/0/take", by="ana")
    shown = {"by": app_of(OPEN, secret=True), "headers": KEY}
    first = await house.room_ask("POST", "/seats/0/mute", **shown)

    again = await house.room_ask("POST", "/seats/0/mute", **shown)

    assert (again.status, again.body) == (200, first.body)


async def kept_bytes(house: House) -> int:
    """Return how much is on disk for all kept answers."""

    def count(connection: Any) -> int:
        found = connection.exec_driver_sql(
            "SELECT sum(length(id) + length(fingerprint) + length(caller)"
            " + length(body)) FROM idempotency"
        )
        total = found.scalar_one()
        connection.rollback()
        return int(total or 0)

    return await house.services.writer.run(count)


async def test_what_is_kept_does_not_grow_with_the_grid() -> None:
    """Each of many answers keeps a few bytes, on a hundred seats as on one."""
    sizes: list[int] = []
    for seat_count in (1, 100):
        async with open_house() as house:
            await house.enter("ana", role="host", seat_count=seat_count, name="x" * 99)
            await house.room_ask("POST", "/seats/0/take", by="ana")
            for path in ("/seats/leave", "/seats/0/take", "/seats/0/lock"):
                headers = {"Idempotency-Key": path}
                answer = await house.room_ask("POST", path, by="ana", headers=headers)
                assert answer.status == 200
            sizes.append(await kept_bytes(house))

    assert sizes[0] == sizes[1] < 3 * 200


@pytest.mark.parametrize(
    "fields",
    [{f"f{i}": 0 for i in range(5_000)}, {"x" * 60_000: 0}],
    ids=["many fields", "a long name"],
)
async def test_what_is_kept_does_not_grow_with_a_wrong_body(
    house: House, fields: dict[str, int]
) -> None:
    """A refusal names twenty problems and the number of the others, cut short."""
    await house.enter("ana")

    answer = await take(house, json=fields)

    assert (answer.status, len(answer.paths) <= 21) == (422, True)
    assert await kept_bytes(house) < 4_000


@pytest.mark.parametrize("index", [0, 9], ids=["refused", "wrong"])
async def test_refusals_are_kept_too(house: House, index: int) -> None:
    """What was refused stays refused under its key, though it would work by now."""
    await house.enter("bob")
    await house.enter("ana")
    await house.room_ask("POST", "/seats/0/take", by="bob")
    first = await take(house, index=index)
    assert first.status in {409, 422}
    await house.room_ask("POST", "/seats/leave", by="bob")

    again = await take(house, index=index)

    assert (again.status, again.raw) == (first.status, first.raw)


@pytest.mark.parametrize(
    "other",
    [
        {"index": 1},
        {"json": {}},
        {"json": {"identity": "ana"}},
        {"json": {"unknown": 1}},
        {"data": b"{"},
    ],
    ids=["path", "body", "fields", "invalid", "malformed"],
)
async def test_key_is_for_one_request_only(house: House, other: dict[str, Any]) -> None:
    """Another request under a used key is 409 `conflict`, right or wrong."""
    await house.enter("ana")
    await take(house)

    answer = await take(house, **other)

    assert (answer.status, answer.code) == (409, "conflict")


async def test_wrong_request_uses_its_key_up(house: House) -> None:
    """A key that came with a request refused for its form is used, too."""
    await house.enter("ana")
    assert (await take(house, json={"unknown": 1})).status == 422

    assert (await take(house)).code == "conflict"


async def test_callers_do_not_share_keys(house: House) -> None:
    """A key is the caller's own: others, the back end too, may use the same text."""
    for identity in ("ana", "bob"):
        await house.enter(identity)
    secret = app_of(OPEN, secret=True)

    assert (await take(house, "ana", 0)).status == 200
    assert (await take(house, "bob", 1)).status == 200
    answer = await house.room_ask("POST", "/seats/0/mute", by=secret, headers=KEY)
    assert answer.status == 200


async def test_unauthenticated_request_uses_no_key(house: House) -> None:
    """What was not let in is not remembered."""
    await house.enter("ana")
    nobody = await house.room_ask("POST", "/seats/0/take", headers=KEY)
    assert nobody.status == 401

    assert (await take(house)).status == 200


async def test_answer_is_kept_for_a_day(house: House) -> None:
    """A key can be used anew when its answer has been kept for 24 hours."""
    await house.enter("ana")
    await take(house)
    await house.room_ask("POST", "/seats/leave", by="ana")
    await house.clock.advance(24 * 3600 - 1)
    assert (await take(house)).body["rev"] == 2
    await house.clock.advance(1)

    assert (await take(house)).body["rev"] == 3


async def test_replay_comes_before_the_revision(house: House) -> None:
    """A repeated request is answered though its If-Match is stale by then."""
    await house.enter("ana")
    first = await take(house, headers={"If-Match": "0"})

    again = await take(house, headers={"If-Match": "0"})

    assert (first.status, again.status, again.body) == (200, 200, first.body)


async def test_twice_in_one_batch_is_once(house: House) -> None:
    """Copies that arrive together are decided together, and happen once."""
    await house.enter("ana")

    answers = await asyncio.gather(*(take(house) for _ in range(5)))

    assert {answer.status for answer in answers} == {200}
    assert len({answer.raw for answer in answers}) == 1
    assert (await house.room()).rev == 1


VOID = {"Idempotency-Void": "true"}


async def test_request_taken_back_before_it_was_served_does_nothing(
    house: House,
) -> None:
    """409 says so, is kept under the key, and answers the request that comes later."""
    await house.enter("ana")

    void = await take(house, headers=VOID)
    late = await take(house)

    for answer in (void, late):
        assert (answer.status, answer.code) == (409, "conflict")
        assert "taken back" in answer.body["message"]
    assert (await house.room()).rev == 0


async def test_request_taken_back_after_it_was_served_tells_its_answer(
    house: House,
) -> None:
    """Nothing changes: who takes it back undoes what it did."""
    await house.enter("ana")
    first = await take(house)

    void = await take(house, headers=VOID)

    assert (void.status, void.body) == (200, first.body)
    assert (await house.room()).rev == 1


async def test_another_request_cannot_be_taken_back(house: House) -> None:
    """A key is for one request, also for who takes it back."""
    await house.enter("ana")
    await take(house)

    other = await take(house, index=1, headers=VOID)

    assert (other.status, other.code) == (409, "conflict")
    assert "another request" in other.body["message"]


async def test_request_and_its_void_in_one_batch_are_one(house: House) -> None:
    """Whichever comes first decides for both."""
    await house.enter("ana")

    void, late = await asyncio.gather(take(house, headers=VOID), take(house))

    assert void.status in {200, 409}
    assert late.status == void.status


@pytest.mark.parametrize(
    "headers",
    [
        {**KEY, "Idempotency-Void": "yes"},
        {**KEY, "Idempotency-Void": ""},
        VOID,
    ],
    ids=["yes", "empty", "no key"],
)
async def test_impossible_void_is_malformed(
    house: House, headers: dict[str, str]
) -> None:
    """It is `true` beside a key, or nothing is done."""
    await house.enter("ana")

    answer = await house.room_ask("POST", "/seats/0/take", by="ana", headers=headers)

    assert (answer.status, answer.code) == (400, "malformed")
    assert (await house.room()).rev == 0


async def test_key_survives_a_restart(tmp_path: Path) -> None:
    """The answer is on disk with the command it belongs to."""
    database = f"sqlite:///{tmp_path / 'engine.db'}"
    async with open_house(database=database) as house:
        await house.enter("ana")
        first = await take(house)
    async with open_house(database=database) as house:
        again = await take(house)

        assert (again.status, again.body) == (200, first.body)


async def test_answer_without_a_grid_needs_no_room(house: House) -> None:
    """A kept answer that shows no grid is given also while the room is unreadable."""
    await house.enter("ana")
    first = await take(house, index=50)

    def damage(connection: Any) -> None:
        connection.exec_driver_sql("UPDATE rooms SET state = '['")
        connection.commit()

    await house.services.writer.run(damage)
    house.services.writer.committed.forget()

    again = await take(house, index=50)

    assert (again.status, again.body) == (422, first.body)


async def test_minting_takes_no_key(house: House) -> None:
    """A mint is never a replay: each gives a newer connection."""
    connections: list[int] = []
    for _ in range(2):
        body = {"type": "audio_room", "room_name": ROOM, "identity": "ana"}
        answer = await house.ask(
            "POST", "api/v1/token", by=app_of(OPEN), json=body, headers=KEY
        )
        connections.append(answer.body["connection"])

    assert connections[0] < connections[1]


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "é"])
async def test_impossible_key_is_malformed(house: House, key: str) -> None:
    """A key is 1 to 255 visible ASCII characters."""
    answer = await house.room_ask(
        "POST", "/leave", by="ana", headers={"Idempotency-Key": key}
    )

    assert (answer.status, answer.code) == (400, "malformed")
