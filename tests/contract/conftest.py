"""One suite for each port, over every plane."""

from __future__ import annotations

from tests.planes import plane

__all__ = ["plane"]
