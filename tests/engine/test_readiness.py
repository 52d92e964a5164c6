"""Whether the engine can serve is said by its parts; what is lost is not written."""

from __future__ import annotations

import asyncio
import logging
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Connection

from tests.engine.house import Answer, House, open_house

GONE = "was removed or replaced while it was open"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the database is."""
    return tmp_path / "engine.db"


@pytest_asyncio.fixture(params=[True, False], ids=["thread", "inline"])
async def kept(request: pytest.FixtureRequest, file: Path) -> AsyncIterator[House]:
    """An engine over a file, with Ana in a room."""
    database = f"sqlite:///{file}"
    async with open_house(database=database, threaded=request.param) as opened:
        await opened.enter("ana", role="host")
        yield opened


async def ready(house: House) -> Answer:
    """Ask whether the engine is ready; an older answer is not repeated."""
    await house.clock.advance(2)
    return await house.ask("GET", "ready")


async def take(house: House, index: int) -> Answer:
    """Let Ana take a seat."""
    return await house.room_ask("POST", f"/seats/{index}/take", by="ana")


def remove(file: Path) -> None:
    """Move the database away."""
    file.rename(file.with_suffix(".away"))


def bring_back(file: Path) -> None:
    """Move the database back."""
    file.with_suffix(".away").rename(file)


def replace(file: Path) -> None:
    """Put a copy in its place, as a restored backup is."""
    copy = file.with_suffix(".copy")
    shutil.copy(file, copy)
    copy.rename(file)


def remove_log(file: Path) -> None:
    """Remove the log that SQLite writes first."""
    Path(f"{file}-wal").unlink()


def remove_folder(file: Path) -> None:
    """Move the folder away, as an unmounted volume is."""
    file.parent.rename(file.parent.with_suffix(".away"))


async def test_engine_is_ready(house: House, kept: House) -> None:
    """With database, writer and LiveKit at hand it says so to anybody."""
    for each in (house, kept):
        answer = await ready(each)

        assert (answer.status, answer.body) == (200, {"status": "ready"})


async def test_livekit_that_does_not_answer_is_named(house: House) -> None:
    """While LiveKit is away the engine is not ready, and is again when it is back."""
    async with house.sfu.outage():
        answer = await ready(house)

        assert (answer.status, answer.code) == (503, "unavailable")
        assert answer.body["details"] == {"not_ready": ["livekit"]}
        assert answer.headers["Retry-After"] == "1"
        assert (await house.ask("GET", "health")).status == 200
    assert (await ready(house)).status == 200


async def test_livekit_that_is_silent_is_not_waited_for(house: House) -> None:
    """A LiveKit that takes the question and says nothing is given two seconds."""
    house.sfu.delay = 3600
    asking = asyncio.ensure_future(house.ask("GET", "ready"))
    while not asking.done():
        await house.clock.advance(0.1)
    answer = await asking
    house.sfu.delay = 0

    assert answer.body["details"] == {"not_ready": ["livekit"]}


async def test_livekit_that_is_away_is_said_once(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says when LiveKit went, and why, and when it was back; no more."""
    caplog.set_level(logging.WARNING, logger="utd_stream")
    async with house.sfu.outage():
        for _ in range(5):
            await ready(house)
    for _ in range(5):
        await ready(house)

    assert caplog.messages == [
        "not ready: livekit: the media plane is down",
        "ready again: livekit",
    ]


async def test_probes_share_one_look(house: House) -> None:
    """However often it is asked, LiveKit is asked once in two seconds."""
    house.sfu.asked.clear()
    for _ in range(20):
        answers = await asyncio.gather(*[house.ask("GET", "ready") for _ in range(5)])
        assert {answer.status for answer in answers} == {200}
        await house.clock.advance(0.1)

    assert 1 <= len([each for each in house.sfu.asked if each[0] == "list_rooms"]) <= 2


async def test_writer_that_is_stuck_is_named(file: Path) -> None:
    """A writer that does not come back is given two seconds."""
    release = threading.Event()

    def wait(_: Connection) -> None:
        release.wait(30)

    async with open_house(database=f"sqlite:///{file}", threaded=True) as house:
        stuck = asyncio.ensure_future(house.services.writer.run(wait))
        asking = asyncio.ensure_future(house.ask("GET", "ready"))
        while not asking.done():
            await house.clock.advance(0.1)
        answer = await asking
        release.set()
        await stuck

    assert answer.body["details"] == {"not_ready": ["writer"]}


async def test_writer_that_cannot_write_is_named(kept: House) -> None:
    """A database that takes no more is not ready, though it can be read."""

    def forbid(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA query_only=1").close()
        connection.rollback()

    await kept.services.writer.run(forbid)
    answer = await ready(kept)

    assert answer.body["details"] == {"not_ready": ["writer"]}


lost = pytest.mark.parametrize("lose", [remove, replace, remove_log, remove_folder])


@lost
async def test_lost_database_is_not_written(
    kept: House, file: Path, lose: Callable[[Path], None]
) -> None:
    """No write is acknowledged into a file that nobody will find again."""
    assert (await take(kept, 1)).status == 200
    lose(file)
    refused = await take(kept, 2)
    told = await ready(kept)

    assert (refused.status, refused.code) == (503, "unavailable")
    assert told.body["details"] == {"not_ready": ["database"]}
    assert str(file) not in told.raw.decode() + refused.raw.decode()
    assert (await kept.ask("GET", "health")).status == 200


@lost
async def test_lost_database_is_said_once(
    kept: House,
    file: Path,
    lose: Callable[[Path], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Also where nobody asks it is noticed within seconds, in one line of log."""
    caplog.set_level(logging.WARNING, logger="utd_stream")
    lose(file)
    await kept.clock.advance(3)
    await asyncio.wait_for(kept.services.writer.run(lambda _: None), 10)
    found = [line for line in caplog.messages if GONE in line]
    assert len(found) == 1
    assert str(file) in found[0]

    for _ in range(3):
        await take(kept, 2)
        await ready(kept)

    said = [r.getMessage() for r in caplog.records if r.name.startswith("utd_stream")]
    assert said == found


async def test_database_that_is_back_is_written_again(kept: House, file: Path) -> None:
    """The same file in its place again, the engine goes on, with nothing between."""
    remove(file)
    assert (await take(kept, 2)).status == 503
    assert (await ready(kept)).status == 503
    bring_back(file)

    assert (await ready(kept)).status == 200
    room = await kept.room_ask("GET", "/seats", by="ana")
    assert {seat["occupant_identity"] for seat in room.body["seats"]} == {None}
    assert (await take(kept, 3)).status == 200


async def test_engine_that_starts_again_takes_what_is_there(file: Path) -> None:
    """After a restart the file in that place is the database, with all it holds."""
    async with open_house(database=f"sqlite:///{file}") as house:
        await house.enter("ana", role="host")
        replace(file)
        assert (await take(house, 1)).status == 503
    async with open_house(database=f"sqlite:///{file}") as house:
        assert (await ready(house)).status == 200
        assert (await house.mint("ana", role="host")).status == 200
        assert (await take(house, 1)).status == 200


async def test_refused_write_may_come_again_with_its_key(
    kept: House, file: Path
) -> None:
    """What was refused while the database was lost is done when it is back."""
    key = {"Idempotency-Key": "once"}
    remove(file)
    first = await kept.room_ask("POST", "/seats/1/take", by="ana", headers=key)
    bring_back(file)
    second = await kept.room_ask("POST", "/seats/1/take", by="ana", headers=key)

    assert (first.status, second.status) == (503, 200)
