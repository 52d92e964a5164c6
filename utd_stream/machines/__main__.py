"""Print STATES.md, the page about the machines: ``python -m utd_stream.machines``."""

from __future__ import annotations

import sys

from utd_stream.machines._document import document

sys.stdout.write(document())
