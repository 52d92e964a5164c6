"""The parts of an engine, put together, started and stopped in their order."""

from __future__ import annotations

from collections.abc import AsyncIterator

from aiohttp import web

from utd_stream.engine._births import Births
from utd_stream.engine._counts import Counts
from utd_stream.engine.auth import Authenticator
from utd_stream.engine.config import Config
from utd_stream.engine.deadlines import Deadlines
from utd_stream.engine.directory import Directory
from utd_stream.engine.notes import note_outbox
from utd_stream.engine.outbox import Outbox
from utd_stream.engine.rates import Rates
from utd_stream.engine.readiness import Readiness
from utd_stream.engine.reconciler import Reconciler
from utd_stream.engine.rules.commands import CreateCall
from utd_stream.engine.services import Services
from utd_stream.engine.signaling import Signaling
from utd_stream.engine.store import Store
from utd_stream.engine.tokens import UserTokens
from utd_stream.engine.writer import Commit, Writer
from utd_stream.ports import Clock, FactLog, Luck, Sfu

__all__ = ["Engine"]


class Engine:
    """Everything behind the routes.

    Args:
        config: In force.
        sfu: The media plane.
        clock: Of the engine.
        luck: Of the engine.
        store: Its own from now on.
        threaded: False to write on the loop itself.
        log: Told what happens; None for nobody.
    """

    def __init__(  # noqa: PLR0913 -- its ports
        self,
        config: Config,
        *,
        sfu: Sfu,
        clock: Clock,
        luck: Luck,
        store: Store,
        threaded: bool,
        log: FactLog | None,
    ) -> None:
        rules = config.rules
        self._log = log
        self._unsent = store.unsent()
        self._directory = Directory(store, config.rules.longest)
        self._writer = Writer(
            store,
            clock=clock,
            rules=rules,
            threaded=threaded,
            log=log,
            deciders={CreateCall: Births(rules)},
        )
        self._outbox = Outbox(
            self._writer, sfu=sfu, clock=clock, luck=luck, rules=rules
        )
        self._reconciler = Reconciler(
            self._writer,
            directory=self._directory,
            sfu=sfu,
            clock=clock,
            rules=rules,
            period=config.reconcile_period,
            app_ids=frozenset(app.id for app in config.apps),
        )
        self._deadlines = Deadlines(
            self._writer,
            directory=self._directory,
            reconciler=self._reconciler,
            clock=clock,
            rules=rules,
            again=config.reconcile_period,
        )
        self._readiness = Readiness(self._writer, sfu=sfu, clock=clock)
        tokens = UserTokens(config.secret, clock)
        self.services: Services = Services(
            config=config,
            authenticator=Authenticator(config.apps, tokens),
            rates=Rates(
                app=config.rate_app,
                identity=config.rate_identity,
                pair=config.rate_pair,
                clock=clock,
            ),
            tokens=tokens,
            writer=self._writer,
            counts=Counts(self._writer, clock),
            directory=self._directory,
            outbox=self._outbox,
            reconciler=self._reconciler,
            readiness=self._readiness,
            sfu=sfu,
            clock=clock,
            luck=luck,
        )
        self.signaling: Signaling = Signaling(store.epoch(luck.token()))
        self._writer.watch(self._follow)

    async def running_with(self, _: web.Application) -> AsyncIterator[None]:
        """Run while the application does."""
        self._writer.start()
        self._outbox.put(self._unsent)
        self._reconciler.start()
        self._deadlines.start()
        self._readiness.start()
        yield
        await self._readiness.aclose()
        await self._deadlines.aclose()
        await self._reconciler.aclose()
        await self._outbox.aclose()
        await self._writer.aclose()

    async def stop_signaling(self, _: web.Application) -> None:
        """Close the sockets before the application stops."""
        self.signaling.stop()

    def kill(self) -> None:
        """Stop as a killed process does: what is committed is all that is left."""
        self.signaling.stop()
        self._writer.kill()
        self._outbox.kill()

    def _follow(self, commit: Commit) -> None:
        if self._log is not None:
            note_outbox(self._log, commit.outbox)
        # The SFU first: somebody waits to speak.
        self._outbox.put(commit.outbox)
        self.signaling.wake(commit.told)
        self._directory.renew(commit.rooms)
        self._deadlines.renew()
