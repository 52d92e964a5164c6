"""Every code that an engine answers no with: status, meaning, details, remedy.

OpenAPI and the pages in ``docs/`` take their words from here.

Source: contract.md section 3.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from utd_stream.errors import UTDErrorCode

__all__ = ["CODES", "DETAILS", "Code"]


@attrs.frozen(kw_only=True)
class Code:
    """What one code means.

    Attributes:
        status: The HTTP status it goes with.
        meaning: What happened, in one sentence.
        remedy: What the caller can do.
        details: The keys of ``details`` that come with it; see `DETAILS`.
    """

    status: int
    meaning: str
    remedy: str
    details: tuple[str, ...] = ()


_C = UTDErrorCode

CODES: Mapping[UTDErrorCode, Code] = {
    _C.MALFORMED: Code(
        status=400,
        meaning="The path, a header or the body cannot be read.",
        remedy="Correct the request; the message says what cannot be read.",
    ),
    _C.UNAUTHENTICATED: Code(
        status=401,
        meaning="The credentials are missing, wrong, expired, contradictory, "
        "or not of the kind that this operation takes.",
        remedy="Refresh the bearer or sign in again; show one kind of credential.",
    ),
    _C.FORBIDDEN: Code(
        status=403,
        meaning="The caller is known and may not do this: the role is too low, "
        "the caller is no member of the room, or the body names somebody else "
        "than the bearer.",
        remedy="Ask a host, an admin or the app's back end.",
    ),
    _C.BANNED: Code(
        status=403,
        meaning="The user is banned from the room or from the app.",
        remedy="Wait until the ban expires, or ask a moderator.",
        details=("expires_at",),
    ),
    _C.FEATURE_DISABLED: Code(
        status=403,
        meaning="The app's settings, or this engine, do not allow this to anybody.",
        remedy="Change the settings of the app, or use another room type.",
    ),
    _C.APPKEY_IDENTITY_MINT_DISABLED: Code(
        status=403,
        meaning="This app does not let its publishable key sign anybody in.",
        remedy="Let the app's back end sign the user in with the app's secret, "
        "or switch on allow_appkey_identity_mint.",
    ),
    _C.SUSPENDED: Code(
        status=403,
        meaning="The app is suspended as a whole.",
        remedy="Ask the operator of the engine.",
    ),
    _C.NOT_FOUND: Code(
        status=404,
        meaning="There is no such path, room, member, request or invitation; "
        "a room that has ended is not there either.",
        remedy="Mint a token first: it begins the room.",
    ),
    _C.METHOD_NOT_ALLOWED: Code(
        status=405,
        meaning="The path does not take this method.",
        remedy="Use a method that the header Allow names.",
    ),
    _C.CONFLICT: Code(
        status=409,
        meaning="The state of the room does not allow this now, or the "
        "Idempotency-Key was used for another request.",
        remedy="Read the room again; use a new key for a new request.",
        details=("role", "type"),
    ),
    _C.INVALID_TRANSITION: Code(
        status=409,
        meaning="The call or the stage is in a state that does not take this command.",
        remedy="Read its state again.",
        details=("call_id", "status", "end_reason", "rev"),
    ),
    _C.ALREADY_SEATED: Code(
        status=409,
        meaning="The person has a seat already.",
        remedy="Move, or leave that seat first.",
        details=("seat_index",),
    ),
    _C.SEAT_TAKEN: Code(
        status=409,
        meaning="Somebody else has the seat, or it is reserved for an invitation.",
        remedy="Choose another seat, or wait until the invitation ends.",
        details=("reserved_for",),
    ),
    _C.SEAT_LOCKED: Code(
        status=409,
        meaning="The seat is locked.",
        remedy="Choose another seat, or ask a moderator to unlock it.",
    ),
    _C.PENDING: Code(
        status=409,
        meaning="The person has asked, or was invited, already.",
        remedy="Wait for the answer, or cancel the request.",
    ),
    _C.SETTLED: Code(
        status=409,
        meaning="The request or invitation was answered, taken back or has expired.",
        remedy="Nothing is left to do.",
        details=("settled_by",),
    ),
    _C.CALLEE_BUSY: Code(
        status=409,
        meaning="The callee is in another call.",
        remedy="Call again later.",
    ),
    _C.CALLER_BUSY: Code(
        status=409,
        meaning="The caller is in another call, on this or another device.",
        remedy="End that call first; details.call_id names it.",
        details=("call_id", "status"),
    ),
    _C.ANSWERED_ELSEWHERE: Code(
        status=409,
        meaning="Another device of the callee answered the call.",
        remedy="Go on there, or end the call.",
        details=("call_id", "status", "end_reason", "rev"),
    ),
    _C.ON_STAGE: Code(
        status=409,
        meaning="The person is on stage already.",
        remedy="Nothing is left to do.",
    ),
    _C.ROOM_FULL: Code(
        status=409,
        meaning="The room takes nobody else.",
        remedy="Try again when somebody has left.",
    ),
    _C.STALE_REVISION: Code(
        status=409,
        meaning="The grid is not at the revision that If-Match names.",
        remedy="Read the grid again and decide anew.",
        details=("rev",),
    ),
    _C.TOO_LARGE: Code(
        status=413,
        meaning="The body is larger than the engine takes, 65,536 bytes by default.",
        remedy="Send less.",
    ),
    _C.UNSUPPORTED_MEDIA_TYPE: Code(
        status=415,
        meaning="The body is not application/json, or it is encoded "
        "(Content-Encoding).",
        remedy="Send plain JSON and say so in Content-Type.",
    ),
    _C.INVALID: Code(
        status=422,
        meaning="A field of the body, of the path or of the query is missing, "
        "unknown, of the wrong type or out of range.",
        remedy="Correct each field that details.errors names.",
        details=("errors",),
    ),
    _C.RATE_LIMITED: Code(
        status=429,
        meaning="The app or the user sends too many requests a minute.",
        remedy="Wait as long as Retry-After says.",
        details=("retry_after",),
    ),
    _C.UNAVAILABLE: Code(
        status=503,
        meaning="The engine cannot serve this now; nothing was changed.",
        remedy="Try again after Retry-After, with the same Idempotency-Key.",
    ),
}

DETAILS: Mapping[str, Mapping[str, object]] = {
    "errors": {
        "description": "One entry for each problem of the request.",
        "type": "array",
        "minItems": 1,
        "items": {
            "description": "One problem.",
            "type": "object",
            "required": ["path", "message"],
            "properties": {
                "path": {
                    "description": "Which field: `$.seat_count` of the body, "
                    "`$.index` of the path, `$.page` of the query, `$` for all.",
                    "type": "string",
                },
                "message": {"description": "What is wrong.", "type": "string"},
            },
        },
    },
    "expires_at": {
        "description": "When the ban ends, UTC; null if it does not end by itself.",
        "type": ["string", "null"],
        "format": "date-time",
    },
    "call_id": {"description": "Which call.", "type": "string"},
    "status": {"description": "Where the call stands.", "type": "string"},
    "end_reason": {
        "description": "Why the call is over; null if it is not.",
        "type": ["string", "null"],
    },
    "not_ready": {
        "description": "Of `GET /ready`: the parts that cannot serve.",
        "type": "array",
        "items": {
            "description": "`database`: its file was removed or replaced; `writer`: it "
            "cannot write; `livekit`: it does not answer.",
            "type": "string",
            "enum": ["database", "writer", "livekit"],
        },
    },
    "reserved_for": {
        "description": "Whom the seat is reserved for, where it is reserved.",
        "type": ["string", "null"],
    },
    "retry_after": {"description": "How long to wait, in seconds.", "type": "number"},
    "rev": {"description": "The revision of the grid now.", "type": "integer"},
    "role": {"description": "The role that the member has.", "type": "string"},
    "type": {"description": "The type that the room has.", "type": "string"},
    "seat_index": {"description": "The seat that the person has.", "type": "integer"},
    "settled_by": {
        "description": "Who answered; null if nobody did.",
        "type": ["string", "null"],
    },
}
