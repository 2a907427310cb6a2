"""One operation waits once and asks once, however many of its fields have the same trouble."""

import pytest

from projections.versions import Version
from tests.gateway_in_process import open_gateway, own, twins_of
from tests.resolvers.rows import CUSTOMER, SHOP, changed

pytestmark = pytest.mark.steered_time

NEVER_REACHED = {CUSTOMER.key: Version(1, 99)}


async def test_all_waits_of_an_operation_share_one_budget() -> None:
    """Three writes, each of whose payloads misses the same customer, wait a quarter of a second."""
    write = 'updateOrder(input: {id: "o-1", note: "N"}) { order { customer { name } } }'
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(
            f"mutation {{ a: {write} b: {write} c: {write} }}",
            token=bff.seal_versions(NEVER_REACHED),
        )

        assert answer.consistency["waitedMs"] == 250
        assert answer.elapsed_s == 0.25


async def test_an_owner_is_asked_for_more_only_once() -> None:
    """Five fields miss the same version: one call, one more with ``Min-Version``, for all."""
    fields = " ".join(f'f{n}: customer(id: "c-1") {{ name }}' for n in range(5))
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(f"{{ {fields} }}", token=bff.seal_versions(NEVER_REACHED))

        assert answer.consistency["satisfied"] is False
        assert bff.calls == ["GET /customers?ids=c-1", "GET /customers/c-1"]


async def test_a_write_that_was_repeated_shows_what_came_after_it() -> None:
    """Its owner answers with the state of then; the token knows of a later one, and it is read."""
    place = """mutation { placeOrder(input: {customerId: "c-1", idempotencyKey: "k-1",
      items: [{productId: "p-1", quantity: 1}]}) { order { id version } } }"""
    async with open_gateway(twins_of(*SHOP)) as bff:
        placed = await bff.ask(place)
        order_id = placed.data["placeOrder"]["order"]["id"]
        noted = await bff.ask(
            """mutation ($id: ID!) { updateOrder(input: {id: $id, note: "Ring"}) {
              order { version } } }""",
            {"id": order_id},
        )

        repeated = await bff.ask(place, token=noted.token)

        assert repeated.data["placeOrder"]["order"] == {"id": order_id, "version": 2}
        assert repeated.consistency["satisfied"] is True


async def test_a_repeated_write_shows_what_has_become_part_of_the_floor() -> None:
    """The later version is no entry any more, since a read found it streamed: it is known still."""
    place = """mutation { placeOrder(input: {customerId: "c-1", idempotencyKey: "k-1",
      items: [{productId: "p-1", quantity: 1}]}) { order { id version } } }"""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        placed = await bff.ask(place)
        order_id = placed.data["placeOrder"]["order"]["id"]
        noted = changed(twins.order_shelf.rows[order_id], note="Ring")
        own(twins, noted)
        await bff.projection.apply(noted)
        seen = await bff.ask("query ($id: ID!) { order(id: $id) { note } }", {"id": order_id})

        repeated = await bff.ask(place, token=seen.token)

        assert bff.opened(seen.token).entries == {}
        assert repeated.data["placeOrder"]["order"] == {"id": order_id, "version": 2}
