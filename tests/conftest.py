"""Profiles of Hypothesis; the fixtures that every folder shares."""

from __future__ import annotations

import pytest
from hypothesis import settings

# Examples are never timed: a busy machine is not a bug.  Under CI Hypothesis
# takes its built-in profile ``ci`` by itself, which is derandomized.
settings.register_profile("default", settings.get_profile("default"), deadline=None)
settings.register_profile("thorough", max_examples=2_000, deadline=None)

pytest_plugins = [
    "tests.livekit_plugin",
    "tests.world_plugin",
    "tests.conformance_plugin",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Walk first, so that no process is left alone with long walks at the end."""
    items.sort(key=lambda item: item.get_closest_marker("no_cover") is None)
