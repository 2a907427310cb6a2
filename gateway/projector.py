"""`bff project`: keeps a shared projection current, and says how far it has got.

Any number of them may run. Those that consume Kafka share its partitions; of those that consume
feeds each applies what it is the first to bring, so one is enough and a second stands by.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.console import Console

from gateway.beside import running
from gateway.catch_up import CatchUp
from gateway.freshness import FreshnessGauge
from gateway.progress import show_progress
from gateway.projecting import FeedProjecting, KafkaProjecting
from gateway.projector_page import page_served, projector_page
from gateway.serving import bind
from gateway.settings import Settings, SettingsError
from gateway.stores import make_store, opened
from gateway.telemetry import Telemetry
from projections.consumer import ProjectionSignal
from projections.errors import SourceRefused


class ProjectorRefused(Exception):
    """The source of events does not let us in; the text says why."""


class Projector:
    """All parts of one projector, wired and not yet open."""

    def __init__(self, settings: Settings) -> None:
        telemetry = Telemetry()
        self._settings = settings
        self._telemetry = telemetry
        self.catch_up = CatchUp(tuple(settings.service_urls))
        self.store = make_store(settings, telemetry, time.time)
        self._observers = (telemetry.projection, self.catch_up.observe)
        self._projecting = (
            KafkaProjecting(settings, self.store, telemetry, self._observe, self.catch_up.leave)
            if settings.events == "kafka"
            else FeedProjecting(settings, self.store, self._observe)
        )

    async def run(self) -> None:
        """Project until cancelled. Raises `SourceRefused` where waiting mends nothing."""
        async with opened(self.store):
            try:
                await self._projecting.run()
            finally:
                await self._projecting.aclose()

    @asynccontextmanager
    async def telling(self) -> AsyncIterator[None]:
        """Answer on the port that the settings name, if they name one, while the block runs.

        Raises `PortTaken`.
        """
        port = self._settings.projector_port
        if port is None:
            yield
            return
        page = projector_page(self._gauge(), self.store)
        with bind(self._settings.model_copy(update={"port": port})) as listening:
            async with page_served(page, listening):
                yield

    def _gauge(self) -> FreshnessGauge:
        budgets_s = self._settings.staleness_budgets_s
        return FreshnessGauge(
            store=self.store,
            budgets_s={of.source: budget_s for of, budget_s in budgets_s.items()},
            wall_clock=time.time,
            watcher=None,
            observe=self._telemetry.freshness,
            hear=self._telemetry.hearing,
        )

    def _observe(self, signal: ProjectionSignal) -> None:
        for observe in self._observers:
            observe(signal)


async def run_projector(settings: Settings, console: Console) -> None:
    """Project until interrupted, showing the progress up to the present on a terminal.

    Raises `SettingsError` where there is nothing to project or nowhere to, `ProjectorRefused` where
    the source denies us its events.
    """
    _require_a_shared_store(settings)
    projector = Projector(settings)
    try:
        async with projector.telling(), running(projector.run()):
            if console.is_terminal:
                await show_progress(projector.catch_up, console)
                console.print("Caught up. Ctrl-C stops; others take over, and nothing is lost.")
            await asyncio.Event().wait()
    except ExceptionGroup as failures:
        refused = failures.subgroup(SourceRefused)
        if refused is None:
            raise
        raise ProjectorRefused(_first_of(refused)) from failures


def _require_a_shared_store(settings: Settings) -> None:
    if settings.store == "memory":
        raise SettingsError(
            "BFF_STORE=memory: a projection in memory is kept by `bff serve` itself; "
            "`bff project` needs BFF_STORE=redis"
        )
    if settings.events == "none":
        raise SettingsError("BFF_EVENTS=none: there are no events to project")


def _first_of(group: BaseExceptionGroup[BaseException]) -> str:
    first = group.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else str(first)
