"""Who calls: the credentials of a request, and whom they may act for.

Source: contract.md section 2.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from enum import Enum

import attrs

from utd_stream.contract.endpoints import Who
from utd_stream.engine.config import App
from utd_stream.engine.rules.commands import Actor
from utd_stream.engine.tokens import UserClaims, UserTokens
from utd_stream.errors import (
    FeatureDisabledError,
    InvalidRequestError,
    PermissionDeniedError,
    UnauthenticatedError,
)

__all__ = ["Authenticator", "Caller", "Credential", "invalid"]

_NO_APP = App(id="-", key="-", secret="-")  # noqa: S106 -- compared with, never right


class Credential(Enum):
    """What a caller showed."""

    NOTHING = "nothing"  # nothing was asked for
    KEY = "key"  # the app's publishable key
    SECRET = "secret"  # noqa: S105 -- a word, not one; the app's own back end
    BEARER = "bearer"  # a user


@attrs.frozen(kw_only=True)
class Caller:
    """Who sent a request.

    Attributes:
        credential: What was shown.
        app: Whose app, or a stand-in where none was asked for.
        user: What the bearer says; None without one.
    """

    credential: Credential
    app: App
    user: UserClaims | None = None

    @property
    def is_secret(self) -> bool:
        """Whether it is the customer's own back end."""
        return self.credential is Credential.SECRET

    @property
    def scope(self) -> str:
        """Whose Idempotency-Keys it uses."""
        return f"user {self.user.identity}" if self.user else self.credential.value

    def actor(self, who: Who, identity: str | None) -> Actor:
        """Return on whose behalf this caller acts.

        Args:
            who: Who may call the endpoint.
            identity: What the body says.

        Raises:
            PermissionDeniedError: If a bearer says somebody else.
            InvalidRequestError: If the back end says nobody, and should.
            FeatureDisabledError: If the key says somebody, and may not.
        """
        if self.credential is Credential.NOTHING:
            return Actor()
        mints_roles = self.app.allow_appkey_identity_mint
        if self.user is not None:
            if identity not in {None, self.user.identity}:
                message = "the bearer names another identity than the body"
                raise PermissionDeniedError(message)
            return Actor(identity=self.user.identity, mints_roles=mints_roles)
        if self.is_secret:
            if identity is None and who in {Who.PERSON, Who.SELF}:
                message = "$.identity"
                raise invalid(message, "required beside the app's secret")
            return Actor(identity=identity, is_secret=True, mints_roles=mints_roles)
        if not mints_roles:
            message = "this app's key may not sign anybody in: ask its back end"
            raise FeatureDisabledError(message, code="appkey_identity_mint_disabled")
        return Actor(identity=identity, mints_roles=mints_roles)


def invalid(path: str, message: str) -> InvalidRequestError:
    """Return the refusal of one field, or of a part of the path or query."""
    return InvalidRequestError.at((path, message))


class Authenticator:
    """Checks credentials.

    Args:
        apps: Those who may use this engine.
        tokens: Reads bearers.
    """

    def __init__(self, apps: tuple[App, ...], tokens: UserTokens) -> None:
        self._apps = {app.id: app for app in apps}
        self._tokens = tokens

    def knows(self, app_id: str) -> bool:
        """Whether the app is one of this engine."""
        return app_id in self._apps

    def caller(self, headers: Mapping[str, str], who: Who) -> Caller:
        """Return who sent *headers* to an endpoint that is for *who*.

        Raises:
            UnauthenticatedError: If the credentials are missing, wrong,
                expired, of two minds, or never enough for this endpoint.
            PermissionDeniedError: If a user calls what is the back end's.
            FeatureDisabledError: If the app is suspended.
        """
        if who in {Who.ANYBODY, Who.SFU}:
            return Caller(credential=Credential.NOTHING, app=_NO_APP)
        caller = self._shown(headers)
        if caller.app.suspended:
            message = "the app is suspended"
            raise FeatureDisabledError(message, code="suspended")
        self._check_enough(caller.credential, who)
        return caller

    def _shown(self, headers: Mapping[str, str]) -> Caller:
        app_id = headers.get("X-App-Id")
        key, secret = headers.get("X-App-Key"), headers.get("X-App-Secret")
        bearer = _bearer(headers.get("Authorization"))
        if bearer is not None and secret is not None:
            message = "a bearer and the app's secret together: show one of them"
            raise UnauthenticatedError(message)
        user = self._tokens.read(bearer) if bearer is not None else None
        if user is not None and app_id not in {None, user.app}:
            message = "the bearer is of another app than X-App-Id"
            raise UnauthenticatedError(message)
        app = self._apps.get((user.app if user else app_id) or "", _NO_APP)
        # Compared also where there is no such app, so that its ids are no secret.
        right = [
            hmac.compare_digest(_bytes(shown), _bytes(known))
            for shown, known in ((key, app.key), (secret, app.secret))
            if shown is not None
        ]
        if app is _NO_APP or not all(right):
            message = "the app's id, key or secret is wrong"
            raise UnauthenticatedError(message)
        if user is not None:
            return Caller(credential=Credential.BEARER, app=app, user=user)
        if secret is not None:
            return Caller(credential=Credential.SECRET, app=app)
        if key is not None:
            return Caller(credential=Credential.KEY, app=app)
        message = "show a bearer, or X-App-Id with X-App-Key or X-App-Secret"
        raise UnauthenticatedError(message)

    @staticmethod
    def _check_enough(credential: Credential, who: Who) -> None:
        if credential is Credential.KEY and who is not Who.APP:
            message = "the app's key opens sessions and tokens only: show a bearer"
            raise UnauthenticatedError(message)
        if credential is not Credential.BEARER and who is Who.BEARER:
            message = "only a bearer can be refreshed"
            raise UnauthenticatedError(message)
        if credential is Credential.BEARER and who is Who.SECRET:
            message = "only the app's own back end may do this"
            raise PermissionDeniedError(message)


def _bearer(header: str | None) -> str | None:
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        message = "Authorization must be a bearer"
        raise UnauthenticatedError(message)
    return token.strip()


def _bytes(text: str) -> bytes:
    # aiohttp keeps what is no UTF-8 in a header as lone surrogates.
    return text.encode(errors="surrogateescape")
