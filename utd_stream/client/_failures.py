"""The errors behind the failures of one session."""

from __future__ import annotations

from utd_stream.errors import UTDStreamException
from utd_stream.models.failures import Failure, failure_of

__all__ = ["Failures"]


class Failures:
    """Turns errors into values, and the newest one back into itself.

    A `Failure` says what an error said, but not what caused it.
    """

    def __init__(self) -> None:
        self._newest: tuple[Failure, UTDStreamException] | None = None

    def of(self, error: UTDStreamException) -> Failure:
        """Return *error* as a value."""
        failure = failure_of(error)
        self._newest = failure, error
        return failure

    def error(self, failure: Failure) -> UTDStreamException:
        """Return the error of *failure*: the very one, if it is the newest."""
        newest, self._newest = self._newest, None
        if newest is not None and newest[0] is failure:
            return newest[1]
        return failure.error()
