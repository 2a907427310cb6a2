"""Two hundred readers in the instant in which a break is over: how many get through to the service.

It takes its time to answer, so that all of them have come before the probe's fate is known. The
control is stock pybreaker before the same service, asked by as many tasks of this process.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import httpx
import pybreaker

from benchmarks.fault_house import CONNECTIONS_DROP, NOTHING_STANDS_IN, FaultHouse, running_house
from benchmarks.fault_reader import QUERIES
from benchmarks.fault_samples import Sample, sample_of
from benchmarks.figures import Control, Exactly, Figure
from benchmarks.processes import Json, MeasurementFailed
from benchmarks.runs import Run

CALLER_COUNT: Final = 200
FAILURE_LIMIT: Final = 100
STOCK_FAILURE_COUNT: Final = 20
STOCK_BREAK_S: Final = 1
MARGIN_S: Final = 0.1
SLOW: Final[Json] = {"path": "/", "latencyMs": {"fixed": 4_000}}
PATIENT: Final = {"BFF_ATTEMPT_TIMEOUT_S": "20", "BFF_REQUEST_TIMEOUT_S": "20"}
"""So that the probe outlasts the arrival of the crowd, and is not slow by then."""

CROWD, STOCK = "crowd", "stock"


def measure(run: Run) -> Iterator[Figure]:
    """Our breaker, then the stock one."""
    with running_house(run, "one-probe", {**NOTHING_STANDS_IN, **PATIENT}) as house:
        crowd = asyncio.run(crowd_at_the_gateway(house))
        house.mend()
        asyncio.run(crowd_at_stock(house))
        calls = house.calls()
    refused_count = sum(bool(one.refused) for one in crowd)
    yield Figure(
        name=f"calls of {CALLER_COUNT} callers while half-open",
        value=calls.get(CROWD, 0),
        unit="calls",
        aim=Exactly(1),
        control=Control("stock pybreaker", calls.get(STOCK, 0)),
        note=f"{refused_count} refused, {sum(not one.codes for one in crowd)} answered",
    )


async def crowd_at_the_gateway(house: FaultHouse) -> list[Sample]:
    """Open the circuit, wait for the end of its break, and come all at once, each for a row."""
    limits = httpx.Limits(max_connections=CALLER_COUNT, max_keepalive_connections=0)
    async with httpx.AsyncClient(
        base_url=house.gateway.address, limits=limits, timeout=30.0, trust_env=False
    ) as http:
        house.strike("customers", rule=CONNECTIONS_DROP)
        await asyncio.sleep(await _until_refused(http) + MARGIN_S)
        house.strike("customers", rule=SLOW)
        async with asyncio.TaskGroup() as group:
            callers = [
                group.create_task(_read(http, CROWD, number)) for number in range(CALLER_COUNT)
            ]
    return [caller.result() for caller in callers]


async def crowd_at_stock(house: FaultHouse) -> None:
    """The same with pybreaker's own admission."""
    stock = pybreaker.CircuitBreaker(STOCK_FAILURE_COUNT, reset_timeout=STOCK_BREAK_S)
    limits = httpx.Limits(max_connections=CALLER_COUNT)
    async with httpx.AsyncClient(
        base_url=house.urls["customers"], limits=limits, timeout=30.0, trust_env=False
    ) as http:

        async def call(number: int, request_id: str) -> None:
            with suppress(pybreaker.CircuitBreakerError, httpx.TransportError), stock.calling():
                await http.get(f"/customers/c-{number + 1}", headers={"X-Request-Id": request_id})

        house.strike("customers", rule=CONNECTIONS_DROP)
        for number in range(STOCK_FAILURE_COUNT):
            await call(number, "opening")
        if stock.current_state != pybreaker.STATE_OPEN:
            raise MeasurementFailed("stock pybreaker has not opened")
        house.strike("customers", rule=SLOW)
        await asyncio.sleep(STOCK_BREAK_S + MARGIN_S)
        async with asyncio.TaskGroup() as group:
            for number in range(CALLER_COUNT):
                group.create_task(call(number, STOCK))


async def _until_refused(http: httpx.AsyncClient) -> float:
    """Read until the circuit is open; how long its break will be (s)."""
    for number in range(FAILURE_LIMIT):
        told = await _read(http, "opening", number)
        if told.refused:
            return told.retry_after_s
    raise MeasurementFailed(f"no circuit has opened by {FAILURE_LIMIT} failures")


async def _read(http: httpx.AsyncClient, request_id: str, number: int) -> Sample:
    asked = {"query": QUERIES["customer"], "variables": {"id": f"c-{number + 1}"}}
    began_at_s = time.time()
    answer = await http.post("/graphql", json=asked, headers={"X-Request-Id": request_id})
    return sample_of(answer.json(), began_at_s, time.time() - began_at_s)
