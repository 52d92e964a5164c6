"""What the writer is asked to do, and what it answers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import attrs
import orjson

from utd_stream.contract.endpoints import Who
from utd_stream.engine.rules.commands import Actor, Command
from utd_stream.engine.rules.state import Member, Room
from utd_stream.engine.store import RoomKey
from utd_stream.errors import ConflictError, EngineError
from utd_stream.wire import error_to_json

__all__ = [
    "Entry",
    "Idempotency",
    "Order",
    "Outcome",
    "another_request",
    "fingerprint",
    "taken_back",
]

# Answers to those who may try again, and get another one, are not kept.
_NOT_KEPT = frozenset({401, 429})
_OK = 200
_NOBODY = Actor()
_SERVER_ERROR = 500


@attrs.frozen(kw_only=True)
class Idempotency:
    """The Idempotency-Key of a request.

    Attributes:
        id: Of app, caller and key.
        caller: Of app and caller.
        fingerprint: Of method, path and body.
        is_void: The request is taken back: it is not served, now or later.
    """

    id: str
    caller: str
    fingerprint: str
    is_void: bool = False

    @classmethod
    def of(
        cls,
        scope: tuple[str, str, str],
        method: str,
        path: str,
        body: bytes,
        *,
        is_void: bool = False,
    ) -> Idempotency:
        """Return the key of one request.

        Args:
            scope: App, caller and key.
            method: Of the request.
            path: As it was sent.
            body: As it was sent.
            is_void: Whether it is taken back.
        """
        return cls(
            id=fingerprint(*(part.encode() for part in scope)),
            caller=fingerprint(*(part.encode() for part in scope[:2])),
            fingerprint=fingerprint(method.encode(), path.encode(), body),
            is_void=is_void,
        )


def fingerprint(*parts: bytes) -> str:
    """Return what tells *parts* from any others."""
    digest = hashlib.blake2b(digest_size=20)
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.hexdigest()


# Fields of an answer that are made anew for each one.
Entry: TypeAlias = Callable[[Room, Member], Mapping[str, str]]


@attrs.frozen(kw_only=True)
class Order:
    """One command, or fact, about one room.

    Attributes:
        key: The room's.
        command: What is asked or told; an error that was found before the
            room was looked at is answered, and kept, as its answer.
        who: Who may.
        actor: On whose behalf.
        idempotency: Set where the request named a key.
        if_match: The revision the caller saw, or None.
        request_id: For the body of an error.
        reply: Makes the body of the answer, of the room and what was decided.
            It runs before the commit, in the writer's thread: what it raises
            refuses the order, and nothing changes.  None for who needs none.
        entry: Makes the way into a call's media room, of the room and the member;
            a replay gets a fresh one while the call goes on.  None for none.
    """

    key: RoomKey
    command: Command | EngineError
    who: Who
    actor: Actor = _NOBODY
    idempotency: Idempotency | None = None
    if_match: int | None = None
    request_id: str = ""
    reply: Callable[[Room, Any], bytes] | None = attrs.field(default=None, repr=False)
    entry: Entry | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class Outcome:
    """What became of an order, once it is on disk.

    Attributes:
        status: HTTP status.
        body: JSON.
        room: After it; None for a replay or a refusal.
        members: Those who were added or changed.
        kept: What an Idempotency-Key keeps of the body.
        life: Whose grid belongs to what is kept; 0 where none does.
    """

    status: int = _OK
    body: bytes = b""
    room: Room | None = None
    members: tuple[Member, ...] = ()
    kept: bytes = b""
    life: int = 0

    @classmethod
    def refused(cls, error: EngineError, request_id: str) -> Outcome | None:
        """Return the refusal as an answer to keep, or None if it must not be."""
        status = error.status_code or _SERVER_ERROR
        if status in _NOT_KEPT or status >= _SERVER_ERROR:
            return None
        body = orjson.dumps(error_to_json(error, request_id))
        return cls(status=status, body=body, kept=body)


def another_request() -> ConflictError:
    """Return the answer to a key that came with another request before."""
    return ConflictError("the Idempotency-Key was used for another request")


def taken_back() -> ConflictError:
    """Return the answer to a request that was taken back before it was served."""
    return ConflictError("the request was taken back before it was served")
