import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext

import pytest

from gateway.graphql_http import GraphQLHttp
from tests.gateway.front_door import JSON_TYPE, Door, open_door
from tests.gateway.identity.bearers import BELIEVING
from tests.gateway.identity.two_customers import (
    ANN,
    BOB,
    CANCEL,
    DETAILS,
    HERS,
    HIS,
    LIVE,
    NOBODY_S,
    PLAIN,
    QUERIES,
    SECRET_NOTE,
    SHOP,
    STAFF,
    UPDATE,
    VISITOR,
    WORLDS,
    Told,
    World,
    asking,
    referred,
    rule_off,
)
from tests.gateway_in_process import pass_time
from tests.graphql_answers import Json
from tests.projection_by_hand import ProjectionByHand

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
    "place badly": 'mutation { placeOrder(input: {customerId: "c-2", items: []}) '
    "{ userErrors { code } } }",
    "update": 'mutation { updateCustomer(input: {id: "c-2", name: "Eve"}) { customer { name } } }',
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


async def answered(query: str, headers: Mapping[str, str], events: str) -> tuple[Json, list[str]]:
    """The answer, asked twice, and the calls for it."""
    async with open_door(*SHOP, **{**BELIEVING, "events": events}) as door:
        if events == "feed":
            await ProjectionByHand(door.gateway.store).apply(*SHOP)
        await door.ask(query, headers=headers)
        answer = (await door.ask(query, headers=headers)).json()
        return answer, door.calls


