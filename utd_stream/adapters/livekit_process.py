"""A LiveKit server of our own, on loopback, which does not outlive us."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NoReturn, Self

import attrs

from utd_stream.errors import ConnectError, UsageError

__all__ = ["LiveKitPorts", "LiveKitProcess"]

_LOOPBACK = "127.0.0.1"

# Below those which systems give to outgoing connections: a client that knocks
# at the port of a killed server must neither take it nor meet itself there.
_PORTS = range(16_384, 32_768)

# How often one looks whether the server still runs, in seconds.
_TURN = 0.2


@attrs.frozen(kw_only=True)
class LiveKitPorts:
    """Where a server listens, on loopback.

    Attributes:
        http: Signaling and the server API.
        rtc_tcp: Media over TCP.
        rtc_udp: Media over UDP.
    """

    http: int
    rtc_tcp: int
    rtc_udp: int

    @classmethod
    def free(cls) -> Self:
        """Return ports that nobody held a moment ago."""
        with ExitStack() as held:
            return cls(
                http=_free_port(held, socket.SOCK_STREAM),
                rtc_tcp=_free_port(held, socket.SOCK_STREAM),
                rtc_udp=_free_port(held, socket.SOCK_DGRAM),
            )


class LiveKitProcess:
    """One server: started, killed and started again under the same address.

    The keys are drawn at random when the object is made.  ``with`` and ``async
    with`` start it and stop it; a watchdog kills it when this process dies.
    `start` and `stop` block; in a loop use ``async with`` or a thread.

    Attributes:
        ports: Where it listens; the same after each start.
        api_key: Of the one key pair it knows.
        api_secret: Of the same.
    """

    def __init__(
        self,
        binary: Path,
        *,
        webhooks: Sequence[str] = (),
        ports: LiveKitPorts | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """Describe a server; nothing is started yet.

        Args:
            binary: The program, as `find_server` finds it.
            webhooks: URLs that are told what happens, signed with the key.
            ports: Where to listen; chosen among the free ones if not given.
            settings: Of LiveKit's configuration, more of them or other ones.
        """
        self.ports: LiveKitPorts = ports or LiveKitPorts.free()
        self.api_key: str = f"API{secrets.token_hex(8)}"
        self.api_secret: str = secrets.token_urlsafe(32)
        self._binary = binary
        self._webhooks = tuple(webhooks)
        self._settings = dict(settings or {})
        self._server: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"ws://{_LOOPBACK}:{self.ports.http}"

    @property
    def http_url(self) -> str:
        """Where the server API is asked."""
        return f"http://{_LOOPBACK}:{self.ports.http}"

    @property
    def pid(self) -> int | None:
        """Number of the process while it runs."""
        running = self._server is not None and self._server.poll() is None
        return self._server.pid if self._server and running else None

    @property
    def log(self) -> str:
        """What the server has printed since its last start."""
        if self._output is None:
            return ""
        # Where the file is read must not be moved: the server writes there.
        file = self._output.fileno()
        return os.pread(file, os.fstat(file).st_size, 0).decode(errors="replace")

    def start(self, *, timeout: float = 30.0) -> None:
        """Start the server and return when it answers.

        Args:
            timeout: How long to wait for its first answer, in seconds.

        Raises:
            UsageError: If it runs already, the program cannot be run, or no
                temporary file can be made for what it prints.
            ConnectError: If it ended, or did not answer in time; with the
                last it printed.
        """
        if self.pid is not None:
            message = "the LiveKit server runs already"
            raise UsageError(message)
        self.kill()  # forgets one that ended by itself
        try:
            self._spawn()
            self._await_answer(time.monotonic() + timeout)
        except BaseException:
            self.kill()
            raise

    async def outlive(self) -> NoReturn:
        """Wait until the server has ended, and say so.

        Raises:
            ConnectError: When it has, though nobody here had stopped it; with
                the last it printed.
        """
        while self.pid is not None:  # noqa: ASYNC110 -- nobody tells of its end
            await asyncio.sleep(_TURN)
        status = self._server.returncode if self._server else None
        message = f"the LiveKit server has ended, status {status}; start it again"
        raise ConnectError(f"{message}\n{self.log[-2_000:]}".rstrip())

    def kill(self) -> None:
        """Kill it as a power cut would (``kill -9``); idempotent."""
        self._end(grace=0.0)

    def stop(self, *, grace: float = 2.0) -> None:
        """Ask it to end, and kill it after *grace* seconds; idempotent."""
        self._end(grace=grace)

    async def aclose(self) -> None:
        """Do what `stop` does, without blocking the loop."""
        await asyncio.to_thread(self.stop)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        starting = asyncio.create_task(asyncio.to_thread(self.start))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            # A thread cannot be cancelled: wait for it, or it starts a server
            # that nobody stops.
            await asyncio.wait([starting])
            self.kill()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    def _spawn(self) -> None:
        self._output = _scratch_file()
        try:
            # In the environment, since everybody can read a command line.  In
            # a session of its own, since Ctrl-C ends tests, not their server.
            self._server = subprocess.Popen(  # noqa: S603 -- a program found by us
                [self._binary],
                env={"LIVEKIT_CONFIG": json.dumps(self._configuration())},
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            # The pipe closes when this process dies, however it dies.
            self._watchdog = subprocess.Popen(  # noqa: S603 -- a number, and our words
                ["/bin/sh", "-c", 'read _; kill -9 "$0"', str(self._server.pid)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            message = f"the LiveKit server cannot be run: {error}"
            raise UsageError(message) from error

    def _configuration(self) -> dict[str, Any]:
        configuration: dict[str, Any] = {
            "port": self.ports.http,
            "bind_addresses": [_LOOPBACK],
            "keys": {self.api_key: self.api_secret},
            "logging": {"level": "warn", "pion_level": "error"},
            "rtc": {
                "tcp_port": self.ports.rtc_tcp,
                "udp_port": self.ports.rtc_udp,
                "node_ip": _LOOPBACK,
                "use_external_ip": False,
                "enable_loopback_candidate": True,
                "ips": {"includes": [f"{_LOOPBACK}/32"]},
            },
        }
        if self._webhooks:
            configuration["webhook"] = {
                "api_key": self.api_key,
                "urls": list(self._webhooks),
            }
        return {**configuration, **self._settings}

    def _await_answer(self, deadline: float) -> None:
        while not (self._answers() and self.pid):
            if self.pid is None:
                message = f"the LiveKit server ended at once: {self.log[-2_000:]}"
                raise ConnectError(message)
            if time.monotonic() > deadline:
                message = f"the LiveKit server does not answer: {self.log[-2_000:]}"
                raise ConnectError(message)
            time.sleep(0.02)

    def _answers(self) -> bool:
        connection = HTTPConnection(_LOOPBACK, self.ports.http, timeout=1.0)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == 200  # noqa: PLR2004 -- OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def _end(self, grace: float) -> None:
        # The watchdog first: once the server is reaped, its number is free.
        if (watchdog := self._watchdog) is not None:
            watchdog.kill()
            watchdog.communicate()
        if (server := self._server) is not None:
            deadline = time.monotonic() + grace
            while server.poll() is None and time.monotonic() < deadline:
                # Its answer to the first signal is to wait, to the next to end.
                server.send_signal(signal.SIGTERM)
                time.sleep(0.02)
            server.kill()
            server.wait()
        if self._output is not None:
            self._output.close()
        self._watchdog = self._server = self._output = None


def _scratch_file() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        message = (
            f"no temporary file can be made: {error.strerror};"
            " name a folder that you can write to in TMPDIR"
        )
        raise UsageError(message) from error


def _free_port(held: ExitStack, kind: socket.SocketKind) -> int:
    """A port that *held* keeps busy, so that the next one is another."""
    while True:
        port = secrets.choice(_PORTS)
        try:
            probe = held.enter_context(socket.socket(socket.AF_INET, kind))
            probe.bind((_LOOPBACK, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                continue
            message = f"no port of {_LOOPBACK} can be had: {error.strerror}"
            raise UsageError(message) from error
        return port
