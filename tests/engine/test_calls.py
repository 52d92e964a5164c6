"""Calls by REST: who rings, who is busy, who missed what."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.calling import BACK_END, FOREIGN, Callers, callers, pass_seconds
from tests.engine.house import SHUT, app_of, open_house
from tests.engine.manual_clock import ManualClock
from utd_stream.models.participants import TrackSource

__all__ = ["callers"]

DAY = 86_400.0  # seconds


async def status(callers: Callers, call_id: str = "") -> tuple[str, str | None]:
    """Return where a call stands, and why it is over."""
    row = (await callers.row(BACK_END, call_id)).body
    return row["status"], row.get("end_reason")


async def reconciled(callers: Callers) -> None:
    """Let the engine look at the SFU."""
    await callers.house.reconcile()


# Ringing and answering.


async def test_a_call_rings_is_answered_and_ended(callers: Callers) -> None:
    """The row tells both parties each step, with its time and its revision."""
    dialed = await callers.dial(
        "ana", "ben", caller_name="Ana", metadata={"topic": "tea"}, party_id="phone"
    )
    assert dialed.status == 201
    assert dialed.body["status"] == "initiating"
    assert dialed.body["metadata"] == {"topic": "tea"}
    assert dialed.body["room_name"] == dialed.body["call_id"] == callers.call_id
    assert dialed.body["token"]
    assert dialed.body["url"]
    await callers.connect(dialed)
    await pass_seconds(callers, 2)

    rung = await callers.say("ben", "ringing")
    await pass_seconds(callers, 3)
    accepted = await callers.say("ben", "accept", party_id="phone")
    await callers.connect(accepted)
    await pass_seconds(callers, 60)
    ended = await callers.say("ana", "end")

    assert [a.status for a in (rung, accepted, ended)] == [200, 200, 200]
    assert [a.body["rev"] for a in (dialed, rung, accepted, ended)] == [1, 2, 3, 4]
    assert "token" not in rung.body
    row = (await callers.row("ben")).body
    assert row == ended.body
    assert (row["status"], row["end_reason"]) == ("ended", "caller_hangup")
    assert row["ended_by"] == "ana"
    assert (row["ring_duration_seconds"], row["duration_seconds"]) == (3, 60)
    assert await callers.signals("ana") == [
        "call_ringing",
        "call_accepted",
        "call_ended",
    ]
    assert await callers.signals("ben") == [
        "call_incoming",
        "call_ringing",
        "call_accepted",
        "call_ended",
    ]


async def test_nobody_answers(callers: Callers) -> None:
    """The ring ends by the engine's clock, once, also where nothing rang (L52)."""
    await callers.connect(await callers.dial("ana", "ben"))

    await pass_seconds(callers, 29)
    assert await status(callers) == ("initiating", None)
    await pass_seconds(callers, 2)

    assert await status(callers) == ("missed", "no_answer")
    assert (await callers.signals("ana"))[-1] == "call_missed"


async def test_the_ring_ends_no_answered_call(callers: Callers) -> None:
    """The ring's deadline passes an active call by (L54)."""
    await callers.talk()

    await pass_seconds(callers, 100)

    assert await status(callers) == ("active", None)


async def test_a_call_ends_at_its_longest_duration(callers: Callers) -> None:
    """An hour by default, from the answer."""
    await callers.talk()

    await pass_seconds(callers, 3_590)
    assert await status(callers) == ("active", None)
    await pass_seconds(callers, 20)

    assert await status(callers) == ("ended", "max_duration")


