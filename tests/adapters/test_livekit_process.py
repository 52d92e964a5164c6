"""Laws of the LiveKit server which is started here."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

import pytest

from utd_stream.adapters.livekit_process import LiveKitPorts, LiveKitProcess
from utd_stream.errors import ConnectError, UsageError


def answers(server: LiveKitProcess) -> bool:
    """Whether somebody serves at the server's address."""
    connection = HTTPConnection("127.0.0.1", server.ports.http, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def await_end(pid: int) -> None:
    """Return when the process has ended; it need not be a child."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended, _, _ = select.select([handle], [], [], 10)
    os.close(handle)
    assert ended, f"{pid} lives on"


@pytest.mark.livekit
def test_started_server_answers(own_livekit: LiveKitProcess) -> None:
    """When `start` has returned, a client may connect."""
    assert answers(own_livekit)


@pytest.mark.livekit
def test_killed_server_comes_back_at_the_same_address(
    own_livekit: LiveKitProcess,
) -> None:
    """Its clients find it again, and their tokens are still good."""
    before = (own_livekit.url, own_livekit.api_key, own_livekit.api_secret)
    own_livekit.kill()
    assert not answers(own_livekit)

    own_livekit.start()

    assert answers(own_livekit)
    assert before == (own_livekit.url, own_livekit.api_key, own_livekit.api_secret)


@pytest.mark.livekit
@pytest.mark.parametrize("end", ["stop", "kill"])
def test_no_process_is_left(livekit_binary: Path, end: str) -> None:
    """However it ends, the server is gone when that has returned, and reaped."""
    server = LiveKitProcess(livekit_binary)
    server.start()
    pid = server.pid
    watchdog = server._watchdog
    assert pid is not None
    assert watchdog is not None

    getattr(server, end)()

    assert server.pid is None
    assert watchdog.returncode is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.livekit
@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux to see it end")
def test_server_dies_with_its_parent(livekit_binary: Path) -> None:
    """Even kill -9 of the parent leaves no server behind."""
    program = (
        "import sys, pathlib\n"
        "from utd_stream.adapters.livekit_process import LiveKitProcess\n"
        "server = LiveKitProcess(pathlib.Path(sys.argv[1]))\n"
        "server.start()\n"
        "print(server.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(  # noqa: S603 -- this interpreter, a program from above
        [sys.executable, "-c", program, livekit_binary],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())

        parent.send_signal(signal.SIGKILL)
        parent.wait()

        await_end(pid)


@pytest.mark.livekit
async def test_async_with_starts_and_stops(livekit_binary: Path) -> None:
    """In a loop it does not block, and leaves nothing either."""
    async with LiveKitProcess(livekit_binary) as server:
        assert server.pid is not None

    assert server.pid is None


@pytest.mark.livekit
def test_second_start_is_refused(own_livekit: LiveKitProcess) -> None:
    """A running server is not lost by starting another in its place."""
    with pytest.raises(UsageError, match="runs already"):
        own_livekit.start()

    assert answers(own_livekit)


@pytest.mark.livekit
def test_taken_port_is_told(livekit_binary: Path) -> None:
    """A server that cannot listen says so at once, in its own words."""
    ports = LiveKitPorts.free()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports.http))
        taken.listen()
        server = LiveKitProcess(livekit_binary, ports=ports)

        with pytest.raises(ConnectError, match="address already in use"):
            server.start()

    assert server.pid is None


@pytest.mark.livekit
def test_secret_is_not_on_the_command_line(own_livekit: LiveKitProcess) -> None:
    """Other users of the machine can read arguments."""
    arguments = Path(f"/proc/{own_livekit.pid}/cmdline")
    if not arguments.exists():
        pytest.skip("no /proc on this system")

    assert own_livekit.api_secret not in arguments.read_text()


def test_reading_the_log_disturbs_no_line(tmp_path: Path) -> None:
    """The server writes on where it was, however often somebody looks."""
    program = tmp_path / "server"
    program.write_text(
        f"#!{sys.executable}\nimport os\n"
        "for n in range(20_000):\n    os.write(1, b'%d\\n' % n)\n"
    )
    program.chmod(0o755)
    server = LiveKitProcess(program)
    server._spawn()  # `start` would wait for an answer

    while server.pid is not None:
        assert server.log[:2] in {"", "0", "0\n"}

    assert server.log.split() == [str(n) for n in range(20_000)]
    server.kill()


def test_program_that_cannot_be_run_is_told(tmp_path: Path) -> None:
    """A wrong path is the caller's error, and leaves nothing open."""
    server = LiveKitProcess(tmp_path / "missing")

    with pytest.raises(UsageError, match="cannot be run"):
        server.start()

    assert server.pid is None
    assert server.log == ""


def test_free_ports_differ() -> None:
    """One server listens three times."""
    ports = LiveKitPorts.free()

    assert len({ports.http, ports.rtc_tcp, ports.rtc_udp}) == 3
