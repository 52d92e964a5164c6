"""What the docstring of a class says, so that nobody writes it a second time.

OpenAPI, the JSON Schemas of metadata and the pages in ``docs/`` take their
descriptions from here.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping

__all__ = ["attributes_of", "summary_of"]

_ATTRIBUTE = re.compile(r"    (\w+): (.*)")


def summary_of(kind: type) -> str:
    """Return the first sentence of the class's docstring; empty without one."""
    return _plain(_docstring(kind).partition("\n\n")[0].replace("\n", " "))


def attributes_of(kind: type) -> Mapping[str, str]:
    """Return what the section ``Attributes`` says, by name."""
    _, _, section = _docstring(kind).partition("\nAttributes:\n")
    found: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        if line and not line.startswith(" "):
            break  # the next section
        item = _ATTRIBUTE.fullmatch(line)
        if item is not None:
            name = item[1]
            found[name] = item[2]
        elif name and line.strip():
            found[name] += f" {line.strip()}"
    return {name: _plain(text) for name, text in found.items()}


def _docstring(kind: type) -> str:
    # A class without a docstring would show its base's.
    return inspect.cleandoc(kind.__dict__.get("__doc__") or "")


def _plain(text: str) -> str:
    return text.strip().replace("``", "`")