@pytest.mark.parametrize(
    ("who", "verb", "outcome"),
    [
        ("ben", "reject", ("rejected", "rejected")),
        ("ben", "busy", ("busy", "busy")),
        ("ana", "end", ("ended", "cancelled")),
        ("ben", "end", ("ended", "declined")),
    ],
)
async def test_an_unanswered_call_ends_by_a_party(
    callers: Callers, who: str, verb: str, outcome: tuple[str, str]
) -> None:
    """Each end has its reason; the same again is quiet, another is too late (L31)."""
    await callers.dial("ana", "ben")

    first = await callers.say(who, verb)
    again = await callers.say(who, verb)
    late = await callers.say("ben", "accept")

    assert await status(callers) == outcome
    assert (first.status, again.status) == (200, 200)
    assert first.body == again.body
    assert (late.status, late.code) == (409, "invalid_transition")
    assert late.body["details"] == {
        "call_id": callers.call_id,
        "status": outcome[0],
        "end_reason": outcome[1],
        "rev": first.body["rev"],
    }
    assert (await callers.signals("ben")).count(f"call_{outcome[0]}") == 1


async def test_the_back_end_ends_any_call(callers: Callers) -> None:
    """On nobody's behalf."""
    await callers.talk()

    answer = await callers.say(BACK_END, "end")

    assert answer.body["end_reason"] == "ended_by_app"
    assert answer.body.get("ended_by") is None


async def test_a_lost_client_says_so(callers: Callers) -> None:
    """A hang-up for a lost connection has that reason."""
    await callers.talk()

    answer = await callers.say("ben", "end", reason="connection_lost")

    assert (answer.body["end_reason"], answer.body["ended_by"]) == (
        "connection_lost",
        "ben",
    )


# Devices.


async def test_one_device_answers(callers: Callers) -> None:
    """The first wins; it may repeat itself, the other hears where (L42, L44)."""
    await callers.dial("ana", "ben")

    phone = await callers.say("ben", "accept", party_id="phone")
    laptop = await callers.say("ben", "accept", party_id="laptop")
    again = await callers.say("ben", "accept", party_id="phone")

    assert (phone.status, again.status) == (200, 200)
    assert again.body["token"]
    assert again.body["rev"] == phone.body["rev"]
    assert (laptop.status, laptop.code) == (409, "answered_elsewhere")


async def test_later_calls_work_after_a_race(callers: Callers) -> None:
    """The device that lost the race answers the next call (L44)."""
    await callers.dial("ana", "ben")
    await callers.say("ben", "accept", party_id="phone")
    await callers.say("ben", "accept", party_id="laptop")
    await callers.say("ben", "end")

    await callers.dial("ana", "ben")

    assert (await callers.say("ben", "accept", party_id="laptop")).status == 200


# Busy and glare.


@pytest.mark.parametrize("state", ["initiating", "ringing", "active"])
async def test_one_person_has_one_call(callers: Callers, state: str) -> None:
    """Whatever it is, on either side, on all devices (L47)."""
    await callers.dial("ana", "ben")
    if state != "initiating":
        await callers.say("ben", "ringing")
    if state == "active":
        await callers.say("ben", "accept")
    call_id = callers.call_id

    to_busy = await callers.dial("cid", "ana")
    to_callee = await callers.dial("cid", "ben")
    from_busy = await callers.dial("ben", "cid")

    for answer in (to_busy, to_callee):
        assert (answer.status, answer.code) == (409, "callee_busy")
        assert "details" not in answer.body  # whose call it is is nobody's business
    assert (from_busy.status, from_busy.code) == (409, "caller_busy")
    assert from_busy.body["details"] == {"call_id": call_id, "status": state}
    assert (await callers.calls("cid")).body["data"] == []


@pytest.mark.parametrize("verb", ["reject", "busy", "end"])
async def test_nobody_is_busy_afterwards(callers: Callers, verb: str) -> None:
    """Both may call and be called at once when it is over."""
    await callers.dial("ana", "ben")
    await callers.say("ben", verb)

    assert (await callers.dial("ben", "cid")).status == 201
    assert (await callers.dial("dan", "ana")).status == 201


async def test_a_crash_leaves_nobody_busy(callers: Callers) -> None:
    """A caller who never joins is lost after the grace, and free (L48)."""
    await callers.dial("ana", "ben")
    await pass_seconds(callers, 16)
    await reconciled(callers)

    assert await status(callers) == ("ended", "connection_lost")
    assert (await callers.dial("cid", "ana")).status == 201


