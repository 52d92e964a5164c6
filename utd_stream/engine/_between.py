"""A number in a range, whose range can be read again by who documents it."""

from __future__ import annotations

from typing import Any

import attrs

from utd_stream.errors import InvalidArgumentError

__all__ = ["Between"]


@attrs.frozen
class Between:
    """A validator of a number.

    Attributes:
        least: The least that it may be.
        most: The most that it may be.
    """

    least: float
    most: float

    def __call__(
        self, _: object, attribute: attrs.Attribute[Any], value: float
    ) -> None:
        """Refuse *value* if it is out of range."""
        if not self.least <= value <= self.most:
            message = f"{attribute.name} must be from {self.least:g} to {self.most:g}"
            raise InvalidArgumentError(message)
