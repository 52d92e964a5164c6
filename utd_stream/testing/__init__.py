"""What tests of applications need: strategies for their properties."""

from __future__ import annotations

# The strategies are imported by module: they need Hypothesis, others do not.
__all__: list[str] = []
