"""Names of functions, for messages."""

from __future__ import annotations

from functools import partial
from pathlib import PurePath
from types import CodeType

__all__ = ["described"]


def described(function: object) -> str:
    """Return the name of *function*; for a lambda, where it is written."""
    if function is None:
        return "nobody"
    while isinstance(function, partial):
        function = function.func
    code: CodeType | None = getattr(function, "__code__", None)
    if code is not None and code.co_name == "<lambda>":
        return f"the lambda at {PurePath(code.co_filename).name}:{code.co_firstlineno}"
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return str(name).rpartition("<locals>.")[2]
