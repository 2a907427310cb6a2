"""A mutation writes once, at the owner, and hands back a token that keeps its promise."""

import uuid
from dataclasses import dataclass

import httpx
import msgspec
import pytest

from projections.versions import AggregateKey, AggregateType, Version
from tests.faults.misbehaviour import answering, misbehave, slow_down
from tests.gateway_in_process import open_composing_gateway, open_gateway, own, twins_of
from tests.graphql_answers import Json
from tests.resolvers.rows import CUSTOMER, ORDER, SHOP, changed

pytestmark = pytest.mark.steered_time


@dataclass(frozen=True)
class Writing:
    """One mutation, what it answers, and the read that must see it."""

    mutation: str
    payload: Json
    wrote: tuple[AggregateKey, Version]
    read: str
    seen: Json


def the_key(aggregate_type: AggregateType, row_id: str) -> AggregateKey:
    return AggregateKey(aggregate_type, row_id)


WRITINGS = {
    "placeOrder": Writing(
        """placeOrder(input: {customerId: "c-1", note: "Ring", items: [
            {productId: "p-1", quantity: 2}, {productId: "p-2", quantity: 1}]}) {
              order { id note total items { quantity product { name } } customer { name } }""",
        {
            "order": {
                "id": "new-2",
                "note": "Ring",
                "total": "7.50",
                "items": [
                    {"quantity": 2, "product": {"name": "Lamp"}},
                    {"quantity": 1, "product": {"name": "Mug"}},
                ],
                "customer": {"name": "Ada"},
            }
        },
        (the_key(AggregateType.ORDER, "new-2"), Version(1, 1)),
        '{ orders(customerId: "c-1") { edges { node { id } } } }',
        {"orders": {"edges": [{"node": {"id": "new-2"}}, {"node": {"id": "o-1"}}]}},
    ),
    "updateOrder": Writing(
        'updateOrder(input: {id: "o-1", note: "Ring"}) { order { note version }',
        {"order": {"note": "Ring", "version": 2}},
        (the_key(AggregateType.ORDER, "o-1"), Version(1, 2)),
        '{ order(id: "o-1") { note } }',
        {"order": {"note": "Ring"}},
    ),
    "cancelOrder": Writing(
        'cancelOrder(input: {id: "o-1", reason: "Too late"}) { order { status version }',
        {"order": {"status": "CANCELLED", "version": 2}},
        (the_key(AggregateType.ORDER, "o-1"), Version(1, 2)),
        '{ orders(customerId: "c-1", status: PLACED) { edges { node { id } } } }',
        {"orders": {"edges": []}},
    ),
    "updateCustomer": Writing(
        'updateCustomer(input: {id: "c-1", name: "Ada L."}) { customer { name version }',
        {"customer": {"name": "Ada L.", "version": 2}},
        (the_key(AggregateType.CUSTOMER, "c-1"), Version(1, 2)),
        '{ order(id: "o-1") { customer { name } } }',
        {"order": {"customer": {"name": "Ada L."}}},
    ),
    "updateProduct": Writing(
        'updateProduct(input: {id: "p-1", price: "99.90", stock: 0}) { product { price stock }',
        {"product": {"price": "99.90", "stock": 0}},
        (the_key(AggregateType.PRODUCT, "p-1"), Version(1, 2)),
        '{ order(id: "o-1") { items { product { stock } } } }',
        {"order": {"items": [{"product": {"stock": 0}}, {"product": {"stock": 10}}]}},
    ),
}

each_writing = pytest.mark.parametrize("name", WRITINGS)
WITH_PROMISE = " consistencyToken userErrors { code } } }"


@each_writing
async def test_a_write_is_answered_with_the_new_state_and_its_version(name: str) -> None:
    """The payload shows what the owner committed, and the token promises just that."""
    writing = WRITINGS[name]
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(f"mutation {{ {writing.mutation}{WITH_PROMISE}")

        payload = answer.data[name]
        promise = payload.pop("consistencyToken")
        assert payload == {**writing.payload, "userErrors": []}
        assert dict([writing.wrote]) == bff.opened(promise).entries
        assert bff.opened(answer.token).entries == bff.opened(promise).entries


