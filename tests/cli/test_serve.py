"""Laws of ``utd-stream serve``."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.cli.commands import command, running
from tests.patience import patient

COMPLETE = {
    "UTD_STREAM_SECRET": "the-secret-that-signs-user-tokens",
    "UTD_STREAM_APP_ID": "app",
    "UTD_STREAM_APP_KEY": "publishable",
    "UTD_STREAM_APP_SECRET": "the-secret-of-a-back-end",
    "LIVEKIT_URL": "ws://127.0.0.1:9",
    "LIVEKIT_API_KEY": "livekit-key",
    "LIVEKIT_API_SECRET": "the-secret-of-livekit-of-32-bytes",
}


HALF_A_REQUEST = (
    b"POST /api/v1/token HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
    b"X-App-Id: app\r\nX-App-Key: publishable\r\n"
    b"Content-Length: 100\r\nExpect: 100-continue\r\n\r\n"
)


def await_refusal(port: int) -> None:
    """Return when nobody listens there any more."""
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionError:
            return


def test_check_hides_secrets(tmp_path: Path) -> None:
    """--check says what is in force, and no secret."""
    told = command("serve", "--check", "--port", "1234", folder=tmp_path, **COMPLETE)

    assert told.returncode == 0
    assert "port = 1234" in told.stdout
    assert "livekit_url = ws://127.0.0.1:9" in told.stdout
    assert "app app: key publishable" in told.stdout
    assert "the-secret" not in told.stdout + told.stderr


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("UTD_STREAM_SECRET", "UTD_STREAM_SECRET"),
        ("UTD_STREAM_APP_SECRET", "app_secret"),
        ("LIVEKIT_URL", "LIVEKIT_URL"),
        ("LIVEKIT_API_KEY", "LIVEKIT_API_KEY"),
        ("LIVEKIT_API_SECRET", "LIVEKIT_API_SECRET"),
    ],
)
@pytest.mark.parametrize("flags", [(), ("--check",)], ids=["serve", "check"])
def test_what_is_missing_is_named(
    tmp_path: Path, missing: str, named: str, flags: tuple[str, ...]
) -> None:
    """Nothing is served half; one line names the missing part, the status is 2."""
    told = {name: value for name, value in COMPLETE.items() if name != missing}

    refused = command("serve", "--port", "0", *flags, folder=tmp_path, **told)

    assert refused.returncode == 2
    assert named in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_a_misspelt_setting_is_refused(tmp_path: Path) -> None:
    """A variable that nobody knows is one that is not in force."""
    refused = command("serve", folder=tmp_path, **COMPLETE, UTD_STREAM_SEAT_GRAVE="10")

    assert refused.returncode == 2
    assert "UTD_STREAM_SEAT_GRACE" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_flags_go_before_the_environment_and_that_before_the_file(
    tmp_path: Path,
) -> None:
    """The nearest to the hand is what was meant."""
    (tmp_path / "engine.toml").write_text(
        'host = "::1"\nport = 1\nseat_grace = 7\n', encoding="utf-8"
    )

    told = command(
        *("serve", "--check", "--config", "engine.toml", "--port", "3"),
        folder=tmp_path,
        **COMPLETE,
        UTD_STREAM_PORT="2",
        UTD_STREAM_HOST="127.0.0.2",
    )

    assert "port = 3" in told.stdout
    assert "host = 127.0.0.2" in told.stdout
    assert "seat_grace = 7.0" in told.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_prints_one_line_and_ends_clean(
    tmp_path: Path, number: signal.Signals
) -> None:
    """--json is one line without the secret; both signals end with status 0."""
    with running(
        "serve", "--port", "0", "--json", folder=tmp_path, **COMPLETE
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.send_signal(number)
        rest, errors = process.communicate(timeout=patient(30))

    told = json.loads(line)
    assert set(told) == {"base_url", "livekit_url", "app_id", "app_key"}
    assert told["app_key"] == "publishable"
    assert not rest
    assert "Traceback" not in errors
    assert process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_impatient_cut_no_ending_short(
    tmp_path: Path, number: signal.Signals
) -> None:
    """While a request under way is waited for, a second signal changes nothing."""
    with running(
        "serve", "--port", "0", "--json", folder=tmp_path, **COMPLETE
    ) as process:
        assert process.stdout is not None
        port = int(json.loads(process.stdout.readline())["base_url"].split(":")[-1])
        with socket.create_connection(("127.0.0.1", port)) as asking:
            asking.sendall(HALF_A_REQUEST)
            assert b"100 Continue" in asking.recv(1_000)
            process.send_signal(number)
            await_refusal(port)
            process.send_signal(number)
            process.send_signal(number)
        _, errors = process.communicate(timeout=patient(30))

    assert process.returncode == 0
    assert "KeyboardInterrupt" not in errors


def test_a_livekit_that_is_not_there_is_told(tmp_path: Path) -> None:
    """One line at the start, though there is no room yet; the engine goes on."""
    with running(
        "serve", "--port", "0", "--json", folder=tmp_path, **COMPLETE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        line = process.stdout.readline()
        told = process.stderr.readline()
        with urlopen(f"{json.loads(line)['base_url']}/health") as answer:  # noqa: S310 -- ours
            status = answer.status
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=patient(30))

    assert "no LiveKit server answers at its URL; is it running?" in told
    assert (status, process.returncode, rest) == (200, 0, "")


def test_a_taken_address_is_named(tmp_path: Path) -> None:
    """Status 2, and one line that names the address."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        refused = command("serve", "--port", port, folder=tmp_path, **COMPLETE)

    assert refused.returncode == 2
    assert f"127.0.0.1:{port}" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_the_variables_of_kubernetes_and_compose_are_no_settings(
    tmp_path: Path,
) -> None:
    """The address of a Service is named once in the log; what is empty is nothing."""
    service = {
        "UTD_STREAM_SERVICE_HOST": "10.0.0.1",
        "UTD_STREAM_SERVICE_PORT": "80",
        "UTD_STREAM_PORT": "tcp://10.0.0.1:80",
        "UTD_STREAM_PORT_80_TCP": "tcp://10.0.0.1:80",
        "UTD_STREAM_PORT_80_TCP_ADDR": "10.0.0.1",
    }

    told = command(
        *("serve", "--check"),
        folder=tmp_path,
        **{**COMPLETE, **service, "UTD_STREAM_HOST": "", "UTD_STREAM_DATABASE": ""},
    )

    assert told.returncode == 0
    assert {"host = 127.0.0.1", "port = 8080"} <= {*told.stdout.splitlines()}
    assert len(told.stderr.splitlines()) == 1
    assert all(told.stderr.count(f" {name}") for name in service)
