"""Pages about the engine: its settings, its endpoints, what it writes to LiveKit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import orjson

from tests.pages.markdown import code, first_sentence, page, table
from utd_stream.contract import signaling
from utd_stream.contract.docstrings import attributes_of
from utd_stream.contract.endpoints import ENDPOINTS
from utd_stream.engine import App, Config
from utd_stream.engine._between import Between
from utd_stream.models import UTDSeat, UTDSeatGrid
from utd_stream.wire import grid_to_json, grid_to_metadata
from utd_stream.wire.spelling import (
    DATA_MESSAGES,
    SHORT,
    grid_schemas,
    metadata_schemas,
)

__all__ = [
    "metadata_schema",
    "rest_page",
    "settings_page",
    "signaling_page",
    "wire_page",
]


def settings_page() -> str:
    """Return the page about the settings of an engine."""
    words = attributes_of(Config)
    settings = (
        (
            code(field.name),
            code(_variable(field.name)),
            code(str(field.type)),
            _default(field),
            _bounds(field),
            words[field.name],
        )
        for field in attrs.fields(Config)
        if field.name != "apps"
    )
    apps = (
        (
            code(field.name),
            code(str(field.type)),
            _default(field),
            attributes_of(App)[field.name],
        )
        for field in attrs.fields(App)
    )
    return page(
        "Settings of an engine",
        "`utd-stream serve` reads a TOML file (`--config`), then the environment, then "
        "flags; the later one wins. `utd-stream serve --check` prints what is in "
        "force, without secrets. How to run one: [operating](../operating.md).",
        table(("Key", "Variable", "Type", "Default", "Range", "Means"), settings),
        "## Apps",
        "Each app is a table `[[apps]]` in the file. One app can also be given by "
        "`app_id`, `app_key`, `app_secret` and `allow_appkey_identity_mint`, or their "
        "variables `UTD_STREAM_APP_ID`, `UTD_STREAM_APP_KEY`, `UTD_STREAM_APP_SECRET` "
        "and `UTD_STREAM_ALLOW_APPKEY_IDENTITY_MINT`.",
        table(("Key", "Type", "Default", "Means"), apps),
    )


def _variable(name: str) -> str:
    return (name if name.startswith("livekit_") else f"utd_stream_{name}").upper()


def _bounds(field: Any) -> str:
    bounds = field.validator
    is_told = isinstance(bounds, Between)
    return f"{bounds.least:g} to {bounds.most:,.10g}" if is_told else ""


def _default(field: Any) -> str:
    if field.default is attrs.NOTHING:
        return "must be given"
    if field.default == "":
        return "none"
    return code(str(orjson.dumps(field.default).decode()))


def signaling_page() -> str:
    """Return the page of the signaling socket."""
    meanings = attributes_of(signaling.CallSignal)
    events = [(code(each.value), meanings[each.name]) for each in signaling.CallSignal]
    whys = attributes_of(signaling.SignalClose)
    closes = [(str(each.value), whys[each.name]) for each in signaling.SignalClose]
    frames = [
        (code(name), first_sentence(kind), ", ".join(map(code, attributes_of(kind))))
        for name, kind in (
            (signaling.AUTH, signaling.AuthFrame),
            (signaling.READY, signaling.ReadyFrame),
            (signaling.EXPIRING, signaling.ExpiringFrame),
        )
    ]
    fields = [
        (code(f"{name}.{field}"), meaning)
        for name, kind in (
            (signaling.AUTH, signaling.AuthFrame),
            (signaling.READY, signaling.ReadyFrame),
        )
        for field, meaning in attributes_of(kind).items()
    ]
    return page(
        "The signaling socket",
        f"`GET {signaling.SIGNAL_PATH}` is a websocket, not compressed, by which the "
        "devices of a person hear of their calls. A frame is one text message, "
        '`{"event": ..., "data": ..., "seq"?: ...}`, of at most '
        f"{signaling.MAX_FRAME_BYTES:,} bytes; unknown events are ignored. Both sides "
        f"ping what was quiet for {signaling.PING_PERIOD:g} s and wait half of that "
        "for the answer; the SDK pings a second sooner, so that the engine need not.",
        f"The client sends `{signaling.AUTH}` within {signaling.AUTH_WITHIN:g} s, and "
        f"again where `{signaling.EXPIRING}` has come, "
        f"{signaling.EXPIRING_BEFORE:g} s before the sign-in ends; each is answered by "
        f"`{signaling.READY}`. What a client has missed within "
        f"{signaling.SIGNALS_KEPT / 3600:g} h follows, where it names the epoch and "
        "the number of the newest news that it has had.",
        table(("frame", "meaning", "data"), frames),
        table(("field", "meaning"), fields),
        "News about a call holds its row, as REST answers it, and a number that rises "
        "for each person, with gaps:",
        table(("event", "meaning"), events),
        "The engine closes a socket with one of these codes and the remedy in words. "
        f"One person has {signaling.SOCKETS_OF_ONE} sockets at most, and a socket says "
        f"{signaling.FRAMES_A_SECOND} frames a second at most.",
        table(("code", "meaning"), closes),
    )


def rest_page() -> str:
    """Return the page that lists the endpoints."""
    rows = (
        (
            code(f"{each.method} {each.full_path}"),
            code(each.name),
            each.who.value,
            each.summary,
        )
        for each in ENDPOINTS
    )
    who = attributes_of(type(ENDPOINTS[0].who))
    return page(
        "Endpoints",
        "The whole description, with every field, bound, rule and error, is served by "
        "each engine as OpenAPI at `/api/v1/openapi.json`. `UTDStreamClient.api` has a "
        "method of each operation's name.",
        table(("Endpoint", "Operation", "Who may", "What it does"), rows),
        "## Who may",
        table(
            ("Word", "Means"),
            ((code(name.lower()), text) for name, text in who.items()),
        ),
    )


def wire_page() -> str:
    """Return the page about the two spellings of a grid, and metadata."""
    schemas = {**grid_schemas(), **metadata_schemas()}
    messages = ((code(kind), text) for kind, text in DATA_MESSAGES.items())
    return page(
        "What is on the wire, in two spellings",
        _WIRE,
        "One grid of two seats in REST's spelling, and in that of room metadata:",
        _example(grid_to_json(_GRID)),
        _example({"_seats": grid_to_metadata(_GRID)}),
        "## The grid",
        table(
            ("REST", "Room metadata `_seats`", "Means"), _sides(schemas, "UTDSeatGrid")
        ),
        "### A seat",
        table(
            ("REST", "Room metadata `_seats.seats[]`", "Means"),
            _sides(schemas, "UTDSeat"),
        ),
        "### Requests and invitations, alike in both",
        table(("`requests[]`", "Means"), _fields(schemas["SpeakerRequest"])),
        table(("`invitations[]`", "Means"), _fields(schemas["Invitation"])),
        "## Room metadata",
        schemas["RoomMetadata"]["description"],
        table(("Key", "Means"), _fields(schemas["RoomMetadata"])),
        table(("Key of `_room`", "Means"), _fields(schemas["RoomFacts"])),
        "## Participant metadata",
        schemas["ParticipantMetadata"]["description"],
        table(("Key", "Means"), _fields(schemas["ParticipantMetadata"])),
        "## Data messages",
        schemas["DataMessage"]["description"],
        table(("`type`", "Means"), messages),
    )


_WIRE = """\
A grid reaches a client twice: REST answers it (`GET /rooms/{room}/seats`, the mint, \
every seat command), and the engine writes it into the metadata of the LiveKit room, \
which every listener gets within milliseconds. Some names differ; nothing else does. \
Both carry `rev`: keep the grid with the higher one. Readers should take both \
spellings, and ignore keys that they do not know.

