"""Laws of the descriptor limit."""

from __future__ import annotations

import resource

from utd_stream.adapters.descriptors import raise_descriptor_limit


def test_soft_limit_becomes_the_hard_one() -> None:
    """Whatever the system allows is used."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 256), hard))

    limit = raise_descriptor_limit()

    assert limit == resource.getrlimit(resource.RLIMIT_NOFILE)[0] == hard
