"""A long list is gone through in pieces."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from utd_stream.adapters._pieces import PIECE, mapped


async def test_long_list_lets_others_have_their_turn() -> None:
    """Whoever waits for the loop is held up by one piece at most, and all is done."""
    done: list[int] = []
    seen: list[int] = []

    async def look() -> None:
        while True:
            seen.append(len(done))
            await asyncio.sleep(0)

    def convert(number: int) -> str:
        done.append(number)
        return str(number)

    looking = asyncio.create_task(look())
    numbers = range(10 * PIECE + 1)
    converted = await mapped(convert, numbers)
    await asyncio.sleep(0)
    looking.cancel()

    assert converted == tuple(map(str, numbers))
    assert max(after - before for before, after in pairwise([0, *seen])) == PIECE
