"""What an engine is told: three sources, one schema, and nothing misspelt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from utd_stream.engine import App, Config, describe, read_config
from utd_stream.errors import InvalidArgumentError

APP = {"app_id": "a1", "app_key": "k", "app_secret": "hush-app"}


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    """A file that says something of everything."""
    file = tmp_path / "engine.toml"
    file.write_text(
        """
        host = "0.0.0.0"
        port = 1
        secret = "hush-hush-hush-hush-hush-hush-hush"
        seat_grace = 20
        livekit_url = "ws://sfu"
        livekit_api_key = "lk"
        livekit_api_secret = "hush-livekit"

        [[apps]]
        id = "4711"
        key = "publishable"
        secret = "hush-4711"
        allow_appkey_identity_mint = true
        suspended = false
        features = ["signaling"]

        [[apps]]
        id = "4712"
        key = "publishable-too"
        secret = "hush-4712"
        """
    )
    return file


def test_defaults_are_those_of_the_table() -> None:
    """What nobody says is as the contract's table has it."""
    assert read_config() == Config(
        host="127.0.0.1",
        port=8080,
        database="sqlite:///utd_stream.db",
        secret="",
        apps=(),
        seat_grace=15,
        request_expiry=60,
        ring_timeout=30,
        max_call=3600,
        call_grace=15,
        room_empty=300,
        reconcile_period=5,
        body_limit=65536,
        rate_app=6000,
        rate_identity=120,
        rate_pair=6,
        public_url="",
        livekit_url="",
        livekit_api_key="",
        livekit_api_secret="",
    )


def test_file_says_everything(toml: Path) -> None:
    """Every setting and any number of apps can be written in a file."""
    config = read_config(file=toml)

    assert (config.host, config.port, config.seat_grace) == ("0.0.0.0", 1, 20.0)  # noqa: S104 -- a test's
    assert config.apps == (
        App(
            id="4711",
            key="publishable",
            secret="hush-4711",  # noqa: S106 -- a test's
            allow_appkey_identity_mint=True,
            features=("signaling",),
        ),
        App(id="4712", key="publishable-too", secret="hush-4712"),  # noqa: S106 -- a test's
    )
    config.check_complete()


def test_a_file_may_begin_with_a_byte_order_mark(toml: Path) -> None:
    """As editors on Windows write one."""
    plain = read_config(file=toml)
    toml.write_bytes(b"\xef\xbb\xbf" + toml.read_bytes())

    assert read_config(file=toml) == plain


def test_later_sources_win(toml: Path) -> None:
    """Flags beat the environment, which beats the file, which beats defaults."""
    config = read_config(
        file=toml,
        environ={
            "UTD_STREAM_PORT": "2",
            "UTD_STREAM_SEAT_GRACE": "2.5",
            "LIVEKIT_URL": "ws://other",
            "PATH": "/bin",
        },
        flags={"port": 3, "host": None},
        defaults={"port": 4, "body_limit": 2048},
    )

    assert (config.port, config.seat_grace) == (3, 2.5)
    assert (config.livekit_url, config.body_limit) == ("ws://other", 2048)
    assert config.host == "0.0.0.0"  # noqa: S104 -- a test's


