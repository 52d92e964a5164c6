"""Names that are imported when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

__all__ = ["load"]


def load(module: str, homes: Mapping[str, str], name: str) -> Any:
    """Return what *name* stands for, for the `__getattr__` of a module.

    Args:
        module: Whose name is asked for; it keeps it for the next use.
        homes: Where each name lives.
        name: What is asked for.

    Raises:
        AttributeError: If the module has no such name.
    """
    if name not in homes:
        message = f"module {module!r} has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(import_module(homes[name]), name)
    setattr(sys.modules[module], name, value)
    return value
