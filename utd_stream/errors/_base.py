"""The root of the tree, and what callers, networks, peers and media do wrong."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar

__all__ = [
    "ClosedError",
    "ConnectError",
    "DescriptorLimitError",
    "DeviceError",
    "DisconnectedError",
    "FileError",
    "IntermediaryError",
    "InvalidArgumentError",
    "InvalidTransitionError",
    "LocalProtocolError",
    "MailboxFullError",
    "MediaError",
    "ProtocolError",
    "PublishError",
    "RefusedError",
    "RemoteProtocolError",
    "SfuError",
    "SfuNotFoundError",
    "SfuRefusedError",
    "SfuSignatureError",
    "SubscribeError",
    "TransportError",
    "TransportTimeoutError",
    "UTDErrorCode",
    "UTDStreamException",
    "UsageError",
]


class UTDErrorCode(Enum):
    """The codes an engine answers with; a newer engine may know more."""

    MALFORMED = "malformed"  # 400: not JSON, or a header that cannot be read
    UNAUTHENTICATED = "unauthenticated"  # 401: no, wrong or expired credentials
    FORBIDDEN = "forbidden"  # 403: this role may not
    BANNED = "banned"  # 403
    FEATURE_DISABLED = "feature_disabled"  # 403: the app's plan or settings
    APPKEY_IDENTITY_MINT_DISABLED = "appkey_identity_mint_disabled"  # 403
    SUSPENDED = "suspended"  # 403: the app as a whole
    NOT_FOUND = "not_found"  # 404
    METHOD_NOT_ALLOWED = "method_not_allowed"  # 405
    CONFLICT = "conflict"  # 409
    INVALID_TRANSITION = "invalid_transition"  # 409
    ALREADY_SEATED = "already_seated"  # 409
    SEAT_TAKEN = "seat_taken"  # 409; details.reserved_for if it is held for someone
    SEAT_LOCKED = "seat_locked"  # 409
    PENDING = "pending"  # 409: asked or invited already
    SETTLED = "settled"  # 409: somebody answered first; details.settled_by
    CALLEE_BUSY = "callee_busy"  # 409
    CALLER_BUSY = "caller_busy"  # 409
    ANSWERED_ELSEWHERE = "answered_elsewhere"  # 409: another device of the callee did
    ON_STAGE = "on_stage"  # 409: the member is on stage already
    ROOM_FULL = "room_full"  # 409
    STALE_REVISION = "stale_revision"  # 409; details.rev
    TOO_LARGE = "too_large"  # 413
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"  # 415
    INVALID = "invalid"  # 422; details.errors, a path for each field
    RATE_LIMITED = "rate_limited"  # 429 with Retry-After
    UNAVAILABLE = "unavailable"  # 503


class UTDStreamException(Exception):  # noqa: N818 -- the public name of this SDK family
    """Base of every error raised by utd_stream.

    Attributes:
        message: What went wrong and, where there is one, the remedy.
        status_code: HTTP status the engine answered, if it did.
        code: Stable and machine-readable.
        retryable: Whether the same call may succeed later.
    """

    code: str = "error"
    status_code: int | None = None
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str = "",
        status_code: int | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        if status_code is not None:
            self.status_code = status_code
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return self.message or self.code

    @property
    def is_banned(self) -> bool:
        """Whether the user is banned; a refusal for another reason is not that."""
        return self.code == UTDErrorCode.BANNED.value

    @property
    def is_forbidden(self) -> bool:
        """Whether the caller's role or right does not allow this."""
        return self.code == UTDErrorCode.FORBIDDEN.value

    @property
    def is_rate_limited(self) -> bool:
        """Whether the engine asks to slow down."""
        return self.code == UTDErrorCode.RATE_LIMITED.value


class UsageError(UTDStreamException):
    """The caller broke the contract of the API; fix the calling code."""

    code = "usage"


class _TableError(UsageError):
    """A machine did not take an event."""

    def __init__(
        self, message: str, code: str, machine: str, trigger: str, state: str
    ) -> None:
        super().__init__(message, code=code)
        self.machine = machine
        self.trigger = trigger
        self.state = state


class InvalidTransitionError(_TableError):
    """A trigger was fired in a state that has no row for it.

    Attributes:
        machine: Name of the machine that refused.
        trigger: What was asked of it.
        state: Where it stood.
        allowed: The commands that it takes there; empty where it has none.
    """

    code = "invalid_transition"

    def __init__(self, machine: str, trigger: str, state: str, *allowed: str) -> None:
        self.allowed: tuple[str, ...] = allowed
        message = f"{machine}: cannot {trigger} while {state}"
        if allowed:
            message = f"{message}; allowed: {', '.join(allowed)}"
        super().__init__(message, type(self).code, machine, trigger, state)
        self.args: tuple[object, ...] = (machine, trigger, state, *allowed)


