"""What an engine is told before it starts: one schema, three sources.

A TOML file, then the environment, then flags; the later one wins.  An empty
value is as if not given.  A key that nobody knows is refused, since a misspelt
setting is one that is not in force; what Kubernetes writes there is passed over.

Source: contract.md section 6.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from tomllib import TOMLDecodeError, loads
from typing import Any, cast
from urllib.parse import urlsplit

import attrs

from utd_stream.engine._between import Between
from utd_stream.engine._foreign import foreign_names
from utd_stream.engine._origins import read_origins
from utd_stream.engine._values import is_given, parsed, typed
from utd_stream.engine.rules.state import Rules
from utd_stream.errors import InvalidArgumentError
from utd_stream.models.names import check_app_id

__all__ = ["App", "Config", "describe", "read_config"]

_MIN_SECRET_BYTES = 32
_HTTP_SCHEMES = frozenset({"http", "https"})
_LIVEKIT_SCHEMES = frozenset({"ws", "wss", "http", "https"})
_LOG = logging.getLogger(__name__)


@attrs.frozen(kw_only=True)
class App:
    """An app that may use the engine.

    Attributes:
        id: Names the app; public.
        key: For the app itself; publishable.
        secret: For the customer's own back end; never in an app.
        allow_appkey_identity_mint: The key alone may sign anybody in.
        allowed_origins: Whose web pages may call, such as
            ``https://app.example.com``; the port ``*`` is every port, and ``*``
            alone is every page.  None by default.
        suspended: Whether nobody of it is served.
        features: What is switched on for it.
    """

    id: str
    key: str
    secret: str = attrs.field(repr=False)
    allow_appkey_identity_mint: bool = False
    allowed_origins: tuple[str, ...] = attrs.field(default=(), converter=read_origins)
    suspended: bool = False
    features: tuple[str, ...] = ()


_PASSWORD = re.compile(r"(?<=[?&]password=)[^&]*")


def _without_password(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    user, at, place = rest.rpartition("@")
    place = _PASSWORD.sub("***", place)
    if not at:
        return f"{scheme}{separator}{place}"
    return f"{scheme}{separator}{user.partition(':')[0]}:***@{place}"


def _is_host(_: object, attribute: attrs.Attribute[Any], value: str) -> None:
    # A server that is told no host listens on every interface.
    if not value.strip():
        message = f"{attribute.name} must be told; 0.0.0.0 is every interface"
        raise InvalidArgumentError(message)
    try:
        value.encode("idna")
    except UnicodeError as error:
        message = f"{attribute.name} must be an address or the name of a host"
        raise InvalidArgumentError(message) from error


def _long_enough(_: object, attribute: attrs.Attribute[Any], value: str) -> None:
    if value and len(value.encode()) < _MIN_SECRET_BYTES:
        message = f"{attribute.name} must be at least {_MIN_SECRET_BYTES} bytes"
        raise InvalidArgumentError(message)


def _has_host(value: str, schemes: frozenset[str]) -> bool:
    try:
        parts = urlsplit(value)
        has_place = bool((parts.hostname or "").encode("idna")) and parts.port != 0
    except ValueError:  # no port, no host, or half a bracket
        return False
    return has_place and parts.scheme in schemes


def _reachable(_: object, attribute: attrs.Attribute[Any], value: str) -> None:
    if value and not _has_host(value, _LIVEKIT_SCHEMES):
        message = f"{attribute.name} must be a URL such as ws://127.0.0.1:7880"
        raise InvalidArgumentError(message)


def _is_page(_: object, attribute: attrs.Attribute[Any], value: str) -> None:
    if value and not (_has_host(value, _HTTP_SCHEMES) and urlsplit(value).query == ""):
        message = f"{attribute.name} must be a URL such as https://calls.example.com"
        raise InvalidArgumentError(message)


_DAY = 86_400.0
_MAX_RATE = 10**7


@attrs.frozen(kw_only=True)
class Config:
    """Everything an engine is told.

    Attributes:
        host: Address that it listens on; ``0.0.0.0`` for every interface.
        port: Port that it listens on; 0 for a free one.
        database: Where it keeps everything, ``sqlite:///file``.
        secret: Signs the users' bearers; at least 32 bytes.
        apps: Those who may use it.
        seat_grace: How long a seat waits for somebody the SFU lost, in seconds.
        request_expiry: How long a request or invitation waits, in seconds.
        ring_timeout: How long a call rings, in seconds.
        max_call: How long an answered call may last, in seconds.
        call_grace: How long a call waits for a party that is not in its media room,
            in seconds.
        room_empty: How long a room lives with nobody in it, in seconds.
        reconcile_period: How often the SFU is listed, in seconds.
        body_limit: The largest body of a request, in bytes.
        rate_app: How many requests of one app are served a minute; 0 for all.
        rate_identity: How many requests of one user are served a minute, by their
            bearer; 0 for all.
        rate_pair: How many calls of one user to another are served a minute; 0 for
            all.
        public_url: URL by which clients reach the engine, for ``ws_url``; empty for
            the host that each request names.
        livekit_url: URL of the LiveKit server, as clients reach it.
        livekit_api_key: API key of that server.
        livekit_api_secret: Secret of that API key; its webhooks are signed with it.
    """

    host: str = attrs.field(default="127.0.0.1", validator=_is_host)
    port: int = attrs.field(default=8080, validator=Between(0, 65_535))
    database: str = attrs.field(
        default="sqlite:///utd_stream.db",
        repr=lambda url: repr(_without_password(url)),
    )
    secret: str = attrs.field(default="", repr=False, validator=_long_enough)
    apps: tuple[App, ...] = ()
    seat_grace: float = attrs.field(default=15.0, validator=Between(0.1, _DAY))
    request_expiry: float = attrs.field(default=60.0, validator=Between(0.1, _DAY))
    ring_timeout: float = attrs.field(default=30.0, validator=Between(10, 120))
    max_call: float = attrs.field(default=3_600.0, validator=Between(60, 14_400))
    call_grace: float = attrs.field(default=15.0, validator=Between(0.1, _DAY))
    room_empty: float = attrs.field(default=300.0, validator=Between(1, _DAY))
    reconcile_period: float = attrs.field(default=5.0, validator=Between(0.1, _DAY))
    body_limit: int = attrs.field(default=65_536, validator=Between(1_024, 2**24))
    rate_app: int = attrs.field(default=6_000, validator=Between(0, _MAX_RATE))
    rate_identity: int = attrs.field(default=120, validator=Between(0, _MAX_RATE))
    rate_pair: int = attrs.field(default=6, validator=Between(0, _MAX_RATE))
    public_url: str = attrs.field(default="", validator=_is_page)
    livekit_url: str = attrs.field(
        default="",
        repr=lambda url: repr(_without_password(url)),
        validator=_reachable,
    )
    livekit_api_key: str = ""
    livekit_api_secret: str = attrs.field(default="", repr=False)

    @property
    def rules(self) -> Rules:
        """The numbers that decisions depend on."""
        return Rules(
            seat_grace=self.seat_grace,
            request_expiry=self.request_expiry,
            ring_timeout=self.ring_timeout,
            max_call=self.max_call,
            call_grace=self.call_grace,
            room_empty=self.room_empty,
        )

    def check_complete(self) -> None:
        """Refuse to serve with a part missing.

        Raises:
            InvalidArgumentError: Naming everything that is missing.
        """
        needed = {
            "UTD_STREAM_SECRET": self.secret,
            "UTD_STREAM_APP_ID, _APP_KEY and _APP_SECRET, or [[apps]]": self.apps,
            "LIVEKIT_URL": self.livekit_url,
            "LIVEKIT_API_KEY": self.livekit_api_key,
            "LIVEKIT_API_SECRET": self.livekit_api_secret,
        }
        missing = [name for name, value in needed.items() if not value]
        if missing:
            message = "cannot serve without " + "; ".join(missing)
            raise InvalidArgumentError(message)


_KINDS: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}
_SCALARS: dict[str, type] = {
    field.name: _KINDS[cast("str", field.type)]
    for field in attrs.fields(Config)
    if field.name != "apps"
}
# The default app is spelled out beside them.
_DEFAULT_APP: dict[str, type] = {
    "app_id": str,
    "app_key": str,
    "app_secret": str,
    "allow_appkey_identity_mint": bool,
}
_KNOWN: dict[str, type] = {**_SCALARS, **_DEFAULT_APP}
_VARIABLES: dict[str, str] = {
    (name if name.startswith("livekit_") else f"utd_stream_{name}").upper(): name
    for name in _KNOWN
}
_APP_KEYS: dict[str, type] = {
    "id": str,
    "key": str,
    "secret": str,
    "allow_appkey_identity_mint": bool,
    "allowed_origins": list,
    "suspended": bool,
    "features": list,
}


def read_config(
    *,
    file: Path | None = None,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Config:
    """Return what is in force.

    Args:
        file: TOML; its keys are the fields of `Config`, ``[[apps]]``, and for
            the default app ``app_id``, ``app_key``, ``app_secret`` and
            ``allow_appkey_identity_mint``.
        environ: The environment: ``UTD_STREAM_*`` and ``LIVEKIT_*``.
        flags: Of a command line, by the same names as in the file; None is
            one that was not given.
        defaults: What a command wants otherwise than the table says.

    Raises:
        InvalidArgumentError: Naming the key that is unknown or out of range.
    """
    settings = dict(defaults or {})
    tables: list[object] = []
    if file is not None:
        tables = _read_file(file, settings)
    _read_environment(environ or {}, settings)
    for name, value in (flags or {}).items():
        if name not in _KNOWN:
            raise _unknown(name, _KNOWN, "the flags")
        if is_given(value):
            settings[name] = typed(name, value, _KNOWN[name])
    apps = [_app(table, number) for number, table in enumerate(tables)]
    apps += _default_app(settings)
    _check_apps(apps)
    scalars = {name: settings[name] for name in _SCALARS if name in settings}
    return Config(apps=tuple(apps), **scalars)


_SECRETS = frozenset({"secret", "livekit_api_secret"})
_URLS = frozenset({"database", "livekit_url"})


def describe(config: Config) -> str:
    """Return what is in force as lines of text, secrets left out."""
    lines = [f"{name} = {_shown(name, getattr(config, name))}" for name in _SCALARS]
    for app in config.apps:
        others = [
            f"{name}={_shown(name, getattr(app, name))}"
            for name in _APP_KEYS
            if name not in {"id", "key", *_SECRETS}
        ]
        lines.append(" ".join([f"app {app.id}: key {app.key}", *others]))
    return "\n".join(lines)


def _shown(name: str, value: Any) -> str:
    if name in _SECRETS:
        return "(set)" if value else "(not set)"
    if name in _URLS:
        return _without_password(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        words = cast("tuple[str, ...]", value)
        return ",".join(words) or _EMPTY_LISTS.get(name, "(none)")
    return str(value)


# An app for which none are named may use every feature.
_EMPTY_LISTS = {"features": "(every)"}


def _read_file(file: Path, settings: dict[str, Any]) -> list[object]:
    try:
        # Editors on Windows begin a file with a byte order mark.
        read = loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, TOMLDecodeError) as error:
        message = f"{file} cannot be read: {error}"
        raise InvalidArgumentError(message) from error
    tables: object = read.pop("apps", [])
    for name, value in read.items():
        if name not in _KNOWN:
            raise _unknown(name, {**_KNOWN, "apps": list}, str(file))
        if is_given(value):
            settings[name] = typed(name, value, _KNOWN[name])
    if not isinstance(tables, list):
        message = "apps must be tables: write [[apps]]"
        raise InvalidArgumentError(message)
    return [*cast("list[object]", tables)]


def _read_environment(environ: Mapping[str, str], settings: dict[str, Any]) -> None:
    foreign = foreign_names(environ)
    if foreign:
        names = ", ".join(sorted(foreign))
        _LOG.warning("no settings, but Kubernetes' words for a Service: %s", names)
    for name, text in environ.items():
        if name in foreign:
            continue
        if name not in _VARIABLES:
            if name.startswith("UTD_STREAM_"):
                raise _unknown(name, _VARIABLES, "the environment")
        elif is_given(text):
            key = _VARIABLES[name]
            settings[key] = parsed(name, text, _KNOWN[key])


def _unknown(name: str, known: Mapping[str, Any], where: str) -> InvalidArgumentError:
    close = get_close_matches(name, known, n=1, cutoff=0.0)
    return InvalidArgumentError(f"unknown key {name} in {where}; nearest: {close[0]}")


def _app(table: object, number: int) -> App:
    where = f"apps[{number}]"
    if not isinstance(table, dict):
        message = f"{where} must be a table"
        raise InvalidArgumentError(message)
    fields: dict[str, Any] = {}
    for name, value in cast("dict[str, Any]", table).items():
        if name not in _APP_KEYS:
            raise _unknown(name, _APP_KEYS, where)
        if is_given(value):
            fields[name] = _app_value(f"{where}.{name}", value, _APP_KEYS[name])
    missing = [name for name in ("id", "key", "secret") if name not in fields]
    if missing:
        message = f"{where} lacks " + ", ".join(missing)
        raise InvalidArgumentError(message)
    return App(**fields)


def _app_value(name: str, value: Any, kind: type) -> Any:
    if kind is not list:
        return typed(name, value, kind)
    return tuple([typed(name, each, str) for each in typed(name, value, list)])


def _default_app(settings: Mapping[str, Any]) -> list[App]:
    names = ("app_id", "app_key", "app_secret")
    given = [name for name in names if settings.get(name)]
    if not given:
        return []
    if len(given) < len(names):
        missing = ", ".join(name for name in names if name not in given)
        message = f"the default app lacks {missing}"
        raise InvalidArgumentError(message)
    return [
        App(
            id=settings["app_id"],
            key=settings["app_key"],
            secret=settings["app_secret"],
            allow_appkey_identity_mint=settings.get(
                "allow_appkey_identity_mint", False
            ),
        )
    ]


def _check_apps(apps: list[App]) -> None:
    seen: set[str] = set()
    for app in apps:
        try:
            check_app_id(app.id)
        except ValueError as error:
            raise InvalidArgumentError(str(error)) from error
        if app.id in seen:
            message = f"app {app.id} is there twice"
            raise InvalidArgumentError(message)
        if not (app.key.strip() and app.secret.strip()):
            message = f"app {app.id} needs a key and a secret"
            raise InvalidArgumentError(message)
        if app.key == app.secret:
            message = f"app {app.id}: the key is publishable, so not the secret too"
            raise InvalidArgumentError(message)
        seen.add(app.id)