@each_writing
async def test_a_read_with_the_token_of_a_write_sees_it(name: str) -> None:
    """Whatever the projection holds: the promise is kept."""
    writing = WRITINGS[name]
    async with open_gateway(twins_of(*SHOP)) as bff:
        written = await bff.ask(f"mutation {{ {writing.mutation}{WITH_PROMISE}")

        answer = await bff.ask(writing.read, token=written.data[name]["consistencyToken"])

        assert answer.data == writing.seen
        assert answer.consistency["satisfied"] is True


@each_writing
async def test_a_read_without_the_token_of_a_write_shows_the_old_world(name: str) -> None:
    """The control: a write alone does not heal the projection; only its event or a read does."""
    writing = WRITINGS[name]
    async with open_gateway(twins_of(*SHOP)) as bff:
        before = await bff.ask(writing.read)
        await bff.ask(f"mutation {{ {writing.mutation}{WITH_PROMISE}")
        bff.forget_hits()

        after = await bff.ask(writing.read)

        assert after.data == before.data != writing.seen
        assert bff.calls == []


async def test_a_write_says_that_it_came_from_the_owner() -> None:
    """What a payload shows is told like what a read shows."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(
            'mutation { updateOrder(input: {id: "o-1", note: "Ring"})'
            " { order { customer { id } } } }"
        )

        assert answer.origin("updateOrder.order") == ("LIVE", "WRITE_RESULT")
        assert answer.component("updateOrder.order")["version"] == 2
        assert answer.origin("updateOrder.order.customer") == ("PROJECTION", "DEFAULT")


async def test_a_write_is_not_waited_for() -> None:
    """The owner's answer is at hand: the payload needs no event to show it."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(
            'mutation { updateOrder(input: {id: "o-1", note: "Ring"}) { order { note } } }'
        )

        assert answer.elapsed_s == 0.0
        assert bff.calls == ["PATCH /orders/o-1"]


async def test_a_payload_is_read_with_the_tokens_of_its_caller() -> None:
    """She has seen the new name: the order she changes shows it too."""
    renamed = changed(CUSTOMER, name="Ada Lovelace")
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, renamed)

        answer = await bff.ask(
            'mutation { updateOrder(input: {id: "o-1", note: "Ring"})'
            " { order { customer { name } } } }",
            token=bff.seal(renamed),
        )

        shown = answer.data["updateOrder"]["order"]["customer"]
        assert shown == {"name": "Ada Lovelace"}
        assert set(bff.opened(answer.token).entries) == {ORDER.key, CUSTOMER.key}


async def test_a_payload_does_not_show_what_is_gone_by_now() -> None:
    """Deleted right after the write: the write is confirmed, and there is nothing to show."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await bff.projection.bury(ORDER.key, 3)

        answer = await bff.ask(
            'mutation { updateOrder(input: {id: "o-1", note: "Ring"})'
            " { userErrors { code } order { note customer { name } items { product { name } } } } }"
        )

        assert answer.data == {"updateOrder": {"userErrors": [], "order": None}}
        assert answer.origin("updateOrder.order") == ("PROJECTION", "TOKEN_REACHED")


async def test_the_list_in_a_payload_holds_the_order_just_placed() -> None:
    """The list is the projection's, the new order the owner's answer; they are shown together."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(
            """mutation { placeOrder(input: {customerId: "c-1", items: [
              {productId: "p-1", quantity: 1}]}) {
                order { customer { orders { edges { node { id } } } } } } }"""
        )

        edges = answer.data["placeOrder"]["order"]["customer"]["orders"]["edges"]
        assert [edge["node"]["id"] for edge in edges] == ["new-2", "o-1"]
        assert bff.calls == ["POST /orders"]


