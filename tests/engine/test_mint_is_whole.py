"""A mint commits and answers, or does neither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.engine.house import OPEN, app_of, open_house
from tests.engine.manual_clock import ManualClock
from utd_stream.adapters.loopback import Loopback


class Mute(Loopback):
    """A plane whose tokens cannot be signed now."""

    signs = True

    def sign_token(self, claims: Mapping[str, Any]) -> str:
        """Sign, unless told not to."""
        if not self.signs:
            message = "Recursion limit reached"
            raise TypeError(message)
        return super().sign_token(claims)


@pytest.mark.parametrize("threaded", [False, True], ids=["inline", "thread"])
async def test_mint_that_cannot_be_answered_changes_nothing(
    threaded: bool,  # noqa: FBT001 -- a parameter
) -> None:
    """No life begins, no member is added, no connection is counted."""
    clock = ManualClock()
    sfu = Mute(clock)
    async with open_house(clock=clock, sfu=sfu, threaded=threaded) as house:
        sfu.signs = False
        refused = await house.mint("ana", role="host", host_seat=3)
        assert (refused.status, refused.code) == (503, "unavailable")
        rooms = await house.ask("GET", "api/v1/rooms", by=app_of(OPEN, secret=True))
        assert rooms.body["data"] == []

        sfu.signs = True
        first = await house.mint("bob", role="host")
        sfu.signs = False
        assert (await house.mint("bob")).status == 503
        sfu.signs = True
        again = await house.mint("bob")

        assert first.body["owner_identity"] == again.body["owner_identity"] == "bob"
        assert again.body["connection"] == first.body["connection"] + 1
        assert await house.members() == ["bob"]
