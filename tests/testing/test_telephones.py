"""Calls hold their laws through any order of commands and faults."""

from __future__ import annotations

from hypothesis import settings

from utd_stream.testing.telephones import CallMachine

_IS_THOROUGH = settings().max_examples > 1_000

TestCalls = CallMachine.TestCase
TestCalls.settings = settings(
    TestCalls.settings,
    max_examples=2_000 if _IS_THOROUGH else 100,
    stateful_step_count=25,
)
