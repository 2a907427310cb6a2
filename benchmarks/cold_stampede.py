"""Five hundred readers of one page that nobody has asked for yet, at once.

How often its services are asked for it, while each takes a moment to answer; the control is one
reader of another page.
"""

import asyncio
from collections.abc import Iterator
from typing import Final

import httpx

from benchmarks.fault_house import FaultHouse, running_house
from benchmarks.fault_reader import QUERIES
from benchmarks.figures import AtMost, Control, Figure
from benchmarks.processes import MeasurementFailed
from benchmarks.runs import Run

READER_COUNT: Final = 500
SERVICE_COUNT: Final = 3
SLOW: Final = {"path": "/", "latencyMs": {"fixed": 200}}
CROWD, ALONE = "crowd", "alone"


def measure(run: Run) -> Iterator[Figure]:
    """The crowd, then one alone."""
    with running_house(run, "cold-stampede") as house:
        house.strike("orders", "customers", "products", rule=SLOW)
        asyncio.run(read_at_once(house, CROWD, "o-11", READER_COUNT))
        asyncio.run(read_at_once(house, ALONE, "o-12", 1))
        calls = house.calls()
    yield Figure(
        name=f"calls for {READER_COUNT} readers of one cold page",
        value=calls.get(CROWD, 0),
        unit="calls",
        aim=AtMost(SERVICE_COUNT),
        control=Control("for one reader", calls.get(ALONE, 0)),
        note="an order, its customer, its products: one call each",
    )


async def read_at_once(house: FaultHouse, request_id: str, order_id: str, count: int) -> None:
    """So many read it at the same time. Raises `MeasurementFailed` where one is not answered."""
    asked = {"query": QUERIES["page"], "variables": {"id": order_id}}
    limits = httpx.Limits(max_connections=count, max_keepalive_connections=0)
    async with httpx.AsyncClient(limits=limits, timeout=30.0, trust_env=False) as http:

        async def read() -> httpx.Response:
            url, headers = f"{house.gateway.address}/graphql", {"X-Request-Id": request_id}
            return await http.post(url, json=asked, headers=headers)

        async with asyncio.TaskGroup() as group:
            readers = [group.create_task(read()) for _ in range(count)]
    failed = [answer for reader in readers if "errors" in (answer := reader.result()).json()]
    if failed:
        raise MeasurementFailed(f"{len(failed)} of {count} failed: {failed[0].text[:300]}")