async def test_a_payload_shows_its_write_though_the_rest_of_it_cannot_be_had() -> None:
    """The write has happened: what fails afterwards costs its own field, not the token."""
    twins = twins_of(*SHOP)
    misbehave(twins, "customers", answering(httpx.Response(503)))
    async with open_composing_gateway(twins) as bff:
        answer = await bff.ask(
            'mutation { updateOrder(input: {id: "o-1", note: "Ring"})'
            " { consistencyToken order { note customer { name } } } }"
        )

        payload = answer.partial_data["updateOrder"]
        assert payload["order"] == {"note": "Ring", "customer": None}
        assert payload["consistencyToken"] == answer.token
        assert answer.codes == {"updateOrder.order.customer": "UPSTREAM_UNAVAILABLE"}


TWO_WRITES = """mutation {
  first: updateOrder(input: {id: "o-1", note: "Ring"}) { consistencyToken }
  second: updateCustomer(input: {id: "c-1", name: "Ada L."}) { consistencyToken } }"""


async def test_two_writes_of_one_operation_happen_one_after_the_other() -> None:
    """In the order of the document; each has its promise, and the operation the joined one."""
    twins = twins_of(*SHOP)
    slow_down(twins, "orders", 0.3)
    slow_down(twins, "customers", 0.3)
    async with open_gateway(twins) as bff:
        answer = await bff.ask(TWO_WRITES)

        assert [(hit.path, hit.at_s) for hit in bff.hits] == [
            ("/orders/o-1", 0.0),
            ("/customers/c-1", 0.3),
        ]
        promises = [answer.data[name]["consistencyToken"] for name in ("first", "second")]
        assert [set(bff.opened(promise).entries) for promise in promises] == [
            {ORDER.key},
            {CUSTOMER.key},
        ]
        assert set(bff.opened(answer.token).entries) == {ORDER.key, CUSTOMER.key}


async def test_the_token_of_the_first_write_survives_the_failure_of_the_second() -> None:
    """The first was committed: its promise is in the operation's token whatever came after."""
    twins = twins_of(*SHOP)
    misbehave(twins, "customers", answering(httpx.Response(503)))
    async with open_gateway(twins) as bff:
        answer = await bff.ask(TWO_WRITES)

        assert answer.codes == {"second": "UPSTREAM_UNAVAILABLE"}
        assert bff.opened(answer.token).entries == {ORDER.key: Version(1, 2)}
        assert answer.response.headers["X-Consistency-Token"] == answer.token


async def test_an_idempotency_key_goes_to_the_owner_as_it_is() -> None:
    """The same key twice places one order, and both answers show it."""
    place = """mutation ($key: String) { placeOrder(input: {customerId: "c-1", idempotencyKey: $key,
      items: [{productId: "p-1", quantity: 1}]}) { order { id } } }"""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        first = await bff.ask(place, {"key": "key:1/a"})
        second = await bff.ask(place, {"key": "key:1/a"})

        assert [hit.headers["Idempotency-Key"] for hit in bff.hits] == ["key:1/a"] * 2
        assert first.data == second.data
        assert len(twins.order_shelf.rows) == 2


async def test_without_an_idempotency_key_each_placing_gets_one_of_its_own() -> None:
    """Two wishes in the same words are two orders."""
    place = """mutation { placeOrder(input: {customerId: "c-1",
      items: [{productId: "p-1", quantity: 1}]}) { order { id } } }"""
    async with open_gateway(twins_of(*SHOP)) as bff:
        answers = [await bff.ask(place), await bff.ask(place)]

        keys = {hit.headers["Idempotency-Key"] for hit in bff.hits}
        assert len({uuid.UUID(key) for key in keys}) == 2
        assert len({answer.data["placeOrder"]["order"]["id"] for answer in answers}) == 2


async def test_an_expected_version_guards_the_change() -> None:
    """It goes to the owner, who alone can hold it against the truth."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await bff.ask(
            'mutation { updateOrder(input: {id: "o-1", note: null, expectedVersion: 1})'
            " { order { id } } }"
        )

        [hit] = bff.hits
        assert hit.headers["If-Match"] == '"1"'
        assert msgspec.json.decode(hit.body) == {"note": None}
