"""Requests are read strictly: what is wrong is refused, each with its path."""

from __future__ import annotations

import contextlib
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utd_stream.contract import requests as r
from utd_stream.contract.fields import FIELDS, SeatIndex, Text20
from utd_stream.errors import InvalidRequestError, RemoteProtocolError
from utd_stream.testing.models import json_values, values
from utd_stream.wire import decode_json, decode_request, encode, to_json

MODELS = [getattr(r, name) for name in r.__all__]
TOKEN = {"type": "audio_room", "room_name": "lounge", "identity": "ann"}

requests = st.sampled_from(MODELS).flatmap(values)
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)


def problems(model: type, raw: object) -> dict[str, str]:
    """What is wrong with *raw*, by path."""
    with pytest.raises(InvalidRequestError) as caught:
        decode_request(model, raw)
    assert (caught.value.status_code, caught.value.code) == (422, "invalid")
    listed = caught.value.details["errors"]
    assert str(caught.value) == f"{listed[0]['path']}: {listed[0]['message']}"
    return {problem["path"]: problem["message"] for problem in listed}


@every_model
@given(data=st.data())
def test_requests_arrive_as_they_were_sent(model: type, data: st.DataObject) -> None:
    """Encoding and reading a request gives the request again."""
    request = data.draw(values(model))

    assert decode_request(model, decode_json(encode(request))) == request


@given(request=requests, key=st.text())
def test_unknown_fields_are_refused(request: Any, key: str) -> None:
    """A field that no request has is a spelling error: its path is told."""
    raw = {**to_json(request), f"x{key}": 1}

    assert problems(type(request), raw) == {f"$.x{key}": "unknown field"}


@given(model=st.sampled_from(MODELS), raw=json_values())
def test_nothing_but_a_refusal_comes_of_nonsense(model: type, raw: object) -> None:
    """Whatever JSON is sent, it is read or refused as invalid."""
    with contextlib.suppress(InvalidRequestError):
        decode_request(model, raw)


@given(request=requests, data=st.data())
def test_a_field_of_a_wrong_type_is_refused_with_its_path(
    request: Any, data: st.DataObject
) -> None:
    """No field takes a value of another type; none is made to fit."""
    field = data.draw(st.sampled_from(attrs.fields(type(request)))).name
    others = [["a"], 1.5] if field == "metadata" else [["a"], {"a": 1}, 1.5]
    is_text = field == "metadata" and isinstance(request, r.TokenRequest)
    wrong = data.draw(st.sampled_from([*others, {"a": 1}] if is_text else others))

    said = problems(type(request), {**to_json(request), field: wrong})

    assert list(said) == [f"$.{field}"]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("identity", 5, "must be a string"),
        ("resume", "no", "must be true or false"),
        ("resume", 0, "must be true or false"),
        ("host_seat", True, "must be a whole number"),
        ("host_seat", "3", "must be a whole number"),
        ("host_seat", 3.0, "must be a whole number"),
        ("seat_mode", "open", "must be one of free, request"),
        ("role", "owner", "must be one of visitor, audience, guest, admin, host"),
    ],
)
def test_the_message_says_what_was_wanted(
    field: str, value: object, message: str
) -> None:
    """Neither `5` is a text nor `"no"` true: exact types, told in words."""
    raw = {**TOKEN, field: value}

    assert problems(r.TokenRequest, raw) == {f"$.{field}": message}


def test_missing_fields_are_named() -> None:
    """Whatever is required and absent is listed."""
    assert problems(r.TokenRequest, {"type": "audio_room"}) == {
        "$.room_name": "required field missing",
        "$.identity": "required field missing",
    }


def test_every_problem_is_listed_at_once() -> None:
    """Wrong, missing and unknown fields come back together."""
    raw = {"type": "audio_room", "identity": 5, "rom_name": "lounge"}

    assert problems(r.TokenRequest, raw) == {
        "$.room_name": "required field missing",
        "$.identity": "must be a string",
        "$.rom_name": "unknown field",
    }


@pytest.mark.parametrize("raw", [None, [], "text", 5, True], ids=repr)
@every_model
def test_a_body_is_an_object(model: type, raw: object) -> None:
    """Anything else is refused as a whole."""
    assert problems(model, raw) == {"$": "must be an object"}


