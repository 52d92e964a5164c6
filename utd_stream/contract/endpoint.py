"""What an endpoint is, and who may call one.

Source: contract.md sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import attrs

from utd_stream.contract import answers as a

__all__ = ["API_PREFIX", "Endpoint", "Filter", "Who"]

API_PREFIX = "/api/v1"

_R = TypeVar("_R")
_A = TypeVar("_A")


class Who(Enum):
    """Who may call; the app's secret may call all but BEARER's and SFU's.

    Attributes:
        ANYBODY: Anybody, without credentials.
        SFU: LiveKit, by the signature of its webhook.
        APP: The app by its key or its secret, or a bearer for its own identity.
        BEARER: The holder of a bearer that has not expired.
        PERSON: A user for themselves by a bearer, a member or not; the app's
            secret for the ``identity`` of the body.
        SELF: A member of the room for themselves by a bearer; the app's secret
            for the ``identity`` of the body, which must be a member.
        MEMBER: A member of the room by a bearer, or the app's secret.
        MODERATOR: A host or an admin of the room by a bearer, or the app's
            secret.  An admin never acts on a host or the owner, a host never
            on the owner.
        PARTY: One of the two parties of the call for themselves by a bearer; the app's
            secret, also for nobody.
        HOST: A host or the owner of the room by a bearer, or the app's secret.
        OWNER: The owner of the room by a bearer, or the app's secret.
        SECRET: The app's own back end, by the app's secret.
    """

    ANYBODY = "anybody"
    SFU = "sfu"
    APP = "app"
    BEARER = "bearer"
    PERSON = "person"
    SELF = "self"
    MEMBER = "member"
    MODERATOR = "moderator"
    PARTY = "party"
    HOST = "host"
    OWNER = "owner"
    SECRET = "secret"  # noqa: S105 -- a word, not one


@attrs.frozen(kw_only=True)
class Filter:
    """One word of a query that narrows a list.

    Attributes:
        meaning: In a sentence.
        values: All that it may be; empty for any text.
        is_time: It is a moment, as ISO 8601.
    """

    meaning: str
    values: tuple[str, ...] = ()
    is_time: bool = False


NO_FILTERS: Mapping[str, Filter] = MappingProxyType({})


@attrs.frozen(kw_only=True)
class Endpoint(Generic[_R, _A]):
    """One method of one path.

    Attributes:
        name: Of the operation; also of the client's method.
        method: HTTP method.
        path: With ``{room}``, ``{call_id}``, ``{identity}``, ``{index}``, ``{id}``.
        who: Who may call.
        request: Model of the body, or None where there is none.
        answer: Model of a 200, or None where it is no model's JSON.
        errors: Codes it may answer with, beside those of every endpoint.
        paged: Takes ``page`` and ``per_page``.
        filters: What else its query may hold, each with its meaning.
        status: HTTP status of what it answers when all is well.
        may_be_ok: It may also answer 200, as `rule` says.
        at_root: Its path does not begin with `API_PREFIX`.
        summary: One sentence.
        rule: What it does and when it says no, in words; empty where the
            summary says it all.
    """

    name: str
    method: str
    path: str
    who: Who
    request: type[_R] | None = None
    answer: type[_A] | None = None
    errors: tuple[str, ...] = ()
    paged: bool = False
    filters: Mapping[str, Filter] = attrs.field(default=NO_FILTERS, hash=False)
    status: int = 200
    may_be_ok: bool = False
    at_root: bool = False
    summary: str
    rule: str = ""

    @property
    def full_path(self) -> str:
        """The path from the root."""
        return self.path if self.at_root else API_PREFIX + self.path

    @property
    def is_write(self) -> bool:
        """Whether it changes something, and so takes an Idempotency-Key."""
        return self.method != "GET" and self.who not in {
            Who.APP,
            Who.BEARER,
            Who.SFU,
        }

    @property
    def takes_if_match(self) -> bool:
        """Whether it changes a grid, and so takes If-Match."""
        grids: set[Any] = {
            a.SeatAnswer,
            a.SeatedAnswer,
            a.RequestAnswer,
            a.InvitationAnswer,
        }
        return self.is_write and self.answer in grids
