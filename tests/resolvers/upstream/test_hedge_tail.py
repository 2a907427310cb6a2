"""The tail of a service, with second calls and without: what they save, and what they cost."""

import asyncio
from dataclasses import dataclass
from random import Random

import httpx
import pytest
import respx

from resolvers.upstream.options import HedgeOptions
from tests.resolvers.upstream.builders import (
    NEVER_OPEN,
    NO_HEDGE,
    an_upstream,
    ask,
    now_s,
    some_options,
)

pytestmark = pytest.mark.steered_time

READ_COUNT = 10_000
SLOW_SHARE = 0.05
SLOW_S = 0.5
SEED = 0


@dataclass(frozen=True)
class Measured:
    """How long reads took, and how many calls they were."""

    took_s: list[float]
    call_count: int

    @property
    def p99_s(self) -> float:
        return sorted(self.took_s)[int(0.99 * len(self.took_s)) - 1]

    @property
    def calls_a_read(self) -> float:
        return self.call_count / len(self.took_s)


async def measure(
    router: respx.Router, service: respx.Route, hedge: HedgeOptions, *, read_count: int = READ_COUNT
) -> Measured:
    """Reads one after the other from a service of which each call may be a slow one."""
    drawn, call_count = Random(SEED), 0

    async def when_asked(_: httpx.Request) -> httpx.Response:
        nonlocal call_count
        call_count += 1
        is_slow = drawn.random() < SLOW_SHARE
        await asyncio.sleep(SLOW_S if is_slow else drawn.uniform(0.02, 0.04))
        return httpx.Response(200, text="an order")

    service.mock(side_effect=when_asked)
    upstream = an_upstream(router, some_options(breaker=NEVER_OPEN, hedge=hedge))
    took_s = []
    for _ in range(read_count):
        began_at_s = now_s()
        assert await ask(upstream) == "an order"
        took_s.append(now_s() - began_at_s)
    return Measured(took_s, call_count)


async def test_a_tail_of_a_twentieth_is_cut(router: respx.Router, service: respx.Route) -> None:
    """5 % of the calls at 500 ms: 99 of 100 reads within 150 ms, for at most 5 % more calls."""
    measured = await measure(router, service, HedgeOptions())

    assert measured.p99_s <= 0.150
    assert measured.calls_a_read <= 1.05


async def test_control_without_second_calls_the_tail_is_the_service_s(
    router: respx.Router, service: respx.Route
) -> None:
    """The control: one read of twenty takes half a second."""
    measured = await measure(router, service, NO_HEDGE, read_count=1000)

    assert measured.p99_s == pytest.approx(SLOW_S)
    assert measured.calls_a_read == 1.0
