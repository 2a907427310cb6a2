"""One answer in a hundred takes half a second: pages do not wait for it, for a few calls more.

Each service answers in 20 ms, an odd one in 30; those with a tail take half a second at times. What
is kept between pages would hide it, so nothing is.
"""

import asyncio
import itertools
from dataclasses import dataclass

import httpx
import pytest

from tests.contracts.twins import UpstreamTwins
from tests.faults.casualties import (
    PAGE,
    SERVICES,
    WHOLE,
    Casualty,
    each_casualty,
    each_single,
    hit_counts,
)
from tests.faults.misbehaviour import healthy_answer_of, misbehave
from tests.gateway_in_process import GatewayInProcess, open_composing_gateway, twins_of
from tests.resolvers.rows import SHOP

pytestmark = pytest.mark.steered_time

WARMUP_COUNT = 30
PAGE_COUNT = 100
ODD_EVERY = 20
SLOW_EVERY = 100
USUAL_S, ODD_S, SLOW_S = 0.02, 0.03, 0.5
P99_LIMIT_S = 0.15
EXTRA_CALLS = 0.05


@dataclass(frozen=True)
class Measured:
    """How long so many pages took (s), and how often each service was asked for them."""

    took_s: list[float]
    hits: dict[str, int]

    @property
    def p99_s(self) -> float:
        """Fewer than one page in a hundred took longer."""
        return sorted(self.took_s)[int(0.99 * len(self.took_s))]

    @property
    def slow_count(self) -> int:
        return sum(took_s > P99_LIMIT_S for took_s in self.took_s)


def keep_pace(twins: UpstreamTwins, service: str, *, first_slow: int | None) -> None:
    """Let a service answer in its time; from this call on, every hundredth is slow."""
    answer, numbers = healthy_answer_of(twins, service), itertools.count()

    async def answer_in_time(request: httpx.Request) -> httpx.Response:
        number = next(numbers)
        is_slow = first_slow is not None and (number - first_slow) % SLOW_EVERY == 0
        odd_or_usual_s = USUAL_S if number % ODD_EVERY else ODD_S
        await asyncio.sleep(SLOW_S if is_slow and number >= WARMUP_COUNT else odd_or_usual_s)
        return answer(request)

    misbehave(twins, service, answer_in_time)


async def measured(casualty: Casualty, *, hedge: bool) -> Measured:
    twins = twins_of(*SHOP)
    for place, service in enumerate(SERVICES):
        is_ill = service in casualty.services
        keep_pace(twins, service, first_slow=WARMUP_COUNT + 37 * place if is_ill else None)
    settings = {"hedge": hedge, "live_fresh_ms": 0, "guess_ahead": False}
    async with open_composing_gateway(twins, **settings) as bff:
        await take_pages(bff, WARMUP_COUNT)
        bff.forget_hits()
        return Measured(await take_pages(bff, PAGE_COUNT), hit_counts(bff))


async def take_pages(bff: GatewayInProcess, count: int) -> list[float]:
    took_s = []
    for _ in range(count):
        answer = await bff.ask(PAGE % "")
        assert answer.data == {"order": WHOLE}
        took_s.append(answer.elapsed_s)
    return took_s


@each_casualty
async def test_a_slow_tail_is_cut_for_a_few_calls_more(casualty: Casualty) -> None:
    """99 of 100 pages, and the others too, are there in 150 ms, for a twentieth more calls."""
    told = await measured(casualty, hedge=True)

    assert told.p99_s <= P99_LIMIT_S
    assert told.slow_count == 0
    for service in SERVICES:
        extra_count = told.hits[service] - PAGE_COUNT
        assert extra_count <= EXTRA_CALLS * (WARMUP_COUNT + PAGE_COUNT)
        assert extra_count >= (1 if service in casualty.services else 0)


@each_single
async def test_control_without_second_calls_pages_have_the_tail_of_the_service(
    casualty: Casualty,
) -> None:
    """The control: `BFF_HEDGE=false`, and one page in a hundred takes half a second."""
    told = await measured(casualty, hedge=False)

    assert told.p99_s > SLOW_S
    assert told.slow_count == 1
    assert told.hits == dict.fromkeys(SERVICES, PAGE_COUNT)
