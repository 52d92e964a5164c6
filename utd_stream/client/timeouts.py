"""How long a client waits for what."""

from __future__ import annotations

from typing import Any

import attrs

from utd_stream.errors import InvalidArgumentError

__all__ = ["Timeouts"]


def _positive(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, int | float) or not value > 0:
        message = f"{attribute.name} must be more than 0 seconds, not {value!r}"
        raise InvalidArgumentError(message)


@attrs.frozen(kw_only=True)
class Timeouts:
    """Limits of a client, in seconds.

    Attributes:
        request: For one REST request, its retries not included; and for all
            the pauses between them that a server asks for by Retry-After.
        seat: For `take_seat` and the other seat commands, all included.
        call: For `start` and `accept`, all included.
        goodbye: For telling the engine that a session leaves.

    Raises:
        InvalidArgumentError: If one of them is no number above 0.
    """

    request: float = attrs.field(default=10.0, validator=_positive)
    seat: float = attrs.field(default=10.0, validator=_positive)
    call: float = attrs.field(default=20.0, validator=_positive)
    goodbye: float = attrs.field(default=3.0, validator=_positive)
