"""What is left of two calls for one read, whoever leaves and whoever loses: nothing."""

import asyncio
import random

import pytest
import respx

from resolvers.upstream.circuit import CircuitState
from resolvers.upstream.options import BreakerOptions, HedgeOptions
from tests.resolvers.upstream.builders import WhenAsked, ask, let_everybody_run, some_options
from tests.resolvers.upstream.hedged import Service, warmed_up

pytestmark = pytest.mark.steered_time


@pytest.fixture
def orders(service: respx.Route) -> Service:
    """The order service, which usually takes 20 ms."""
    behaviour = Service()
    when_asked: WhenAsked = behaviour
    service.mock(side_effect=when_asked)
    return behaviour


async def test_cancelled_call_leaves_neither_behind(router: respx.Router, orders: Service) -> None:
    """A client that leaves takes both calls along, and the places are free again."""
    upstream = await warmed_up(router, orders)
    orders.will(0.5, 0.5)

    async with asyncio.TaskGroup() as group:
        leaver = group.create_task(ask(upstream))
        await asyncio.sleep(0.1)
        in_flight_count = orders.in_flight_count
        leaver.cancel()
    left = asyncio.all_tasks() - {asyncio.current_task()}

    assert in_flight_count == 2
    assert leaver.cancelled()
    assert orders.in_flight_count == 0
    assert left == set()
    assert await ask(upstream) == "answer 3"


async def test_whatever_is_cancelled_when_nothing_is_left(
    router: respx.Router, orders: Service
) -> None:
    """A caller that leaves at any moment, and answers that come at any: no task, no place."""
    upstream = await warmed_up(router, orders)
    drawn = random.Random(5)

    for _ in range(200):
        orders.will(*(drawn.choice([-1, 1]) * drawn.uniform(0.01, 0.1) for _ in range(2)))
        async with asyncio.TaskGroup() as group:
            caller = group.create_task(ask(upstream))
            await asyncio.sleep(drawn.choice([0.03, 0.04, drawn.uniform(0.0, 0.12)]))
            caller.cancel()
        await let_everybody_run()

        assert orders.in_flight_count == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_caller_is_not_left_cancelled_by_the_call_that_lost(
    router: respx.Router, orders: Service
) -> None:
    """The first call is cancelled in its caller's task, and the caller is as if it had not been."""
    upstream = await warmed_up(router, orders)
    orders.will(0.5)
    caller = asyncio.current_task()

    async with asyncio.timeout(1.0):
        answer = await ask(upstream)
        await asyncio.sleep(0.1)

    assert answer == "answer 2"
    assert caller is not None
    assert caller.cancelling() == 0


async def test_caller_who_leaves_as_the_second_call_answers_is_gone_or_answered(
    router: respx.Router, orders: Service
) -> None:
    """Two cancellations in one instant, hers and that of the first call: nothing is left behind."""
    upstream = await warmed_up(router, orders)

    for after_s in (0.05, 0.050001, 0.049999):
        orders.will(0.5)
        caller = asyncio.ensure_future(ask(upstream))
        asyncio.get_running_loop().call_later(after_s, caller.cancel)
        await asyncio.wait([caller])

        assert caller.cancelled() or isinstance(caller.result(), str)
        assert orders.in_flight_count == 0


async def test_read_in_time_is_made_in_the_task_of_its_caller(
    router: respx.Router, orders: Service
) -> None:
    """It costs an alarm, and no task."""
    upstream = await warmed_up(router, orders)
    before = asyncio.all_tasks()
    call = asyncio.ensure_future(ask(upstream))
    await asyncio.sleep(0.01)

    assert asyncio.all_tasks() - before == {call}
    await call


async def test_loser_is_no_vote_against_the_service(router: respx.Router, orders: Service) -> None:
    """However many first calls are given up on, a service that answers seconds is well."""
    one_failure_opens = BreakerOptions(min_call_count=1, failure_ratio=0.01)
    hedging = HedgeOptions(calls_per_hedge=1)
    options = some_options(breaker=one_failure_opens, hedge=hedging)
    upstream = await warmed_up(router, orders, options)

    for _ in range(20):
        orders.will(0.4)
        assert await ask(upstream) == f"answer {orders.call_count}"

    assert orders.cancelled_count == 20
    assert set(upstream.circuit_states.values()) == {CircuitState.CLOSED}
