"""What the tree of errors promises: a class for who can act, one text, one code."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utd_stream import errors
from utd_stream.errors import (
    BannedError,
    ClosedError,
    ConflictError,
    DescriptorLimitError,
    DisconnectedError,
    EngineError,
    FeatureDisabledError,
    IntermediaryError,
    InvalidRequestError,
    InvalidTransitionError,
    MailboxFullError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    RefusedError,
    RemoteProtocolError,
    TransportTimeoutError,
    UnauthenticatedError,
    UnavailableError,
    UsageError,
    UTDErrorCode,
    UTDStreamException,
    engine_error,
)

CLASSES = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value)
    and issubclass(value, UTDStreamException)
    and not name.startswith("_")
}
EXAMPLES = (
    InvalidTransitionError("seat", "Take", "locked"),
    RefusedError("seat_taken", "seat", "Take", "taken", "choose another one"),
    DescriptorLimitError(left=12, wanted=4096),
    ClosedError("the session is disposed"),
    MailboxFullError(100),
    TransportTimeoutError("no answer"),
    DisconnectedError("gone", "participant_removed"),
    RemoteProtocolError("must be a string", "$.token"),
    ConflictError("taken", code="seat_taken", request_id="r", details={"rev": 4}),
    RateLimitedError("slow down", retry_after=3.0),
)
BY_STATUS = {
    400: InvalidRequestError,
    401: UnauthenticatedError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: InvalidRequestError,
    409: ConflictError,
    413: InvalidRequestError,
    415: InvalidRequestError,
    422: InvalidRequestError,
    429: RateLimitedError,
    503: UnavailableError,
}

every_example = pytest.mark.parametrize(
    "error", EXAMPLES, ids=lambda e: type(e).__name__
)


def drawn() -> Iterator[tuple[str, str]]:
    """Each class of the drawing with the one it stands under."""
    above = {-4: "Exception"}
    for line in (errors.__doc__ or "").splitlines():
        name, indent = line.strip().removeprefix("* "), len(line) - len(line.lstrip())
        if line.strip().startswith("* "):
            above[indent] = name
            yield name, above[indent - 4]


def base(kind: type) -> str:
    """The first public base of a class."""
    return next(c.__name__ for c in kind.__mro__[1:] if not c.__name__.startswith("_"))


def test_the_drawing_shows_the_classes() -> None:
    """The tree in the docstring is the tree of the classes."""
    assert dict(drawn()) == {name: base(kind) for name, kind in CLASSES.items()}


def test_every_error_is_public() -> None:
    """Whatever can be raised can be caught by name."""
    assert {*CLASSES, "UTDErrorCode", "engine_error"} == set(errors.__all__)


def test_every_error_has_a_code_of_its_own() -> None:
    """No two classes say the same code, but for those that have none of their own."""
    codes = [kind.code for kind in CLASSES.values() if "code" in vars(kind)]
    codes.remove("error")  # EngineError's own, where the engine says none

    assert len(set(codes)) == len(codes)


def test_an_error_without_a_message_says_its_code() -> None:
    """No error is printed as an empty line."""
    assert str(ClosedError()) == "closed"


def test_a_code_and_a_status_of_one_error_leave_the_class_alone() -> None:
    """What one error says of itself is not what its class says."""
    error = UTDStreamException("no", 418, "teapot")

    assert (error.status_code, error.code) == (418, "teapot")
    assert (UTDStreamException.status_code, UTDStreamException.code) == (None, "error")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (EXAMPLES[0], "seat: cannot Take while locked"),
        (
            EXAMPLES[1],
            "seat: Take refused while taken: seat_taken; choose another one",
        ),
        (RefusedError("a", "m", "T", "s"), "m: T refused while s: a"),
        (EXAMPLES[2], "raise the limit with `ulimit -n 4096`"),
        (EXAMPLES[4], "100 events wait unread"),
    ],
    ids=["transition", "refused", "refused without hint", "descriptors", "mailbox"],
)
def test_texts_name_what_happened_and_the_remedy(
    error: UTDStreamException, said: str
) -> None:
    """A text is built in one place, from the data of the error."""
    assert said in str(error)


@every_example
def test_an_error_has_its_text_as_its_message(error: UTDStreamException) -> None:
    """Whoever shows `message` to a person shows what went wrong and the remedy."""
    assert error.message == str(error)


@every_example
def test_errors_survive_copying(error: UTDStreamException) -> None:
    """A copied error says and holds what the first one did."""
    again = copy.copy(error)

    assert type(again) is type(error)
    assert (str(again), vars(again)) == (str(error), vars(error))


@every_example
def test_errors_cross_processes(error: UTDStreamException) -> None:
    """A pool of processes can raise ours where the work was asked for."""
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 -- made on this line

    assert type(again) is type(error)
    assert (str(again), vars(again)) == (str(error), vars(error))


@pytest.mark.parametrize("kind", CLASSES.values(), ids=CLASSES)
def test_only_the_network_and_a_busy_engine_are_worth_another_try(
    kind: type[UTDStreamException],
) -> None:
    """Whether the same call may succeed later is a matter of the class."""
    may_pass = (errors.TransportError, RateLimitedError, UnavailableError)

    assert kind.retryable == issubclass(kind, may_pass)


def test_a_timeout_is_pythons_own_too() -> None:
    """Who waits with `TimeoutError` in mind catches ours."""
    assert issubclass(TransportTimeoutError, TimeoutError)


def test_a_ban_is_a_refusal_with_a_name_of_its_own() -> None:
    """A 403 is a ban only where its code says so (L4)."""
    banned = engine_error(403, "banned", "")
    forbidden = engine_error(403, "forbidden", "")
    limited = engine_error(429, "rate_limited", "")

    assert [banned.is_banned, forbidden.is_banned, limited.is_banned] == [1, 0, 0]
    assert [e.is_forbidden for e in (banned, forbidden, limited)] == [0, 1, 0]
    assert [e.is_rate_limited for e in (banned, forbidden, limited)] == [0, 0, 1]


@given(status=st.sampled_from([*BY_STATUS, 418, 500, 502]), code=st.text())
def test_an_unknown_code_gets_the_class_of_its_status(status: int, code: str) -> None:
    """A newer engine's codes do not break an older client."""
    code = f"new_{code}"
    error = engine_error(status, code, "no")

    assert type(error) is BY_STATUS.get(status, EngineError)
    assert (error.status_code, error.code) == (status, code)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("forbidden", PermissionDeniedError),
        ("banned", BannedError),
        ("feature_disabled", FeatureDisabledError),
        ("appkey_identity_mint_disabled", FeatureDisabledError),
        ("suspended", FeatureDisabledError),
    ],
)
def test_a_403_is_told_apart_by_its_code(code: str, kind: type[EngineError]) -> None:
    """A plan's gate, a ban and a missing right are three classes."""
    assert type(engine_error(403, code, "")) is kind