_HINTS = {
    "forbidden": "the right to do so comes with a seat, or in a call",
    "already_seated": "move, or leave that seat first",
    "pending": "wait for what was asked before",
}


class RefusedError(_TableError):
    """The table takes the trigger and says no, or the right we know is missing.

    Attributes:
        code: Why; the codes of `UTDErrorCode`.
        machine: Name of the machine that refused.
        trigger: What was asked of it.
        state: Where it stood.
        hint: What to do instead, if there is something.
    """

    def __init__(
        self, code: str, machine: str, trigger: str, state: str, hint: str = ""
    ) -> None:
        self.hint: str = hint or _HINTS.get(code, "")
        said = f"{machine}: {trigger} refused while {state}: {code}"
        message = f"{said}; {self.hint}" if self.hint else said
        super().__init__(message, code, machine, trigger, state)
        self.args: tuple[object, ...] = (code, machine, trigger, state, hint)


class DescriptorLimitError(UsageError):
    """Too few file descriptors are left to open a room safely.

    Attributes:
        wanted: The ``ulimit -n`` that would do.

    Source:
        LiveKit's native client aborts the process when it runs out.
    """

    code = "descriptor_limit"

    def __init__(self, left: int, wanted: int) -> None:
        super().__init__(
            f"{left} file descriptors left and a room needs up to 200; "
            f"raise the limit with `ulimit -n {wanted}`"
        )
        self.args: tuple[object, ...] = (left, wanted)
        self.left = left
        self.wanted = wanted


class InvalidArgumentError(UsageError):
    """An argument is out of range, malformed or missing, as we or the engine find."""

    code = "invalid_argument"


class ClosedError(UsageError):
    """The object was used, or waited for, after it closed."""

    code = "closed"


class MailboxFullError(UsageError):
    """A reader of events fell so far behind that its mailbox is full."""

    code = "mailbox_full"

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"{limit} events wait unread; read faster, or iterate with a larger limit"
        )
        self.args: tuple[object, ...] = (limit,)
        self.limit = limit


class TransportError(UTDStreamException):
    """The network, or what is at its other end, failed; usually retryable."""

    code = "transport"
    retryable = True


class ConnectError(TransportError):
    """No connection could be made, or it was refused."""

    code = "connect"


class IntermediaryError(TransportError):
    """A proxy, a balancer or another server answered in the engine's place.

    Whether the engine has served the request is not known.

    Attributes:
        status_code: HTTP status it answered.
        retry_after: Seconds it asked to wait; None if it did not say.
    """

    code = "intermediary"

    def __init__(
        self,
        message: str = "",
        status_code: int | None = None,
        code: str | None = None,
        *,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, status_code, code)
        self.retry_after = retry_after


class TransportTimeoutError(TransportError, TimeoutError):
    """No answer came in time."""

    code = "timeout"


class DisconnectedError(TransportError):
    """The connection to the SFU ended while it was needed.

    Attributes:
        reason: The SFU's reason, a `DisconnectReason` value, or empty.
    """

    code = "disconnected"

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class ProtocolError(UTDStreamException):
    """Somebody broke the contract of the wire."""

    code = "protocol"


class LocalProtocolError(ProtocolError):
    """We did; this is a bug of utd_stream."""

    code = "local_protocol"


class RemoteProtocolError(ProtocolError):
    """They did.

    Attributes:
        path: Where in the message, such as ``$.room.sid``; empty for all of it.
    """

    code = "remote_protocol"

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class SfuError(UTDStreamException):
    """The SFU said no to the engine; no client ever sees it."""

    code = "sfu"


class SfuNotFoundError(SfuError):
    """The room or the participant is not at the SFU."""

    code = "sfu_not_found"


class SfuRefusedError(SfuError):
    """The SFU does not take what it was sent, however often it is sent."""

    code = "sfu_refused"


class SfuSignatureError(SfuError):
    """A webhook was not signed by the SFU, or its signature is not valid now."""

    code = "sfu_signature"


class MediaError(UTDStreamException):
    """Sound or pictures could not be sent, received, read or written."""

    code = "media"


class PublishError(MediaError):
    """A track could not be published."""

    code = "publish"


class SubscribeError(MediaError):
    """A track could not be subscribed to."""

    code = "subscribe"


class FileError(MediaError):
    """A media file cannot be read or written; what was written before is kept."""

    code = "file"


class DeviceError(MediaError):
    """A microphone or camera is not there, is in use, or was unplugged."""

    code = "device"
