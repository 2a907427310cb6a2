"""``/metrics``, in the text format of Prometheus.

Nothing of prometheus_client runs but here: what is counted elsewhere are numbers, and they become
its metrics when somebody looks, in a registry that belongs to this one look.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass

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
from projections.dead_letters import DeadLetters


@dataclass(frozen=True, eq=False)
class Look(Collector):
    """Everything as it is at one moment."""

    families: Iterable[Metric]

    def collect(self) -> Iterator[Metric]:
        """Obey `Collector.collect`."""
        return iter(self.families)


def metrics_route(metered: Metered) -> APIRouter:
    """``/metrics`` of a gateway."""

    async def look() -> Iterable[Metric]:
        return collect(metered, await read_projection(metered.gauge, metered.letters))

    return page_of(look)


def projector_route(gauge: FreshnessGauge, letters: DeadLetters) -> APIRouter:
    """``/metrics`` of a process that projects and serves nobody."""
    started_at_s = time.time()

    async def look() -> Iterable[Metric]:
        return collect_projector(await read_projection(gauge, letters), started_at_s)

    return page_of(look)


def page_of(look: Callable[[], Awaitable[Iterable[Metric]]]) -> APIRouter:
    """``/metrics``. Never refused, like the routes of health."""
    routes = APIRouter()

    @routes.get("/metrics")
    async def metrics() -> Response:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Look(await look()))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return routes
