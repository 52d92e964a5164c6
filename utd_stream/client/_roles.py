"""Gives somebody another role.

Source: contract.md section 3, Participants; lesson L19.
"""

from __future__ import annotations

from utd_stream.client._grid import naming_arguments
from utd_stream.client.api import UTDApi
from utd_stream.errors import ConflictError, InvalidArgumentError, NotFoundError
from utd_stream.models.rooms import UTDRole
from utd_stream.ports import Clock

__all__ = ["set_role"]

# For somebody who is about to enter: so often, and after so many seconds each.
_TRIES, _PAUSE = 3, 1.0


async def set_role(
    api: UTDApi, clock: Clock, room: str, identity: str, role: UTDRole
) -> None:
    """Give somebody another role; quiet if they have it already.

    Raises:
        InvalidArgumentError: If *identity* can be nobody's, or *role* is no role.
        PermissionDeniedError: If this member is not the owner, or asks for themselves.
        NotFoundError: If there is no such member, three seconds later either.
    """
    if not isinstance(role, UTDRole):  # pyright: ignore[reportUnnecessaryIsInstance]  # whoever types nothing
        choices = ", ".join(f"UTDRole.{each.name}" for each in UTDRole)
        message = f"role must be one of {choices}, not {role!r}"
        raise InvalidArgumentError(message)
    for left in reversed(range(_TRIES + 1)):
        try:
            with naming_arguments():
                await api.set_role(room, identity, role)
        except NotFoundError:
            if not left:
                raise
            await clock.sleep(_PAUSE)
        except ConflictError as error:
            if error.details.get("role") == role.value:
                return
            raise
        else:
            return
