"""``/metrics``, in the text format of Prometheus.

Nothing of prometheus_client runs but here: what is counted elsewhere are numbers, and they become
its metrics when somebody looks, in a registry that belongs to this one look.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway.metrics.collecting import Metered, Projected, collect, read_projection


@dataclass(frozen=True, eq=False)
class Look(Collector):
    """Everything as it is at one moment."""

    metered: Metered
    projected: Projected | None

    def collect(self) -> Iterator[Metric]:
        """Obey `Collector.collect`."""
        return collect(self.metered, self.projected)


def metrics_route(metered: Metered) -> APIRouter:
    """``/metrics``. Never refused, like the routes of health."""
    routes = APIRouter()

    @routes.get("/metrics")
    async def metrics() -> Response:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Look(metered, await read_projection(metered)))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return routes
