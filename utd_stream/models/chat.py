"""What people say to each other in a room, in writing."""

from __future__ import annotations

from datetime import datetime

import attrs

from utd_stream.models.rooms import UTDRole
from utd_stream.models.seats import aware

__all__ = ["CHAT_TOPIC", "ChatMessage"]

# LiveKit's own name for chat, whose streams always name their sender (T45).
CHAT_TOPIC = "lk.chat"


@attrs.frozen(kw_only=True)
class ChatMessage:
    """One message of a room's chat.

    Attributes:
        id: Unique in the room; chosen by LiveKit.
        identity: Who wrote it, as the SFU vouches.
        name: Shown to people; empty where the sender is not announced yet.
        role: Of the sender; None where they are not announced yet.
        text: 1 to 4,000 bytes.
        at: When this client sent it or heard it, UTC.
        is_local: This client wrote it.
    """

    id: str
    identity: str
    name: str = ""
    role: UTDRole | None = None
    text: str
    at: datetime = attrs.field(validator=aware)
    is_local: bool = False
