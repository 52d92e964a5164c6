"""How long a client waits for what."""

from __future__ import annotations

import attrs

__all__ = ["Timeouts"]

_positive = attrs.validators.gt(0.0)


@attrs.frozen(kw_only=True)
class Timeouts:
    """Limits of a client, in seconds.

    Attributes:
        request: For one REST request, its retries not included.
        seat: For `take_seat` and the other seat commands, all included.
        goodbye: For telling the engine that a session leaves.
    """

    request: float = attrs.field(default=10.0, validator=_positive)
    seat: float = attrs.field(default=10.0, validator=_positive)
    goodbye: float = attrs.field(default=3.0, validator=_positive)
