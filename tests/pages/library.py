"""Pages about what programs hold: values, events, faults, errors."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, get_args

import attrs

from tests.pages.markdown import cell, code, docstring, first_sentence, page, table
from utd_stream import errors
from utd_stream.contract.codes import CODES
from utd_stream.errors import UTDStreamException, engine_error
from utd_stream.models import room_events
from utd_stream.reactive import (
    ClockScheduler,
    Events,
    EventsReader,
    Latest,
    Observed,
    subscribe_async,
)
from utd_stream.testing import faults

__all__ = [
    "FIELDS_OF_EVENTS",
    "errors_page",
    "events_page",
    "faults_page",
    "values_page",
]

FIELDS_OF_EVENTS = {
    "arguments": "what LiveKit's client gave with it, as it came",
    "changed": "the attributes that changed; an empty value was deleted",
    "code": "number of the key",
    "data": "the message, as sent",
    "digit": "the key",
    "id": "of the text, unique in the room",
    "identities": "who began to be heard",
    "identity": "whose it is; for data and texts, who sent it",
    "is_encrypted": "whether it is encrypted",
    "message": "why, in LiveKit's words",
    "metadata": "the text as it is now",
    "name": "the name as it is now",
    "participant": "who, as announced",
    "permission": "the whole right as it is now",
    "previous_sid": "the sid until now",
    "publication": "the track as it was announced then",
    "quality": "LiveKit's word",
    "reason": "why, as the SFU says",
    "reliable": "whether it was sent reliably",
    "segments": "what was said",
    "sid": "of the data track, chosen by the SFU",
    "state": "LiveKit's word",
    "text": "what was sent",
    "topic": "what the sender named it",
    "track_sid": "of the track, chosen by the SFU",
}
"""What the fields of room events mean; one name means one thing in all of them."""


_VALUES = """\
What a session shows is a `Latest` or `Events`. Both are RxPY observables, so `help()` \
prints RxPY's members, too; these are their own. `pipe` and the operators are \
[RxPY's](https://rxpy.readthedocs.io/)."""


def values_page() -> str:
    """Return the page about `Latest` and `Events`."""
    parts = [_VALUES]
    for kind in (Latest, Events, EventsReader, Observed, ClockScheduler):
        parts += [f"## `{kind.__name__}`", docstring(kind)]
        for name, member in _own(kind):
            parts += [f"### `{kind.__name__}.{name}{_signature(member)}`"]
            parts += [docstring(member)]
    called = f"subscribe_async{_bare(inspect.signature(subscribe_async))}"
    parts += [f"## `{called}`", docstring(subscribe_async)]
    return page("Values and events", *parts)


def _own(kind: type) -> Iterator[tuple[str, Any]]:
    for name, member in vars(kind).items():
        told = member.fget if isinstance(member, property) else member
        if not name.startswith("_") and getattr(told, "__doc__", None):
            yield name, member


def _signature(member: Any) -> str:
    if not callable(member):
        return ""
    parameters = list(inspect.signature(member).parameters.values())[1:]
    return _bare(inspect.Signature(parameters))


def _bare(signature: inspect.Signature) -> str:
    bare = [
        each.replace(annotation=inspect.Parameter.empty)
        for each in signature.parameters.values()
    ]
    return str(inspect.Signature(bare))


def events_page() -> str:
    """Return the page about the room events."""
    rows = (
        (code(kind.__name__), _fields(kind), first_sentence(kind))
        for kind in get_args(room_events.RoomEvent)
    )
    meanings = (
        (code(name), FIELDS_OF_EVENTS[name]) for name in sorted(_event_fields())
    )
    return page(
        "Room events",
        "`RoomEvent` of `utd_stream.models` is a union: each value of "
        "`session.events` and of `UTDRoom.events` is one of these. Choose by class: "
        "`session.events.pipe(ops.filter(lambda e: isinstance(e, Reconnected)))`. "
        "The classes are in `utd_stream.models.room_events`.",
        table(("Event", "Fields", "What happened"), rows),
        "## Fields",
        table(("Field", "Means"), meanings),
    )


def _event_fields() -> set[str]:
    return {
        field.name
        for kind in get_args(room_events.RoomEvent)
        for field in attrs.fields(kind)
    }


def _fields(kind: Any) -> str:
    fields = attrs.fields(kind)
    return ", ".join(code(f"{field.name}: {field.type}") for field in fields)


def faults_page() -> str:
    """Return the page about the faults of a simulation."""
    kinds = [getattr(faults, name) for name in faults.__all__]
    rows = ((code(_call(kind)), _touched(kind), first_sentence(kind)) for kind in kinds)
    return page(
        "Faults",
        docstring(faults),
        "The tuples are `(at, fault, lasts)`, in seconds after the script begins. Two "
        "faults that touch the same thing must not overlap: `play` refuses such a "
        "script.",
        table(("Fault", "Touches", "What breaks"), rows),
    )


def _touched(kind: Any) -> str:
    names = [field.name for field in attrs.fields(kind)]
    return str(kind(*names).touches)


def _call(kind: Any) -> str:
    parameters = [
        f"{field.name}={field.default!r}"
        if field.default is not attrs.NOTHING
        else field.name
        for field in attrs.fields(kind)
    ]
    return f"{kind.__name__}({', '.join(parameters)})"


def errors_page() -> str:
    """Return the page about exceptions and codes."""
    return page(
        "Errors",
        "Every exception is a `UTDStreamException` of `utd_stream.errors`, with "
        "`code`, `retryable`, and `status_code` where the engine answered. An "
        "`EngineError` has `request_id` and `details`, too.",
        "## Exceptions",
        table(
            ("Exception", "Code", "Status", "Retryable", "Raised when"), _exceptions()
        ),
        "## What the engine answers",
        "The body of every refusal is `{code, message, request_id, details?}`.",
        table(("Code", "Status", "Raises", "Meaning", "Remedy", "Details"), _codes()),
    )


def _exceptions() -> Iterator[tuple[str, ...]]:
    for line in (errors.__doc__ or "").splitlines():
        name = line.strip().removeprefix("* ")
        kind = getattr(errors, name, None) if line.strip().startswith("* ") else None
        if isinstance(kind, type) and issubclass(kind, UTDStreamException):
            depth = (len(line) - len(line.lstrip())) // 4
            yield (
                "&nbsp;&nbsp;" * depth + code(name),
                "why it was refused"
                if kind is errors.RefusedError
                else code(kind.code),
                str(kind.status_code or ""),
                "yes" if kind.retryable else "",
                first_sentence(kind),
            )


def _codes() -> Iterator[tuple[str, ...]]:
    for member, known in CODES.items():
        error = engine_error(known.status, member.value, "")
        yield (
            code(member.value),
            str(known.status),
            code(type(error).__name__),
            cell(known.meaning),
            cell(known.remedy),
            ", ".join(map(code, known.details)),
        )
