"""All of one operation is read at one moment, so that its parts never contradict each other."""

import asyncio

import pytest

from projections.versions import AggregateType
from projections.views import CustomerRow, OrderRow
from tests.faults.misbehaviour import slow_down
from tests.gateway_in_process import open_gateway, own, pass_time, twins_of
from tests.resolvers.rows import CUSTOMER, LAMP, ORDER, SHOP, a_customer, an_order, changed

pytestmark = pytest.mark.steered_time

NOTED: OrderRow = changed(ORDER, note="Ring twice")
RENAMED: CustomerRow = changed(CUSTOMER, name="Ada Lovelace")

THREE_VIEWS = """{
  order(id: "o-1") { version }
  orders(customerId: "c-1") { edges { node { version } } }
  customer(id: "c-1") { orders { edges { node { version } } } }
}"""


async def test_root_fields_see_one_world_while_it_changes() -> None:
    """An event that comes while one field waits is seen by all of them or by none."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        dearer = changed(LAMP, stock=0)
        query = THREE_VIEWS.replace("{", '{ product(id: "p-1") { stock }', 1)
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(bff.ask(query, token=bff.seal(dearer)))
            await pass_time(0.1)
            await bff.projection.apply(NOTED)
            await pass_time(0.1)
            await bff.projection.apply(dearer)

        data = reading.result().data
        assert data["product"] == {"stock": 0}
        assert data["order"] == {"version": 2}
        assert data["orders"]["edges"] == [{"node": {"version": 2}}]
        assert data["customer"]["orders"]["edges"] == [{"node": {"version": 2}}]


async def test_a_row_does_not_change_while_another_one_is_fetched() -> None:
    """A call for one order takes its time; what was read before it is shown as it was read."""
    new_order = an_order("o-9")
    twins = twins_of(*SHOP)
    slow_down(twins, "orders", 0.2)
    async with open_gateway(twins) as bff:
        own(twins, new_order)
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(
                bff.ask('{ customer(id: "c-1") { name } order(id: "o-9") { customer { name } } }')
            )
            await pass_time(0.1)
            await bff.projection.apply(RENAMED)

        data = reading.result().data
        assert data["order"]["customer"] == data["customer"]


async def test_what_is_found_out_on_the_way_is_shared_too() -> None:
    """List and order, fetched at different instants, lead to one customer in one state."""
    hers = an_order("o-9", customer_id="c-5")
    before = a_customer("c-5", name="Eve")
    twins = twins_of(hers, before)
    slow_down(twins, "orders", lambda request: 0.1 if request.url.path == "/orders" else 0.3)
    async with open_gateway(twins) as bff:
        await bff.projection.fall_behind(AggregateType.ORDER)
        query = """{ orders(customerId: "c-5") { edges { node { customer { name } } } }
                     order(id: "o-9") { customer { name } } }"""
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(bff.ask(query))
            await pass_time(0.2)
            await bff.projection.apply(changed(before, name="Eva"))

        data = reading.result().data
        assert data["orders"]["edges"][0]["node"] == data["order"]


async def test_fields_with_demands_of_their_own_are_read_together() -> None:
    """One field waits, the other would not have to: both are shown the world after the wait."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        query = """query ($token: ConsistencyToken!) {
          waits: order(id: "o-1", consistency: {atLeast: {tokens: [$token]}}) { version }
          hurries: order(id: "o-1", consistency: {eventual: true}) { version } }"""
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(bff.ask(query, {"token": bff.seal(NOTED)}))
            await pass_time(0.1)
            await bff.projection.apply(NOTED)

        assert reading.result().data == {"waits": {"version": 2}, "hurries": {"version": 2}}
        assert reading.result().consistency["satisfied"] is True


async def test_a_field_that_would_not_wait_holds_nobody_up() -> None:
    """What one field declines to wait for is not waited for on behalf of another."""
    out_of_stock = changed(LAMP, stock=0)
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)
        query = """query ($product: ConsistencyToken!, $order: ConsistencyToken!) {
          product(id: "p-1", consistency: {atLeast: {tokens: [$product]}}) { stock }
          order(id: "o-1", consistency: {atLeast: {tokens: [$order], maxWaitMs: 0}}) { note } }"""
        tokens = {"product": bff.seal(out_of_stock), "order": bff.seal(NOTED)}
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(bff.ask(query, tokens))
            await pass_time(0.1)
            await bff.projection.apply(out_of_stock)

        answer = reading.result()
        assert answer.data == {"product": {"stock": 0}, "order": {"note": "Ring twice"}}
        assert (answer.elapsed_s, bff.calls) == (0.1, ["GET /orders/o-1"])


async def test_the_most_impatient_field_ends_the_wait_of_all() -> None:
    """All fields are read together, so none can wait longer than another allows."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED, RENAMED)
        query = """query ($token: ConsistencyToken!) {
          order(id: "o-1", consistency: {atLeast: {tokens: [$token], maxWaitMs: 50}}) { note }
          customer(id: "c-1", consistency: {atLeast: {tokens: [$token]}}) { name } }"""

        answer = await bff.ask(query, {"token": bff.seal(NOTED, RENAMED)})

        assert answer.data["customer"] == {"name": "Ada Lovelace"}
        assert (answer.elapsed_s, len(bff.hits)) == (0.05, 2)