async def test_glare_leaves_one_call(callers: Callers) -> None:
    """Who calls the one who is calling them answers: one call, media both ways."""
    first = await callers.dial("ana", "ben", type="audio_call", party_id="phone")
    await callers.connect(first)

    second = await callers.dial("ben", "ana", type="video_call", party_id="laptop")

    assert second.status == 200
    assert second.body["call_id"] == first.body["call_id"]
    assert (second.body["status"], second.body["type"]) == ("active", "audio_call")
    await callers.connect(second)
    for who in ("ana", "ben"):
        found = callers.house.sfu.participant(callers.sfu_room, who)
        assert found is not None
        assert found.permission is not None
        assert found.permission.can_publish
        # The first call's type holds: no camera unasked (L46).
        assert found.permission.can_publish_sources == (TrackSource.MICROPHONE,)
    assert (await callers.say("ben", "accept", party_id="laptop")).status == 200


async def test_an_answered_call_does_not_glare(callers: Callers) -> None:
    """Afterwards a call to the other is one too many."""
    await callers.talk()

    assert (await callers.dial("ben", "ana")).code == "caller_busy"


async def test_what_is_overdue_holds_nobody_up(callers: Callers) -> None:
    """A ring that is over is missed before the next command is decided."""
    await callers.dial("ana", "ben")
    first = callers.call_id
    # The clock moves, and no timer of the engine has run.
    callers.house.clock.skew += 31

    late = await callers.say("ben", "accept")
    dialed = await callers.dial("cid", "ben")

    assert (late.status, late.code) == (409, "invalid_transition")
    assert late.body["details"]["status"] == "missed"
    assert dialed.status == 201
    assert await status(callers, first) == ("missed", "no_answer")


async def test_a_ring_that_is_over_does_not_glare(callers: Callers) -> None:
    """Who calls back after it calls anew."""
    await callers.dial("ana", "ben")
    first = callers.call_id
    callers.house.clock.skew += 31

    back = await callers.dial("ben", "ana")

    assert back.status == 201
    assert back.body["call_id"] != first


# Media.


async def test_media_are_for_the_two_alone(callers: Callers) -> None:
    """The callee once answered; others, and other devices, learn nothing (L53)."""
    await callers.dial("ana", "ben", party_id="phone")

    early = await token(callers, "ben", party_id="phone")
    third = await token(callers, "cid")
    other = await token(callers, "ana", party_id="laptop")
    again = await token(callers, "ana", party_id="phone")
    await callers.say("ben", "accept", party_id="phone")
    joined = await token(callers, "ben", party_id="phone", resume=True)
    elsewhere = await token(callers, "ben", party_id="laptop")
    await callers.say("ana", "end")
    after = await token(callers, "ana", party_id="phone")

    assert (early.status, early.code) == (409, "invalid_transition")
    assert (third.status, third.code) == (404, "not_found")
    assert (other.status, other.code) == (409, "answered_elsewhere")
    assert (again.status, joined.status) == (200, 200)
    assert (elsewhere.status, elsewhere.code) == (409, "answered_elsewhere")
    assert (after.status, after.code) == (404, "not_found")


async def token(callers: Callers, who: str, **asked: Any) -> Any:
    """Ask for a token into the media room."""
    wanted = {"type": "audio_call", "room_name": callers.call_id, "identity": who}
    return await callers.house.ask("POST", "api/v1/token", by=who, json=wanted | asked)


async def test_the_media_room_takes_two(callers: Callers) -> None:
    """Its room at the SFU is made with the call, for two, and goes with it."""
    dialed = await callers.dial("ana", "ben")
    await callers.house.told()
    rooms = await callers.house.sfu.list_rooms()
    assert [room.name for room in rooms] == [callers.sfu_room]
    await callers.connect(dialed)
    await callers.connect(await callers.say("ben", "accept"))

    await callers.say("ben", "end")
    await callers.house.told()

    assert list(await callers.house.sfu.list_rooms()) == []