def test_environment_names_the_default_app() -> None:
    """Three variables make an app; whether its key may mint is a fourth."""
    environ = {f"UTD_STREAM_{name.upper()}": text for name, text in APP.items()}
    shut = read_config(environ=environ)
    mint = {"UTD_STREAM_ALLOW_APPKEY_IDENTITY_MINT": "true"}
    opened = read_config(environ=environ | mint)
    by_default = read_config(
        environ=environ, defaults={"allow_appkey_identity_mint": True}
    )

    assert [app.id for app in shut.apps] == ["a1"]
    assert not shut.apps[0].allow_appkey_identity_mint
    assert opened.apps[0].allow_appkey_identity_mint
    assert by_default.apps[0].allow_appkey_identity_mint


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"environ": {"UTD_STREAM_PROT": "1"}}, "UTD_STREAM_PROT.*UTD_STREAM_PORT"),
        ({"flags": {"prot": 1}}, "prot.*nearest: port"),
        ({"flags": {"port": 65_536}}, "port must be from 0 to 65535"),
        ({"flags": {"port": "1"}}, "port must be int"),
        ({"flags": {"port": True}}, "port must be int"),
        ({"environ": {"UTD_STREAM_PORT": "one"}}, "UTD_STREAM_PORT must be int"),
        ({"environ": {"UTD_STREAM_SEAT_GRACE": "nan"}}, "seat_grace must be from"),
        ({"environ": {"UTD_STREAM_PUBLIC_URL": "calls.example.com"}}, "such as https"),
        ({"environ": {"UTD_STREAM_PUBLIC_URL": "https://x?y=1"}}, "such as https"),
        ({"environ": {"UTD_STREAM_RING_TIMEOUT": "9"}}, "ring_timeout must be from 10"),
        ({"environ": {"UTD_STREAM_MAX_CALL": "14401"}}, "max_call must be from 60"),
        ({"flags": {"room_empty": 0.5}}, "room_empty must be from"),
        ({"flags": {"secret": "short"}}, "secret must be at least 32 bytes"),
        (
            {"environ": {"UTD_STREAM_ALLOW_APPKEY_IDENTITY_MINT": "maybe"}},
            "must be true or false",
        ),
        ({"flags": {"app_id": "a1"}}, "default app lacks app_key, app_secret"),
        ({"flags": {**APP, "app_id": "a_1"}}, "app id must be"),
        ({"flags": {**APP, "app_key": " "}}, "app_key has blanks"),
        ({"flags": {**APP, "app_key": APP["app_secret"]}}, "the key is publishable"),
        ({"file": Path("/nowhere/engine.toml")}, "cannot be read"),
    ],
    ids=str,
)
def test_wrong_setting_is_refused_by_name(given: dict[str, Any], words: str) -> None:
    """What is unknown, of a wrong kind or out of range is named."""
    with pytest.raises(InvalidArgumentError, match=words):
        read_config(**given)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hots = 'x'", "hots.*nearest: host"),
        ("app = []", "app in .*nearest: app"),
        ("apps = 1", "apps must be tables"),
        ("apps = [1]", r"apps\[0\] must be a table"),
        ("[[apps]]\nid = 'a'", r"apps\[0\] lacks key, secret"),
        ("[[apps]]\nidd = 'a'", r"idd in apps\[0\]; nearest: id"),
        ("[[apps]]\nid = 7\nkey = 'k'\nsecret = 's'", r"apps\[0\].id must be str"),
        (
            "[[apps]]\nid = 'a'\nkey = 'k'\nsecret = 's'\nfeatures = [1]",
            r"apps\[0\].features must be str",
        ),
        ("[[apps]]\nid = 'a'\nkey = 'k'\nsecret = 's'\n" * 2, "app a is there twice"),
        ("port = 1\nport = 2", "cannot be read"),
        ("seat_grace = '1'", "seat_grace must be float"),
    ],
    ids=str,
)
def test_wrong_file_is_refused_by_name(tmp_path: Path, text: str, words: str) -> None:
    """A file is checked as strictly as the other sources."""
    file = tmp_path / "engine.toml"
    file.write_text(text)

    with pytest.raises(InvalidArgumentError, match=words):
        read_config(file=file)


def test_missing_parts_are_all_named() -> None:
    """Who cannot serve learns everything that is missing, at once."""
    with pytest.raises(InvalidArgumentError) as refused:
        read_config().check_complete()

    for name in ("UTD_STREAM_SECRET", "[[apps]]", "LIVEKIT_URL", "LIVEKIT_API_SECRET"):
        assert name in str(refused.value)


def test_secrets_are_never_shown(toml: Path) -> None:
    """Neither a repr nor what `--check` prints holds a secret."""
    config = read_config(
        file=toml, flags={**APP, "database": "postgresql://me:hush-db@host/db"}
    )

    for text in (repr(config), repr(config.apps), describe(config), str(config)):
        assert "hush" not in text
        assert "publishable" in text or "4711" in text


def test_check_says_what_is_in_force(toml: Path) -> None:
    """Every setting stands on a line, secrets as set or not."""
    lines = describe(read_config(file=toml)).splitlines()

    assert "port = 1" in lines
    assert "secret = (set)" in lines
    (first, second) = (line for line in lines if line.startswith("app "))
    assert first.startswith("app 4711: key publishable ")
    assert {"allow_appkey_identity_mint=true", "suspended=false"} <= {*first.split()}
    assert first.endswith(" features=signaling")
    assert " allow_appkey_identity_mint=false " in second
    assert second.endswith(" features=(every)")
    assert "secret = (not set)" in describe(Config()).splitlines()


def test_check_shows_each_field_of_an_app(toml: Path) -> None:
    """What an app may is never left out because it is off."""
    lines = describe(read_config(file=toml)).splitlines()

    for app in (line for line in lines if line.startswith("app ")):
        for field in attrs.fields(App):
            if field.name not in {"id", "key", "secret"}:
                assert f" {field.name}=" in app


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("database", "postgresql://me:hush@host/db"),
        ("database", "postgresql://host/db?user=me&password=hush&sslmode=require"),
        ("livekit_url", "ws://me:hush@sfu:7880"),
    ],
)
def test_passwords_within_urls_are_never_shown(name: str, url: str) -> None:
    """Where a URL holds a password, the rest of it is shown."""
    config = read_config(flags={name: url})

    for text in (describe(config), repr(config)):
        assert "hush" not in text
        assert "host" in text or "sfu" in text


@pytest.mark.parametrize(
    "url",
    [
        *("sfu:7880", "ftp://sfu", "ws://", "http://[::1"),
        *("ws://sfu:x", "ws://sfu:0", "ws://sfu:65536"),
    ],
)
def test_livekit_must_be_reachable(url: str) -> None:
    """What is no URL of a LiveKit server is found before anything starts."""
    with pytest.raises(InvalidArgumentError, match="livekit_url must be a URL such as"):
        read_config(environ={"LIVEKIT_URL": url})