ALLOWED = {
    "own order": (ANN, '{ order(id: "o-1") { id customer { id } items { product { id } } } }'),
    "own list": (ANN, '{ orders(customerId: "c-1") { edges { node { id } } } }'),
    "herself": (ANN, '{ customer(id: "c-1") { id orders { edges { node { id } } } } }'),
    "products": (ANN, '{ product(id: "p-2") { id } }'),
    "place": (
        ANN,
        'mutation { placeOrder(input: {customerId: "c-1", items: [{productId: "p-1", quantity: 1}]'
        "}) { order { customer { id } } } }",
    ),
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


def at_once(door: Door, query: str, order_id: str, headers: Mapping[str, str]) -> str | None:
    """What the server would answer without making a task."""
    http: GraphQLHttp = door.app.state.graphql
    body = json.dumps({"query": query, "variables": {"id": order_id}}).encode()
    sent = {**JSON_TYPE, **headers}.items()
    reply = http.reply_at_once([(name.encode(), value.encode()) for name, value in sent], body)
    return None if reply is None else reply.body.decode()


async def test_kept_bytes_are_for_whom_they_were_made() -> None:
    """He has his answer at hand; she has none, whatever is kept."""
    async with open_door(*SHOP, **{**BELIEVING, "events": "feed"}) as door:
        await ProjectionByHand(door.gateway.store).apply(*SHOP)
        for headers in (BOB, ANN, STAFF):
            await asking(door, PLAIN, HIS, headers)
        his = [at_once(door, PLAIN, HIS, BOB) for _ in range(3)]
        staff = [at_once(door, PLAIN, HIS, STAFF) for _ in range(3)]
        hers = [at_once(door, PLAIN, HIS, ANN) for _ in range(3)]
        own = at_once(door, PLAIN, HERS, ANN)
        with rule_off():
            leak = at_once(door, PLAIN, HIS, ANN)

    assert all(body is not None and SECRET_NOTE in body for body in (*his, *staff, leak))
    assert hers == [None] * 3
    assert own is not None


async def in_one_moment(
    first: Mapping[str, str], second: Mapping[str, str]
) -> tuple[Json, Json, int]:
    """What both are told of his order, and by how many calls; he has asked for it before."""
    async with open_door(*SHOP, **BELIEVING) as door:
        await asking(door, PLAIN, HIS, BOB)
        await pass_time(5)
        door.wire.hits.clear()
        async with asyncio.TaskGroup() as group:
            one = group.create_task(asking(door, PLAIN, HIS, first))
            other = group.create_task(asking(door, PLAIN, HIS, second))
        return one.result().json()["data"], other.result().json()["data"], len(door.calls)


@pytest.mark.parametrize("first", [BOB, STAFF], ids=["Bob", "staff"])
async def test_an_answer_that_is_shared_on_its_way_is_not_told_to_her(
    first: Mapping[str, str],
) -> None:
    """Not even that it was asked for: hers is a call of her own, as for an order of nobody."""
    his, hers, call_count = await in_one_moment(first, ANN)
    with rule_off():
        _, leak, shared_call_count = await in_one_moment(first, ANN)

    assert his["order"]["note"] == SECRET_NOTE
    assert (hers, call_count) == ({"order": None}, 2)
    assert (leak, shared_call_count) == (his, 1)


async def test_who_may_see_an_order_shares_the_call_for_it() -> None:
    """Once it is known to be his."""
    his, staff_s, call_count = await in_one_moment(BOB, STAFF)

    assert his == staff_s
    assert call_count == 1


async def test_a_validator_of_his_answer_is_none_of_hers() -> None:
    """She asks by GET whether what he has still holds."""
    query = '{ order(id: "o-2") { note } }'
    async with open_door(*SHOP, **{**BELIEVING, "events": "feed"}) as door:
        await ProjectionByHand(door.gateway.store).apply(*SHOP)
        his = await door.get({"query": query}, BOB)
        etag = his.headers["etag"]
        again = await door.get({"query": query}, {**BOB, "if-none-match": etag})
        hers = await door.get({"query": query}, {**ANN, "if-none-match": etag})
        staff = await door.get({"query": query}, {**STAFF, "if-none-match": etag})

    assert again.status_code == 304
    assert (hers.status_code, hers.json()["data"]) == (200, {"order": None})
    assert staff.status_code == 200


async def test_a_token_of_his_is_none_of_hers() -> None:
    """Nor is one of the same person in another role."""
    async with open_door(*SHOP, **BELIEVING) as door:
        his = (await asking(door, UPDATE, HIS, BOB)).headers["x-consistency-token"]
        answers = [
            await asking(door, PLAIN, HERS, {**headers, "x-consistency-token": his})
            for headers in (ANN, STAFF, BOB)
        ]

    assert [answer.status_code for answer in answers] == [400, 400, 200]
    assert all(HIS not in answer.text for answer in answers[:2])


async def test_a_write_that_is_not_hers_changes_nothing() -> None:
    """The owner is not even asked to."""
    async with open_door(*SHOP, **BELIEVING) as door:
        answers = [(await asking(door, query, HIS, ANN)).json() for query in (UPDATE, CANCEL)]
        methods = {hit.method for hit in door.wire.hits}
        row = door.twins.order_shelf.rows[HIS]

    errors = [next(iter(answer["data"].values()))["userErrors"] for answer in answers]
    assert [[error["code"] for error in of] for of in errors] == [["NOT_FOUND"]] * 2
    assert methods == {"GET"}
    assert row == SHOP[1]


async def test_what_a_page_leads_to_is_hers() -> None:
    """From her order to herself to her orders; another's cursor leads to her own list."""
    query = (
        '{ orders(customerId: "c-1") { edges { node { id customer { id orders '
        "{ edges { node { id customer { id } } } } } } } } }"
    )
    answer, _ = await answered(query, ANN, "feed")

    assert "c-2" not in json.dumps(answer)
    assert HIS not in json.dumps(answer)


async def test_live_she_is_told_her_own() -> None:
    """Of the same owner in the same call."""
    query = LIVE.replace("query ($id: ID!) {", 'query ($id: ID!) { own: order(id: "o-1") { id }')
    async with open_door(*SHOP, **BELIEVING) as door:
        answer = (await asking(door, query, HIS, ANN)).json()

    assert answer["data"] == {"own": {"id": "o-1"}, "order": None}
