"""A whole world in one process: engine, SFU and clients, and no port opened."""

from __future__ import annotations

from utd_stream._embedded.webhooks import Webhook, Webhooks
from utd_stream._embedded.world import EmbeddedWorld, embedded

__all__ = ["EmbeddedWorld", "Webhook", "Webhooks", "embedded"]
