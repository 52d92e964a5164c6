"""Laws of settings as Kubernetes, compose, env files and shells write them."""

from __future__ import annotations

import itertools
import json
import logging
from pathlib import Path
from typing import Any

import attrs
import pytest

from utd_stream.engine import Config, read_config
from utd_stream.errors import InvalidArgumentError

# A value of each setting that is in order; numbers are those that hold anyhow.
TEXTS = {
    "UTD_STREAM_HOST": "127.0.0.9",
    "UTD_STREAM_DATABASE": "sqlite:///other.db",
    "UTD_STREAM_SECRET": "s" * 32,
    "UTD_STREAM_APP_ID": "app",
    "UTD_STREAM_APP_KEY": "publishable",
    "UTD_STREAM_APP_SECRET": "of a back end",
    "UTD_STREAM_ALLOW_APPKEY_IDENTITY_MINT": "true",
    "LIVEKIT_URL": "ws://sfu",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "secret of LiveKit",
}
GOOD = TEXTS | {
    f"UTD_STREAM_{field.name.upper()}": str(field.default)
    for field in attrs.fields(Config)
    if isinstance(field.default, int | float)
}

SERVICES = ("utd-stream", "utd-stream-engine", "utd-stream-port-2", "livekit")
PORTS = ((8080, "http"), (443, None), (7880, "web-socket"))
PROTOCOLS = ("tcp", "udp", "sctp")
ADDRESSES = ("10.0.171.239", "fd00::a1")

every_setting = pytest.mark.parametrize("name", GOOD)


def kubernetes(
    service: str, port: int, port_name: str | None, protocol: str, address: str
) -> dict[str, str]:
    """Return what a kubelet writes for one port of a Service."""
    prefix = service.upper().replace("-", "_")
    host = f"[{address}]" if ":" in address else address
    url = f"{protocol}://{host}:{port}"
    each = f"{prefix}_PORT_{port}_{protocol.upper()}"
    written = {
        f"{prefix}_SERVICE_HOST": address,
        f"{prefix}_SERVICE_PORT": str(port),
        f"{prefix}_PORT": url,
        each: url,
        f"{each}_PROTO": protocol,
        f"{each}_PORT": str(port),
        f"{each}_ADDR": address,
    }
    if port_name:
        named = port_name.upper().replace("-", "_")
        written[f"{prefix}_SERVICE_PORT_{named}"] = str(port)
    return written


