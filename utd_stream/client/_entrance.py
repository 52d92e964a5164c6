"""How a session gets into a room at the SFU, and out of it: a port.

What differs between rooms and calls is whom the engine is asked: a room token is
minted, a call is made or accepted.
"""

from __future__ import annotations

from typing import Protocol

import attrs

__all__ = ["Entrance", "Ticket"]


@attrs.frozen(kw_only=True)
class Ticket:
    """The way to the SFU.

    Attributes:
        url: Of the SFU.
        token: A media token; it shows up in no log.
        connection: The engine's number of this connection; a later one is higher.
    """

    url: str
    token: str = attrs.field(repr=False)
    connection: int


class Entrance(Protocol):
    """What the engine is asked for one kind of session.

    It posts what the engine tells beside the ticket, such as roles and grids.
    """

    async def enter(self, number: int, *, resume: bool) -> Ticket:
        """Ask for a ticket, for connection *number* of this session.

        Args:
            number: The session's own.
            resume: Whether an outage is being repaired.

        Raises:
            EngineError: If the engine says no.
            TransportError: If it cannot be reached.
        """
        ...

    async def say_goodbye(self, connection: int | None) -> None:
        """Tell the engine that this client leaves.

        Args:
            connection: The engine's number of the newest connection, if it is
                known; a newer one stays.

        Raises:
            EngineError: If the engine says no.
            TransportError: If it cannot be reached.
        """
        ...

    async def read_state(self) -> None:
        """Ask the engine what an outage may have hidden, and post it.

        Raises:
            EngineError: If the engine says no.
            TransportError: If it cannot be reached.
        """
        ...
