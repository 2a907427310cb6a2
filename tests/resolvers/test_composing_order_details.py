"""API composition: the fewest calls, in as few waves as the query is deep, for what is asked."""

import pytest

from tests.faults.misbehaviour import slow_down
from tests.gateway_in_process import open_composing_gateway, twins_of
from tests.resolvers.rows import SHOP, a_customer, a_product, an_order

pytestmark = pytest.mark.steered_time

WHOLE_PAGE = '{ order(id: "o-1") { id customer { name } items { product { name } } } }'


async def test_customer_and_products_are_asked_together_once_the_order_is_known() -> None:
    """The order tells who and what; then both services are asked at the same instant."""
    twins = twins_of(*SHOP)
    slow_down(twins, "orders", 0.2)
    slow_down(twins, "customers", 0.3)
    slow_down(twins, "products", 0.3)
    async with open_composing_gateway(twins) as bff:
        answer = await bff.ask(WHOLE_PAGE)

        assert {hit.service: hit.at_s for hit in bff.hits} == {
            "orders": 0.0,
            "customers": 0.2,
            "products": 0.2,
        }
        assert answer.elapsed_s == 0.5


async def test_all_products_of_an_order_come_in_one_call() -> None:
    """Five items cost one batch, not five calls."""
    products = [a_product(f"p-{n}") for n in range(5)]
    order = an_order(products=[product.id for product in products])
    async with open_composing_gateway(twins_of(order, *products)) as bff:
        await bff.ask('{ order(id: "o-1") { items { product { name } } } }')

        assert bff.calls == ["GET /orders/o-1", "GET /products?ids=p-0,p-1,p-2,p-3,p-4"]


async def test_a_product_in_two_items_is_asked_for_once() -> None:
    """A batch names each product once."""
    order = an_order(products=("p-1", "p-1", "p-2"))
    async with open_composing_gateway(twins_of(*SHOP, order)) as bff:
        answer = await bff.ask('{ order(id: "o-1") { items { product { name } } } }')

        assert bff.calls == ["GET /orders/o-1", "GET /products?ids=p-1,p-2"]
        names = [item["product"]["name"] for item in answer.data["order"]["items"]]
        assert names == ["Lamp", "Lamp", "Mug"]


async def test_a_page_of_a_hundred_orders_costs_three_calls() -> None:
    """However many rows: one call for the list, one for the customer, one for all products."""
    products = [a_product(f"p-{n}") for n in range(100)]
    orders = [an_order(f"o-{n}", products=(f"p-{n}",), minute=n) for n in range(100)]
    async with open_composing_gateway(twins_of(*products, *orders, a_customer())) as bff:
        answer = await bff.ask(
            '{ orders(customerId: "c-1", first: 100)'
            " { edges { node { customer { name } items { product { name } } } } } }"
        )

        assert len(answer.data["orders"]["edges"]) == 100
        assert [hit.path for hit in bff.hits_of("orders")] == ["/orders"]
        assert [hit.params for hit in bff.hits_of("customers")] == [{"ids": "c-1"}]
        assert [len(hit.params["ids"].split(",")) for hit in bff.hits_of("products")] == [100]


async def test_a_batch_never_names_more_than_a_hundred_ids() -> None:
    """Products beyond the contract's hundred go into a second call, made at the same time."""
    products = [a_product(f"p-{n}") for n in range(150)]
    order = an_order(products=[product.id for product in products])
    twins = twins_of(order, *products)
    slow_down(twins, "products", 0.1)
    async with open_composing_gateway(twins) as bff:
        answer = await bff.ask('{ order(id: "o-1") { items { product { name } } } }')

        sizes = sorted(len(hit.params["ids"].split(",")) for hit in bff.hits_of("products"))
        assert sizes == [50, 100]
        assert answer.elapsed_s == 0.1


async def test_two_root_fields_share_their_batches() -> None:
    """What two orders lead to is asked for in one call a service."""
    other = an_order("o-2", customer_id="c-2", products=("p-2", "p-3"))
    twins = twins_of(*SHOP, other, a_customer("c-2", name="Bea"), a_product("p-3"))
    async with open_composing_gateway(twins) as bff:
        answer = await bff.ask(
            """{ mine: order(id: "o-1") { ...details } hers: order(id: "o-2") { ...details } }
            fragment details on Order { customer { name } items { product { name } } }"""
        )

        assert answer.data["hers"]["customer"] == {"name": "Bea"}
        assert sorted(bff.calls) == [
            "GET /customers?ids=c-1,c-2",
            "GET /orders/o-1",
            "GET /orders/o-2",
            "GET /products?ids=p-1,p-2,p-3",
        ]


async def test_the_same_order_twice_is_fetched_once() -> None:
    """Two aliases of one order are one call."""
    async with open_composing_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask('{ a: order(id: "o-1") { id } b: order(id: "o-1") { total } }')

        assert answer.data == {"a": {"id": "o-1"}, "b": {"total": "5.00"}}
        assert bff.calls == ["GET /orders/o-1"]


async def test_the_list_of_a_customer_is_asked_for_beside_her() -> None:
    """Who placed an order is known from it, so her row and her other orders are one wave."""
    twins = twins_of(*SHOP)
    for service in ("orders", "customers"):
        slow_down(twins, service, 0.1)
    async with open_composing_gateway(twins) as bff:
        answer = await bff.ask(
            '{ order(id: "o-1") { customer { name orders(first: 3) { edges { node { id } } } } } }'
        )

        assert sorted(bff.calls) == [
            "GET /customers?ids=c-1",
            "GET /orders/o-1",
            "GET /orders?customerId=c-1&limit=3",
        ]
        assert answer.elapsed_s == 0.2


async def test_a_list_already_holds_its_orders() -> None:
    """The orders of a list are not fetched one by one again."""
    orders = [an_order(f"o-{n}", minute=n) for n in range(3)]
    async with open_composing_gateway(twins_of(*orders)) as bff:
        await bff.ask('{ orders(customerId: "c-1") { edges { node { note total } } } }')

        assert bff.calls == ["GET /orders?customerId=c-1&limit=20"]
