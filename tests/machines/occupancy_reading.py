"""The table of my own seat, as a person reads it; `test_occupancy` compares.

Operation 3 is the one under way or last ended, and publication 2.  Where the
data are not told, a take waits in taking, granting and publishing, the right
is there while the microphone is up, and sound is wanted.
"""

from __future__ import annotations

from tests.machines.laws import Vocabulary
from tests.machines.reading import SAME, Changes, on
from utd_stream.machines.occupancy import (
    ArmTakeTimeout,
    AskFailed,
    AskLeave,
    AskSeat,
    Cancelled,
    ConnectionEnded,
    ConnectionReplaced,
    GiveBack,
    GiveBackFailed,
    LeaveSeat,
    MicrophoneOff,
    MicrophoneOn,
    MuteTrack,
    OccupancyData,
    OccupancyEffect,
    OccupancyEvent,
    Published,
    PublishFailed,
    PublishMicrophone,
    Refused,
    RightGranted,
    RightRevoked,
    SeatConfirmed,
    SeatFreed,
    SeatLost,
    SeatMoved,
    SeatMuted,
    TakeSeat,
    TakeTimedOut,
    UnmuteTrack,
    UnpublishMicrophone,
)
from utd_stream.models.rooms import SeatOccupancy

LISTENING, TAKING, GRANTING, PUBLISHING, SPEAKING, SILENT, LEAVING = SeatOccupancy
SEATED = (GRANTING, PUBLISHING, SPEAKING, SILENT)
UP = (PUBLISHING, SPEAKING)

VOCABULARY = Vocabulary(
    events=OccupancyEvent,
    effects=OccupancyEffect,
    commands=frozenset({TakeSeat, LeaveSeat, MicrophoneOn, MicrophoneOff}),
)

STANDS = {
    LISTENING: OccupancyData(op=3, publication=2),
    TAKING: OccupancyData(op=3, publication=2, waits=True),
    GRANTING: OccupancyData(op=3, publication=2, waits=True),
    PUBLISHING: OccupancyData(op=3, publication=2, right=True, waits=True),
    SPEAKING: OccupancyData(op=3, publication=2, right=True),
    SILENT: OccupancyData(op=3, publication=2),
    LEAVING: OccupancyData(op=3, publication=2),
}

# What was, where it is not as above.
OFF: Changes = {"wanted": False}
RIGHT: Changes = {"right": True}
NO_RIGHT: Changes = {"right": False}
NOBODY: Changes = {"waits": False}
WAITING: Changes = {"waits": True}

# What becomes of it.
SETTLED: Changes = {"waits": False}
NEXT: Changes = {"op": 4, "waits": False}
STOPPED: Changes = {**NEXT, "publication": 3}
AGAIN: Changes = {"op": 4, "waits": True}
ENDED: Changes = {**STOPPED, "right": False}
STARTED: Changes = {"publication": 3, "right": True}

GIVE_BACK, ASK_LEAVE = GiveBack(4), AskLeave(4)
PUBLISH, UNPUBLISH = PublishMicrophone(3), UnpublishMicrophone()
ARM = ArmTakeTimeout(4)

MINE = TakeSeat(5, is_mine=True)
MINE_MUTED = TakeSeat(5, is_mine=True, speaks=False)

_TAKE = (
    on(
        *(LISTENING, TakeSeat(5, 6), TAKING, AskSeat(4, 5, 6), ArmTakeTimeout(4)),
        op=4,
        waits=True,
    ),
    on((TAKING, LEAVING), TakeSeat(5), "pending"),
    on(SEATED, TakeSeat(5), "already_seated"),
    on(SEATED, TakeSeat(5), "already_seated", given=NOBODY),
    on(SEATED, TakeSeat(5), "already_seated", given=OFF),
    on(SEATED, TakeSeat(5, speaks=False), "already_seated"),
    on((TAKING, LEAVING), MINE, "pending"),
    # My own seat is not asked for: only what is missing is waited for.
    on((GRANTING, PUBLISHING), MINE, "pending", given=WAITING),
    on((GRANTING, PUBLISHING), MINE, SAME, ARM, given=NOBODY, **AGAIN),
    on(SPEAKING, MINE),
    on(SPEAKING, MINE, given=OFF),
    on(SILENT, MINE, given=OFF),
    on(SILENT, MINE, given={**OFF, **RIGHT}),
    on(SILENT, MINE_MUTED),
    on(SILENT, MINE_MUTED, given=RIGHT),
    on(SILENT, MINE, GRANTING, ARM, **AGAIN),
    on(SILENT, MINE, PUBLISHING, PUBLISH, ARM, given=RIGHT, **AGAIN, publication=3),
    on(TAKING, Refused(3), LISTENING, **NEXT),
    on(TAKING, AskFailed(3), LEAVING, GIVE_BACK, **NEXT),
    on(TAKING, TakeTimedOut(3), LEAVING, GIVE_BACK, **NEXT),
    on(TAKING, Cancelled(3), LEAVING, GIVE_BACK, **NEXT),
    on(TAKING, LeaveSeat(), LEAVING, GIVE_BACK, **NEXT),
)

