"""What Kubernetes writes into the environment beside our settings.

For each Service that a pod can see, its address stands in variables that begin
with the Service's name.  One that is called ``utd-stream``, or begins with it,
writes into our names, and ``livekit`` into LiveKit's.

Source: kubernetes.io, Service, Discovering services, Environment variables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["foreign_names"]

_ADDRESS = r"(tcp|udp|sctp)://\S+"
_PROTOCOL = r"(TCP|UDP|SCTP)"

# How the name ends, after that of the Service, and what its value looks like.
# ``UTD_STREAM_PORT`` is a setting, too: its value tells them apart.
_SHAPES = tuple(
    (re.compile(rf"(UTD_STREAM|LIVEKIT)(_[A-Z0-9_]+)?{name}"), re.compile(value))
    for name, value in (
        (r"_SERVICE_HOST", r"\S*"),
        (r"_SERVICE_PORT(_[A-Z0-9_]+)?", r"\d*"),
        (r"_PORT", _ADDRESS),
        (rf"_PORT_\d+_{_PROTOCOL}", _ADDRESS),
        (rf"_PORT_\d+_{_PROTOCOL}_PROTO", r"(tcp|udp|sctp)"),
        (rf"_PORT_\d+_{_PROTOCOL}_PORT", r"\d+"),
        (rf"_PORT_\d+_{_PROTOCOL}_ADDR", r"\S+"),
    )
)


def foreign_names(environ: Mapping[str, str]) -> frozenset[str]:
    """Return the variables that Kubernetes has written for a Service."""
    return frozenset(
        name
        for name, text in environ.items()
        if any(n.fullmatch(name) and t.fullmatch(text) for n, t in _SHAPES)
    )
