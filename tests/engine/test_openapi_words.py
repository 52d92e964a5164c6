"""The API's description leaves nothing unsaid."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from utd_stream.contract import ENDPOINTS
from utd_stream.contract.codes import CODES, DETAILS
from utd_stream.contract.fields import FIELDS
from utd_stream.engine.openapi import document
from utd_stream.errors import UTDErrorCode, engine_error
from utd_stream.models.rooms import UTDRole
from utd_stream.testing.models import texts, values

DOCUMENT: dict[str, Any] = orjson.loads(document())
OPERATIONS: dict[str, dict[str, Any]] = {
    operation["operationId"]: operation
    for methods in DOCUMENT["paths"].values()
    for operation in methods.values()
}


def responses(operation: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every response of an operation, those among the components included."""
    for status, answer in operation["responses"].items():
        name = answer.get("$ref", "").rpartition("/")[2]
        yield status, DOCUMENT["components"]["responses"][name] if name else answer


def properties(schema: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every property below a schema, with where it stands."""
    if isinstance(schema, dict):
        for name, each in schema.get("properties", {}).items():
            yield f"{path}.{name}", each
            yield from properties(each, f"{path}.{name}")
        for key in ("items", "allOf", "anyOf", "oneOf"):
            yield from properties(schema.get(key), path)
    elif isinstance(schema, list):
        for each in schema:
            yield from properties(each, path)


def described() -> Iterator[tuple[str, Any]]:
    """Everything that owes its reader a description, with where it stands."""
    yield "info", DOCUMENT["info"]
    for name, operation in OPERATIONS.items():
        yield name, operation
        for parameter in operation["parameters"]:
            yield f"{name}({parameter['name']})", parameter
        if "requestBody" in operation:
            yield f"{name} body", operation["requestBody"]
        for status, answer in responses(operation):
            yield f"{name} {status}", answer
    components = DOCUMENT["components"]
    for kind in ("schemas", "securitySchemes", "headers"):
        yield from components[kind].items()
    for name, schema in components["schemas"].items():
        yield from properties(schema, name)


def test_nothing_lacks_its_description() -> None:
    """Operations, parameters, bodies, answers, headers and fields are all told."""
    assert [where for where, each in described() if not each.get("description")] == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_says_who_may_call_it(name: str) -> None:
    """The rule about callers stands where one looks for it."""
    who = OPERATIONS[name]["description"].rpartition("Who may call: ")[2]

    assert len(who.split()) > 2


@pytest.mark.parametrize("code", UTDErrorCode)
def test_every_code_has_status_meaning_and_remedy(code: UTDErrorCode) -> None:
    """A code goes with the status that its class of error has, and known details."""
    known = CODES[code]
    error = engine_error(known.status, code.value, "")

    assert error.status_code == known.status
    assert known.meaning.endswith(".")
    assert known.remedy.endswith(".")
    assert set(known.details) <= set(DETAILS)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: e.name)
def test_every_refusal_names_its_codes(endpoint: Any) -> None:
    """Each code that an endpoint declares is told at its status, with its meaning."""
    told = dict(responses(OPERATIONS[endpoint.name]))

    for code in endpoint.errors:
        known = CODES[UTDErrorCode(code)]
        answer = told[str(known.status)]
        schema = answer["content"]["application/json"]["schema"]
        assert code in schema["properties"]["code"]["enum"]
        assert f"`{code}`: {known.meaning}" in answer["description"]


def test_answers_tell_their_headers() -> None:
    """Each answer names the request id, and what to wait for or to show."""
    for name, operation in OPERATIONS.items():
        for status, answer in responses(operation):
            wanted = {"X-Request-Id"}
            wanted |= {"Retry-After"} if status in {"429", "503"} else set()
            wanted |= {"WWW-Authenticate"} if status == "401" else set()
            assert set(answer["headers"]) >= wanted, (name, status)


def test_the_mint_says_who_grants_which_role() -> None:
    """Whoever asks for a role reads who can grant it, and what happens otherwise."""
    told = OPERATIONS["create_token"]["description"]
    raised = {role.value for role in UTDRole} - {"visitor"}

    assert all(f"`{role}`" in told for role in raised)
    assert "the app's secret grants every role" in told
    assert "gets `audience`, without an error" in told


TEXT_FIELDS = {
    kind.__name__: (kind, rule) for kind, rule in FIELDS.items() if rule.base is str
}


def holds(rule: Any, value: str) -> bool:
    """Whether the field's check takes *value*."""
    try:
        rule.check(value)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("name", TEXT_FIELDS)
@given(st.data())
def test_what_a_field_takes_its_schema_takes(name: str, data: st.DataObject) -> None:
    """No text that the engine takes strays from the description."""
    kind, rule = TEXT_FIELDS[name]
    text = data.draw(values(kind) | texts(300))

    if holds(rule, text):
        assert Draft202012Validator(rule.schema).is_valid(text)


NAME_FIELDS = [
    name
    for name, (_, rule) in TEXT_FIELDS.items()
    if "NFC" in rule.schema["description"]
]
NEAR_NAMES = st.sampled_from((*" .", "..", "...", "ban", "bans", "call_", "\t", "\x85"))


@pytest.mark.parametrize("name", NAME_FIELDS)
@given(texts(40) | NEAR_NAMES | st.tuples(NEAR_NAMES, texts(4)).map("".join))
def test_what_a_name_s_schema_takes_the_engine_takes(name: str, text: str) -> None:
    """Short text in NFC that the description allows is allowed."""
    _, rule = TEXT_FIELDS[name]
    text = unicodedata.normalize("NFC", text)

    assert Draft202012Validator(rule.schema).is_valid(text) == holds(rule, text)
