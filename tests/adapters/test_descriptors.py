"""Laws of the descriptor limit."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from utd_stream.adapters.descriptors import check_descriptors, raise_descriptor_limit
from utd_stream.errors import DescriptorLimitError


@contextmanager
def soft_limit(limit: int) -> Iterator[None]:
    """Allow this process *limit* descriptors for a while."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def used() -> int:
    """How many are open now."""
    return len(tuple(Path("/dev/fd").iterdir()))


def test_soft_limit_becomes_the_hard_one() -> None:
    """Whatever the system allows is used."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with soft_limit(min(hard, 256)):
        limit = raise_descriptor_limit()

        assert limit == resource.getrlimit(resource.RLIMIT_NOFILE)[0] == hard


def test_room_needs_two_hundred() -> None:
    """With 200 left a room may be opened, with 199 not (T42)."""
    enough = used() + 200
    with soft_limit(enough):
        check_descriptors()
    with soft_limit(enough - 1), pytest.raises(DescriptorLimitError) as refused:
        check_descriptors()

    assert refused.value.left == 199
    assert refused.value.wanted >= enough
    assert f"ulimit -n {refused.value.wanted}" in str(refused.value)
