"""Every answer tells of each component where it came from; told once, and within bounds."""

import asyncio

import httpx
import pytest

from projections.versions import Version
from tests.contracts.twins import page_of
from tests.gateway_in_process import open_composing_gateway, open_gateway, pass_time, twins_of
from tests.resolvers.rows import CUSTOMER, ORDER, SHOP, a_product, an_order, changed

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


async def test_of_two_demands_for_one_row_the_greater_is_missing() -> None:
    """Fields may demand different versions; who is shown neither is told the greater."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        first, second = (bff.seal_versions({ORDER.key: Version(1, n)}) for n in (5, 3))
        answer = await bff.ask(
            f'{{ a: order(id: "o-1", consistency: {{atLeast: {{tokens: ["{first}"]}}}}) {{ id }}'
            f'  b: order(id: "o-1", consistency: {{atLeast: {{tokens: ["{second}"]}}}}) {{ id }} }}'
        )

        [missing] = answer.consistency["missing"]
        assert missing["version"] == 5


async def test_how_waits_ended_is_counted() -> None:
    """One entry came while it was waited for, the other did not."""
    noted = changed(ORDER, note="Ring")
    async with open_gateway(twins_of(*SHOP)) as bff, asyncio.TaskGroup() as group:
        token = bff.seal(noted, changed(CUSTOMER))
        asked = group.create_task(
            bff.ask('{ order(id: "o-1") { note customer { name } } }', token=token)
        )
        await pass_time(0.1)
        await bff.projection.apply(noted)

        assert (await asked).consistency["waits"] == {"REACHED": 1, "TIMED_OUT": 1}


async def test_who_did_not_have_to_wait_is_told_of_no_waits() -> None:
    """The member appears with its first case."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask('{ order(id: "o-1") { note } }', token=bff.seal(ORDER))

        assert "waits" not in answer.consistency