def test_a_code_counts_beside_its_own_status_only() -> None:
    """What calls itself banned without a 403 is no ban by class."""
    assert type(engine_error(409, "banned", "")) is ConflictError


@pytest.mark.parametrize("code", UTDErrorCode, ids=lambda code: code.value)
def test_every_code_of_the_contract_says_its_status(code: UTDErrorCode) -> None:
    """The comment beside each code names a status that has a class."""
    line = next(
        text
        for text in inspect.getsource(UTDErrorCode).splitlines()
        if text.strip().startswith(f"{code.name} =")
    )
    assert int(line.partition("# ")[2][:3]) in BY_STATUS


def test_rate_limits_say_how_long() -> None:
    """Without an answer to that, a second."""
    told = engine_error(429, "rate_limited", "", retry_after=7.0)
    untold = engine_error(429, "rate_limited", "")

    assert isinstance(told, RateLimitedError)
    assert isinstance(untold, RateLimitedError)
    assert (told.retry_after, untold.retry_after) == (7.0, 1.0)


def test_an_errors_details_are_its_own() -> None:
    """Whoever reads an error cannot change another one."""
    told = {"rev": 1}
    error = ConflictError(details=told)

    told["rev"] = 2

    assert error.details == {"rev": 1}
    assert EngineError().details is not EngineError().details


def test_wrong_fields_are_listed_with_their_paths() -> None:
    """The text quotes the first problem, the details hold all."""
    error = InvalidRequestError.at(("$.a", "is wrong"), ("$.b", "is missing"))

    assert str(error) == "$.a: is wrong"
    assert error.details["errors"] == [
        {"path": "$.a", "message": "is wrong"},
        {"path": "$.b", "message": "is missing"},
    ]


def test_usage_errors_are_the_callers() -> None:
    """A bug of the caller is never worth another try."""
    assert all(not k.retryable for k in CLASSES.values() if issubclass(k, UsageError))


def test_many_problems_are_named_in_part() -> None:
    """An answer names 20 of them and the number of the others."""
    error = InvalidRequestError.at(*((f"$.{n}", "is wrong") for n in range(100)))

    told = error.details["errors"]
    assert [each["path"] for each in told] == [*(f"$.{n}" for n in range(20)), "$"]
    assert told[-1]["message"] == "and 80 more problems"


def test_an_intermediary_may_say_how_long_to_wait() -> None:
    """Its error holds the seconds beside the status."""
    error = IntermediaryError("a proxy answered", 502, retry_after=3.0)

    assert (error.status_code, error.retry_after) == (502, 3.0)
    assert IntermediaryError().retry_after is None
