"""What the tests of the client share."""

from __future__ import annotations

from tests.client.people import ana, ben
from tests.planes import plane

__all__ = ["ana", "ben", "plane"]
