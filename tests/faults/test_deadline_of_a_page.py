"""One deadline for a whole page, however many calls it takes one after the other."""

import asyncio

import pytest

from tests.faults.misbehaviour import hanging, misbehave, slow_down
from tests.gateway_in_process import open_composing_gateway, pass_time, twins_of
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


async def test_services_are_told_how_much_time_is_left() -> None:
    """Each call carries the milliseconds that remain of the page's deadline when it starts."""
    twins = twins_of(*SHOP)
    slow_down(twins, "orders", 0.6)
    async with open_composing_gateway(twins) as bff:
        await bff.ask('{ order(id: "o-1") { customer { name } } }')

        assert [hit.headers["X-Deadline-Ms"] for hit in bff.hits] == ["2000", "1400"]


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
