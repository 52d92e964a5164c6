"""The origins of web pages, as settings name them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from utd_stream.errors import InvalidArgumentError

__all__ = ["read_origins"]

# Browsers spell a name in ASCII and lower case, and leave the usual port out.
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://"
    r"(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])"
    r"(:(?P<port>[0-9]{1,5}|\*))?"
)
_USUAL_PORTS = {"http": "80", "https": "443"}


def read_origins(written: Iterable[str]) -> tuple[str, ...]:
    """Return origins as browsers spell them.

    Args:
        written: Each as ``scheme://host`` or ``scheme://host:port``; the port
            ``*`` is every port, and ``*`` alone is every page.

    Raises:
        InvalidArgumentError: If one is no origin.
    """
    return tuple(_read(each) for each in written)


def _read(written: str) -> str:
    if written == "*":
        return written
    found = _ORIGIN.fullmatch(written.lower())
    if found is None:
        message = (
            f"allowed_origins: {written!r} is no origin; write it as browsers do,"
            " such as https://app.example.com or http://localhost:5173, without a"
            " path or a slash at its end; a name in other letters as xn--..."
        )
        raise InvalidArgumentError(message)
    scheme, host, port = found["scheme"], found["host"], found["port"]
    if port is None or port == _USUAL_PORTS.get(scheme):
        return f"{scheme}://{host}"
    return f"{scheme}://{host}:{port}"
