"""What an engine answers no with, and how an answer becomes an error again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from utd_stream.errors._base import UTDStreamException

__all__ = [
    "BannedError",
    "ConflictError",
    "EngineError",
    "FeatureDisabledError",
    "InvalidRequestError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitedError",
    "UnauthenticatedError",
    "UnavailableError",
    "engine_error",
]


_MOST_PROBLEMS = 20
_LONGEST_PATH = 200


def _cut(path: str) -> str:
    return path if len(path) <= _LONGEST_PATH else f"{path[: _LONGEST_PATH - 1]}…"


class EngineError(UTDStreamException):
    """The engine answered no.

    Attributes:
        request_id: What to look for in the engine's log; empty before it answers.
        details: More, as JSON values; its keys depend on the code.
    """

    code = "error"

    def __init__(
        self,
        message: str = "",
        status_code: int | None = None,
        code: str | None = None,
        *,
        request_id: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, status_code, code)
        self.request_id = request_id
        self.details: Mapping[str, Any] = dict(details or {})


class InvalidRequestError(EngineError):
    """The request itself is wrong: syntax, size, method or a field."""

    code = "invalid"
    status_code: int | None = 422

    @classmethod
    def at(cls, *problems: tuple[str, str]) -> Self:
        """Return the error of one or more ``(path, message)`` problems.

        It names 20 problems at most and the number of the others, and cuts a
        path after 200 characters, so that the size of an answer is bounded.
        """
        told = [(_cut(path), message) for path, message in problems[:_MOST_PROBLEMS]]
        if len(problems) > len(told):
            told.append(("$", f"and {len(problems) - len(told)} more problems"))
        return cls(
            ": ".join(told[0]),
            details={"errors": [{"path": p, "message": m} for p, m in told]},
        )


class UnauthenticatedError(EngineError):
    """Credentials are missing, wrong or expired."""

    code = "unauthenticated"
    status_code: int | None = 401


class PermissionDeniedError(EngineError):
    """The caller is known and may not do this."""

    code = "forbidden"
    status_code: int | None = 403


class BannedError(PermissionDeniedError):
    """The user is banned from the room or from the app."""

    code = "banned"


class FeatureDisabledError(PermissionDeniedError):
    """The app's settings do not allow this to anybody."""

    code = "feature_disabled"


class NotFoundError(EngineError):
    """There is no such thing, or not for this caller."""

    code = "not_found"
    status_code: int | None = 404


class ConflictError(EngineError):
    """The state of the room does not allow this now."""

    code = "conflict"
    status_code: int | None = 409


class RateLimitedError(EngineError):
    """The engine asks to slow down.

    Attributes:
        retry_after: Seconds to wait.
    """

    code = "rate_limited"
    status_code: int | None = 429
    retryable = True

    def __init__(  # noqa: PLR0913 -- the fields of the answer
        self,
        message: str = "",
        status_code: int | None = None,
        code: str | None = None,
        *,
        request_id: str = "",
        details: Mapping[str, Any] | None = None,
        retry_after: float = 1.0,
    ) -> None:
        super().__init__(
            message, status_code, code, request_id=request_id, details=details
        )
        self.retry_after = retry_after


class UnavailableError(EngineError):
    """The engine cannot serve this now; nothing was changed.

    Attributes:
        retry_after: Seconds to wait; None if the engine did not say.
    """

    code = "unavailable"
    status_code: int | None = 503
    retryable = True

    def __init__(  # noqa: PLR0913 -- the fields of the answer
        self,
        message: str = "",
        status_code: int | None = None,
        code: str | None = None,
        *,
        request_id: str = "",
        details: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(
            message, status_code, code, request_id=request_id, details=details
        )
        self.retry_after = retry_after


_BY_STATUS: dict[int, type[EngineError]] = {
    400: InvalidRequestError,
    401: UnauthenticatedError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: InvalidRequestError,
    409: ConflictError,
    413: InvalidRequestError,
    415: InvalidRequestError,
    422: InvalidRequestError,
    429: RateLimitedError,
    503: UnavailableError,
}
_BY_CODE: dict[tuple[int, str], type[EngineError]] = {
    (403, BannedError.code): BannedError,
    (403, FeatureDisabledError.code): FeatureDisabledError,
    (403, "appkey_identity_mint_disabled"): FeatureDisabledError,
    (403, "suspended"): FeatureDisabledError,
}


def engine_error(  # noqa: PLR0913 -- the fields of the answer
    status_code: int,
    code: str,
    message: str,
    *,
    request_id: str = "",
    details: Mapping[str, Any] | None = None,
    retry_after: float | None = None,
) -> EngineError:
    """Return the error an answer stands for: by its status, then by its code.

    An unknown code still gets the class of its status, and an unknown status
    `EngineError` itself, so that a newer engine never breaks an older client.
    """
    default = _BY_STATUS.get(status_code, EngineError)
    kind = _BY_CODE.get((status_code, code), default)
    if kind is RateLimitedError:
        return RateLimitedError(
            message,
            status_code,
            code,
            request_id=request_id,
            details=details,
            retry_after=1.0 if retry_after is None else retry_after,
        )
    if kind is UnavailableError:
        return UnavailableError(
            message,
            status_code,
            code,
            request_id=request_id,
            details=details,
            retry_after=retry_after,
        )
    return kind(message, status_code, code, request_id=request_id, details=details)
