"""Values of settings as people write them: empty, quoted, left as an example.

Files, environments and command lines pass on what should not be a value: the
line break of a secret's file, the quotes of an env file, the word ``null``.
Such a value is refused by the name of its setting and never quoted, since it
may be a secret.
"""

from __future__ import annotations

import re
from typing import Any

from utd_stream.errors import InvalidArgumentError

__all__ = ["check_text", "is_given", "parsed", "typed"]

_TRUE = frozenset({"1", "on", "true", "yes"})
_FALSE = frozenset({"0", "false", "no", "off"})
_NUMBER = re.compile(r"[+-]?[0-9.]+(e[+-]?[0-9]+)?|[+-]?(inf|nan)", re.IGNORECASE)

# What the whole of a value may look like that is none, and what to do about it.
_NO_VALUES = (
    (re.compile(r"\"[^\"]*\"|'[^']*'"), "has quotes around it: leave them out"),
    (re.compile(r"<.*>"), "is a placeholder: put a value of your own there"),
    (
        re.compile(r"\$\{.*\}|\$\(.*\)|\{\{.*\}\}"),
        "is a reference that nothing has replaced by its value",
    ),
    (
        re.compile(r"~|null|nil|none|undefined", re.IGNORECASE),
        "is a word for no value: leave the setting out",
    ),
)


def is_given(value: object) -> bool:
    """Whether *value* says something: an empty text is as if not given."""
    return value is not None and value != ""


def check_text(name: str, text: str) -> None:
    """Refuse a text that cannot have been meant.

    Raises:
        InvalidArgumentError: Naming *name*, and not the text.
    """
    if text != text.strip():
        message = f"{name} has blanks or line breaks around it: leave them out"
        raise InvalidArgumentError(message)
    if not text.isprintable():
        message = f"{name} holds a line break or another invisible character"
        raise InvalidArgumentError(message)
    for pattern, words in _NO_VALUES:
        if pattern.fullmatch(text):
            message = f"{name} {words}"
            raise InvalidArgumentError(message)


def typed(name: str, value: Any, kind: type) -> Any:
    """Return *value* of a file or a command line, which must be a *kind*.

    Raises:
        InvalidArgumentError: Naming *name*.
    """
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or isinstance(value, bool) != (kind is bool):
        message = f"{name} must be {kind.__name__}"
        raise InvalidArgumentError(message)
    if isinstance(value, str):
        check_text(name, value)
    return value


def parsed(name: str, text: str, kind: type) -> Any:
    """Return what *text* of an environment says, which must be a *kind*.

    Raises:
        InvalidArgumentError: Naming *name*.
    """
    check_text(name, text)
    if kind is bool:
        word = text.lower()
        if word in _TRUE | _FALSE:
            return word in _TRUE
        message = f"{name} must be true or false"
        raise InvalidArgumentError(message)
    if kind is str:
        return text
    try:
        # Python reads more than people mean by a number: 8_080, and other scripts.
        return kind(text) if _NUMBER.fullmatch(text) else kind("")
    except ValueError:
        message = f"{name} must be {kind.__name__}"
        raise InvalidArgumentError(message) from None  # the cause repeats the text
