"""The figures that a circuit promises, measured in steered time through the whole tower."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import httpx
import pytest
import respx

from resolvers.upstream.call import Upstream
from resolvers.upstream.errors import CircuitOpen, UpstreamError
from resolvers.upstream.options import BreakerOptions, UpstreamOptions
from tests.resolvers.upstream.builders import (
    WhenAsked,
    answers_after,
    ask,
    hangs,
    now_s,
    some_options,
)

pytestmark = pytest.mark.steered_time

WELL = httpx.Response(200, text="an order")
DEFAULTS = some_options()
WELL_FOR_S = 12.0
"""Longer than the window, which is full of good answers when the trouble begins."""
WITHOUT_WIRE = BreakerOptions(slow_call_s=60.0)
"""Nothing is counted as slow: only what has ended."""


async def is_broken(_: httpx.Request) -> httpx.Response:
    return httpx.Response(500)


@dataclass
class Traffic:
    """Readers who come one by one, each with a row of her own; what came of them."""

    upstream: Upstream
    outcomes: list[tuple[float, float, str | UpstreamError]] = field(default_factory=list)
    """When she asked, how long she waited, and what she was told."""

    async def read(self) -> None:
        asked_at_s = now_s()
        outcome = await ask(self.upstream)
        self.outcomes.append((asked_at_s, now_s() - asked_at_s, outcome))

    async def flow(self, group: asyncio.TaskGroup, *, per_s: int, for_s: float) -> None:
        for _ in range(round(per_s * for_s)):
            group.create_task(self.read())
            await asyncio.sleep(1 / per_s)

    def first_refused_at_s(self) -> float:
        return min(
            at_s + waited_s
            for at_s, waited_s, told in self.outcomes
            if isinstance(told, CircuitOpen)
        )

    def waits_after(self, at_s: float) -> list[float]:
        return [waited_s for asked_at_s, waited_s, _ in self.outcomes if asked_at_s > at_s]


async def seconds_until_refused(
    upstream: Upstream, service: respx.Route, ill: WhenAsked, *, per_s: int
) -> tuple[float, Traffic]:
    """How long after it fell ill nobody is sent to a service any more."""
    traffic = Traffic(upstream)
    service.mock(side_effect=answers_after(0.01, WELL))
    async with asyncio.TaskGroup() as group:
        await traffic.flow(group, per_s=per_s, for_s=WELL_FOR_S)
        fell_ill_at_s = now_s()
        service.mock(side_effect=ill)
        await traffic.flow(group, per_s=per_s, for_s=3.0)
    return traffic.first_refused_at_s() - fell_ill_at_s, traffic


def upstream_over(router: respx.Router, options: UpstreamOptions = DEFAULTS) -> Upstream:
    network = httpx.MockTransport(router.async_handler)
    return Upstream.over_http("orders", options, innermost=network, draw=lambda: 0.0)


@pytest.mark.parametrize(
    "ill",
    [is_broken, hangs, answers_after(0.7, WELL)],
    ids=["failing", "hanging", "slow"],
)
@pytest.mark.parametrize("per_s", [20, 200])
async def test_within_a_second_nobody_is_sent_to_a_service_that_is_ill(
    router: respx.Router, service: respx.Route, ill: WhenAsked, per_s: int
) -> None:
    """Failing, hanging or slow, after any amount of good answers: the circuit opens in a second."""
    upstream = upstream_over(router)

    opened_after_s, _ = await seconds_until_refused(upstream, service, ill, per_s=per_s)

    assert opened_after_s <= 1.0
    await upstream.aclose()


@pytest.mark.parametrize("ill", [is_broken, hangs], ids=["failing", "hanging"])
async def test_once_open_hardly_anybody_waits(
    router: respx.Router, service: respx.Route, ill: WhenAsked
) -> None:
    """Who asks after the circuit has opened is refused at once, though hung calls hold places."""
    upstream = upstream_over(router)

    opened_after_s, traffic = await seconds_until_refused(upstream, service, ill, per_s=100)

    waits_s = traffic.waits_after(WELL_FOR_S + opened_after_s)
    assert len(waits_s) > 100
    assert max(waits_s) == 0.0
    await upstream.aclose()


async def test_control_counting_ended_calls_alone_a_hang_costs_more_than_a_second(
    router: respx.Router, service: respx.Route
) -> None:
    """The control: with calls counted at their end only, sixteen places give too few in time."""
    upstream = upstream_over(router, some_options(breaker=WITHOUT_WIRE))

    opened_after_s, _ = await seconds_until_refused(upstream, service, hangs, per_s=100)

    assert opened_after_s > 1.0
    await upstream.aclose()


@pytest.mark.parametrize(
    ("one_by_one", "call_count"),
    [(is_broken, 20), (hangs, 5), (answers_after(0.7, WELL), 20)],
    ids=["failing", "hanging", "slow"],
)
async def test_a_trickle_needs_twenty_calls_at_most(
    router: respx.Router, service: respx.Route, one_by_one: WhenAsked, call_count: int
) -> None:
    """Where one call is on the wire at a time, as of a row that all share, calls are the limit."""
    upstream = upstream_over(router, some_options(breaker=BreakerOptions(window_s=60.0)))
    service.mock(side_effect=one_by_one)

    made = 0
    while not isinstance(await ask(upstream), CircuitOpen):
        made += 1

    assert made == call_count
    await upstream.aclose()


async def full_service_after_s(
    router: respx.Router, service: respx.Route, *, out_for_s: float
) -> tuple[float, float]:
    """How long after its recovery a service is fully in use, and the break that was running."""
    upstream = upstream_over(router)
    traffic = Traffic(upstream)
    service.mock(side_effect=is_broken)
    async with asyncio.TaskGroup() as group:
        await traffic.flow(group, per_s=50, for_s=out_for_s)
        recovered_at_s = now_s()
        refusal = await ask(upstream)
        service.mock(side_effect=answers_after(0.01, WELL))
        await traffic.flow(group, per_s=50, for_s=40.0)
    bad_at_s = [at_s for at_s, _, told in traffic.outcomes if told != "an order"]
    assert isinstance(refusal, CircuitOpen)
    assert refusal.retry_after_s is not None
    await upstream.aclose()
    return max(bad_at_s) - recovered_at_s, refusal.retry_after_s


@pytest.mark.parametrize(("out_for_s", "break_s"), [(3.0, 5.0), (12.0, 10.0), (60.0, 30.0)])
async def test_full_service_is_back_a_second_after_the_break(
    router: respx.Router, service: respx.Route, out_for_s: float, break_s: float
) -> None:
    """All are served again when the break is over, which is what refusals had promised."""
    back_after_s, promised_s = await full_service_after_s(router, service, out_for_s=out_for_s)

    assert back_after_s <= promised_s + 0.1
    assert promised_s <= break_s


async def test_two_gateways_that_opened_together_probe_apart(
    router: respx.Router, service: respx.Route
) -> None:
    """Chance shortens each one's break by its own draw; without it they come in one instant."""
    service.mock(side_effect=is_broken)

    async def told_to_wait_s(draw: Callable[[], float]) -> float:
        network = httpx.MockTransport(router.async_handler)
        upstream = Upstream.over_http("orders", DEFAULTS, innermost=network, draw=draw)
        outcomes = [await ask(upstream) for _ in range(21)]
        await upstream.aclose()
        refusal = outcomes[-1]
        assert isinstance(refusal, CircuitOpen)
        assert refusal.retry_after_s is not None
        return refusal.retry_after_s

    apart = [await told_to_wait_s(partial(float, drawn)) for drawn in (0.1, 0.9)]
    together = [await told_to_wait_s(lambda: 0.0) for _ in range(2)]

    assert apart == [pytest.approx(4.9), pytest.approx(4.1)]
    assert together == [5.0, 5.0]
