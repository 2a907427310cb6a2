"""Five hundred readers of one page that nobody has asked for yet, at once.

How often its services are asked for it, while each takes a moment to answer. The control is as many
readers of another page, none of whom may share: those for whom there is no place are refused.
"""

import asyncio
from collections.abc import Iterator, Sequence
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
NO_DOOR: Final = {"BFF_ADMISSION": "false"}
"""So many at once would be an overload to the door, and it is not the door that is measured."""

CROWD, ALONE, UNSHARED = "crowd", "alone", "unshared"
SHARED_PAGE: Final = QUERIES["page"]
UNSHARED_PAGE: Final = SHARED_PAGE.replace("(id: $id)", "(id: $id, consistency: {live: true})")


def measure(run: Run) -> Iterator[Figure]:
    """The crowd, then one alone; then a crowd of whom each asks for herself."""
    with running_house(run, "cold-stampede", NO_DOOR) as house:
        house.strike("orders", "customers", "products", rule=SLOW)
        for request_id, order_id, count in ((CROWD, "o-11", READER_COUNT), (ALONE, "o-12", 1)):
            require_none(asyncio.run(read_at_once(house, request_id, order_id, SHARED_PAGE, count)))
        failed = asyncio.run(read_at_once(house, UNSHARED, "o-13", UNSHARED_PAGE, READER_COUNT))
        calls = house.calls()
    yield Figure(
        name=f"calls for {READER_COUNT} readers of one cold page",
        value=calls.get(CROWD, 0),
        unit="calls",
        aim=AtMost(SERVICE_COUNT),
        control=Control("unshared", calls.get(UNSHARED, 0)),
        note="an order, its customer, its products: one call each; for one reader "
        f"{calls.get(ALONE, 0)}; unshared {len(failed)} of {READER_COUNT} fail",
    )


def require_none(failed: Sequence[str]) -> None:
    """Raise `MeasurementFailed` where there are answers with errors."""
    if failed:
        raise MeasurementFailed(f"{len(failed)} failed: {failed[0][:300]}")


async def read_at_once(
    house: FaultHouse, request_id: str, order_id: str, query: str, count: int
) -> list[str]:
    """So many read it at the same time; the answers that have errors."""
    asked = {"query": query, "variables": {"id": order_id}}
    limits = httpx.Limits(max_connections=count, max_keepalive_connections=0)
    async with httpx.AsyncClient(limits=limits, timeout=30.0, trust_env=False) as http:

        async def read() -> httpx.Response:
            url, headers = f"{house.gateway.address}/graphql", {"X-Request-Id": request_id}
            return await http.post(url, json=asked, headers=headers)

        async with asyncio.TaskGroup() as group:
            readers = [group.create_task(read()) for _ in range(count)]
    answers = [reader.result() for reader in readers]
    return [answer.text for answer in answers if "errors" in answer.json()]
