import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

import pytest

from tests.gateway.identity.two_customers import (
    ANN,
    DETAILS,
    HIS,
    NOBODY_S,
    QUERIES,
    STAFF,
    UPDATE,
    VISITOR,
    WORLDS,
    Told,
    World,
    answered,
    referred,
    rule_off,
)
from tests.graphql_answers import Json

pytestmark = pytest.mark.steered_time

Way = Callable[[], AbstractContextManager[None]]

in_every_world = pytest.mark.parametrize("world", WORLDS, ids=str)
in_both_ways = pytest.mark.parametrize("way", [nullcontext, referred], ids=["planned", "referred"])
PROJECTED = WORLDS[1]
COMPOSED = World("composed", WORLDS[0].prepare, "none")


@in_every_world
@in_both_ways
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
async def test_an_order_of_another_is_told_as_one_that_does_not_exist(
    query: str, world: World, way: Way
) -> None:
    """The answer, its extensions and token, the calls to the services, and the time it took."""
    with way():
        his = await Told.of(query, HIS, world=world)
        nobody_s = await Told.of(query, NOBODY_S, world=world)

    assert his == nobody_s


@in_every_world
@pytest.mark.parametrize("query", [DETAILS, UPDATE], ids=["read", "write"])
async def test_asked_again_it_is_told_likewise(query: str, world: World) -> None:
    """By then plans are made, rows at hand and answers kept."""
    his = await Told.of(query, HIS, world=world, times=3)
    nobody_s = await Told.of(query, NOBODY_S, world=world, times=3)

    assert his == nobody_s


@in_both_ways
@pytest.mark.parametrize("world", [PROJECTED, COMPOSED], ids=str)
@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
async def test_control_without_the_rule_it_leaks(query: str, world: World, way: Way) -> None:
    """Then she is told of his order, or has written to it."""
    with way(), rule_off():
        his = await Told.of(query, HIS, world=world)
    nobody_s = await Told.of(query, NOBODY_S, world=world)

    assert his != nobody_s


PLACE_FOR_HIM = (
    'mutation { placeOrder(input: {customerId: "c-2", items: [{productId: "p-1", quantity: 1}]}) '
    "{ order { id } } }"
)
NAMING_ANOTHER = {
    "list": '{ orders(customerId: "c-2") { edges { node { id } } } }',
    "customer": '{ customer(id: "c-2") { name } }',
    "nobody": '{ customer(id: "c-9") { name } }',
    "live": '{ customer(id: "c-2", consistency: {live: true}) { orders { edges { cursor } } } }',
    "place": PLACE_FOR_HIM,
    "place badly": PLACE_FOR_HIM.replace("quantity: 1", "quantity: 0"),
    "update": 'mutation { updateCustomer(input: {id: "c-2", name: "Eve"}) { customer { id } } }',
    "product": 'mutation { updateProduct(input: {id: "p-1", stock: 0}) { product { stock } } }',
}
OF_VISITORS = {
    "order": '{ order(id: "o-1") { id } }',
    "no order": '{ order(id: "o-9") { id } }',
    "update": 'mutation { updateOrder(input: {id: "o-1", note: "x"}) { order { id } } }',
    "cancel": 'mutation { cancelOrder(input: {id: "o-1"}) { order { id } } }',
}
FORBIDDEN = [
    *((ANN, name, query) for name, query in NAMING_ANOTHER.items()),
    *((VISITOR, name, query) for name, query in (NAMING_ANOTHER | OF_VISITORS).items()),
]


def told_forbidden(body: Json) -> bool:
    codes = [error["extensions"]["code"] for error in body.get("errors", ())]
    return codes == ["FORBIDDEN"] and not any((body["data"] or {}).values())


@in_both_ways
@pytest.mark.parametrize("events", ["feed", "none"])
@pytest.mark.parametrize(
    ("headers", "query"),
    [(headers, query) for headers, _, query in FORBIDDEN],
    ids=[f"{'Ann' if headers is ANN else 'visitor'} {name}" for headers, name, _ in FORBIDDEN],
)
async def test_who_names_another_is_told_before_anything_is_read(
    headers: Mapping[str, str], query: str, events: str, way: Way
) -> None:
    """An error of its own; nobody is asked, nothing is shown; and without the rule it would be."""
    with way():
        answer, calls = await answered(query, headers, events)
        with rule_off():
            leak, _ = await answered(query, headers, events)

    assert told_forbidden(answer)
    assert calls == []
    assert answer["extensions"]["consistency"]["components"] == []
    is_role_alone = "updateProduct" in query or (headers is VISITOR and "rder(" in query)
    assert is_role_alone or not told_forbidden(leak)


ALLOWED = {
    "own order": (ANN, '{ order(id: "o-1") { id customer { id } items { product { id } } } }'),
    "own list": (ANN, '{ orders(customerId: "c-1") { edges { node { id } } } }'),
    "herself": (ANN, '{ customer(id: "c-1") { id orders { edges { node { id } } } } }'),
    "products": (ANN, '{ product(id: "p-2") { id } }'),
    "place": (ANN, PLACE_FOR_HIM.replace("c-2", "c-1")),
    "change": (ANN, 'mutation { updateOrder(input: {id: "o-1", note: "x"}) { order { id } } }'),
    "cancel": (ANN, 'mutation { cancelOrder(input: {id: "o-1"}) { order { id } } }'),
    "rename": (
        ANN,
        'mutation { updateCustomer(input: {id: "c-1", name: "Anna"}) { customer { id } } }',
    ),
    "his, for staff": (STAFF, '{ order(id: "o-2") { id customer { id } } }'),
    "his list, for staff": (STAFF, '{ orders(customerId: "c-2") { edges { node { id } } } }'),
    "stock, for staff": (
        STAFF,
        'mutation { updateProduct(input: {id: "p-1", stock: 0}) { product { id } } }',
    ),
    "change, for staff": (
        STAFF,
        'mutation { updateOrder(input: {id: "o-2", note: "x"}) { order { id } } }',
    ),
    "products, for visitors": (VISITOR, '{ product(id: "p-2") { id } }'),
}


@in_both_ways
@pytest.mark.parametrize("events", ["feed", "none"])
@pytest.mark.parametrize(("headers", "query"), ALLOWED.values(), ids=ALLOWED)
async def test_what_is_one_s_own_is_there(
    headers: Mapping[str, str], query: str, events: str, way: Way
) -> None:
    """Staff have all of it; everybody has the products."""
    with way():
        answer, _ = await answered(query, headers, events)

    assert "errors" not in answer
    assert "null" not in json.dumps(answer["data"])
    assert "[]" not in json.dumps(answer["data"])


async def test_a_field_that_is_forbidden_takes_no_other_along() -> None:
    """Where it may be null."""
    query = '{ his: customer(id: "c-2") { name } hers: customer(id: "c-1") { id } }'

    answer, _ = await answered(query, ANN, "feed")

    assert answer["data"] == {"his": None, "hers": {"id": "c-1"}}
    assert [error["path"] for error in answer["errors"]] == [["his"]]
