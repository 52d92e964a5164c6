"""Roles that the owner of a room gives, and what whoever has one may do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.world import World
from utd_stream.errors import (
    InvalidArgumentError,
    NotFoundError,
    PermissionDeniedError,
)
from utd_stream.models import UTDRole


async def test_a_new_role_is_known_and_counts_at_once(world: World) -> None:
    """By the metadata that only the engine writes; the same again is quiet (L19)."""
    host = await world.join("host", as_host=True)
    guest = await world.join("guest")
    assert guest.role.value is UTDRole.AUDIENCE
    with pytest.raises(PermissionDeniedError):
        await guest.lock_seat(3)

    for _ in range(2):
        await host.set_role("guest", UTDRole.ADMIN)
    await guest.role.until(lambda role: role is UTDRole.ADMIN, 10)
    await guest.lock_seat(3)

    with pytest.raises(PermissionDeniedError):
        await guest.set_role("host", UTDRole.AUDIENCE)
    await host.set_role("guest", UTDRole.AUDIENCE)
    await guest.role.until(lambda role: role is UTDRole.AUDIENCE, 10)


async def test_a_role_outlasts_the_connection(world: World) -> None:
    """Whoever connects anew has it still (L18)."""
    host = await world.join("host", as_host=True)
    guest = await world.join("guest")
    await host.set_role("guest", UTDRole.ADMIN)
    await guest.role.until(lambda role: role is UTDRole.ADMIN, 10)

    await world.reconnect(guest)
    assert guest.role.value is UTDRole.ADMIN
    await guest.leave()
    await guest.rejoin()
    assert guest.role.value is UTDRole.ADMIN


async def test_who_is_about_to_enter_is_waited_for(world: World) -> None:
    """A role said soon before a join is given; to nobody it is refused (L19)."""
    host = await world.join("host", as_host=True)
    giving = asyncio.create_task(host.set_role("late", UTDRole.ADMIN))
    late = await world.join("late")
    await giving
    await late.role.until(lambda role: role is UTDRole.ADMIN, 10)

    with pytest.raises(NotFoundError):
        await host.set_role("nobody", UTDRole.ADMIN)


@pytest.mark.parametrize("role", ["admin", None, 3])
async def test_what_is_no_role_is_refused_by_name(world: World, role: Any) -> None:
    """Before anything is asked."""
    host = await world.join("host", as_host=True)
    with pytest.raises(InvalidArgumentError, match=r"role must be one of UTDRole\."):
        await host.set_role("host", role)
