"""Members of one role, and keys of the app, by REST."""

from __future__ import annotations

import pytest

from tests.engine.house import OPEN, ROOM, House, app_of


@pytest.mark.parametrize("path", ["/participants", "/participants/by-role"])
async def test_members_are_listed_by_role(house: House, path: str) -> None:
    """Those of the role alone, with their own total; all without a role."""
    await house.enter("hal", role="host")
    for guest in ("ana", "ben", "cho"):
        await house.enter(guest)
    for guest in ("ben", "cho"):
        gave = await house.room_ask(
            "PUT", f"/participants/{guest}/role", by="hal", json={"role": "admin"}
        )
        assert (gave.status, gave.body) == (200, {})

    async def listed(query: str) -> tuple[list[str], int]:
        answer = await house.room_ask("GET", f"{path}?{query}", by="ana")
        assert answer.status == 200
        names = [each["identity"] for each in answer.body["data"]]
        return names, answer.body["pagination"]["total"]

    assert await listed("role=admin") == (["ben", "cho"], 2)
    assert await listed("role=admin&per_page=1&page=2") == (["cho"], 2)
    assert await listed("role=host") == (["hal"], 1)
    assert await listed("role=audience") == (["ana"], 1)
    assert await listed("role=guest") == ([], 0)
    assert await listed("") == (["ana", "ben", "cho", "hal"], 4)
    unknown = await house.room_ask("GET", f"{path}?role=king", by="ana")
    assert unknown.status == 422
    assert [each["path"] for each in unknown.body["details"]["errors"]] == ["$.role"]


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ({"_seats": 1}, "the engine's own"),
        ({"a": "x" * 4_096}, "at most 4096 bytes"),
    ],
)
async def test_keys_of_the_engine_are_refused(
    house: House, metadata: dict[str, object], problem: str
) -> None:
    """With the path, as is an object that is too large."""
    await house.enter("hal", role="host")
    answer = await house.ask(
        "PUT",
        f"api/v1/rooms/{ROOM}/metadata",
        by=app_of(OPEN, secret=True),
        json={"metadata": metadata},
    )
    assert answer.status == 422
    (found,) = answer.body["details"]["errors"]
    assert found["path"] == "$.metadata"
    assert problem in found["message"]
