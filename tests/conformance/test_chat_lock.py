"""The lock of a room's chat is state that everybody finds."""

from __future__ import annotations

import pytest

from tests.world import World
from utd_stream.errors import PermissionDeniedError


async def test_a_lock_is_known_to_all_and_hinders_nobody(world: World) -> None:
    """Late joiners too (L64); they enter, sit and are heard (L65)."""
    host = await world.join("host", as_host=True)
    guest = await world.join("guest")
    with pytest.raises(PermissionDeniedError):
        await guest.lock_chat()

    for _ in range(2):
        await host.lock_chat()
    await guest.chat_locked.until(bool, 10)
    late = await world.join("late")
    await late.chat_locked.until(bool, 10)
    await late.take_seat(1)
    await world.reconnect(guest)
    assert guest.chat_locked.value

    await host.unlock_chat()
    for session in (host, guest, late):
        await session.chat_locked.until(lambda locked: not locked, 10)
