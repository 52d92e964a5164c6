"""The demo: a host, two speakers and a listener, from the first seat to the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from utd_stream.cli._demo_steps import Expectation, Heard, Kept, Seen, Step, Troupe
from utd_stream.client.audio_room import UTDAudioRoomSession
from utd_stream.models import SeatMode

__all__ = ["SCRIPT", "TONES_HZ"]

# Each of a chord, so that a microphone that reaches the wrong ear is noticed.
TONES_HZ: Mapping[str, int] = {"ana": 440, "ben": 554, "cleo": 659, "dan": 880}
_ALL = tuple(TONES_HZ)
_SEAT_COUNT = 4

_Act = Callable[[Troupe], Awaitable[object]]


def _does(
    who: str, act: Callable[[UTDAudioRoomSession], Awaitable[object]]
) -> tuple[str, _Act]:
    return who, lambda troupe: act(troupe[who])


def _step(
    who_acts: tuple[str, _Act],
    what: str,
    *then: Expectation | tuple[Expectation, ...],
    refused: str | None = None,
) -> Step[Troupe]:
    who, act = who_acts
    flat: list[Expectation] = []
    for each in then:
        flat += each if isinstance(each, tuple) else (each,)
    return Step(who=who, what=what, act=act, refused=refused, then=tuple(flat))


def _enters(who: str) -> tuple[str, _Act]:
    return who, lambda troupe: troupe.enter(who)


def _enters_as_host(who: str) -> tuple[str, _Act]:
    return who, lambda troupe: troupe.enter(
        who, as_host=True, seat_count=_SEAT_COUNT, seat_mode=SeatMode.FREE
    )


def _all_see(what: str, value: str) -> tuple[Expectation, ...]:
    return tuple(Seen(who, what, value) for who in _ALL)


def _speaks(who: str) -> tuple[Expectation, ...]:
    return Seen(who, "occupancy", "speaking"), Seen(who, "muted", "no")


def _listens(who: str) -> tuple[Expectation, ...]:
    return (
        Seen(who, "occupancy", "listening"),
        Seen(who, "can_publish", "no"),
        Seen(who, "seat", "none"),
    )


def _hears(who: str) -> Expectation:
    return Heard("dan", who, TONES_HZ[who])


def _dan_sees(remotes: str) -> Expectation:
    return Seen("dan", "remote_participants", remotes)


_ENTRANCES = (
    _step(
        _enters_as_host("ana"),
        "enters as host and opens four seats to everybody",
        Seen("ana", "connection_state", "connected"),
        Seen("ana", "role", "host"),
        Seen("ana", "seats", "free [ ] [ ] [ ] [ ]"),
        Seen("ana", "can_publish", "no"),
    ),
    *(
        _step(
            _enters(who),
            "enters",
            Seen(who, "connection_state", "connected"),
            Seen(who, "role", "audience"),
            Seen(who, "remote_participants", ", ".join(_ALL[:already])),
        )
        for already, who in enumerate(_ALL)
        if already
    ),
)

_FREE_SEATS = (
    _step(
        _does("ana", lambda ana: ana.take_seat(0)),
        "takes seat 0",
        _speaks("ana"),
        _all_see("seats", "free [ana] [ ] [ ] [ ]"),
        _hears("ana"),
    ),
    _step(
        _does("dan", lambda dan: dan.set_microphone(True)),
        "turns the microphone on without a seat",
        Kept("dan", "occupancy"),
        _dan_sees("ana (mic), ben, cleo"),
        refused="RefusedError forbidden",
    ),
    _step(
        _does("ben", lambda ben: ben.take_seat(1)),
        "takes seat 1",
        _speaks("ben"),
        _all_see("seats", "free [ana] [ben] [ ] [ ]"),
        _dan_sees("ana (mic), ben (mic), cleo"),
        _hears("ben"),
    ),
    _step(
        _does("cleo", lambda cleo: cleo.take_seat(1)),
        "takes the same seat",
        Kept("cleo", "seats"),
        _listens("cleo"),
        refused="ConflictError 409 seat_taken",
    ),
)

_REQUESTS = (
    _step(
        _does("ana", lambda ana: ana.setup_seats(seat_mode=SeatMode.REQUEST)),
        "gives seats on request only",
        _all_see("seats", "request [ana] [ben] [ ] [ ]"),
    ),
    _step(
        _does("cleo", lambda cleo: cleo.take_seat(2)),
        "takes seat 2 without asking",
        _listens("cleo"),
        refused="PermissionDeniedError 403 forbidden",
    ),
    _step(
        _does("cleo", lambda cleo: cleo.request_to_speak()),
        "requests to speak",
        _all_see("speaker_requests", "cleo"),
    ),
    _step(
        _does("ana", lambda ana: ana.approve_speaker(ana.speaker_requests.value[0].id)),
        "approves the request",
        _all_see("speaker_requests", "none"),
        _speaks("cleo"),
        _all_see("seats", "request [ana] [ben] [cleo] [ ]"),
        _dan_sees("ana (mic), ben (mic), cleo (mic)"),
        _hears("cleo"),
    ),
    _step(
        _does("cleo", lambda cleo: cleo.move_seat(3)),
        "moves to seat 3, and the microphone goes on",
        _all_see("seats", "request [ana] [ben] [ ] [cleo]"),
        Seen("cleo", "seat", "seat 3"),
        _hears("cleo"),
        Kept("cleo", "occupancy"),
        Kept("cleo", "muted"),
        Kept("dan", "remote_participants"),
    ),
)

_MUTES = (
    _step(
        _does("ana", lambda ana: ana.mute_seat(1)),
        "mutes seat 1",
        _all_see("seats", "request [ana] [ben muted] [ ] [cleo]"),
        Seen("ben", "occupancy", "silent"),
        Seen("ben", "can_publish", "no"),
        Seen("ben", "muted", "yes"),
        _dan_sees("ana (mic), ben, cleo (mic)"),
    ),
    _step(
        _does("ben", lambda ben: ben.set_microphone(True)),
        "turns the microphone on, and stays silent all the same",
        Kept("ben", "occupancy"),
        Kept("ben", "can_publish"),
        Kept("dan", "remote_participants"),
    ),
    _step(
        _does("ana", lambda ana: ana.unmute_seat(1)),
        "unmutes seat 1, and ben speaks again by himself",
        _all_see("seats", "request [ana] [ben] [ ] [cleo]"),
        _speaks("ben"),
        _dan_sees("ana (mic), ben (mic), cleo (mic)"),
        _hears("ben"),
    ),
    _step(
        _does("ben", lambda ben: ben.set_microphone(False)),
        "turns the microphone off; the track stays",
        Seen("ben", "muted", "yes"),
        _dan_sees("ana (mic), ben (mic muted), cleo (mic)"),
        Kept("ben", "occupancy"),
    ),
    _step(
        _does("ben", lambda ben: ben.set_microphone(True)),
        "turns it on again",
        Seen("ben", "muted", "no"),
        _dan_sees("ana (mic), ben (mic), cleo (mic)"),
        _hears("ben"),
    ),
)

_LOCKS = (
    _step(
        _does("ana", lambda ana: ana.lock_seat(1)),
        "locks seat 1; ben must stand up",
        _all_see("seats", "request [ana] [locked] [ ] [cleo]"),
        _listens("ben"),
        _dan_sees("ana (mic), ben, cleo (mic)"),
    ),
    _step(
        _does("ben", lambda ben: ben.take_seat(1)),
        "takes the locked seat",
        _listens("ben"),
        refused="ConflictError 409 seat_locked",
    ),
    _step(
        _does("ana", lambda ana: ana.invite_to_speak("ben", seat_index=2)),
        "invites ben to seat 2",
        _all_see("seats", "request [ana] [locked] [held for ben] [cleo]"),
        Seen("ben", "invitation", "seat 2"),
    ),
    _step(
        _does("ben", lambda ben: ben.accept_invitation()),
        "accepts",
        Seen("ben", "invitation", "none"),
        _all_see("seats", "request [ana] [locked] [ben] [cleo]"),
        _speaks("ben"),
        _dan_sees("ana (mic), ben (mic), cleo (mic)"),
        _hears("ben"),
    ),
    _step(
        _does("ana", lambda ana: ana.swap_seats(0, 3)),
        "changes places with cleo, and both speak on",
        _all_see("seats", "request [cleo] [locked] [ben] [ana]"),
        Seen("ana", "seat", "seat 3"),
        Seen("cleo", "seat", "seat 0"),
        Kept("ana", "occupancy"),
        Kept("cleo", "occupancy"),
        Kept("dan", "remote_participants"),
    ),
)

_KICKS = (
    _step(
        _does("cleo", lambda cleo: cleo.kick_from_seat(2)),
        "kicks ben from his seat, but is no host",
        Kept("ben", "occupancy"),
        Kept("ben", "seats"),
        refused="PermissionDeniedError 403 forbidden",
    ),
    _step(
        _does("ana", lambda ana: ana.kick_from_seat(0)),
        "kicks cleo from seat 0",
        _all_see("seats", "request [ ] [locked] [ben] [ana]"),
        _listens("cleo"),
        _dan_sees("ana (mic), ben (mic), cleo"),
    ),
    _step(
        _does("ana", lambda ana: ana.unlock_seat(1)),
        "unlocks seat 1",
        _all_see("seats", "request [ ] [ ] [ben] [ana]"),
        _hears("ana"),
        _hears("ben"),
    ),
    _step(
        _does("ana", lambda ana: ana.kick("cleo")),
        "kicks cleo out of the room",
        Seen("cleo", "connection_state", "disconnected"),
        _dan_sees("ana (mic), ben (mic)"),
    ),
    _step(
        _does("ana", lambda ana: ana.end_room()),
        "ends the room",
        _all_see("connection_state", "disconnected"),
        _all_see("seat", "none"),
        _all_see("occupancy", "listening"),
    ),
)

SCRIPT: tuple[Step[Troupe], ...] = (
    *_ENTRANCES,
    *_FREE_SEATS,
    *_REQUESTS,
    *_MUTES,
    *_LOCKS,
    *_KICKS,
)