@pytest.mark.parametrize(
    ("service", "port", "protocol", "address"),
    list(itertools.product(SERVICES, PORTS, PROTOCOLS, ADDRESSES)),
    ids=str,
)
def test_the_address_of_a_service_is_no_setting(
    service: str,
    port: tuple[int, str | None],
    protocol: str,
    address: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What Kubernetes writes is passed over, and the log names it, once."""
    written = kubernetes(service, *port, protocol, address)

    with caplog.at_level(logging.WARNING, "utd_stream"):
        config = read_config(environ=written)

    assert config == Config()
    (said,) = caplog.messages
    assert all(name in said for name in written)


def test_a_service_hides_no_setting() -> None:
    """What is set beside the address of a Service is in force."""
    written = kubernetes("utd-stream", 8080, "http", "tcp", "10.0.0.1")

    config = read_config(environ=written | {"UTD_STREAM_PORT": "9"})
    filed = read_config(environ=written, defaults={"port": 7})

    assert (config.port, filed.port) == (9, 7)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UTD_STREAM_SERVICE", "10.0.0.1"),
        ("UTD_STREAM_SERVICE_HOTS", "10.0.0.1"),
        ("UTD_STREAM_LIVEKIT_PORT", "7880"),
        ("UTD_STREAM_PORT_8080", "tcp://10.0.0.1:8080"),
        ("UTD_STREAM_PORT_8080_TCP", "8080"),
        ("UTD_STREAM_PROT", "tcp://10.0.0.1:8080"),
        ("UTD_STREAM_PROT", ""),
    ],
)
def test_anything_else_is_refused(name: str, value: str) -> None:
    """A name that nobody knows is refused, and the nearest is named."""
    with pytest.raises(InvalidArgumentError, match=f"unknown key {name} .*nearest: "):
        read_config(environ={name: value})


def test_the_log_is_quiet_where_no_service_is(caplog: pytest.LogCaptureFixture) -> None:
    """Settings alone, and other people's variables, are no word in the log."""
    others = {"PATH": "/bin", "LIVEKIT_TOKEN": "t", "KUBERNETES_PORT": "tcp://10.0.0.1"}

    read_config(environ=GOOD | others)

    assert not caplog.messages


@every_setting
def test_an_empty_variable_is_as_if_not_given(name: str, tmp_path: Path) -> None:
    """What compose writes for a variable that nobody set changes nothing."""
    toml = tmp_path / "engine.toml"
    toml.write_text('host = "127.0.0.9"\nport = 7\nseat_grace = 7\n')

    assert read_config(file=toml, environ={name: ""}) == read_config(file=toml)


@pytest.mark.parametrize(
    "name",
    [field.name for field in attrs.fields(Config) if isinstance(field.default, str)],
)
def test_an_empty_text_is_as_if_not_given(name: str, tmp_path: Path) -> None:
    """In a file and on a command line, too."""
    toml = tmp_path / "engine.toml"
    toml.write_text(f'{name} = ""\n')

    assert read_config(file=toml) == Config()
    assert read_config(flags={name: ""}) == Config()


def test_an_empty_field_of_an_app_is_one_that_is_missing(tmp_path: Path) -> None:
    """An app with an empty secret is refused as one without."""
    toml = tmp_path / "engine.toml"
    toml.write_text('[[apps]]\nid = "a"\nkey = "k"\nsecret = ""\n')

    with pytest.raises(InvalidArgumentError, match=r"apps\[0\] lacks secret"):
        read_config(file=toml)


def test_an_engine_is_told_where_to_listen() -> None:
    """A blank host, which would be every interface, is refused everywhere."""
    for blank in ("", " "):
        with pytest.raises(InvalidArgumentError, match="host must be told"):
            Config(host=blank)


SPOILED = {
    "blank before": " {}",
    "blank after": "{} ",
    "line break": "{}\n",
    "carriage return": "{}\r",
    "tab": "{}\t",
    "only blanks": "  ",
    "no-break space": "{}\N{NO-BREAK SPACE}",
    "byte order mark": "\N{ZERO WIDTH NO-BREAK SPACE}{}",
    "line break within": "{}\nLIVEKIT_URL=ws://x",
    "not UTF-8": "{}\udcff",
    "double quotes": '"{}"',
    "single quotes": "'{}'",
    "empty quotes": '""',
    "tilde": "~",
    "null": "null",
    "Null": "Null",
    "None": "None",
    "compose": "${{VALUE}}",
    "compose with default": "${{VALUE:-{}}}",
    "Kubernetes": "$(VALUE)",
    "Helm": "{{{{ .Values.value }}}}",
    "no value": "<no value>",
    "placeholder": "<your value>",
}


every_shape = pytest.mark.parametrize("shape", SPOILED.values(), ids=list(SPOILED))


@every_setting
@every_shape
def test_what_was_never_meant_as_a_value_is_refused(name: str, shape: str) -> None:
    """The variable is named in one line; its value, maybe a secret, is not shown."""
    spoiled = shape.format(GOOD[name])

    with pytest.raises(InvalidArgumentError, match=f"^{name} ") as refused:
        read_config(environ=GOOD | {name: spoiled})

    said = str(refused.value)
    assert said.isprintable()
    assert name not in TEXTS or TEXTS[name] not in said.removeprefix(name)


@every_shape
def test_flags_are_read_as_strictly(shape: str) -> None:
    """The same values are refused on a command line."""
    with pytest.raises(InvalidArgumentError, match=r"^livekit_api_key ") as refused:
        read_config(flags={"livekit_api_key": shape.format("hush")})

    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    "shape",
    [shape for name, shape in SPOILED.items() if name != "not UTF-8"],
    ids=[name for name in SPOILED if name != "not UTF-8"],
)
def test_a_file_is_read_as_strictly(tmp_path: Path, shape: str) -> None:
    """The same values are refused in a file, of an app, too."""
    toml = tmp_path / "engine.toml"
    spoiled = json.dumps(shape.format("hush"))
    toml.write_text(f'[[apps]]\nid = "a"\nkey = "k"\nsecret = {spoiled}\n')

    with pytest.raises(InvalidArgumentError, match=r"^apps\[0\]\.secret ") as refused:
        read_config(file=toml)

    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "field", "meant"),
    [
        ("UTD_STREAM_PORT", "+9", "port", 9),
        ("UTD_STREAM_SEAT_GRACE", "1e1", "seat_grace", 10.0),
        ("UTD_STREAM_SECRET", "a secret with blanks within, <and> ~", "secret", None),
        ("LIVEKIT_API_KEY", "it's", "livekit_api_key", None),
        ("UTD_STREAM_DATABASE", "sqlite:///Räume.db", "database", None),
    ],
)
def test_an_odd_value_is_taken_as_it_is(
    name: str, value: str, field: str, meant: Any
) -> None:
    """Only what cannot have been meant is refused."""
    config = read_config(environ={name: value})

    assert getattr(config, field) == (value if meant is None else meant)


@pytest.mark.parametrize("text", ["8_080", "٨٠٨٠", "0x1F", "8080.0", "1e3", "yes"])
def test_a_port_is_a_plain_number(text: str) -> None:
    """Python reads more as a number than people write as one."""
    with pytest.raises(InvalidArgumentError, match="UTD_STREAM_PORT must be int"):
        read_config(environ={"UTD_STREAM_PORT": text})
