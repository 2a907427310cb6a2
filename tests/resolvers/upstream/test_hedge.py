"""A late read, asked a second time: who wins, who is cancelled, and what it may cost."""

import pytest
import respx

from resolvers.upstream.call_log import CallLog, CallStep
from resolvers.upstream.errors import UpstreamTimeout, UpstreamUnavailable
from resolvers.upstream.transport import CallKind, Request
from tests.resolvers.upstream.builders import (
    MUTATION,
    WhenAsked,
    an_upstream,
    ask,
    now_s,
    some_options,
)
from tests.resolvers.upstream.hedged import HEDGING, LATE_S, USUAL_S, Service, warmed_up

pytestmark = pytest.mark.steered_time


@pytest.fixture
def orders(service: respx.Route) -> Service:
    """The order service, which usually takes 20 ms."""
    behaviour = Service()
    when_asked: WhenAsked = behaviour
    service.mock(side_effect=when_asked)
    return behaviour


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
