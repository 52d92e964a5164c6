"""An engine and LiveKit of the command's own, for each test that asks for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.commands import Dev, running


@pytest.fixture
def dev(tmp_path: Path, livekit_binary: Path) -> Iterator[Dev]:
    """One on a free port that hears of the SFU by webhooks alone."""
    with running(
        *("dev", "--json", "--port", "0"),
        folder=tmp_path,
        LIVEKIT_SERVER=str(livekit_binary),
        UTD_STREAM_RECONCILE_PERIOD="86400",
    ) as process:
        assert process.stdout is not None
        yield Dev(process, json.loads(process.stdout.readline()), tmp_path)
