"""A page that shows more than is told of one by one is at hand like any other."""

import pytest

from tests.gateway_in_process import open_gateway, twins_of
from tests.resolvers.rows import a_customer, a_product, an_order

pytestmark = pytest.mark.steered_time

PAGE = """{ orders(customerId: "c-1", first: 100) { edges { node {
  id customer { name } items { product { name } } } } } }"""
ORDERS = [an_order(f"o-{n}", minute=n, products=(f"p-{n}",)) for n in range(80)]
PRODUCTS = [a_product(f"p-{n}") for n in range(80)]


async def test_what_is_left_out_is_counted_however_often_it_is_asked_for() -> None:
    """Made the long way, of rows at hand, or of kept bytes, it says the same."""
    async with open_gateway(twins_of(a_customer(), *ORDERS, *PRODUCTS)) as bff:
        answers = [await bff.ask(PAGE) for _ in range(3)]
        at_hand = bff.gateway.operations.at_hand
        kept_count = 0 if at_hand is None else len(at_hand.ready)

    first, second, third = (answer.response.json() for answer in answers)
    assert first["extensions"]["consistency"]["componentsOmitted"] > 0
    assert first == second == third
    assert kept_count == 1
