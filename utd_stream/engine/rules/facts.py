"""What a room of any type shows beside its content: the chat's lock, the app's keys.

Source: contract.md section 3, Comments and Rooms.
"""

from __future__ import annotations

from utd_stream.contract.answers import Empty
from utd_stream.engine.rules.app_metadata import metadata_text
from utd_stream.engine.rules.commands import LockChat, SetRoomMetadata, UnlockChat
from utd_stream.engine.rules.draft import Draft
from utd_stream.engine.rules.kind import Made
from utd_stream.engine.rules.state import Room
from utd_stream.errors import InvalidRequestError

__all__ = ["lock_chat", "set_room_metadata", "unlock_chat"]


def lock_chat(draft: Draft, _: LockChat) -> Made:
    """Let only moderators chat, until the room ends."""
    draft.change(chat_locked=True)
    return _empty


def unlock_chat(draft: Draft, _: UnlockChat) -> Made:
    """Let everybody chat."""
    draft.change(chat_locked=False)
    return _empty


def set_room_metadata(draft: Draft, command: SetRoomMetadata) -> Made:
    """Show the app's own keys beside the engine's, until the room ends."""
    if any(key.startswith("_") for key in command.metadata):
        message = "keys that begin with _ are the engine's own"
        raise InvalidRequestError.at(("$.metadata", message))
    draft.change(metadata=metadata_text(command.metadata))
    return _empty


def _empty(_: Room) -> Empty:
    return Empty()
