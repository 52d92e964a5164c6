"""Which videos LiveKit's native client receives, and how sharp.

The client has no adaptive stream of its own.  A track that is refused as soon as it
is announced is never sent: its publisher pauses at once.  One that is refused later
goes on for the server's five seconds.

Two wishes within milliseconds lose the second one: the track goes and never comes
back.  So a wish waits until the one before it has had its effect.
"""

from __future__ import annotations

from livekit import rtc

from utd_stream.adapters._livekit_words import track_source
from utd_stream.adapters._readers import Readers
from utd_stream.models.media import VideoQuality
from utd_stream.models.participants import TrackSource

__all__ = ["Subscriptions"]

_QUALITIES = {
    VideoQuality.LOW: rtc.VideoQuality.VIDEO_QUALITY_LOW,
    VideoQuality.MEDIUM: rtc.VideoQuality.VIDEO_QUALITY_MEDIUM,
    VideoQuality.HIGH: rtc.VideoQuality.VIDEO_QUALITY_HIGH,
}


class Subscriptions:
    """The subscriptions to videos of one room.

    Args:
        room: LiveKit's own.
        is_adaptive: Whether what nobody reads is not received.

    Attributes:
        readers: Who reads what.
        receives: Whether every other track is received as it comes.
    """

    def __init__(self, room: rtc.Room, *, is_adaptive: bool) -> None:
        self._room = room
        self._is_adaptive = is_adaptive
        self.readers = Readers(self._look_at_source)
        self.receives = True
        # By the sid of a track: what was asked for last, where that is not to receive
        # it as sharp as it is sent.
        self._refused: set[str] = set()
        # Until they have come, or gone.
        self._under_way: set[str] = set()
        self._asked: dict[str, VideoQuality] = {}

    def wants(self, identity: str, publication: rtc.RemoteTrackPublication) -> bool:
        """Whether a track is to be received now."""
        is_video = publication.kind == rtc.TrackKind.KIND_VIDEO
        if not self.receives or not (is_video and self._is_adaptive):
            return self.receives
        source = track_source(publication.source)
        return self.readers.best(identity, source) is not None

    def look_at_all(self) -> None:
        """Look at every track, after a connect."""
        for identity, other in self._room.remote_participants.items():
            for publication in other.track_publications.values():
                self.look_at(identity, publication)

    def look_at(self, identity: str, publication: rtc.RemoteTrackPublication) -> None:
        """Ask for a track, or refuse it, as it is read."""
        if publication.kind != rtc.TrackKind.KIND_VIDEO or not self.receives:
            return
        sid, is_wanted = publication.sid, self.wants(identity, publication)
        if is_wanted is (sid in self._refused) and sid not in self._under_way:
            publication.set_subscribed(is_wanted)
            (self._refused.discard if is_wanted else self._refused.add)(sid)
            # One that is refused before it came may come all the same, and then stays.
            if is_wanted is (publication.track is None):
                self._under_way.add(sid)
        self._sharpen(identity, publication)

    def subscribed(
        self, identity: str, publication: rtc.RemoteTrackPublication
    ) -> None:
        """Ask anew how sharp a track is to be, and refuse what nobody reads by now.

        The server may remember how sharp it was to be before, or not.
        """
        was_asked = self._asked.pop(publication.sid, None) is not None
        self._sharpen(identity, publication, anew=was_asked)
        if publication.sid not in self._refused:
            self._under_way.discard(publication.sid)
            self.look_at(identity, publication)

    def unsubscribed(
        self, identity: str, publication: rtc.RemoteTrackPublication
    ) -> None:
        """Ask for a track again that somebody reads by now."""
        if publication.sid in self._refused:
            self._under_way.discard(publication.sid)
            self.look_at(identity, publication)

    def forget(self, publication: rtc.RemoteTrackPublication) -> None:
        """Forget a track that is there no more."""
        self._under_way.discard(publication.sid)
        self._refused.discard(publication.sid)
        self._asked.pop(publication.sid, None)

    def _sharpen(
        self,
        identity: str,
        publication: rtc.RemoteTrackPublication,
        *,
        anew: bool = False,
    ) -> None:
        best = self.readers.best(identity, track_source(publication.source))
        before = self._asked.get(publication.sid, VideoQuality.HIGH)
        if best is None or not (publication.simulcasted and publication.subscribed):
            return
        if anew or best is not before:
            publication.set_video_quality(_QUALITIES[best])
            self._asked[publication.sid] = best

    def _look_at_source(self, identity: str, source: TrackSource) -> None:
        other = self._room.remote_participants.get(identity)
        if other is None or not self._room.isconnected():
            return
        for publication in other.track_publications.values():
            if track_source(publication.source) is source:
                self.look_at(identity, publication)
