"""Gateways that are looked at: what `/metrics` shows, read by Prometheus' own parser.

shown = await scrape(door.client)
shown["bff_operations_total", {"way": "planned"}]
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.gateway.front_door import A_QUERY, JSON_TYPE, Door, open_door
from tests.projection_by_hand import ProjectionByHand
from tests.resolvers.upstream.builders import a_customer, a_product, an_order

LIVE = '{ order(id: "o-1", consistency: {live: true}) { id customer { name } } }'
BODY = json.dumps({"query": A_QUERY}).encode()
RAW_JSON = [(name.encode(), value.encode()) for name, value in JSON_TYPE.items()]

Labels = frozenset[tuple[str, str]]
Series = tuple[str, Labels]


@dataclass(frozen=True)
class Shown:
    """One look at the page."""

    families: Mapping[str, Metric]
    values: Mapping[Series, float]

    def __getitem__(self, asked: tuple[str, Mapping[str, str]]) -> float:
        """The sum of all series of that name with these labels."""
        name, labels = asked
        wanted = set(labels.items())
        return sum(v for (of, has), v in self.values.items() if of == name and wanted <= has)

    def nonzero(self, name: str) -> dict[tuple[str, ...], float]:
        """The series of that name that are not zero, by the values of their labels in order."""
        return {
            tuple(value for _, value in sorted(labels)): number
            for (of, labels), number in self.values.items()
            if of == name and number
        }


async def scrape(client: httpx.AsyncClient) -> Shown:
    """The page as it is now."""
    response = await client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    families = {of.name: of for of in text_string_to_metric_families(response.text)}
    values = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for of in families.values()
        for sample in of.samples
    }
    return Shown(families, values)


@asynccontextmanager
async def projecting_door(**settings: object) -> AsyncIterator[Door]:
    """A door whose projection holds all that the services own."""
    async with open_door(events="feed", **settings) as door:
        await ProjectionByHand(door.gateway.store).apply(an_order(), a_customer(), a_product())
        yield door
