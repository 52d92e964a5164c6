"""The proxy that LiveKit's native client goes through, as the environment says."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["proxy_hint", "proxy_variable"]

# In the order in which the client looks.  `ALL_PROXY` is for the request alone by
# which it learns why the SFU refused.
_PLAIN = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
_SECURE = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


def proxy_variable(url: str, environment: Mapping[str, str]) -> str | None:
    """Return the name of the variable that sets the proxy for *url*, or None."""
    is_secure = url.lower().startswith(("wss:", "https:"))
    for name in _SECURE if is_secure else _PLAIN:
        if environment.get(name):
            return name
    return None


def proxy_hint(variable: str) -> str:
    """Return what to do about a proxy; its value may hold a password."""
    return (
        f"LiveKit's client goes through the proxy that {variable} sets and ignores "
        f"NO_PROXY: unset {variable} where the SFU is reached without one"
    )
