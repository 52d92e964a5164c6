"""What a room sends, what it believes, and what its token says."""

from __future__ import annotations

import asyncio

import pytest

from tests.client.people import Person
from tests.planes import (
    Plane,
    eventually,
)
from utd_stream.adapters.clock import AsyncioClock
from utd_stream.client._data import MAX_DATA_BYTES, is_system_message
from utd_stream.client.room import UTDRoom
from utd_stream.errors import (
    InvalidArgumentError,
    RefusedError,
)
from utd_stream.media import Silence
from utd_stream.models import Permission, TrackSource
from utd_stream.models.room_events import (
    DataReceived,
)


async def test_data_over_the_limit_is_refused(ana: Person, ben: Person) -> None:
    """60,000 bytes go; one more is an argument error, whatever the SFU does (T40)."""
    await ana.enter("ana")
    await ben.enter("ben")
    await ben.sees_remote("ana")
    await ana.room.send_data(bytes(MAX_DATA_BYTES))
    with pytest.raises(InvalidArgumentError, match="60001"):
        await ana.room.send_data(bytes(MAX_DATA_BYTES + 1))

    assert len((await ben.hears(DataReceived)).data) == MAX_DATA_BYTES


async def test_data_arrives_in_the_order_it_was_sent(ana: Person, ben: Person) -> None:
    """Messages sent at once arrive one after the other."""
    await ana.enter("ana")
    await ben.enter("ben")
    await ben.sees_remote("ana")
    sent = [b"%d" % number for number in range(50)]
    await asyncio.gather(*(ana.room.send_data(each) for each in sent))
    await eventually(lambda: len(ben.of(DataReceived)) == 50)

    assert [each.data for each in ben.of(DataReceived)] == sent


async def test_data_without_the_right_is_refused(ana: Person) -> None:
    """Whoever may not send data is told so; the SFU would say nothing."""
    await ana.enter("ana", permission=Permission(can_publish_data=False))
    with pytest.raises(RefusedError) as refused:
        await ana.room.send_data(b"x")

    assert refused.value.is_forbidden


@pytest.mark.parametrize("receivers", [[], (), "ben"], ids=["list", "tuple", "text"])
async def test_nobody_is_not_everybody(ana: Person, receivers: list[str]) -> None:
    """An empty list of receivers is refused: the SFU would tell everybody."""
    await ana.enter("ana")
    with pytest.raises(InvalidArgumentError, match="None for all"):
        await ana.room.send_data(b"x", destination_identities=receivers)


FORGED = [
    b'{"type": "_banned"}',
    b' \n{"type":"_x","reason":1}',
    b'{"type": "\\u005fbanned"}',
    b'{"\\u0074ype": "_banned"}',
    b'{"type": "_banned", "type": "chat"}',
    '{"type": "_banned"}'.encode("utf-16"),
    '{"type": "_banned"}'.encode("utf-16-be"),
    b"\xef\xbb\xbf" + b'{"type": "_banned"}',
]
HARMLESS = [
    b"",
    b"{",
    b'{"type": "chat", "text": "_banned"}',
    b'{"inner": {"type": "_banned"}}',
    b'["_banned"]',
    b'{"type": 1, "_": 2}',
    b'{"_":' + b"[" * 20_000,
    b"\xff\x00_binary",
]


@pytest.mark.parametrize("data", FORGED)
def test_messages_that_pose_as_the_engines_are_known(data: bytes) -> None:
    """However it is spelled, a reserved type is one (L37)."""
    assert is_system_message(data)


@pytest.mark.parametrize("data", HARMLESS)
def test_other_messages_are_left_alone(data: bytes) -> None:
    """What no reader takes for the engine's is the app's own affair (L37)."""
    assert not is_system_message(data)


async def test_nobody_poses_as_the_engine(
    ana: Person, ben: Person, plane: Plane
) -> None:
    """A reserved type is neither sent nor, with a sender, delivered (L37, T43)."""
    await ana.enter("ana")
    await ben.enter("ben")
    await ben.room.publish(
        TrackSource.MICROPHONE, Silence()
    )  # who speaks is announced at once
    await ana.sees_remote("ben")
    posing = ben.room._connection
    assert posing is not None
    for data in FORGED:
        with pytest.raises(InvalidArgumentError, match="reserved"):
            await ben.room.send_data(data)
        await posing.media.send_data(data, reliable=True, to=[], topic="")
    await plane.sfu.send_data(plane.room(), FORGED[0], to=[])
    await ben.room.send_data(b"end")
    await eventually(lambda: b"end" in {each.data for each in ana.of(DataReceived)})
    await eventually(lambda: len(ana.of(DataReceived)) == 2)

    told = {(each.data, each.identity) for each in ana.of(DataReceived)}
    assert told == {(FORGED[0], None), (b"end", "ben")}
    assert [e for _, e in ana.watched if isinstance(e, DataReceived)] == ana.of(
        DataReceived
    )


@pytest.mark.parametrize(
    ("metadata", "entitled"),
    [
        ("", True),
        ("{}", True),
        ("not json", True),
        ("[]", True),
        ('{"videoEffects": null}', True),
        ('{"videoEffects": true}', True),
        ('{"videoEffects": false}', False),
    ],
)
async def test_video_effects_are_there_unless_denied(
    ana: Person, plane: Plane, metadata: str, *, entitled: bool
) -> None:
    """Only an explicit no in the signed metadata takes them away (L33, L35)."""
    claims = plane.claims("ana") | {"metadata": metadata}
    await ana.room.connect(plane.url, plane.sfu.sign_token(claims))

    assert ana.room.video_effects_entitled is entitled


def test_video_effects_before_entering(plane: Plane) -> None:
    """As long as nothing is known nothing is denied."""
    assert UTDRoom(media=plane.media, clock=AsyncioClock()).video_effects_entitled