@pytest.mark.parametrize("who", ["ana", "ben"])
async def test_who_is_removed_ends_the_call(callers: Callers, who: str) -> None:
    """The SFU's removal of a party is a loss at once."""
    await callers.talk()

    await callers.house.sfu.remove_participant(callers.sfu_room, who)
    await callers.house.told()

    assert await status(callers) == ("ended", "connection_lost")
    assert (await callers.row(BACK_END)).body["ended_by"] == who


async def test_who_comes_back_in_time_goes_on(callers: Callers) -> None:
    """An absence shorter than the grace ends nothing."""
    await callers.connect(await callers.dial("ana", "ben"))
    accepted = await callers.say("ben", "accept")
    await callers.connect(accepted)
    callers.house.sfu.leave(callers.sfu_room, "ben")
    await callers.house.told()
    await pass_seconds(callers, 1)

    await callers.connect(accepted)
    await pass_seconds(callers, 60)
    await reconciled(callers)

    assert await status(callers) == ("active", None)


async def test_who_answers_and_never_joins_is_lost(callers: Callers) -> None:
    """The callee's grace counts from the answer."""
    await callers.connect(await callers.dial("ana", "ben"))
    await pass_seconds(callers, 20)
    await callers.say("ben", "accept")

    await pass_seconds(callers, 14)
    await reconciled(callers)
    assert await status(callers) == ("active", None)
    await pass_seconds(callers, 2)
    await reconciled(callers)

    assert await status(callers) == ("ended", "connection_lost")
    assert (await callers.row(BACK_END)).body["ended_by"] == "ben"


# Who may.


@pytest.mark.parametrize("verb", ["ringing", "accept", "reject", "busy", "end"])
async def test_a_third_person_learns_nothing(callers: Callers, verb: str) -> None:
    """A call of others is 404, as one that never was."""
    await callers.dial("ana", "ben")

    there = await callers.say("cid", verb)
    nowhere = await callers.say("cid", verb, FOREIGN)
    row = await callers.row("cid")

    assert (there.status, nowhere.status, row.status) == (404, 404, 404)
    assert there.body["message"] == nowhere.body["message"] == row.body["message"]


@pytest.mark.parametrize("verb", ["ringing", "accept", "reject", "busy"])
async def test_a_caller_does_not_answer(callers: Callers, verb: str) -> None:
    """What the callee says is 404 for the caller."""
    await callers.dial("ana", "ben")

    assert (await callers.say("ana", verb)).status == 404


async def test_the_back_end_speaks_for_somebody(callers: Callers) -> None:
    """The secret calls and answers for the identity that it names."""
    dialed = await callers.dial("", "ben", by=BACK_END, identity="ana")

    assert dialed.body["caller_identity"] == "ana"
    assert (await callers.say(BACK_END, "accept")).status == 422
    assert (await callers.say(BACK_END, "accept", identity="ben")).status == 200


async def test_calls_of_another_app_are_not_there(callers: Callers) -> None:
    """Neither by their id nor in the list."""
    await callers.dial("ana", "ben")
    other = app_of(SHUT, secret=True)

    assert (await callers.row(other)).status == 404
    assert (await callers.calls(other)).body["data"] == []
    assert (await callers.say(other, "end")).status == 404


