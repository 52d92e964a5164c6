"""Two people who call each other, over an engine and the loopback plane."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.engine.house import OPEN, Answer, House, app_of, open_house
from tests.engine.manual_clock import ManualClock
from utd_stream.models.names import sfu_room_name

__all__ = ["BACK_END", "FOREIGN", "Callers", "callers", "pass_seconds"]

BACK_END = app_of(OPEN, secret=True)
FOREIGN = "call_" + "0" * 24


class Callers:
    """What people say about calls; the newest call is meant unless another is named.

    Args:
        house: The engine, and the plane.
    """

    def __init__(self, house: House) -> None:
        self.house = house
        self.call_id = FOREIGN

    async def dial(self, caller: str, callee: str, **asked: Any) -> Answer:
        """Call somebody."""
        wanted = {"callee_identity": callee, "type": "audio_call"} | asked
        by: Any = asked.pop("by", caller)
        wanted.pop("by", None)
        answer = await self.house.ask("POST", "api/v1/calls", by=by, json=wanted)
        if answer.status < 300:
            self.call_id = answer.body["call_id"]
        return answer

    async def say(self, who: Any, verb: str, call_id: str = "", **asked: Any) -> Answer:
        """Say something about a call."""
        headers = asked.pop("headers", None)
        path = f"api/v1/calls/{call_id or self.call_id}/{verb}"
        return await self.house.ask("POST", path, by=who, json=asked, headers=headers)

    async def row(self, who: Any, call_id: str = "") -> Answer:
        """Read a call."""
        path = f"api/v1/calls/{call_id or self.call_id}"
        return await self.house.ask("GET", path, by=who)

    async def calls(self, who: Any, query: str = "") -> Answer:
        """List calls."""
        return await self.house.ask("GET", f"api/v1/calls{query}", by=who)

    async def connect(self, answer: Answer) -> None:
        """Enter the media room with the token of *answer*."""
        await self.house.told()
        self.house.sfu.enter(answer.body["token"])
        await self.house.told()

    async def talk(self, caller: str = "ana", callee: str = "ben") -> str:
        """Let the two talk; return the call's id."""
        await self.connect(await self.dial(caller, callee, party_id="phone"))
        await self.connect(await self.say(callee, "accept", party_id="phone"))
        return self.call_id

    @property
    def sfu_room(self) -> str:
        """The SFU's name of the media room."""
        return sfu_room_name(OPEN.id, self.call_id)

    async def signals(self, identity: str) -> list[str]:
        """Return what the devices of *identity* are told, in order."""

        def read(connection: Any) -> list[str]:
            found = connection.exec_driver_sql(
                "SELECT event FROM signals WHERE identity = ? ORDER BY seq", (identity,)
            ).fetchall()
            connection.rollback()
            return [event for (event,) in found]

        return await self.house.services.writer.run(read)


@pytest_asyncio.fixture
async def callers() -> AsyncIterator[Callers]:
    """An engine whose clock a test steps."""
    async with open_house(clock=ManualClock()) as house:
        yield Callers(house)


async def pass_seconds(callers: Callers, seconds: float) -> None:
    """Let time pass, and all that is due then be done."""
    await callers.house.clock.advance(seconds)
    await callers.house.told()
