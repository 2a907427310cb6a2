"""A late read, asked a second time: who wins, who is cancelled, and what is left of either."""

import asyncio
import random

import httpx
import pytest
import respx

from resolvers.upstream.call import Upstream
from resolvers.upstream.call_log import CallLog, CallStep
from resolvers.upstream.circuit import CircuitState
from resolvers.upstream.errors import UpstreamTimeout, UpstreamUnavailable
from resolvers.upstream.options import BreakerOptions, HedgeOptions, UpstreamOptions
from resolvers.upstream.transport import CallKind, Request
from tests.resolvers.upstream.builders import (
    MUTATION,
    NEVER_OPEN,
    WhenAsked,
    an_upstream,
    ask,
    let_everybody_run,
    now_s,
    some_options,
)

pytestmark = pytest.mark.steered_time

HEDGING = some_options(breaker=NEVER_OPEN, hedge=HedgeOptions())
USUAL_S = 0.02
LATE_S = 0.03


class Service:
    """Answers after some time or fails after some time, each call as it is told; counts them."""

    def __init__(self) -> None:
        self.call_count = self.in_flight_count = self.cancelled_count = 0
        self._plan: list[float] = []

    def will(self, *outcomes_s: float) -> None:
        """The next calls last so long (s); one of a negative time fails after that time."""
        self._plan = list(outcomes_s)

    async def __call__(self, _: httpx.Request) -> httpx.Response:
        self.call_count += 1
        outcome_s = self._plan.pop(0) if self._plan else USUAL_S
        number = self.call_count
        self.in_flight_count += 1
        try:
            await asyncio.sleep(abs(outcome_s))
        except asyncio.CancelledError:
            self.cancelled_count += 1
            raise
        finally:
            self.in_flight_count -= 1
        if outcome_s < 0:
            return httpx.Response(500, headers={"Retry-After": str(number)})
        return httpx.Response(200, text=f"answer {number}")


@pytest.fixture
def orders(service: respx.Route) -> Service:
    """The order service, which usually takes 20 ms."""
    behaviour = Service()
    when_asked: WhenAsked = behaviour
    service.mock(side_effect=when_asked)
    return behaviour


async def warmed_up(
    router: respx.Router, orders: Service, options: UpstreamOptions = HEDGING
) -> Upstream:
    """An upstream that was answered forty times, within 20 or 30 ms; its calls are not counted."""
    upstream = an_upstream(router, options)
    orders.will(*[LATE_S] * 4, *[USUAL_S] * 36)
    for _ in range(40):
        await ask(upstream)
    orders.call_count = 0
    return upstream


class TestWhoWins:
    async def test_late_read_is_answered_by_the_second_call(
        self, router: respx.Router, orders: Service
    ) -> None:
        """It is sent when nineteen of twenty would have answered, and saves half a second."""
        upstream = await warmed_up(router, orders)
        orders.will(0.5)
        began_at_s = now_s()

        answer = await ask(upstream)

        assert answer == "answer 2"
        assert now_s() - began_at_s == pytest.approx(LATE_S + USUAL_S)

    async def test_control_without_hedging_it_is_waited_for(
        self, router: respx.Router, orders: Service
    ) -> None:
        """The control: the same read takes its half second."""
        upstream = await warmed_up(router, orders, some_options())
        orders.will(0.5)
        began_at_s = now_s()

        answer = await ask(upstream)

        assert answer == "answer 1"
        assert now_s() - began_at_s == pytest.approx(0.5)

    async def test_first_call_may_still_win(self, router: respx.Router, orders: Service) -> None:
        """The one that is merely late is faster than a second one that hangs."""
        upstream = await warmed_up(router, orders)
        orders.will(0.04, 0.5)

        answer = await ask(upstream)

        assert answer == "answer 1"
        assert (orders.call_count, orders.in_flight_count) == (2, 0)

    async def test_loser_is_cancelled_at_once(self, router: respx.Router, orders: Service) -> None:
        """When the answer is there nobody is on the wire any more, and the place is free."""
        upstream = await warmed_up(router, orders)
        orders.will(0.5)

        await ask(upstream)

        assert (orders.in_flight_count, orders.cancelled_count) == (0, 1)

    async def test_read_that_fails_in_time_is_not_hedged(
        self, router: respx.Router, orders: Service
    ) -> None:
        """Who fails at once is told at once; a second call is for those who are late."""
        upstream = await warmed_up(router, orders)
        orders.will(-0.01)

        answer = await ask(upstream)

        assert isinstance(answer, UpstreamUnavailable)
        assert orders.call_count == 1

    @pytest.mark.parametrize(("first_s", "second_s"), [(-0.05, 0.1), (0.1, -0.01)])
    async def test_if_one_fails_the_other_is_waited_for(
        self, router: respx.Router, orders: Service, first_s: float, second_s: float
    ) -> None:
        """One good answer is enough, whichever call it is of."""
        upstream = await warmed_up(router, orders)
        orders.will(first_s, second_s)

        answer = await ask(upstream)

        assert answer in {"answer 1", "answer 2"}

    @pytest.mark.parametrize(("first_s", "second_s"), [(-0.05, -0.1), (-0.1, -0.01)])
    async def test_if_both_fail_it_is_as_if_there_had_been_one(
        self, router: respx.Router, orders: Service, first_s: float, second_s: float
    ) -> None:
        """The failure of the first call is told, though the second may have failed before it."""
        upstream = await warmed_up(router, orders)
        orders.will(first_s, second_s)

        answer = await ask(upstream)

        assert isinstance(answer, UpstreamUnavailable)
        assert answer.retry_after_s == 1

    async def test_if_both_hang_the_first_ones_limit_holds(
        self, router: respx.Router, orders: Service
    ) -> None:
        """A second call prolongs nothing by more than its own delay."""
        upstream = await warmed_up(router, orders)
        orders.will(5.0, 5.0)
        began_at_s = now_s()

        answer = await ask(upstream)

        assert isinstance(answer, UpstreamTimeout)
        assert now_s() - began_at_s == pytest.approx(1.0 + LATE_S)

    async def test_second_call_is_told_to_the_log(
        self, router: respx.Router, orders: Service
    ) -> None:
        """Whoever looks sees when the first was given up on."""
        upstream = await warmed_up(router, orders)
        orders.will(0.5)
        log = CallLog()

        await ask(upstream, log=log)

        assert [(note.step, note.detail) for note in log.notes] == [
            (CallStep.SENT, ""),
            (CallStep.HEDGED, "late after 30 ms"),
            (CallStep.SENT, ""),
            (CallStep.ANSWERED, ""),
        ]


