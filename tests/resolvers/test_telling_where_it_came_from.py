"""Every answer tells of each component where it came from; told once, and within bounds."""

import httpx
import pytest

from tests.contracts.twins import page_of
from tests.gateway_in_process import open_composing_gateway, open_gateway, twins_of
from tests.resolvers.rows import CUSTOMER, ORDER, SHOP, a_product, an_order

pytestmark = pytest.mark.steered_time

TOLD_ONE_BY_ONE = 100


async def test_a_component_is_told_with_its_path_version_age_and_reason() -> None:
    """Paths are those of the response, aliases included, without the indexes of lists."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask('{ mine: order(id: "o-1") { items { thing: product { id } } } }')

        assert answer.consistency["components"][0] == {
            "path": "mine",
            "id": "o-1",
            "source": "PROJECTION",
            "version": 1,
            "ageMs": 0,
            "reason": "DEFAULT",
        }
        paths = [component["path"] for component in answer.consistency["components"]]
        assert paths == ["mine", "mine.items.thing", "mine.items.thing"]


async def test_a_row_that_is_shown_twice_at_a_path_is_told_once() -> None:
    """Two items of one product are one component."""
    order = an_order(products=("p-1", "p-1"))
    async with open_gateway(twins_of(order, a_product())) as bff:
        answer = await bff.ask('{ order(id: "o-1") { items { product { id } } } }')

        assert answer.component("order.items.product")["id"] == "p-1"


async def test_of_a_large_answer_the_rest_is_counted() -> None:
    """The list, a hundred orders and their products: a hundred are told, the others counted."""
    products = [a_product(f"p-{n}") for n in range(100)]
    orders = [an_order(f"o-{n}", products=(f"p-{n}",), minute=n) for n in range(100)]
    async with open_gateway(twins_of(*products, *orders)) as bff:
        answer = await bff.ask(
            '{ orders(customerId: "c-1", first: 100)'
            " { edges { node { items { product { id } } } } } }"
        )

        assert len(answer.consistency["components"]) == TOLD_ONE_BY_ONE
        assert answer.consistency["componentsOmitted"] == 1 + 100 + 100 - TOLD_ONE_BY_ONE


async def test_an_older_list_takes_nothing_back() -> None:
    """What was just written is shown as written, also within a list from an old replica."""
    twins = twins_of(ORDER, CUSTOMER)

    def lists_from_a_replica(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/orders":
            return page_of([ORDER], request.url.params)
        return twins.answer_orders(request)

    twins.orders.mock(side_effect=lists_from_a_replica)
    async with open_composing_gateway(twins) as bff:
        answer = await bff.ask(
            """mutation { updateOrder(input: {id: "o-1", note: "Ring"}) {
              order { note customer { orders { edges { node { note } } } } } } }"""
        )

        order = answer.data["updateOrder"]["order"]
        assert order["note"] == "Ring"
        assert order["customer"]["orders"]["edges"] == [{"node": {"note": "Ring"}}]
