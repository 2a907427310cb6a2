"""Writes follow reads: an order is not shown with an older world than its writer had seen."""

import asyncio

import pytest

from projections.views import CustomerRow, OrderRow
from tests.gateway_in_process import open_gateway, own, pass_time, twins_of
from tests.resolvers.rows import CUSTOMER, ORDER, SHOP, changed

pytestmark = pytest.mark.steered_time

READ = """{ order(id: "o-1", consistency: {causal: {}}) {
  note customer { name } items { product { stock } } } }"""
PLAIN = '{ order(id: "o-1") { note customer { name } } }'
FROM_THE_CUSTOMER = """{ customer(id: "c-1", consistency: {causal: {}}) {
  name orders { edges { node { note } } } } }"""
UPDATE = 'mutation { updateOrder(input: {id: "o-1", note: "For Ada"}) { order { note } } }'
PLACE = """mutation { placeOrder(input: {customerId: "c-1",
  items: [{productId: "p-1", quantity: 1}]}) { order { id } } }"""
READ_ALL = '{ order(id: "o-1") { customer { name } items { product { stock } } } }'

RENAMED: CustomerRow = changed(CUSTOMER, name="Ada Lovelace")
NOTED: OrderRow = changed(ORDER, note="For Ada", causal_deps=("customer:c-1@1.2",))


async def test_a_writer_tells_what_she_has_seen() -> None:
    """The customer and the products of an order go along, at versions no older than she saw."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        await bff.projection.apply(RENAMED)
        seen = await bff.ask(READ_ALL)
        bff.forget_hits()

        await bff.ask(UPDATE, token=seen.token)
        await bff.ask(PLACE, token=seen.token)

        told = [hit.headers["X-Causal-Deps"] for hit in bff.hits if hit.method != "GET"]
        assert told[0] == "customer:c-1@1.2, product:p-1@1.1, product:p-2@1.1"
        assert told[1] == "customer:c-1@1.2, product:p-1@1.1"


async def test_a_writer_who_has_seen_nothing_tells_nothing() -> None:
    """Without a token there is nothing that her write follows."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await bff.ask(UPDATE)

        assert "X-Causal-Deps" not in bff.hits[0].headers


async def test_an_order_waits_for_what_its_writer_had_seen() -> None:
    """Its customer is behind by a moment: the projection is waited for, and nobody is asked."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        await bff.projection.apply(NOTED)
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(bff.ask(READ))
            await pass_time(0.1)
            await bff.projection.apply(RENAMED)

        answer = reading.result()
        assert answer.data["order"]["customer"] == {"name": "Ada Lovelace"}
        assert (answer.elapsed_s, bff.calls) == (0.1, [])


async def test_an_order_is_shown_with_the_customer_her_writer_saw() -> None:
    """What does not come in time is asked of its owner."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, RENAMED)
        await bff.projection.apply(NOTED)

        causal = await bff.ask(READ)
        plain = await bff.ask(PLAIN)

        assert causal.data["order"]["customer"] == {"name": "Ada Lovelace"}
        assert causal.consistency["satisfied"] is True
        assert plain.data["order"]["customer"] == {"name": "Ada Lovelace"}  # healed by then


async def test_a_plain_read_does_not_follow_causes() -> None:
    """The control: without `causal` the order is shown with the customer of before."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await bff.projection.apply(NOTED)

        answer = await bff.ask(PLAIN)

        assert answer.data == {"order": {"note": "For Ada", "customer": {"name": "Ada"}}}


async def test_a_customer_found_before_her_orders_is_looked_at_again() -> None:
    """From whichever side the answer is read, its parts fit together."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, RENAMED)
        await bff.projection.apply(NOTED)

        answer = await bff.ask(FROM_THE_CUSTOMER)

        assert answer.data["customer"]["name"] == "Ada Lovelace"
        assert answer.origin("customer")[0] == "LIVE"


async def test_a_cause_that_cannot_be_had_is_told_as_missing() -> None:
    """The owner knows of no such version: what there is, is shown, and said to be too old."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await bff.projection.apply(NOTED)

        answer = await bff.ask(READ)

        assert answer.consistency["satisfied"] is False
        assert [entry["id"] for entry in answer.consistency["missing"]] == [CUSTOMER.id]