class TestWhoIsHedged:
    async def test_mutation_never_is(self, router: respx.Router, orders: Service) -> None:
        """However late, and though it carries a key: a write is not raced against itself."""
        upstream = await warmed_up(router, orders)
        orders.will(0.5)

        await ask(upstream, MUTATION.with_headers({"Idempotency-Key": "k-1"}))

        assert orders.call_count == 1

    async def test_nothing_is_late_before_twenty_answers(
        self, router: respx.Router, orders: Service
    ) -> None:
        """Of a service that is not known yet nobody can say what is late."""
        upstream = an_upstream(router, HEDGING)
        orders.will(*[USUAL_S] * 19, 0.5)

        for _ in range(20):
            await ask(upstream)

        assert orders.call_count == 20

    async def test_each_kind_of_call_has_its_own_pace(
        self, router: respx.Router, orders: Service
    ) -> None:
        """A list that takes longer than a read is not late for that."""
        upstream = await warmed_up(router, orders)
        orders.will(0.5)

        await ask(upstream, Request("GET", "/orders", kind=CallKind.LIST))

        assert orders.call_count == 1

    async def test_service_that_slows_down_altogether_is_asked_a_twentieth_more(
        self, router: respx.Router, orders: Service
    ) -> None:
        """When all is late, the second calls are bounded by their budget, and then nothing is."""
        upstream = await warmed_up(router, orders)
        orders.will(*[0.2] * 1200)

        for _ in range(1000):
            await ask(upstream)

        assert orders.call_count <= 1000 + (1000 + 40) // 20

    async def test_service_that_answers_nobody_is_asked_no_more_often(
        self, router: respx.Router, orders: Service
    ) -> None:
        """Second calls are paid for by answers: an outage spends what was saved, and no more."""
        upstream = await warmed_up(router, orders)
        orders.will(*[5.0] * 200)

        for _ in range(100):
            await ask(upstream)

        assert orders.call_count == 100 + 40 // 20


class TestWhatIsLeft:
    async def test_cancelled_call_leaves_neither_behind(
        self, router: respx.Router, orders: Service
    ) -> None:
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
        self, router: respx.Router, orders: Service
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

    async def test_loser_is_no_vote_against_the_service(
        self, router: respx.Router, orders: Service
    ) -> None:
        """However many first calls are given up on, a service that answers seconds is well."""
        one_failure_opens = BreakerOptions(min_call_count=1, failure_ratio=0.01)
        hedging = HedgeOptions(calls_per_hedge=1)
        options = some_options(breaker=one_failure_opens, hedge=hedging)
        upstream = await warmed_up(router, orders, options)

        for _ in range(20):
            orders.will(0.4)
            assert await ask(upstream) == f"answer {orders.call_count}"

        assert orders.cancelled_count == 20
        assert upstream.circuit_state is CircuitState.CLOSED
