"""What operations cost: by the prices in the schema, page sizes, and the lists of answers."""

import pytest
from graphql import OperationDefinitionNode, parse

from gateway.admission.bills import Bill, Listed, Size
from gateway.admission.fragments import fragments_of
from gateway.execution.graphql_schema import graphql_schema_of
from gateway.execution.prices import Prices
from resolvers.costs import ITEMS_OF_AN_ORDER
from resolvers.pages import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from resolvers.schema import build_schema
from tests.gateway.front_door import open_door

PRICES = Prices(graphql_schema_of(build_schema()))
ORDERS = '{{ orders(customerId: "c-1"{first}) {{ edges {{ cursor }} }} }}'
READ = 10
ROW = 2


def bill_of(query: str) -> Bill:
    document = parse(query)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return PRICES.bill(operation, fragments_of(document))


def cost_of(query: str, **variables: object) -> int:
    return bill_of(query).estimate(variables)


def test_a_field_costs_one_and_what_the_schema_says_more() -> None:
    """Plain fields cost 1, reads, rows and writes their weights, a look at the schema most."""
    assert cost_of('{ order(id: "o") { id note } }') == READ + 2
    assert cost_of('{ order(id: "o") { customer { name } } }') == READ + ROW + 1
    assert cost_of('mutation { cancelOrder(input: {id: "o"}) { order { id } } }') == 50 + 1 + 1
    assert cost_of("{ __schema { types { name } } }") == 500 + 2
    assert cost_of("{ __typename }") == 1


def test_what_is_below_a_list_costs_as_often_as_it_may_come() -> None:
    """Page sizes, or the lines that an order is taken to have, are multiplied in."""
    assert cost_of('{ order(id: "o") { items { quantity } } }') == READ + 1 + ITEMS_OF_AN_ORDER
    assert cost_of(ORDERS.format(first=", first: 7")) == READ + 1 + 7
    assert cost_of(ORDERS.format(first="")) == READ + 1 + DEFAULT_PAGE_SIZE


def test_lists_in_lists_are_multiplied() -> None:
    """A page of customers' pages costs the product of its sizes."""
    inner = "node { customer { orders(first: 10) { edges { cursor } } } }"

    cost = cost_of(f'{{ orders(customerId: "c", first: 10) {{ edges {{ {inner} }} }} }}')

    assert cost == READ + 1 + 10 * (1 + ROW + (ROW + 1 + 10))


@pytest.mark.parametrize(
    "wrapped", ["... { edges { cursor } }", "...F", "... on OrderConnection { ...F }"]
)
def test_fragments_hide_no_list(wrapped: str) -> None:
    """A page costs the same however its edges are selected."""
    query = f'{{ orders(customerId: "c", first: 7) {{ {wrapped} }} }}'

    assert cost_of(query + " fragment F on OrderConnection { edges { cursor } }") == READ + 1 + 7


@pytest.mark.parametrize(
    ("first", "size"),
    [
        ("0", 1),
        ("-5", 1),
        ("100", MAX_PAGE_SIZE),
        ("101", MAX_PAGE_SIZE),
        ("9" * 5000, MAX_PAGE_SIZE),
        ("null", MAX_PAGE_SIZE),
    ],
    ids=lambda value: str(value)[:8],
)
def test_no_page_size_makes_an_operation_cheap(first: str, size: int) -> None:
    """A size that will be refused later is reckoned as what it could be at most, or at least."""
    assert cost_of(ORDERS.format(first=f", first: {first}")) == READ + 1 + size


@pytest.mark.parametrize(
    ("variables", "size"),
    [
        ({"n": 7}, 7),
        ({"n": -7}, 1),
        ({"n": 10**400}, MAX_PAGE_SIZE),
        ({"n": "7"}, MAX_PAGE_SIZE),
        ({"n": None}, MAX_PAGE_SIZE),
        ({"n": 7.5}, MAX_PAGE_SIZE),
        ({"n": True}, MAX_PAGE_SIZE),
        ({}, MAX_PAGE_SIZE),
    ],
    ids=str,
)
def test_a_page_size_may_be_a_variable(variables: dict[str, object], size: int) -> None:
    """A variable is reckoned by its value; a missing or strange one as the largest page."""
    query = "query ($n: Int) " + ORDERS.format(first=", first: $n")

    assert cost_of(query, **variables) == READ + 1 + size
    assert not bill_of(query).is_fixed


def test_a_variable_may_say_what_it_is_where_it_is_not_given() -> None:
    """Its default is reckoned with, and given way to."""
    query = "query ($n: Int = 5) " + ORDERS.format(first=", first: $n")

    assert cost_of(query) == READ + 1 + 5
    assert cost_of(query, n=6) == READ + 1 + 6


def test_the_actual_cost_is_that_of_the_lists_of_the_answer() -> None:
    """Each list counts as long as it is; one that is missing or null counts nothing."""
    each = Bill(2, (Listed(("items",), Size(10), Bill(3)),))
    bill = Bill(5, (Listed(("orders", "edges"), Size(20), each),))

    def edges(*lengths: int) -> object:
        return {"orders": {"edges": [{"items": [{}] * length} for length in lengths]}}

    assert bill.estimate({}) == 5 + 20 * (2 + 10 * 3)
    assert bill.actual(edges()) == 5
    assert bill.actual(edges(0, 4)) == 5 + 2 * 2 + 4 * 3
    assert [bill.actual(odd) for odd in (None, {}, {"orders": None}, {"orders": {"edges": 1}})] == [
        5
    ] * 4


async def test_an_answer_tells_its_cost_where_that_is_wanted() -> None:
    """`extensions.cost` has both figures; by default, not."""
    query = '{ order(id: "o-1") { items { quantity } } }'

    async with open_door(cost_shown=True) as door:
        shown = (await door.ask(query)).json()["extensions"]
    async with open_door() as door:
        plain = (await door.ask(query)).json()["extensions"]

    assert shown["cost"] == {"estimated": READ + 1 + ITEMS_OF_AN_ORDER, "actual": READ + 1 + 1}
    assert "cost" not in plain
