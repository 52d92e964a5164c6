"""The published contract: what client, engine, documents and tests share."""

from __future__ import annotations

from utd_stream.contract.endpoints import API_PREFIX, ENDPOINTS, Endpoint, Who

__all__ = ["API_PREFIX", "ENDPOINTS", "Endpoint", "Who"]
