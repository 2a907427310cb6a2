"""A service is asked only if the query asks for something of its own, however it is written."""

import pytest

from tests.gateway_in_process import open_composing_gateway, twins_of
from tests.graphql_answers import Json
from tests.resolvers.rows import SHOP

pytestmark = pytest.mark.steered_time

ORDER = "GET /orders/o-1"
CUSTOMER = "GET /customers?ids=c-1"
PRODUCTS = "GET /products?ids=p-1,p-2"

PLAIN: dict[str, tuple[str, list[str]]] = {
    "own fields only": ('{ order(id: "o-1") { id note total } }', [ORDER]),
    "items without products": ('{ order(id: "o-1") { items { quantity lineTotal } } }', [ORDER]),
    "a customer": ('{ order(id: "o-1") { customer { id } } }', [ORDER, CUSTOMER]),
    "products": ('{ order(id: "o-1") { items { product { id } } } }', [ORDER, PRODUCTS]),
    "an alias": ('{ order(id: "o-1") { buyer: customer { id } } }', [ORDER, CUSTOMER]),
    "a customer of its own": ('{ customer(id: "c-1") { name } }', [CUSTOMER]),
    "a product of its own": ('{ product(id: "p-1") { name } }', ["GET /products?ids=p-1"]),
    "a named fragment": (
        '{ order(id: "o-1") { ...f } } fragment f on Order { customer { id } }',
        [ORDER, CUSTOMER],
    ),
    "a fragment in a fragment": (
        """{ ...root } fragment root on Query { order(id: "o-1") { items { ...line } } }
        fragment line on OrderItem { product { name } }""",
        [ORDER, PRODUCTS],
    ),
    "an inline fragment": (
        '{ order(id: "o-1") { ... on Order { customer { id } } } }',
        [ORDER, CUSTOMER],
    ),
    "an inline fragment without a type": (
        '{ order(id: "o-1") { ... { customer { id } } } }',
        [ORDER, CUSTOMER],
    ),
    "one field asked in two places": (
        '{ order(id: "o-1") { id } order(id: "o-1") { customer { id } } }',
        [ORDER, CUSTOMER],
    ),
    "skipped for good": ('{ order(id: "o-1") { id customer @skip(if: true) { id } } }', [ORDER]),
    "not included": ('{ order(id: "o-1") { id customer @include(if: false) { id } } }', [ORDER]),
    "included and skipped": (
        '{ order(id: "o-1") { id customer @include(if: true) @skip(if: true) { id } } }',
        [ORDER],
    ),
    "a skipped fragment": (
        '{ order(id: "o-1") { id ...f @skip(if: true) } } fragment f on Order { customer { id } }',
        [ORDER],
    ),
    "a fragment skipped here and spread there": (
        """{ order(id: "o-1") { id ...f @skip(if: true) ...f } }
        fragment f on Order { customer { id } }""",
        [ORDER, CUSTOMER],
    ),
    "skipped under one alias only": (
        '{ order(id: "o-1") { a: customer @skip(if: true) { id } b: customer { id } } }',
        [ORDER, CUSTOMER],
    ),
}


@pytest.mark.parametrize(("query", "calls"), PLAIN.values(), ids=PLAIN.keys())
async def test_only_what_is_asked_is_fetched(query: str, calls: list[str]) -> None:
    """The calls follow from the fields that are shown, through every way to spell them."""
    async with open_composing_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(query)

        assert answer.errors == []
        assert sorted(bff.calls) == sorted(calls)


BY_VARIABLE = """query ($with: Boolean = true, $first: Int) { order(id: "o-1") {
  id customer @include(if: $with) { name orders(first: $first) { pageInfo { hasNextPage } } } } }"""


@pytest.mark.parametrize(
    ("variables", "calls"),
    [
        ({"with": False}, [ORDER]),
        ({}, [ORDER, CUSTOMER, "GET /orders?customerId=c-1&limit=20"]),
        ({"first": None}, [ORDER, CUSTOMER, "GET /orders?customerId=c-1&limit=20"]),
        ({"with": True, "first": 5}, [ORDER, CUSTOMER, "GET /orders?customerId=c-1&limit=5"]),
    ],
)
async def test_variables_decide_what_is_fetched(variables: Json, calls: list[str]) -> None:
    """A variable counts with its value, or with its default where none is given."""
    async with open_composing_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(BY_VARIABLE, variables)

        assert answer.errors == []
        assert sorted(bff.calls) == sorted(calls)


async def test_differing_pages_of_one_customer_are_read_each_for_itself() -> None:
    """Two aliases with other arguments are two lists."""
    async with open_composing_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(
            """{ customer(id: "c-1") { one: orders(first: 1) { ...page } all: orders { ...page } } }
            fragment page on OrderConnection { edges { node { id } } }"""
        )

        assert answer.data["customer"]["one"] == answer.data["customer"]["all"]
        assert sorted(bff.calls) == [
            "GET /customers?ids=c-1",
            "GET /orders?customerId=c-1&limit=1",
            "GET /orders?customerId=c-1&limit=20",
        ]


async def test_a_mutation_reads_only_what_its_payload_shows() -> None:
    """The order itself came with the write; its products were not asked for."""
    async with open_composing_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(
            'mutation { updateOrder(input: {id: "o-1", note: "Ring"})'
            " { order { note customer { name } } } }"
        )

        assert answer.data["updateOrder"]["order"]["customer"] == {"name": "Ada"}
        assert bff.calls == ["PATCH /orders/o-1", CUSTOMER]
