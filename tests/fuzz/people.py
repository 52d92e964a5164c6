"""Who sends requests, and the rooms that they find."""

from __future__ import annotations

import http.client
import random
from collections import deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from tests.fuzz.served import OPEN, SHUT
from utd_stream.engine import App

__all__ = ["ROLES", "People"]

ROLES = ("nobody", "stranger", "key", "audience", "admin", "host", "secret")
"""From who may least to who may most; a stranger is another app's user."""

_FREE, _REQUEST = "lounge", "studio"
_NAMES = ("hana", "ada", "bob", "cy", "dee")
_BY_ROLE = {"host": "hana", "admin": "ada", "audience": "bob"}
_SEATS = ("a", "b", "index", "seat_index", "target_seat")
_KEPT = 8
_REPEATED = 0.3
_STRANGE = 0.2
_TAKEN_BACK = 0.1


class People:
    """Members of two rooms, one in each mode, who are made again when they went.

    Args:
        url: Of the engine.
        seed: Of what is chosen among what lives.
    """

    def __init__(self, url: str, seed: int) -> None:
        self._line = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        self._choice = random.Random(seed)  # noqa: S311 -- no secret
        self._ids: deque[int] = deque([1, 2], maxlen=_KEPT)
        self._calls: deque[str] = deque(["call_" + "0" * 24], maxlen=_KEPT)
        self._revision = 0
        self._bearers = {
            role: self._sign_in(identity, OPEN) for role, identity in _BY_ROLE.items()
        }
        self._bearers["stranger"] = self._sign_in("bob", SHUT)

    def close(self) -> None:
        """Hang up."""
        self._line.close()

    def credentials(self, role: str) -> dict[str, str]:
        """Return the headers by which *role* shows who it is."""
        if role in self._bearers:
            return {"Authorization": f"Bearer {self._bearers[role]}"}
        if role == "key":
            return {"X-App-Id": OPEN.id, "X-App-Key": OPEN.key}
        return _secret(OPEN) if role == "secret" else {}

    def gather(self) -> None:
        """Let everybody be where they were, with their roles and something to do."""
        for room, mode in ((_FREE, "free"), (_REQUEST, "request")):
            for identity in _NAMES:
                asked = {"room_name": room, "identity": identity, "type": "audio_room"}
                asked["role"] = {"hana": "host", "ada": "admin"}.get(
                    identity, "audience"
                )
                self._ask("POST", "/token", asked, _secret(OPEN))
            self._act(room, "/seats/setup", {"seat_count": 9, "seat_mode": mode})
            self._act(room, "/seats/0/take", {"identity": "hana"})
        for identity in ("bob", "cy"):
            self._act(_REQUEST, "/speakers/request", {"identity": identity})
            self._act(_FREE, "/speakers/invite", {"target_identity": identity})
        self._act(_REQUEST, "/speakers/invite", {"target_identity": "dee"})
        for caller, callee in (("bob", "ada"), ("ada", "hana"), ("hana", "bob")):
            # One is made anew where it has ended; who is busy keeps theirs.
            asked = {"identity": caller, "callee_identity": callee}
            self._ask("POST", "/calls", asked | {"type": "audio_call"}, _secret(OPEN))

    def note(self, body: Any) -> None:
        """Remember the numbers that an answer names."""
        if isinstance(body, dict):
            self._revision = body.get("rev", self._revision)
            if isinstance(body.get("call_id"), str):
                self._calls.append(body["call_id"])
            for name in ("request_id", "invitation_id"):
                if isinstance(body.get(name), int):
                    self._ids.append(body[name])

    def places(self, path: Mapping[str, Any]) -> dict[str, Any]:
        """Return values for the places in a path, mostly of what lives."""
        return {name: self._among(name, value) for name, value in path.items()}

    def conditions(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return *headers*, some anew: a key used before, a grid seen before.

        Few requests are taken back, which leaves nothing to be served.
        """
        kept = dict(headers)
        if self._choice.random() > _TAKEN_BACK:
            kept.pop("Idempotency-Void", None)
        known = {
            "Idempotency-Key": self._choice.choice(("one", "two", "three")),
            "If-Match": str(self._revision),
        }
        again = {
            name: value
            for name, value in known.items()
            if name in headers and self._choice.random() < _REPEATED
        }
        return kept | again

    def fields(self, body: Any) -> Any:
        """Return a body, mostly about those who are there."""
        if not isinstance(body, dict):
            return body
        return {name: self._among(name, value) for name, value in body.items()}

    def _among(self, name: str, drawn: Any) -> Any:
        alive: dict[str, tuple[Any, ...]] = {
            "room": (_FREE, _REQUEST),
            "room_name": (_FREE, _REQUEST),
            "identity": _NAMES,
            "target_identity": _NAMES,
            "callee_identity": _NAMES,
            "call_id": tuple(self._calls),
            "type": ("audio_room", "audio_call"),
            **dict.fromkeys(_SEATS, tuple(range(9))),
            "id": tuple(self._ids),
        }
        is_left = name not in alive or self._choice.random() < _STRANGE
        return drawn if is_left else self._choice.choice(alive[name])

    def _act(self, room: str, path: str, body: dict[str, Any]) -> None:
        self._ask("POST", f"/rooms/{quote(room)}{path}", body, _secret(OPEN))

    def _sign_in(self, identity: str, app: App) -> str:
        answer = self._ask(
            "POST", "/auth/session", {"identity": identity}, _secret(app)
        )
        return str(answer["user_token"])

    def _ask(
        self, method: str, path: str, body: Any, headers: Mapping[str, str]
    ) -> dict[str, Any]:
        shown = {**headers, "Content-Type": "application/json"}
        self._line.request(method, f"/api/v1{path}", orjson.dumps(body), shown)
        answer = self._line.getresponse()
        read: dict[str, Any] = orjson.loads(answer.read())
        self.note(read)
        return read


def _secret(app: App) -> dict[str, str]:
    return {"X-App-Id": app.id, "X-App-Secret": app.secret}
