"""Profiles of Hypothesis; the fixtures that every folder shares."""

from __future__ import annotations

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
