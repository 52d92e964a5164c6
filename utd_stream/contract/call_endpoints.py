"""The endpoints of calls; `endpoints` lists them with the others.

Source: contract.md section 3, Calls.
"""

from __future__ import annotations

from typing import TypeVar

from utd_stream.contract import answers as a
from utd_stream.contract import requests as r
from utd_stream.contract.endpoint import Endpoint, Filter, Who
from utd_stream.models.calls import UTDCall, UTDCallStatus
from utd_stream.models.rooms import UTDStreamType

__all__ = [
    "ACCEPT_CALL",
    "BUSY_CALL",
    "CREATE_CALL",
    "END_CALL",
    "GET_CALL",
    "LIST_CALLS",
    "REJECT_CALL",
    "RING_CALL",
]

_R = TypeVar("_R")

_CALL_ERRORS = ("invalid_transition", "not_found")
_CALL_TYPES = tuple(kind.value for kind in UTDStreamType if kind.is_call)

CREATE_CALL: Endpoint[r.CallRequest, UTDCall] = Endpoint(
    name="create_call",
    method="POST",
    path="/calls",
    who=Who.PERSON,
    request=r.CallRequest,
    answer=UTDCall,
    errors=("callee_busy", "caller_busy"),
    status=201,
    may_be_ok=True,
    summary="Call somebody.",
    rule=(
        "Answers the call's row with a media token for the caller. A person has "
        "one live call, on all devices: 409 `caller_busy` or `callee_busy`. Where "
        "the callee is calling the caller and nobody has answered, this is the "
        "answer to that call: 200 with its row, and its type holds. The ring lasts "
        "30 s by default; whoever is not in the media room 15 s after the creation, "
        "or after the answer, is lost, and the call ends."
    ),
)


def _calls(  # noqa: PLR0913 -- what differs between them
    name: str,
    verb: str,
    summary: str,
    request: type[_R],
    *,
    who: Who = Who.PERSON,
    errors: tuple[str, ...] = _CALL_ERRORS,
    rule: str,
) -> Endpoint[_R, UTDCall]:
    return Endpoint(
        name=name,
        method="POST",
        path=f"/calls/{{call_id}}/{verb}",
        who=who,
        request=request,
        answer=UTDCall,
        errors=errors,
        summary=summary,
        rule=rule,
    )


RING_CALL: Endpoint[r.CallActRequest, UTDCall] = _calls(
    "ring_call",
    "ringing",
    "Say that the call rings here.",
    r.CallActRequest,
    rule="For the callee; anybody else gets 404. Nothing changes where it rings "
    "already, or was answered; after the end 409 `invalid_transition`.",
)

ACCEPT_CALL: Endpoint[r.AnswerCallRequest, UTDCall] = _calls(
    "accept_call",
    "accept",
    "Answer a call.",
    r.AnswerCallRequest,
    errors=("answered_elsewhere", *_CALL_ERRORS),
    rule="For the callee; anybody else gets 404. Answers the row with a media token "
    "for the callee. The client that answered may say it again; another one is 409 "
    "`answered_elsewhere`. After the end 409 `invalid_transition`.",
)

REJECT_CALL: Endpoint[r.CallActRequest, UTDCall] = _calls(
    "reject_call",
    "reject",
    "Decline a call, on all devices.",
    r.CallActRequest,
    rule="For the callee; anybody else gets 404. Once more is 200 and changes "
    "nothing; after an answer, or another end, 409 `invalid_transition`.",
)

BUSY_CALL: Endpoint[r.CallActRequest, UTDCall] = _calls(
    "busy_call",
    "busy",
    "Say that one is busy, on all devices.",
    r.CallActRequest,
    rule="For the callee; anybody else gets 404. Once more is 200 and changes "
    "nothing; after an answer, or another end, 409 `invalid_transition`.",
)

END_CALL: Endpoint[r.EndCallRequest, UTDCall] = _calls(
    "end_call",
    "end",
    "Hang up.",
    r.EndCallRequest,
    who=Who.PARTY,
    rule="For either party, and for the app's back end on nobody's behalf. Once more "
    "is 200 and changes nothing; after another end 409 `invalid_transition`.",
)

GET_CALL: Endpoint[None, UTDCall] = Endpoint(
    name="get_call",
    method="GET",
    path="/calls/{call_id}",
    who=Who.PARTY,
    answer=UTDCall,
    errors=("not_found",),
    summary="Read a call.",
    rule="For its two parties; anybody else gets 404.",
)

LIST_CALLS: Endpoint[None, a.Page[UTDCall]] = Endpoint(
    name="list_calls",
    method="GET",
    path="/calls",
    who=Who.PARTY,
    answer=a.Page[UTDCall],
    paged=True,
    filters={
        "status": Filter(
            meaning="Where they stand.",
            values=tuple(status.value for status in UTDCallStatus),
        ),
        "type": Filter(meaning="Their type.", values=_CALL_TYPES),
        "identity": Filter(meaning="One of the two parties."),
        "start_date": Filter(meaning="Created then or later.", is_time=True),
        "end_date": Filter(meaning="Created earlier.", is_time=True),
    },
    summary="List calls.",
    rule="One's own, or all for the app's back end; newest first. `total` counts "
    "10,000 at most, and at most the newest 100,000 are looked at.",
)
