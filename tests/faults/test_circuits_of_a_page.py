"""A circuit breaker for each service: a dead one stops costing anything, and costs nobody else.

No failed call is made once more here, so that every page is one call to the service.
"""

import asyncio
from collections.abc import Callable
from typing import cast

import httpx
import pytest

from tests.faults.misbehaviour import answering, hanging, misbehave
from tests.gateway_in_process import (
    GatewayInProcess,
    now_s,
    open_composing_gateway,
    pass_time,
    twins_of,
)
from tests.graphql_answers import Json
from tests.resolvers.rows import SHOP

pytestmark = pytest.mark.steered_time

CALLS_TO_OPEN = 20
BREAK_S = 5.0
PAGE = """{ order(id: "o-1") { id customer { name } items { product { name } } } }"""
BROKEN = answering(httpx.Response(500))


async def ask_often(bff: GatewayInProcess, count: int) -> None:
    for _ in range(count):
        await bff.ask(PAGE)


async def ask_for_products(bff: GatewayInProcess, count: int) -> None:
    """So many readers at once, each of another product: nobody joins the call of somebody else."""
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(bff.ask(f'{{ product(id: "p-9{number}") {{ name }} }}'))


def customer_error(errors: list[Json]) -> Json:
    [error] = [error for error in errors if error["path"] == ["order", "customer"]]
    return error["extensions"]


async def test_after_twenty_failures_a_service_is_not_asked_any_more() -> None:
    """The 21st page shows the rest at once and says when the lost part may come back."""
    twins = twins_of(*SHOP)
    misbehave(twins, "customers", BROKEN)
    async with open_composing_gateway(twins, retries=0) as bff:
        await ask_often(bff, CALLS_TO_OPEN)
        bff.forget_hits()

        answer = await bff.ask(PAGE)

        assert customer_error(answer.errors) == {
            "code": "CIRCUIT_OPEN",
            "service": "customers",
            "retryAfterMs": 5000,
        }
        assert bff.hits_of("customers") == []
        assert answer.elapsed_s == 0.0


async def test_nineteen_failures_leave_a_circuit_closed() -> None:
    """The control: one failure fewer, and the service is asked again."""
    twins = twins_of(*SHOP)
    misbehave(twins, "customers", BROKEN)
    async with open_composing_gateway(twins, retries=0) as bff:
        await ask_often(bff, CALLS_TO_OPEN - 1)
        bff.forget_hits()

        answer = await bff.ask(PAGE)

        assert customer_error(answer.errors)["code"] == "UPSTREAM_UNAVAILABLE"
        assert len(bff.hits_of("customers")) == 1


async def test_an_open_circuit_costs_the_other_services_nothing() -> None:
    """Orders and products are asked and shown as ever while customers are not called."""
    twins = twins_of(*SHOP)
    misbehave(twins, "customers", BROKEN)
    async with open_composing_gateway(twins, live_fresh_ms=0, retries=0) as bff:
        await ask_often(bff, CALLS_TO_OPEN)
        bff.forget_hits()

        answer = await bff.ask(PAGE)

        assert answer.partial_data["order"]["id"] == "o-1"
        assert answer.partial_data["order"]["items"][0] == {"product": {"name": "Lamp"}}
        assert sorted(bff.calls) == ["GET /orders/o-1", "GET /products?ids=p-1,p-2"]


async def test_a_hanging_service_stops_holding_up_pages() -> None:
    """While the circuit is closed every page waits a whole second; once open, none does."""
    twins = twins_of(*SHOP)
    misbehave(twins, "products", hanging)
    async with open_composing_gateway(twins) as bff:
        slow = await bff.ask(PAGE)
        await ask_for_products(bff, CALLS_TO_OPEN - 1)

        fast = await bff.ask(PAGE)

        assert (slow.elapsed_s, fast.elapsed_s) == (1.0, 0.0)
        assert set(fast.codes.values()) == {"CIRCUIT_OPEN"}


async def test_a_refused_caller_is_told_the_rest_of_the_break() -> None:
    """Two seconds into a break of five, three are left."""
    twins = twins_of(*SHOP)
    misbehave(twins, "customers", BROKEN)
    async with open_composing_gateway(twins, retries=0) as bff:
        await ask_often(bff, CALLS_TO_OPEN)
        await pass_time(2.0)

        answer = await bff.ask(PAGE)

        assert customer_error(answer.errors)["retryAfterMs"] == 3000


async def test_a_service_that_is_well_again_is_back_after_the_break() -> None:
    """The first page after the break is whole, and so is the next."""
    twins = twins_of(*SHOP)
    healthy = twins.customers.side_effect
    misbehave(twins, "customers", BROKEN)
    async with open_composing_gateway(twins, retries=0) as bff:
        await ask_often(bff, CALLS_TO_OPEN)
        twins.customers.mock(side_effect=healthy)
        await pass_time(BREAK_S)

        first = await bff.ask(PAGE)
        second = await bff.ask(PAGE)

        assert first.data == second.data
        assert second.data["order"]["customer"] == {"name": "Ada"}


async def test_under_real_traffic_a_hang_is_known_within_a_second() -> None:
    """Fifty readers a second of different products: half a second later nobody waits any more."""
    twins = twins_of(*SHOP)
    misbehave(twins, "products", hanging)
    async with open_composing_gateway(twins) as bff, asyncio.TaskGroup() as group:
        began_at_s = now_s()
        for number in range(30):
            group.create_task(bff.ask(f'{{ product(id: "p-9{number}") {{ name }} }}'))
            await pass_time(0.02)

        answer = await bff.ask('{ product(id: "p-1") { name } }')

        assert answer.codes == {"product": "CIRCUIT_OPEN"}
        assert answer.elapsed_s == 0.0
        assert now_s() - began_at_s < 1.0


async def test_where_all_readers_share_one_row_five_calls_are_enough() -> None:
    """A crowd before one hanging row is one call on the wire at a time: the fifth opens."""
    twins = twins_of(*SHOP)
    misbehave(twins, "products", hanging)
    async with open_composing_gateway(twins) as bff:
        for _ in range(5):
            async with asyncio.TaskGroup() as group:
                for _ in range(20):
                    group.create_task(bff.ask('{ product(id: "p-1") { name } }'))
        bff_hits = len(bff.hits_of("products"))

        answer = await bff.ask('{ product(id: "p-1") { name } }')

        assert answer.codes == {"product": "CIRCUIT_OPEN"}
        assert bff_hits == 5


async def test_a_hanging_list_leaves_reads_alone() -> None:
    """Lists of orders are refused after a second; an order is read as ever, from the same owner."""
    twins = twins_of(*SHOP)
    healthy = cast("Callable[[httpx.Request], httpx.Response]", twins.orders.side_effect)

    async def hang_on_lists(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/orders":
            return await hanging(request)
        return healthy(request)

    misbehave(twins, "orders", hang_on_lists)
    async with open_composing_gateway(twins) as bff:
        async with asyncio.TaskGroup() as group:
            for number in range(8):
                group.create_task(bff.ask(list_of(f"c-{number}")))

        listed = await bff.ask(list_of("c-1"))
        read = await bff.ask('{ order(id: "o-1") { id } }')

        assert set(listed.codes.values()) == {"CIRCUIT_OPEN"}
        assert listed.elapsed_s == 0.0
        assert read.data == {"order": {"id": "o-1"}}


def list_of(customer_id: str) -> str:
    return f'{{ orders(customerId: "{customer_id}") {{ edges {{ node {{ id }} }} }} }}'
