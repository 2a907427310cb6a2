"""No query costs a call for each row: however it nests and names, calls are bounded by its fields.

The bound:

    calls to orders                  ≤  orders named + lists named
    calls to customers, to products  ≤  (1 + orders named + lists named) × ceil(ids / 100)
    with guesses                     ≤  twice that, as each wave may be guessed ahead

*Ids* are all that the answer shows of the service, *lists named* are different pages of different
customers: an order and a list are a call each, because their service has no batch of them. What an
order or a list leads to is asked for as soon as it is there, in one batch with all that came in the
same turn: it does not wait for a slower one beside it. Apart stand rows that are behind a token:
each is pressed for once more, by itself, with `Min-Version`.
"""

import asyncio
import math
from dataclasses import dataclass

import async_solipsism
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.views import Row
from tests.gateway_in_process import GatewayInProcess, open_composing_gateway, twins_of
from tests.resolvers.rows import a_customer, a_product, an_order

BATCH = 100
CUSTOMER_COUNT = 4
ORDER_COUNT = 12
PRODUCTS_OF_AN_ORDER = 15
PRODUCT_COUNT = ORDER_COUNT * PRODUCTS_OF_AN_ORDER


def world() -> list[Row]:
    """A few customers, each with some orders, each of products of its own."""
    orders = [
        an_order(
            f"o-{n}",
            customer_id=f"c-{n % CUSTOMER_COUNT}",
            minute=n,
            products=[
                f"p-{n * PRODUCTS_OF_AN_ORDER + item}" for item in range(PRODUCTS_OF_AN_ORDER)
            ],
        )
        for n in range(ORDER_COUNT)
    ]
    customers = [a_customer(f"c-{n}") for n in range(CUSTOMER_COUNT)]
    return [*orders, *customers, *(a_product(f"p-{n}") for n in range(PRODUCT_COUNT))]


@dataclass(frozen=True)
class Asked:
    """A part of a query: its text, and how many orders and lists it names."""

    text: str
    root_order_count: int = 0
    list_count: int = 0


def aliased(parts: list[Asked]) -> Asked:
    """The parts beside each other, each under an alias of its own."""
    return Asked(
        " ".join(f"a{n}: {part.text}" for n, part in enumerate(parts)),
        sum(part.root_order_count for part in parts),
        sum(part.list_count for part in parts),
    )


def listed(first: int, node: Asked) -> Asked:
    text = f"orders(first: {first}) {{ edges {{ node {{ id {node.text} }} }} }}"
    return Asked(text, 0, CUSTOMER_COUNT + node.list_count)


def of_customer(pages: list[Asked]) -> Asked:
    below = aliased(pages)
    text = f"customer {{ name {below.text} }}"
    return Asked(text, 0, below.list_count)


def beside(one: Asked, other: Asked) -> Asked:
    return Asked(
        f"{one.text} {other.text}",
        0,
        one.list_count + other.list_count,
    )


PRODUCTS = Asked("items { product { name } }")
NOTHING = Asked("")

firsts = st.integers(1, 8)
nodes = st.recursive(
    st.sampled_from([NOTHING, PRODUCTS]),
    lambda below: st.builds(
        lambda pages, products: beside(of_customer(pages), products),
        st.lists(st.builds(listed, firsts, below), max_size=2),
        st.sampled_from([NOTHING, PRODUCTS]),
    ),
    max_leaves=4,
)


def order_root(number: int, node: Asked) -> Asked:
    text = f'order(id: "o-{number}") {{ id {node.text} }}'
    return Asked(text, 1, node.list_count)


def orders_root(number: int, first: int, node: Asked) -> Asked:
    text = (
        f'orders(customerId: "c-{number}", first: {first})'
        f" {{ edges {{ node {{ id {node.text} }} }} }}"
    )
    return Asked(text, 0, 1 + node.list_count)