Two URLs are in the answer to a mint, and they are not the same thing. `url` is the \
LiveKit server: give it to LiveKit's client, with `token`. `ws_url` is the engine's \
signaling socket; it is empty where the engine has no signaling.

The JSON Schemas stand among the components of `/api/v1/openapi.json` as \
`RoomMetadata`, `ParticipantMetadata` and `DataMessage`, so that each engine serves \
those of what it writes; the same stand in \
[metadata.schema.json](metadata.schema.json)."""


_GRID = UTDSeatGrid(
    rev=12,
    seats=(UTDSeat(seat_index=0, occupant_identity="ana"), UTDSeat(seat_index=1)),
)


def _example(value: Any) -> str:
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return f"```json\n{text}\n```"


def _sides(schemas: dict[str, Any], name: str) -> Iterator[tuple[str, ...]]:
    for field, words in _fields(schemas[name]):
        plain = field.strip("`")
        yield field, code(SHORT.get(plain, plain)), words


def _fields(schema: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, each in schema["properties"].items():
        types = each.get("type", "")
        can_be_null = isinstance(types, list) and "null" in types
        is_told = not can_be_null or "null" in each["description"]
        nullable = "" if is_told else " May be null."
        optional = "" if name in schema["required"] else " May be absent."
        yield code(name), f"{each['description']}{nullable}{optional}"


def metadata_schema() -> str:
    """Return the JSON Schema of what the engine writes to LiveKit, in one file."""
    schemas = dict(sorted({**grid_schemas(), **metadata_schemas()}.items()))
    text = orjson.dumps(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$comment": "Generated by `make pages`; do not edit. Use "
            "#/$defs/RoomMetadata, #/$defs/ParticipantMetadata or #/$defs/DataMessage.",
            "$defs": schemas,
        },
        option=orjson.OPT_INDENT_2,
    ).decode()
    return text.replace("#/components/schemas/", "#/$defs/") + "\n"
