"""An error as a value, so that a log can hold it, compare it and replay it.

An exception compares by identity and keeps alive the frames that it passed; a
`Failure` does neither.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from utd_stream import errors
from utd_stream.errors import UTDStreamException
from utd_stream.models._frozen_map import frozen_map

__all__ = ["Failure", "failure_of"]


@attrs.frozen
class Failure:
    """What an error of this package says.

    Attributes:
        kind: Name of its class in `utd_stream.errors`.
        arguments: What the class was called with.
        fields: Its attributes.
    """

    kind: str
    arguments: tuple[str | int, ...] = ()
    fields: Mapping[str, object] = attrs.field(
        default=frozen_map({}), converter=frozen_map, hash=False
    )

    def error(self) -> UTDStreamException:
        """Return a new error that says the same."""
        found: object = getattr(errors, self.kind, None)
        if not (isinstance(found, type) and issubclass(found, UTDStreamException)):
            found = UTDStreamException
        error = found.__new__(found)
        error.args = self.arguments
        vars(error).update(self.fields)
        return error


def failure_of(error: UTDStreamException) -> Failure:
    """Return what *error* says."""
    return Failure(type(error).__name__, error.args, vars(error))