def customer_root(number: int, pages: list[Asked]) -> Asked:
    below = aliased(pages)
    text = f'customer(id: "c-{number}") {{ name {below.text} }}'
    return Asked(text, 0, below.list_count)


def product_root(number: int) -> Asked:
    return Asked(f'product(id: "p-{number}") {{ name }}')


roots = (
    st.builds(order_root, st.integers(0, ORDER_COUNT - 1), nodes)
    | st.builds(orders_root, st.integers(0, CUSTOMER_COUNT - 1), firsts, nodes)
    | st.builds(
        customer_root,
        st.integers(0, CUSTOMER_COUNT - 1),
        st.lists(st.builds(listed, firsts, nodes), max_size=2),
    )
    | st.builds(product_root, st.integers(0, PRODUCT_COUNT - 1))
)
operations = st.lists(roots, min_size=1, max_size=5).map(aliased)


def batches(id_count: int) -> int:
    return math.ceil(id_count / BATCH)


def require_bound(bff: GatewayInProcess, asked: Asked, times: int) -> None:
    order_call_count = asked.root_order_count + asked.list_count
    occasion_count = (1 + order_call_count) * times
    assert len(bff.hits_of("orders")) <= order_call_count
    assert len(bff.hits_of("customers")) <= occasion_count * batches(CUSTOMER_COUNT)
    assert len(bff.hits_of("products")) <= occasion_count * batches(PRODUCT_COUNT)
    for hit in bff.hits:
        assert len(hit.params.get("ids", "").split(",")) <= BATCH


async def ask_twice(asked: Asked) -> None:
    """First with nothing to guess from, then with all that was heard."""
    twins = twins_of(*world())
    settings = {"live_fresh_ms": 0, "query_cost_limit": 10_000_000, "query_depth_limit": 100}
    async with open_composing_gateway(twins, query_token_limit=20_000, **settings) as bff:
        first = await bff.ask(f"{{ {asked.text} }}")
        require_bound(bff, asked, times=1)
        bff.forget_hits()

        again = await bff.ask(f"{{ {asked.text} }}")

        assert again.data == first.data
        require_bound(bff, asked, times=2)


@settings(max_examples=40)
@given(operations)
def test_calls_are_bounded_by_fields_and_batches(asked: Asked) -> None:
    """However roots, lists and aliases nest, no service is called more often than the bound."""
    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        runner.run(ask_twice(asked))


@pytest.mark.steered_time
async def test_a_hundred_orders_of_250_products_cost_five_calls() -> None:
    """The list, its customer, and three batches of products: nothing grows with the orders."""
    products = [a_product(f"p-{n}") for n in range(250)]
    orders = [
        an_order(f"o-{n}", minute=n, products=[f"p-{(n * 5 + item) % 250}" for item in range(5)])
        for n in range(100)
    ]
    async with open_composing_gateway(twins_of(*products, *orders, a_customer())) as bff:
        answer = await bff.ask(
            '{ orders(customerId: "c-1", first: 100)'
            " { edges { node { customer { name } items { product { name } } } } } }"
        )

        assert len(answer.data["orders"]["edges"]) == 100
        sizes = [len(hit.params["ids"].split(",")) for hit in bff.hits_of("products")]
        assert sorted(sizes) == [50, 100, 100]
        assert len(bff.calls) == 5


@pytest.mark.steered_time
async def test_aliases_of_one_list_are_one_call() -> None:
    """The same page under twenty names, at two levels, is asked for once."""
    page = "orders(first: 3) { edges { node { id } } }"
    aliases = " ".join(f"a{n}: {page}" for n in range(20))
    async with open_composing_gateway(twins_of(*world())) as bff:
        await bff.ask(
            f'{{ customer(id: "c-1") {{ name {aliases} }}'
            f'  order(id: "o-1") {{ customer {{ name {aliases} }} }} }}'
        )

        assert sorted(bff.calls) == [
            "GET /customers?ids=c-1",
            "GET /orders/o-1",
            "GET /orders?customerId=c-1&limit=3",
        ]
