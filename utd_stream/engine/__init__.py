"""The self-hosted engine: what it is told, and how it is run."""

from __future__ import annotations

from utd_stream.engine.app import make_app
from utd_stream.engine.config import App, Config, describe, read_config
from utd_stream.engine.running import RunningEngine, running
from utd_stream.engine.serve import serve
from utd_stream.engine.services import SERVICES, Services
from utd_stream.engine.store import Store

__all__ = [
    "SERVICES",
    "App",
    "Config",
    "RunningEngine",
    "Services",
    "Store",
    "describe",
    "make_app",
    "read_config",
    "running",
    "serve",
]
