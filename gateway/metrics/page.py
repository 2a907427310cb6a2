"""``/metrics``, in the text format of Prometheus.

Nothing of prometheus_client runs but here: what is counted elsewhere are numbers, and they become
its metrics when somebody looks, in a registry that belongs to this one look.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway.freshness import FreshnessGauge
from gateway.metrics.collecting import (
    Metered,
    collect,
    collect_projector,
    read_projection,
)
from gateway.metrics.fellows import Fellows, Page, together
from projections.dead_letters import DeadLetters


@dataclass(frozen=True, eq=False)
class Look(Collector):
    """Everything as it is at one moment."""

    families: Iterable[Metric]

    def collect(self) -> Iterator[Metric]:
        """Obey `Collector.collect`."""
        return iter(self.families)


async def look_at(metered: Metered) -> Page:
    """The numbers of this gateway as they are now."""
    projected = await read_projection(metered.gauge, metered.letters)
    return _rendered(collect(metered, projected))


def telling(metered: Metered, fellows: Fellows | None) -> AbstractAsyncContextManager[None]:
    """Tell ``fellows``, if there are any, the numbers of this gateway while the block runs."""
    return nullcontext() if fellows is None else fellows.telling(partial(look_at, metered))


def metrics_route(metered: Metered, fellows: Fellows | None = None) -> APIRouter:
    """``/metrics`` of a gateway; of a worker that has ``fellows``, with all of theirs."""

    async def look() -> Page:
        own = await look_at(metered)
        if fellows is None:
            return own
        pages = await fellows.pages(own)
        # Seven milliseconds a worker, shared by the interpreter with whoever is served meanwhile.
        return await asyncio.to_thread(lambda: _rendered(together(pages)))

    return page_of(look)


def projector_route(gauge: FreshnessGauge, letters: DeadLetters) -> APIRouter:
    """``/metrics`` of a process that projects and serves nobody."""
    started_at_s = time.time()

    async def look() -> Page:
        return _rendered(collect_projector(await read_projection(gauge, letters), started_at_s))

    return page_of(look)


def page_of(look: Callable[[], Awaitable[Page]]) -> APIRouter:
    """``/metrics``. Never refused, like the routes of health."""
    routes = APIRouter()

    @routes.get("/metrics")
    async def metrics() -> Response:
        return Response(await look(), media_type=CONTENT_TYPE_LATEST)

    return routes


def _rendered(families: Iterable[Metric]) -> Page:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Look(families))
    return generate_latest(registry)
