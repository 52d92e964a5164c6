"""How well people are connected, and what they may send."""

from __future__ import annotations

from tests.world import World
from utd_stream.models import Quality, TrackSource


async def test_the_quality_of_a_connection_is_told(world: World) -> None:
    """Of oneself and of whom one receives, every few seconds (T60)."""
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    assert host.connection_quality.value is Quality.UNKNOWN
    await speaker.take_seat(1)

    bad = {Quality.UNKNOWN, Quality.LOST}
    await host.connection_quality.until(lambda mine: mine not in bad, 30)
    known = await host.qualities.until(
        lambda all_: all_.get("speaker", Quality.UNKNOWN) not in bad, 30
    )
    assert set(known) == {"host", "speaker"}
    await speaker.leave()
    await host.qualities.until(lambda all_: "speaker" not in all_, 20)


async def test_what_may_be_published_follows_the_seat(world: World) -> None:
    """The microphone and nothing else, while seated and not muted."""
    host = await world.join("host", as_host=True)
    speaker = await world.join("speaker")
    assert speaker.publishable.value == frozenset()
    await speaker.take_seat(1)
    assert speaker.publishable.value == {TrackSource.MICROPHONE}
    assert speaker.can_publish.value

    await host.mute_participant("speaker")
    await speaker.publishable.until(lambda sources: not sources, 10)
    assert not speaker.can_publish.value