_CONFIRMED = (
    # Seated by a moderator, an invitation or one's own take.
    on(
        *((LISTENING, TAKING), SeatConfirmed(speaks=False), SILENT),
        given=WAITING,
        **SETTLED,
    ),
    on((LISTENING, TAKING), SeatConfirmed(), SILENT, given=OFF, **SETTLED),
    # A right that lingers publishes neither what is off nor on a muted seat.
    on(
        *((LISTENING, TAKING), SeatConfirmed(), SILENT),
        given={**OFF, **RIGHT},
        **SETTLED,
    ),
    on(
        *((LISTENING, TAKING), SeatConfirmed(speaks=False), SILENT),
        given=RIGHT,
        **SETTLED,
    ),
    on(
        (LISTENING, TAKING),
        SeatConfirmed(),
        PUBLISHING,
        PUBLISH,
        given=RIGHT,
        **STARTED,
    ),
    on(TAKING, SeatConfirmed(), GRANTING),
    on(LISTENING, SeatConfirmed(), GRANTING, ArmTakeTimeout(4), **NEXT),
    on((*SEATED, LEAVING), SeatConfirmed()),
    on((*SEATED, LEAVING), SeatMoved()),
)

_RIGHT = (
    on(GRANTING, RightGranted(), PUBLISHING, PUBLISH, **STARTED),
    on(GRANTING, RightGranted(), SILENT, given=OFF, right=True, **SETTLED),
    on(SILENT, RightGranted(), PUBLISHING, PUBLISH, **STARTED),
    on(SILENT, RightGranted(), given=OFF, right=True),
    on((LISTENING, TAKING, LEAVING, *UP), RightGranted(), given=NO_RIGHT, right=True),
    on(UP, RightRevoked(), SILENT, UNPUBLISH, right=False, publication=3, **SETTLED),
    on(
        (LISTENING, TAKING, GRANTING, SILENT, LEAVING),
        RightRevoked(),
        given=RIGHT,
        right=False,
    ),
    # A muted seat gets no right; who waits for it waits in vain.
    on(GRANTING, SeatMuted(), SILENT, **SETTLED),
    on((TAKING, *UP, SILENT, LEAVING), SeatMuted()),
    on(GRANTING, TakeTimedOut(3), LEAVING, GIVE_BACK, **NEXT),
    on(GRANTING, TakeTimedOut(3), SILENT, given=NOBODY),
    on(GRANTING, Cancelled(3), LEAVING, GIVE_BACK, **NEXT),
)

_PUBLISH = (
    on(PUBLISHING, Published(2), SPEAKING, **SETTLED),
    on(PUBLISHING, Published(2), SPEAKING, MuteTrack(), given=OFF, **SETTLED),
    on(PUBLISHING, PublishFailed(2), LEAVING, GIVE_BACK, **NEXT),
    on(PUBLISHING, PublishFailed(2), SILENT, given=NOBODY),
    on(PUBLISHING, TakeTimedOut(3), LEAVING, UNPUBLISH, GIVE_BACK, **STOPPED),
    on(PUBLISHING, TakeTimedOut(3), given=NOBODY),
    on(UP, Cancelled(3), LEAVING, UNPUBLISH, GIVE_BACK, **STOPPED),
)

_SWITCH = (
    on(SPEAKING, MicrophoneOn(), SPEAKING, UnmuteTrack(), given=OFF, wanted=True),
    on(SPEAKING, MicrophoneOff(), SPEAKING, MuteTrack(), wanted=False),
    on(
        *(SILENT, MicrophoneOn(), PUBLISHING, PUBLISH),
        given={**OFF, **RIGHT},
        **STARTED,
        wanted=True,
    ),
    on((SILENT, TAKING, GRANTING, PUBLISHING), MicrophoneOn(), given=OFF, wanted=True),
    on((SILENT, TAKING, GRANTING, PUBLISHING), MicrophoneOff(), wanted=False),
    on((LISTENING, LEAVING), MicrophoneOn(), given=OFF, wanted=True),
    on((LISTENING, LEAVING), MicrophoneOn(), "forbidden"),
    on((LISTENING, LEAVING), MicrophoneOff(), wanted=False),
)

_LEAVE = (
    # Who listens may have been seated, and not have heard of it.
    on((LISTENING, GRANTING, SILENT), LeaveSeat(), LEAVING, ASK_LEAVE, **NEXT),
    on(UP, LeaveSeat(), LEAVING, UNPUBLISH, ASK_LEAVE, **STOPPED),
    on(LEAVING, LeaveSeat()),
    on((GRANTING, SILENT), SeatLost(), LISTENING, **NEXT),
    on(UP, SeatLost(), LISTENING, UNPUBLISH, **STOPPED),
    # The answer to what gives back may stand for a take that came later.
    on(LEAVING, SeatLost()),
    on(LEAVING, SeatFreed(3), LISTENING, **NEXT),
    on(LEAVING, Refused(3), LISTENING, **NEXT),
    on(LEAVING, GiveBackFailed(3), LEAVING, GIVE_BACK, **NEXT),
)

_LATE = (
    # The caller was cancelled after the take was done, before it was told.
    on(SILENT, Cancelled(3), LEAVING, GIVE_BACK, **NEXT),
    on((LISTENING, LEAVING), Cancelled(3)),
    on((SPEAKING, SILENT, LISTENING, LEAVING), TakeTimedOut(3)),
)

_CONNECTION = (
    on(
        *(SEATED, ConnectionReplaced(), GRANTING, ArmTakeTimeout(3)),
        given=RIGHT,
        right=False,
        publication=3,
    ),
    on(
        *((LISTENING, TAKING, LEAVING), ConnectionReplaced()),
        given=RIGHT,
        right=False,
        publication=3,
    ),
    on(
        *((TAKING, GRANTING, SILENT, LEAVING), ConnectionEnded(), LISTENING),
        given=RIGHT,
        **ENDED,
    ),
    on(UP, ConnectionEnded(), LISTENING, UNPUBLISH, **ENDED),
    on(LISTENING, ConnectionEnded(), given=RIGHT, **ENDED),
)

READING = (
    *(*_TAKE, *_CONFIRMED, *_RIGHT, *_PUBLISH),
    *(*_SWITCH, *_LEAVE, *_LATE, *_CONNECTION),
)
