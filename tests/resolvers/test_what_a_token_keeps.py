"""What a token must not lose, and what it must not cost, where several things come together."""

import pytest
from msgspec.structs import replace

from projections.token import ConsistencyToken
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import CustomerRow, OrderRow, OrderStatus
from tests.gateway_in_process import open_gateway, own, pass_time, twins_of
from tests.resolvers.rows import CUSTOMER, ORDER, SHOP, changed

pytestmark = pytest.mark.steered_time

RENAMED: CustomerRow = changed(CUSTOMER, name="Ada Lovelace")
CANCELLED: OrderRow = changed(ORDER, status=OrderStatus.CANCELLED)
READ_CUSTOMER = '{ customer(id: "c-1") { name } }'
READ_PRODUCT = '{ product(id: "p-1") { name } }'
PLACE = """mutation { placeOrder(input: {customerId: "c-1", idempotencyKey: "k-12345678",
  items: [{productId: "p-1", quantity: 1}]}) { order { id note } } }"""


async def test_a_doubt_is_not_decided_by_who_has_not_looked() -> None:
    """A replica denied a real version; a read of something else keeps it demanded."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        doubted = await bff.ask(READ_CUSTOMER, token=bff.seal(RENAMED))
        own(twins, RENAMED)
        await bff.projection.apply(RENAMED)
        await pass_time(2.0)
        await bff.projection.prove()

        other = await bff.ask(READ_PRODUCT, token=doubted.token)

        assert bff.opened(doubted.token).doubts
        assert bff.opened(other.token).entries[RENAMED.key] == RENAMED.at


async def test_what_a_cause_needs_puts_no_version_in_doubt_that_its_owner_affirms() -> None:
    """The owner has said version 2, and a writer claims to have seen 9: version 2 is there."""
    twins = twins_of(*SHOP)
    noted: OrderRow = changed(ORDER, note="n", causal_deps=("customer:c-1@1.9",))
    async with open_gateway(twins) as bff:
        own(twins, RENAMED, noted)
        await bff.projection.apply(noted)

        answer = await bff.ask(
            '{ order(id: "o-1", consistency: {causal: {}}) { note customer { name } } }'
        )

        assert answer.consistency["satisfied"] is False
        assert bff.opened(answer.token).doubts == {}


async def test_a_repeated_write_does_not_make_a_later_one_certain() -> None:
    """Her update got no answer but was done; placing again under the old key is no word of it."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        first = await bff.ask(PLACE)
        placed = twins.order_shelf.rows[first.data["placeOrder"]["order"]["id"]]
        await bff.projection.apply(placed)
        own(twins, changed(placed, note="done after all"))
        token = replace(bff.opened(first.token), uncertain=frozenset([placed.key]))

        again = await bff.ask(PLACE, token=bff.seal_token(token))

        assert again.data["placeOrder"]["order"]["note"] == "done after all"


async def test_a_repeated_write_is_no_answer_for_other_readers() -> None:
    """Its owner answers with what was done then: whoever reads next is not shown that as new."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        first = await bff.ask(PLACE)
        order_id = first.data["placeOrder"]["order"]["id"]
        own(twins, changed(twins.order_shelf.rows[order_id], note="since then"))
        await pass_time(10.0)
        await bff.ask(PLACE)

        read = await bff.ask(f'{{ order(id: "{order_id}") {{ note }} }}')

        assert read.data["order"]["note"] == "since then"


@pytest.mark.parametrize("mode", ["{eventual: true}", "{atLeast: {tokens: [], onTimeout: STALE}}"])
async def test_a_list_that_passes_over_an_uncertain_order_is_not_satisfied(mode: str) -> None:
    """It may belong there by now: nobody was asked, and the answer says so."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, CANCELLED)
        token = bff.seal_token(ConsistencyToken(uncertain=frozenset([ORDER.key])))

        answer = await bff.ask(
            f'{{ orders(customerId: "c-1", status: CANCELLED, consistency: {mode}) '
            "{ edges { node { id } } } }",
            token=token,
        )

        assert answer.data["orders"]["edges"] == []
        assert answer.consistency["satisfied"] is False


async def test_many_tokens_of_many_orders_are_no_fan_out() -> None:
    """What several tokens demand together is no more than one token may."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        tokens = [
            bff.seal_versions(
                {
                    AggregateKey(AggregateType.ORDER, f"x{token}-{n}"): Version(1, 1)
                    for n in range(32)
                }
            )
            for token in range(20)
        ]

        await bff.ask(
            '{ orders(customerId: "c-1", consistency: {live: true}) { edges { node { id } } } }',
            token=", ".join(tokens),
        )

        assert len(bff.hits) <= 1 + 2 * 32


async def test_an_expired_cursor_is_counted_once() -> None:
    """However many fields of an operation it is read for."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        first = await bff.ask('{ orders(customerId: "c-1") { pageInfo { endCursor } } }')
        cursor = first.data["orders"]["pageInfo"]["endCursor"]
        await pass_time(25 * 3600)
        await bff.projection.prove()

        answer = await bff.ask(
            """query ($after: String) { orders(customerId: "c-1") { edges { node { customer {
              orders(first: 1, after: $after) { edges { node { id } } } } } } } }""",
            {"after": cursor},
        )

        assert answer.consistency["expiredTokens"] == 1
