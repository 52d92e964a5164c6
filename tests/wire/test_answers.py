"""Answers may say more than we know, and fail in one way only."""

from __future__ import annotations

import base64
import contextlib
from datetime import UTC, datetime
from typing import Any

import attrs
import jwt
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from utd_stream import models as m
from utd_stream.contract import ENDPOINTS
from utd_stream.contract import answers as a
from utd_stream.errors import RemoteProtocolError
from utd_stream.models.rooms import UTDRole
from utd_stream.testing.models import aware_datetimes, json_values, texts, values
from utd_stream.wire import (
    bearer_expiry,
    decode,
    decode_json,
    encode,
    to_json,
    token_holder,
)

ANSWERS = [
    *(getattr(a, name) for name in a.__all__ if name != "Page"),
    a.Page[a.RoomView],
    a.Page[a.ParticipantView],
    a.Page[m.SpeakerRequest],
    a.Page[m.UTDCall],
    m.UTDCall,
]
MODELS = [
    m.UTDSeatGrid,
    m.SpeakerRequest,
    m.Invitation,
    m.Permission,
    m.TrackPublication,
    m.RemoteParticipant,
    m.LocalParticipant,
]
TOKEN = {"token": "t", "url": "ws://sfu", "roomName": "lounge", "user_token": "u"}
every_model = pytest.mark.parametrize("model", ANSWERS + MODELS, ids=str)


@attrs.frozen
class Measured:
    """Stands for an answer with a number."""

    seconds: float


@every_model
@given(data=st.data())
def test_values_arrive_as_they_were_sent(model: Any, data: st.DataObject) -> None:
    """Encoding and reading a value gives the value again."""
    value = data.draw(values(model))

    assert decode(model, decode_json(encode(value))) == value


@given(data=st.data(), more=st.dictionaries(texts().map("x_{}".format), json_values()))
def test_what_a_newer_engine_adds_is_ignored(
    data: st.DataObject, more: dict[str, Any]
) -> None:
    """Fields an answer did not have yet change nothing."""
    model = data.draw(st.sampled_from(ANSWERS))
    value = data.draw(values(model))

    assert decode(model, {**more, **to_json(value)}) == value


@given(model=st.sampled_from(ANSWERS + MODELS), raw=json_values())
def test_nonsense_is_a_typed_error_with_a_path(model: Any, raw: object) -> None:
    """Whatever an engine answers, it is read or a `RemoteProtocolError` (L22)."""
    with contextlib.suppress(RemoteProtocolError):
        decode(model, raw)


@given(data=st.data())
def test_a_wrong_field_is_named(data: st.DataObject) -> None:
    """A value of a wrong type is told with its path, never made to fit."""
    model = data.draw(st.sampled_from([a.RoomView, a.ParticipantView, a.SessionAnswer]))
    raw = to_json(data.draw(values(model)))
    field = data.draw(st.sampled_from([f.name for f in attrs.fields(model)]))

    with pytest.raises(RemoteProtocolError) as caught:
        decode(model, {**raw, field: 1.5})

    assert caught.value.path == f"$.{field}"
    assert caught.value.code == "remote_protocol"


@pytest.mark.parametrize(
    ("model", "field"),
    [
        (a.RoomView, "participants"),
        (a.RoomView, "pagination"),
        (m.RemoteParticipant, "attributes"),
    ],
    ids=["list", "object", "map"],
)
def test_what_is_no_list_or_object_is_named(model: Any, field: str) -> None:
    """A number in the place of many values is told in words, not in Python's."""
    raw = {"room_name": "r", "type": "audio_room", "created_at": "2024-02-29T12:00Z"}

    with pytest.raises(RemoteProtocolError, match="must be") as caught:
        decode(model, {**raw, "identity": "ann", field: 5})

    assert caught.value.path == f"$.{field}"


def test_a_problem_deep_inside_is_told_with_its_path() -> None:
    """The path leads through lists and objects."""
    room = {"room_name": "r", "type": "audio_room", "created_at": "2024-02-29T12:00Z"}
    raw = {**room, "participants": [{"identity": "ann"}, {"identity": 5}]}

    with pytest.raises(RemoteProtocolError) as caught:
        decode(a.RoomView, raw)

    assert caught.value.path == "$.participants[1].identity"


@given(value=st.sampled_from(ANSWERS + MODELS).flatmap(values))
def test_what_is_not_there_is_left_out(value: Any) -> None:
    """A field that may be None is never sent as null at the top of an answer."""
    optional = {
        field.name for field in attrs.fields(type(value)) if field.default is None
    }

    told = to_json(value)

    assert not [name for name in optional if name in told and told[name] is None]


def test_every_answer_of_the_contract_is_tried() -> None:
    """No endpoint answers with a model that the tests above do not know."""
    answers = {endpoint.answer for endpoint in ENDPOINTS} - {None}

    assert answers <= {*ANSWERS, m.UTDSeatGrid}


@pytest.mark.parametrize("name", ["roomName", "room_name"])
def test_a_room_name_is_read_in_both_spellings(name: str) -> None:
    """The engine writes ``roomName``, as it always was; both are taken."""
    raw = {**TOKEN, name: "lounge"}
    if name != "roomName":
        del raw["roomName"]

    answer = decode(a.UTDTokenResponse, raw)

    assert answer.room_name == "lounge"
    assert to_json(answer)["roomName"] == "lounge"
    assert "room_name" not in to_json(answer)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"token": ""}, "$.token"),
        ({"url": ""}, "$.url"),
        ({"user_token": ""}, "$.user_token"),
        ({"user_token": None}, "$.user_token"),
        ({"token": None}, "$.token"),
        ({"token": 5}, "$.token"),
        ({"url": ["ws://sfu"]}, "$.url"),
        ({"roomName": None}, "$.room_name"),
        ({"connection": "1"}, "$.connection"),
        ({"connection": True}, "$.connection"),
        ({"role": 4}, "$.role"),
        ({"seats": []}, "$.seats"),
    ],
    ids=str,
)
def test_a_malformed_token_answer_is_a_typed_error(
    change: dict[str, Any], path: str
) -> None:
    """Empty, missing or of a wrong type: always the same class (L22)."""
    with pytest.raises(RemoteProtocolError) as caught:
        decode(a.UTDTokenResponse, {**TOKEN, **change})

    assert caught.value.path == path


