"""Draws requests, sends them as each role, and judges every answer."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import attrs
import orjson
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from jsonschema import Draft202012Validator
from schemathesis import Case, GenerationMode, Response
from schemathesis.checks import load_all_checks
from schemathesis.config import (
    GenerationConfig,
    ProjectConfig,
    ProjectsConfig,
    SchemathesisConfig,
)
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok

from tests.fuzz.people import People
from utd_stream.contract.endpoints import ENDPOINTS, Who

__all__ = ["Ground", "Tally", "walk"]

_Case: TypeAlias = Case[Any]

# How many requests in a row are of one operation: few enough that a short run
# reaches all of them, and more in a long one, which is faster.
_LEAST, _ROUNDS = 2, 1_000
# Turns until those who were removed come back.
_ABSENCE = 4
_SHOWN = 300  # characters of a failure
_NOT_SERVED = 300  # the first status that is not

_BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}
_NEVER_SERVED = {
    "nobody": set(Who) - {Who.ANYBODY},
    "key": set(Who) - {Who.ANYBODY, Who.APP},
    "audience": {Who.SFU, Who.MODERATOR, Who.HOST, Who.SECRET},
    "admin": {Who.SFU, Who.HOST, Who.SECRET},
    "host": {Who.SFU, Who.SECRET},
    "secret": {Who.SFU, Who.BEARER},
    "stranger": {Who.SFU, Who.MODERATOR, Who.HOST, Who.SECRET},
}


@attrs.define
class Tally:
    """What came of one role's requests.

    Attributes:
        role: Who sent them.
        requests: How many were sent.
        statuses: How often each status was answered.
        reached: The operations that were called.
        served: The operations that answered 200.
        failures: What was off, and how often.
        examples: The first request of each.
    """

    role: str
    requests: int = 0
    statuses: Counter[int] = attrs.field(factory=Counter[int])
    reached: set[str] = attrs.field(factory=set[str])
    served: set[str] = attrs.field(factory=set[str])
    failures: Counter[str] = attrs.field(factory=Counter[str])
    examples: dict[str, str] = attrs.field(factory=dict[str, str])

    def note(self, operation: str, status: int) -> None:
        """Count one answer."""
        self.requests += 1
        self.statuses[status] += 1
        self.reached.add(operation)
        if status < _NOT_SERVED:
            self.served.add(operation)

    def fail(self, operation: str, message: str, response: Response) -> None:
        """Count what was off, and keep the first request of its kind."""
        what = f"{operation}: {message}"
        request = response.request
        self.failures[what] += 1
        self.examples.setdefault(
            what, f"{request.method} {request.url} {request.body!r:.300}"
        )


@attrs.frozen(kw_only=True)
class Ground:
    """Where requests are sent.

    Attributes:
        document: The OpenAPI that is served.
        url: Of the engine.
        people: Those who live there.
        seed: Of what is drawn.
        is_over: Whether the time is up.
        tell: Told how many requests each role has sent.
    """

    document: dict[str, Any]
    url: str
    people: People
    seed: int
    is_over: Callable[[], bool]
    tell: Callable[[int], None]


def walk(ground: Ground, roles: Iterable[str], requests: int) -> list[Tally]:
    """Return what came of *requests* requests of each role.

    Each request that is drawn is sent by one role after the other: to draw it
    costs more than to send it.

    Args:
        ground: Where they are sent.
        roles: Of `people.ROLES`, who may least first.
        requests: How many each sends.
    """
    tallies = [Tally(role) for role in roles]
    sent = 0

    def send(case: _Case) -> None:
        nonlocal sent
        if sent == requests or ground.is_over():
            return
        sent += 1
        drawn = _Drawn(case.path_parameters, case.body, dict(case.headers))
        for tally in tallies:
            _judge(case, drawn, ground, tally)

    turns = enumerate(_turns(ground.document, ground.people))
    while sent < requests and not ground.is_over():
        ground.tell(sent)
        number, (operation, mode) = next(turns)
        strategy = operation.as_strategy(generation_mode=mode)
        bounds = settings(_SETTINGS, max_examples=max(_LEAST, requests // _ROUNDS))
        first = seed(ground.seed * _ROUNDS**2 + number)
        first(bounds(given(case=strategy)(send)))()
    ground.tell(sent)
    return tallies


def _turns(
    document: dict[str, Any], people: People
) -> Iterator[tuple[Any, GenerationMode]]:
    turns = [
        (operation, mode)
        for operation in _operations(document)
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or _can_be_wrong(operation)
    ]
    for number, turn in enumerate(itertools.cycle(turns)):
        if number % _ABSENCE == 0:
            people.gather()
        yield turn


def _operations(document: dict[str, Any]) -> Iterator[Any]:
    # Who calls is the role's, not drawn.
    generation = GenerationConfig(with_security_parameters=False)
    project = ProjectConfig(generation=generation)
    config = SchemathesisConfig(projects=ProjectsConfig(default=project))
    schema = schemathesis.openapi.from_dict(document, config=config)
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        yield result.ok()


def _can_be_wrong(operation: Any) -> bool:
    return bool(operation.body or list(operation.iter_parameters()))


_SETTINGS = settings(
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@attrs.frozen
class _Drawn:
    """What was drawn of a request, before a role made it its own."""

    path: Any
    body: Any
    headers: dict[str, str]


def _judge(case: _Case, drawn: _Drawn, ground: Ground, tally: Tally) -> None:
    people = ground.people
    name = case.operation.definition.raw["operationId"]
    if isinstance(drawn.path, dict):
        case.path_parameters = people.places(drawn.path)
    case.body = people.fields(drawn.body)
    case.headers.clear()
    case.headers.update(people.conditions(drawn.headers))
    shown = people.credentials(tally.role)
    response = case.call(base_url=ground.url, headers=shown, timeout=10)
    tally.note(name, response.status_code)
    try:
        case.validate_response(response, checks=_checks())
    except FailureGroup as group:
        for failure in group.exceptions:
            tally.fail(name, _line(failure), response)
    except Failure as failure:
        tally.fail(name, _line(failure), response)
    if response.status_code < _NOT_SERVED:
        if _BY_NAME[name].who in _NEVER_SERVED[tally.role]:
            tally.fail(name, f"{tally.role} was served", response)
        if not _is_described(case, response):
            tally.fail(name, "took what its schema refuses", response)
    try:
        people.note(response.json())
    except ValueError:
        tally.fail(name, f"{response.status_code} is not JSON", response)


def _is_described(case: _Case, response: Response) -> bool:
    """Whether the body that was sent is one that the document describes."""
    sent = response.request.body
    components = case.operation.schema.raw_schema["components"]
    for body in case.operation.body:
        if isinstance(sent, bytes) and body.media_type == "application/json":
            whole = {**body.definition["schema"], "components": components}
            return Draft202012Validator(whole).is_valid(orjson.loads(sent))
    return True


def _checks() -> list[Any]:
    load_all_checks()
    return [
        schemathesis.checks.CHECKS.get_one(name)
        for name in (
            "not_a_server_error",
            "status_code_conformance",
            "content_type_conformance",
            "response_headers_conformance",
            "response_schema_conformance",
        )
    ]


def _line(failure: Failure) -> str:
    return " ".join(f"{failure.title}: {failure.message}".split())[:_SHOWN]
