"""One deadline for a whole page, however many calls it takes one after the other."""

import asyncio
import math

import httpx
import pytest

from tests.contracts.twins import UpstreamTwins
from tests.faults.misbehaviour import (
    Behaviour,
    hanging,
    healthy_answer_of,
    misbehave,
    slow_down,
)
from tests.gateway_in_process import now_s, open_composing_gateway, pass_time, twins_of
from tests.resolvers.rows import SHOP

pytestmark = pytest.mark.steered_time

THREE_WAVES = """{ order(id: "o-1") {
  id customer { name orders { edges { node { id items { product { name } } } } } } } }"""
"""First the order, then her customer and his list at once, then the products in the list."""


async def test_a_page_is_answered_at_its_deadline_with_what_is_there_by_then() -> None:
    """Three calls of 0.9 s do not fit into 2 s: the third is cut, the first two are shown."""
    twins = twins_of(*SHOP)
    for service in ("orders", "customers", "products"):
        slow_down(twins, service, 0.9)
    async with open_composing_gateway(twins) as bff:
        answer = await bff.ask(THREE_WAVES)

        assert answer.elapsed_s == 2.0
        lost = [{"product": None}, {"product": None}]
        shown = {"name": "Ada", "orders": {"edges": [{"node": {"id": "o-1", "items": lost}}]}}
        assert answer.partial_data == {"order": {"id": "o-1", "customer": shown}}
        assert set(answer.codes.values()) == {"DEADLINE_EXCEEDED"}


async def test_control_a_distant_deadline_keeps_the_client_waiting() -> None:
    """The control: with a minute for the page, it comes whole, and after three answers' time."""
    twins = twins_of(*SHOP)
    for service in ("orders", "customers", "products"):
        slow_down(twins, service, 0.9)
    async with open_composing_gateway(twins, request_timeout_s=60) as bff:
        answer = await bff.ask(THREE_WAVES)

        assert answer.errors == []
        assert answer.elapsed_s == pytest.approx(2.7)


async def test_services_are_told_how_much_time_is_left() -> None:
    """Each call carries the milliseconds that remain of the page's deadline when it starts."""
    twins = twins_of(*SHOP)
    slow_down(twins, "orders", 0.6)
    async with open_composing_gateway(twins) as bff:
        await bff.ask('{ order(id: "o-1") { customer { name } } }')

        assert [hit.headers["X-Deadline-Ms"] for hit in bff.hits] == ["2000", "1400"]


@pytest.mark.parametrize(("is_told", "waited_s"), [(True, 0.5), (False, 1.0)])
async def test_who_is_told_the_time_left_does_no_work_that_nobody_waits_for(
    is_told: bool, waited_s: float
) -> None:
    """After a rush whose time is over, an owner that heeds deadlines serves the next one at once.

    The control, one that is not told: it goes on serving those who have left, and she is timed out.
    """
    twins = twins_of(*SHOP)
    misbehave(twins, "products", one_at_a_time(twins, is_told=is_told))
    async with open_composing_gateway(twins, request_timeout_s=1.0) as bff:
        async with asyncio.TaskGroup() as group:
            for number in range(4):
                group.create_task(bff.ask(f'{{ product(id: "p-9{number}") {{ name }} }}'))

        answer = await bff.ask('{ product(id: "p-1") { name } }')

        assert answer.elapsed_s == pytest.approx(waited_s)
        assert answer.partial_data == {"product": {"name": "Lamp"} if is_told else None}


def one_at_a_time(twins: UpstreamTwins, *, is_told: bool, work_s: float = 0.5) -> Behaviour:
    """A service that does one piece of work after the other, and none whose deadline is over."""
    answer, free_at_s = healthy_answer_of(twins, "products"), 0.0

    async def work(request: httpx.Request) -> httpx.Response:
        nonlocal free_at_s
        begins_at_s = max(free_at_s, now_s())
        left_s = int(request.headers["X-Deadline-Ms"]) / 1000 if is_told else math.inf
        if begins_at_s < now_s() + left_s:
            free_at_s = begins_at_s + work_s
        await asyncio.sleep(begins_at_s + work_s - now_s())
        return answer(request)

    return work


@pytest.mark.parametrize(
    ("attempt_timeout_s", "elapsed_s", "code"),
    [(1.0, 1.0, "UPSTREAM_TIMEOUT"), (60.0, 2.0, "DEADLINE_EXCEEDED")],
)
async def test_an_attempt_is_given_up_while_there_is_time_for_something_else(
    attempt_timeout_s: float, elapsed_s: float, code: str
) -> None:
    """A service that hangs takes half of the page's time; the control, without a limit, all of it.

    Where an order leads on, the control leaves no time to ask anybody after it.
    """
    twins = twins_of(*SHOP)
    misbehave(twins, "customers", hanging)
    async with open_composing_gateway(twins, attempt_timeout_s=attempt_timeout_s) as bff:
        answer = await bff.ask('{ order(id: "o-1") { id customer { name } } }')

        assert answer.elapsed_s == elapsed_s
        assert answer.codes == {"order.customer": code}


async def test_a_shorter_deadline_ends_an_attempt_before_its_own_limit() -> None:
    """With 0.3 s for the request, a hanging service is waited for no longer than that."""
    twins = twins_of(*SHOP)
    misbehave(twins, "customers", hanging)
    async with open_composing_gateway(twins, request_timeout_s=0.3) as bff:
        answer = await bff.ask('{ order(id: "o-1") { id customer { name } } }')

        assert answer.elapsed_s == 0.3
        assert answer.partial_data == {"order": {"id": "o-1", "customer": None}}
        assert answer.codes == {"order.customer": "DEADLINE_EXCEEDED"}


async def test_a_client_that_leaves_takes_her_calls_along() -> None:
    """An abandoned query frees its place at the hanging service at once."""
    twins = twins_of(*SHOP)
    misbehave(twins, "orders", hanging)
    async with open_composing_gateway(twins, in_flight_limit=1) as bff:
        abandoned = asyncio.ensure_future(bff.ask('{ order(id: "o-1") { id } }'))
        await pass_time(0.1)
        abandoned.cancel()
        await asyncio.wait([abandoned])

        answer = await bff.ask('{ order(id: "o-1") { id } }')

        assert [hit.at_s for hit in bff.hits] == [0.0, 0.1]
        assert answer.elapsed_s == 1.0


async def test_control_a_client_whose_leaving_is_not_noticed_holds_her_place() -> None:
    """The control: the next reader is asked for when the attempt for nobody has run out."""
    twins = twins_of(*SHOP)
    misbehave(twins, "orders", hanging)
    live = '{ order(id: "o-1", consistency: {live: true}) { id } }'
    async with (
        open_composing_gateway(twins, in_flight_limit=1) as bff,
        asyncio.TaskGroup() as group,
    ):
        group.create_task(bff.ask(live))
        await pass_time(0.1)

        await bff.ask(live)

        assert [hit.at_s for hit in bff.hits] == [0.0, 1.0]