@every_model
def test_null_is_absence_where_a_field_may_be_absent(model: type) -> None:
    """A field that may be left out may as well be null; the others may not."""
    fields = attrs.fields(model)
    raw = {**TOKEN, "target_seat": 1, "a": 0, "b": 1, "target_identity": "bob"}
    raw |= {"callee_identity": "bob", "role": "admin", "muted": True}
    if model is r.RoomMetadataRequest:
        raw["metadata"] = {}
    known = {f.name: raw.get(f.name) for f in fields if f.default is not False}

    request: object = decode_request(model, known)

    said = {name: value for name, value in known.items() if value is not None}
    unsaid = {field.name: False for field in fields if field.default is False}
    assert to_json(request) == said | unsaid


BOUNDS: list[tuple[str, Any, str]] = [
    ("identity", " ", "identity must not be blank"),
    ("identity", "é" * 129, "identity must be at most 256 bytes"),
    ("identity", "..", "identity must not be '.' or '..'"),
    ("identity", "a\nb", "identity must not hold control characters"),
    ("identity", "e\u0301", "identity must be in Unicode's NFC form"),
    ("identity", "\ud800", "identity is not valid Unicode"),
    ("room_name", "call_1", "room name 'call_1' is reserved"),
    ("room_name", "ban", "room name 'ban' is reserved"),
    ("name", "n" * 129, "name must be at most 128 bytes"),
    ("name", "", "name must not be blank"),
    ("image", "é" * 129, "must be at most 256 bytes"),
    ("image", "\ud800", "must be valid Unicode"),
    ("mode_id", "m" * 129, "must be at most 128 bytes"),
    ("metadata", "m" * 4097, "must be at most 4096 bytes"),
    ("device_model", "d" * 101, "must be at most 100 bytes"),
    ("os", "o" * 51, "must be at most 50 bytes"),
    ("os_version", "o" * 21, "must be at most 20 bytes"),
    ("app_version", "a" * 21, "must be at most 20 bytes"),
    ("device_id", "d" * 257, "must be at most 256 bytes"),
    ("seat_count", 0, "must be from 1 to 100"),
    ("seat_count", 101, "must be from 1 to 100"),
    ("host_seat", -1, "must be from 0 to 99"),
    ("host_seat", 100, "must be from 0 to 99"),
]


@pytest.mark.parametrize(("field", "value", "message"), BOUNDS)
def test_what_is_out_of_bounds_is_refused_with_its_path(
    field: str, value: object, message: str
) -> None:
    """Each field keeps the limits of the contract (L32, L36)."""
    raw = {**TOKEN, field: value}

    assert problems(r.TokenRequest, raw) == {f"$.{field}": message}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("identity", "é" * 128),
        ("identity", "a/b 🎤"),
        ("name", "n" * 128),
        ("image", "é" * 128),
        ("device_model", "d" * 100),
        ("os", "o" * 50),
        ("os_version", "o" * 20),
        ("seat_count", 1),
        ("seat_count", 100),
        ("host_seat", 0),
        ("host_seat", 99),
    ],
)
def test_what_is_just_within_bounds_is_taken(field: str, value: object) -> None:
    """A limit is the last value that passes."""
    request = decode_request(r.TokenRequest, {**TOKEN, field: value})

    assert getattr(request, field) == value


@pytest.mark.parametrize("value", [-1, 2**53 + 1])
def test_a_connection_is_a_number_that_every_language_can_hold(value: int) -> None:
    """A number beyond 2^53 would be another one in JavaScript."""
    said = problems(r.LeaveRequest, {"connection": value})

    assert said == {"$.connection": "must be from 0 to 9007199254740992"}


def test_every_type_of_field_is_described_as_it_is_checked() -> None:
    """The schema's limits are those of the check."""
    index, text = FIELDS[SeatIndex], FIELDS[Text20]

    assert (index.schema["minimum"], index.schema["maximum"]) == (0, 99)
    assert text.schema["maxLength"] == 20
    assert {field.base for field in FIELDS.values()} == {str, int}


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"nan", b"\xff", b'{"a": "\\ud800"}'),
        *(b"[" * 30_000, b'{"a":' * 30_000, b"[" * 65 + b"]" * 65),
    ],
    ids=["nothing", "open", "nan", "bytes", "surrogate", "arrays", "objects", "65"],
)
def test_what_is_no_json_is_a_typed_error(body: bytes) -> None:
    """Neither garbage nor nesting 30,000 deep is anything but an error of ours."""
    with pytest.raises(RemoteProtocolError) as caught:
        decode_json(body)

    assert caught.value.path == "$"
    assert caught.value.__cause__ is None


@given(value=json_values())
def test_deep_values_are_written_as_they_are(value: object) -> None:
    """What JSON can hold crosses the wire unchanged."""
    assert decode_json(encode(value)) == value
