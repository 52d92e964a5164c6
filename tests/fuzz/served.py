"""An engine over a loopback plane behind a real socket, to be fuzzed."""

from __future__ import annotations

import sys

from utd_stream.adapters.clock import AsyncioClock
from utd_stream.adapters.loopback import Loopback
from utd_stream.adapters.luck import SystemLuck
from utd_stream.cli._stopping import run
from utd_stream.engine import App, Config, serve

__all__ = ["OPEN", "SHUT"]

_DAY = 86_400.0

# One app whose key may sign anybody in, and one whose key may not.
OPEN = App(id="open", key="open-key", secret="open-secret",  # noqa: S106 -- a test's
           allow_appkey_identity_mint=True)  # fmt: skip
SHUT = App(id="shut", key="shut-key", secret="shut-secret")  # noqa: S106 -- a test's


async def main() -> int:
    """Serve, and print where.

    No rate is limited, and nobody loses a seat for not being connected.
    """
    clock = AsyncioClock()
    config = Config(
        port=0,
        database="sqlite://",
        secret="f" * 32,
        apps=(OPEN, SHUT),
        seat_grace=_DAY,
        room_empty=_DAY,
        rate_app=0,
        rate_identity=0,
        rate_pair=0,
        livekit_url="ws://sfu",
        livekit_api_key="key",
        livekit_api_secret="secret",  # noqa: S106 -- a test's
    )
    await serve(
        config,
        sfu=Loopback(clock),
        clock=clock,
        luck=SystemLuck(),
        on_ready=lambda url: print(url, flush=True),  # noqa: T201 -- the fuzzer reads it
    )
    return 0


if __name__ == "__main__":
    sys.exit(run(main()))