def test_a_session_without_a_bearer_is_a_typed_error() -> None:
    """An empty one would sign its user out (L22)."""
    with pytest.raises(RemoteProtocolError, match="must not be empty") as caught:
        decode(a.SessionAnswer, {"user_token": ""})

    assert caught.value.path == "$.user_token"


def test_a_token_answer_needs_little() -> None:
    """What an older engine leaves out, or says as null, has a default (L35)."""
    answer = decode(a.UTDTokenResponse, {**TOKEN, "ws_url": None, "role": None})

    assert answer.role is UTDRole.AUDIENCE
    assert (answer.ws_url, answer.connection, answer.seats) == ("", 0, None)
    assert answer.owner_identity is None


@pytest.mark.parametrize(
    ("model", "raw"),
    [
        (a.UTDTokenResponse, {**TOKEN, "token": "s3", "user_token": "s4"}),
        (a.SessionAnswer, {"user_token": "s4"}),
    ],
    ids=["room", "session"],
)
def test_tokens_are_not_printed(model: Any, raw: dict[str, Any]) -> None:
    """An answer with a token in a log gives nobody away (T23)."""
    answer = decode(model, raw)

    assert "s3" not in repr(answer)
    assert "s4" not in repr(answer)


@pytest.mark.parametrize(
    "raw",
    ["2024-02-29T12:00:00", "yesterday", 5, "0001-01-01T00:00:00+14:00"],
    ids=["naive", "no date", "number", "before time"],
)
def test_moments_are_whole(raw: object) -> None:
    """A moment without a time zone, or none at all, is a typed error."""
    told = {"id": 1, "identity": "ann", "created_at": raw}

    with pytest.raises(RemoteProtocolError, match="must be a date and time") as caught:
        decode(m.SpeakerRequest, told)

    assert caught.value.path == "$.created_at"


@given(moment=aware_datetimes())
def test_moments_are_told_in_utc(moment: datetime) -> None:
    """Whatever zone a moment was thought in, it is written and read as UTC."""
    text = to_json(m.SpeakerRequest(id=1, identity="a", created_at=moment))
    read = decode(m.SpeakerRequest, text).created_at

    assert text["created_at"].endswith("Z")
    assert read == moment
    assert read is not None
    assert read.tzinfo is UTC


@pytest.mark.parametrize(("raw", "read"), [(1, 1.0), (0.5, 0.5)])
def test_a_number_may_be_whole(raw: float, read: float) -> None:
    """Where a fraction is meant, a whole number is one."""
    assert decode(Measured, {"seconds": raw}).seconds == read


@pytest.mark.parametrize("raw", [True, "1", None])
def test_a_number_is_neither_text_nor_truth(raw: object) -> None:
    """What is no number in JSON does not become one."""
    with pytest.raises(RemoteProtocolError, match="must be a number"):
        decode(Measured, {"seconds": raw})


@given(moment=aware_datetimes())
def test_a_bearers_end_is_read(moment: datetime) -> None:
    """The end of a token of ours is read without its key."""
    whole = moment.replace(microsecond=0)
    token = jwt.encode({"exp": whole}, "k" * 32)

    assert bearer_expiry(token) == whole


@pytest.mark.parametrize(
    "payload",
    [
        *(b"{}", b"[]", b'"a"', b"5", b"{", b'{"exp": null}', b'{"exp": "9"}'),
        *(b'{"exp": 1e300}', b'{"exp": -1e17}', b"[" * 30_000, b"\xff"),
    ],
    ids=lambda payload: payload[:14],
)
def test_a_token_without_an_end_has_none(payload: bytes) -> None:
    """Any other claims, or none, are no error: the engine will say when."""
    token = jwt.api_jws.encode(payload, "k" * 32, algorithm="HS256")

    assert bearer_expiry(token) is None


@given(token=texts() | st.text("ey.J0-_="))
def test_reading_a_bearer_never_raises(token: str) -> None:
    """A provider's token may be anything at all."""
    assert bearer_expiry(token) is None or isinstance(bearer_expiry(token), datetime)


def test_a_media_token_names_room_and_identity() -> None:
    """Both are read as the SFU will know them, without the token's key."""
    token = jwt.encode({"sub": "ana", "video": {"room": "pa_r"}}, "k" * 32)

    assert token_holder(token) == ("pa_r", "ana")


@pytest.mark.parametrize(
    "claims",
    [{}, {"sub": "ana"}, {"sub": "ana", "video": {}}, {"sub": "ana", "video": []}],
)
def test_a_token_of_another_kind_names_nobody(claims: dict[str, Any]) -> None:
    """A bearer, or what else is signed, is no media token."""
    assert token_holder(jwt.encode(claims, "k" * 32)) is None


@given(st.text(), json_values())
def test_any_text_is_read_as_a_token(text: str, claims: Any) -> None:
    """Nothing raises, whatever stands where claims should."""
    body = base64.urlsafe_b64encode(orjson.dumps(claims)).decode().rstrip("=")
    for token in (text, f"a.{text}", f"a.{body}.c"):
        assert token_holder(token) is None or isinstance(token_holder(token), tuple)
        bearer_expiry(token)
