"""How long is waited before a failed call is made again, and when there is no time for it."""

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random
from unittest.mock import patch

import httpx
import pytest
import respx

from resolvers.upstream.call_log import CallLog, CallStep
from resolvers.upstream.errors import UpstreamTimeout, UpstreamUnavailable
from resolvers.upstream.options import RetryOptions
from tests.resolvers.upstream.builders import (
    NEVER_OPEN,
    an_upstream,
    ask,
    hangs,
    now_s,
    some_options,
)
from tests.resolvers.upstream.retried import BROKEN, KEYED, RETRYING, WELL, answers

pytestmark = pytest.mark.steered_time


@pytest.mark.parametrize(("draw", "took_s"), [(0.0, 0.0), (0.5, 0.075), (1.0, 0.15)])
async def test_waits_are_drawn_from_nothing_to_the_whole_back_off(
    router: respx.Router, service: respx.Route, draw: float, took_s: float
) -> None:
    """Full jitter: callers that failed together do not come back together."""
    answers(service, BROKEN)

    await ask(an_upstream(router, RETRYING, draw=lambda: draw))

    assert now_s() == pytest.approx(took_s)


async def test_a_wish_to_wait_is_granted(router: respx.Router, service: respx.Route) -> None:
    """After Retry-After: 1 the next call comes a second later, and a little."""
    answers(service, httpx.Response(503, headers={"Retry-After": "1"}), WELL)

    answer = await ask(an_upstream(router, RETRYING))

    assert answer == "an order"
    assert now_s() == pytest.approx(1.05)


async def test_a_wish_that_goes_beyond_the_deadline_is_told_at_once(
    router: respx.Router, service: respx.Route
) -> None:
    """Nobody waits for what cannot be; the caller learns when to come back."""
    answers(service, httpx.Response(429, headers={"Retry-After": "2"}))

    answer = await ask(an_upstream(router, RETRYING), timeout_s=2.0)

    assert isinstance(answer, UpstreamUnavailable)
    assert (answer.retry_after_s, service.call_count, now_s()) == (2.0, 1, 0.0)


async def test_no_wait_reaches_beyond_the_deadline(
    router: respx.Router, service: respx.Route
) -> None:
    """With 0.1 s left there is time for the first wait, and not for the second."""
    answers(service, BROKEN)

    answer = await ask(an_upstream(router, RETRYING), timeout_s=0.1)

    assert isinstance(answer, UpstreamUnavailable)
    assert service.call_count == 2
    assert now_s() == pytest.approx(0.05)


@pytest.mark.parametrize(("timeout_s", "hit_count"), [(2.0, 1), (2.5, 2), (9.0, 3)])
async def test_who_hung_is_asked_again_only_if_he_may_hang_again(
    router: respx.Router, service: respx.Route, timeout_s: float, hit_count: int
) -> None:
    """A second attempt has its whole second, or the time is left to what may stand in."""
    service.mock(side_effect=hangs)
    log = CallLog()

    answer = await ask(an_upstream(router, RETRYING), timeout_s=timeout_s, log=log)

    assert isinstance(answer, UpstreamTimeout)
    assert [note.step for note in log.notes].count(CallStep.SENT) == hit_count


async def test_cancelled_while_it_waits_it_leaves_nothing_behind(
    router: respx.Router, service: respx.Route
) -> None:
    """Between two attempts no place is held, and nothing is sent afterwards."""
    answers(service, BROKEN)
    one_place = some_options(in_flight_limit=1, queue_limit=0, retry=RetryOptions())
    upstream = an_upstream(router, one_place)
    async with asyncio.TaskGroup() as group:
        waiter = group.create_task(ask(upstream))
        await asyncio.sleep(0.01)
        answers(service, WELL)

        other = await ask(upstream)
        waiter.cancel()
    await asyncio.sleep(1.0)

    assert waiter.cancelled()
    assert other == "an order"
    assert service.call_count == 2


async def test_who_wakes_after_the_deadline_sends_nothing(
    router: respx.Router, service: respx.Route
) -> None:
    """A loop that lags ends a wait late: the write is not sent again when nobody waits for it."""
    answers(service, BROKEN, WELL)
    upstream = an_upstream(router, RETRYING, draw=lambda: 10.0)  # it wakes ten times too late

    answer = await ask(upstream, KEYED, timeout_s=0.2)

    assert isinstance(answer, UpstreamUnavailable)
    assert answer.is_outcome_unknown
    assert service.call_count == 1


class TestACrowd:
    """Fifteen callers that failed in the same instant."""

    async def test_chance_spreads_the_second_calls(
        self, router: respx.Router, service: respx.Route
    ) -> None:
        """They come back over the whole of the back-off, and no four of them together."""
        assert await self.most_at_once(router, service, draw=Random(1).random) <= 3

    async def test_control_without_chance_they_all_return_at_once(
        self, router: respx.Router, service: respx.Route
    ) -> None:
        """The control: each waits for as long as the others, and the service has them all again."""
        assert await self.most_at_once(router, service, draw=lambda: 1.0) == 15

    async def most_at_once(
        self, router: respx.Router, service: respx.Route, *, draw: Callable[[], float]
    ) -> int:
        """How many second calls came in one millisecond at most."""
        came_ms = list[int]()

        def note(_: httpx.Request) -> httpx.Response:
            came_ms.append(int(now_s() * 1000))
            return BROKEN

        service.mock(side_effect=note)
        retry = RetryOptions(limit_count=1, calls_per_retry=0)
        options = some_options(breaker=NEVER_OPEN, retry=retry)
        upstream = an_upstream(router, options, draw=draw)
        async with asyncio.TaskGroup() as group:
            for _ in range(15):
                group.create_task(ask(upstream))
        return max(Counter(came_ms[15:]).values())


async def test_control_a_wish_that_is_not_heard_costs_all_attempts(
    router: respx.Router, service: respx.Route
) -> None:
    """The control: a service that asked for a second is asked three times in less, in vain."""

    def ready_after_a_second(_: httpx.Request) -> httpx.Response:
        return WELL if now_s() >= 1.0 else httpx.Response(503, headers={"Retry-After": "1"})

    service.mock(side_effect=ready_after_a_second)
    with patch("resolvers.upstream.answers.retry_after_s", return_value=None):
        unheard = await ask(an_upstream(router, RETRYING))
    unheard_count = service.call_count

    assert isinstance(unheard, UpstreamUnavailable)
    assert unheard_count == 3
    assert now_s() == pytest.approx(0.15)
