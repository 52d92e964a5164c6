"""The parts of a running engine that requests reach."""

from __future__ import annotations

import attrs
from aiohttp import web

from utd_stream.engine._counts import Counts
from utd_stream.engine.auth import Authenticator
from utd_stream.engine.config import Config
from utd_stream.engine.directory import Directory
from utd_stream.engine.outbox import Outbox
from utd_stream.engine.rates import Rates
from utd_stream.engine.readiness import Readiness
from utd_stream.engine.reconciler import Reconciler
from utd_stream.engine.tokens import UserTokens
from utd_stream.engine.writer import Writer
from utd_stream.ports import Clock, Luck, Sfu

__all__ = ["SERVICES", "Services"]


@attrs.frozen(kw_only=True)
class Services:
    """What handlers use.

    Attributes:
        config: In force.
        authenticator: Checks credentials.
        rates: How many requests are served.
        tokens: Makes bearers.
        writer: Decides and commits.
        counts: How many rooms and members there are.
        directory: Which rooms live.
        outbox: Tells the SFU.
        reconciler: Asks the SFU.
        readiness: Whether all of it can serve.
        sfu: The media plane.
        clock: Of the engine.
        luck: Of the engine.
    """

    config: Config
    authenticator: Authenticator
    rates: Rates
    tokens: UserTokens
    writer: Writer
    counts: Counts
    directory: Directory
    outbox: Outbox
    reconciler: Reconciler
    readiness: Readiness
    sfu: Sfu
    clock: Clock
    luck: Luck


SERVICES = web.AppKey("services", Services)