# Bad input.


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"callee_identity": "ana"}, "$.callee_identity"),
        ({"callee_identity": ""}, "$.callee_identity"),
        ({"callee_identity": "b" * 257}, "$.callee_identity"),
        ({"type": "audio_room"}, "$.type"),
        ({"type": "phone"}, "$.type"),
        ({"metadata": {"a": "x" * 4_097}}, "$.metadata"),
        ({"metadata": []}, "$.metadata"),
        ({"party_id": "p" * 257}, "$.party_id"),
        ({"called": "ben"}, "$.called"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_wrong_call_is_refused_with_its_path(
    callers: Callers, asked: dict[str, Any], path: str
) -> None:
    """422, and nobody is called."""
    answer = await callers.dial("ana", "ben", **asked)

    assert (answer.status, answer.paths) == (422, [path])
    assert (await callers.calls(BACK_END)).body["data"] == []


@pytest.mark.parametrize(
    "call_id", ["call_", "call_" + "0" * 23, "call_" + "G" * 24, "lounge"]
)
async def test_a_malformed_id_is_refused(callers: Callers, call_id: str) -> None:
    """422 with the path, before anything is looked at."""
    for answer in (
        await callers.row("ana", call_id),
        await callers.say("ana", "end", call_id),
    ):
        assert (answer.status, answer.paths) == (422, ["$.call_id"])


async def test_a_call_is_no_room(callers: Callers) -> None:
    """Rooms' paths refuse the id of a call, and calls begin by no token."""
    await callers.talk()
    for path in ("", "/leave", "/seats"):
        method = "POST" if path == "/leave" else "GET"
        url = f"api/v1/rooms/{callers.call_id}{path}"
        assert (await callers.house.ask(method, url, by="ana")).status == 422
    wanted = {"type": "audio_room", "room_name": callers.call_id, "identity": "ana"}
    minted = await callers.house.ask("POST", "api/v1/token", by="ana", json=wanted)

    assert (minted.status, minted.paths) == (422, ["$.room_name"])


# Repeating.


async def test_a_repeated_call_is_the_same_call(callers: Callers) -> None:
    """The same key gets the same row, with a fresh token while it goes on (L38)."""
    headers = {"Idempotency-Key": "k1"}
    wanted = {"callee_identity": "ben", "type": "audio_call"}

    async def ask() -> Any:
        return await callers.house.ask(
            "POST", "api/v1/calls", by="ana", json=wanted, headers=headers
        )

    first = await ask()
    await callers.house.clock.advance(2)
    again = await ask()
    callers.call_id = first.body["call_id"]
    await callers.say("ana", "end")
    after = await ask()

    assert (first.status, again.status, after.status) == (201, 201, 201)
    for answer in (again, after):
        assert answer.body["call_id"] == first.body["call_id"]
        assert answer.body["status"] == "initiating"
    assert again.body["token"] not in {first.body["token"], None}
    assert "token" not in after.body


async def test_a_restart_keeps_the_deadline(tmp_path: Any) -> None:
    """A call that rings while the engine is killed is missed in time, once."""
    database = f"sqlite:///{tmp_path / 'calls.db'}"
    clock = ManualClock()
    async with open_house(database=database, clock=clock) as house:
        callers = Callers(house)
        await callers.dial("ana", "ben")
        call_id = callers.call_id
    async with open_house(database=database, clock=clock) as house:
        callers = Callers(house)
        callers.call_id = call_id
        await pass_seconds(callers, 31)

        assert (await status(callers))[0] == "missed"
        assert (await callers.signals("ben")).count("call_missed") == 1
        assert (await callers.dial("ben", "ana")).status == 201


async def test_a_clock_set_back_lengthens_no_ring(callers: Callers) -> None:
    """A ring of the future ends its whole time from now at the latest."""
    callers.house.clock.skew += DAY
    await callers.connect(await callers.dial("ana", "ben"))
    callers.house.clock.skew -= DAY

    await pass_seconds(callers, 31)
    await reconciled(callers)
    await pass_seconds(callers, 31)

    assert (await status(callers))[0] == "missed"


@pytest.mark.parametrize(
    ("old", "kind"), [("voice", "audio_call"), ("video", "video_call")]
)
async def test_old_spellings_of_types_are_read(
    callers: Callers, old: str, kind: str
) -> None:
    """A call of the Flutter SDK's older servers is a call of today's type."""
    created = await callers.dial("ana", "ben", type=old)

    assert (created.status, created.body["type"]) == (201, kind)
