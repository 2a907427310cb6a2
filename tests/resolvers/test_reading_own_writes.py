"""A token makes a read wait for the world it names, and no longer than that is worth.

The order service has committed a note that the projection has not heard of yet.
"""

import asyncio

import pytest

from projections.views import CustomerRow, OrderRow
from tests.gateway_in_process import GatewayInProcess, open_gateway, own, pass_time, twins_of
from tests.graphql_answers import Answer
from tests.resolvers.rows import CUSTOMER, ORDER, SHOP, a_customer, an_order, changed

pytestmark = pytest.mark.steered_time

WAIT_CAP_S = 0.25
READ = '{ order(id: "o-1") { note customer { name } items { product { name } } } }'

NOTED: OrderRow = changed(ORDER, note="Ring twice")
RENAMED: CustomerRow = changed(CUSTOMER, name="Ada Lovelace")


async def read_while(
    bff: GatewayInProcess, token: str, *events: tuple[float, OrderRow | CustomerRow]
) -> Answer:
    """The answer to a read with a token, while events arrive at their instants (s from now)."""
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(bff.ask(READ, token=token))
        passed_s = 0.0
        for at_s, row in events:
            await pass_time(at_s - passed_s)
            passed_s = at_s
            await bff.projection.apply(row)
    return reading.result()


async def test_what_the_projection_already_holds_is_answered_at_once() -> None:
    """A token that is reached costs neither a wait nor a call."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await bff.projection.apply(NOTED)

        answer = await bff.ask(READ, token=bff.seal(NOTED))

        assert answer.data["order"]["note"] == "Ring twice"
        assert answer.origin("order") == ("PROJECTION", "TOKEN_REACHED")
        assert answer.consistency["satisfied"] is True
        assert (answer.elapsed_s, bff.calls) == (0.0, [])


async def test_without_the_token_the_same_read_shows_the_old_world() -> None:
    """The control: it is the token, and nothing else, that makes the difference below."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)

        answer = await bff.ask(READ)

        assert answer.data["order"]["note"] is None
        assert answer.origin("order") == ("PROJECTION", "DEFAULT")
        assert (answer.elapsed_s, bff.calls) == (0.0, [])


async def test_a_read_is_released_by_the_event_it_waits_for() -> None:
    """The event comes after 0.1 s, and so does the answer, from the projection."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)

        answer = await read_while(bff, bff.seal(NOTED), (0.1, NOTED))

        assert answer.data["order"]["note"] == "Ring twice"
        assert answer.origin("order") == ("PROJECTION", "TOKEN_REACHED_AFTER_WAIT")
        assert (answer.elapsed_s, answer.consistency["waitedMs"]) == (0.1, 100)
        assert bff.calls == []


async def test_what_does_not_come_in_time_is_fetched_alone() -> None:
    """After exactly the longest wait only the missing order is asked for; the rest is projected."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)

        answer = await bff.ask(READ, token=bff.seal(NOTED))

        assert answer.data["order"]["note"] == "Ring twice"
        assert answer.origin("order") == ("LIVE", "TOKEN_NOT_REACHED")
        assert answer.origin("order.customer") == ("PROJECTION", "DEFAULT")
        assert answer.consistency["satisfied"] is True
        assert (answer.elapsed_s, bff.calls) == (WAIT_CAP_S, ["GET /orders/o-1"])


async def test_an_older_event_releases_nobody() -> None:
    """Version 2 is no answer to a token that demands version 3; version 3 is."""
    third = changed(NOTED, note="Ring three times")
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await read_while(bff, bff.seal(third), (0.05, NOTED), (0.1, third))

        assert answer.data["order"]["note"] == "Ring three times"
        assert answer.elapsed_s == 0.1


async def test_a_newer_event_will_do() -> None:
    """A token is a lower bound: events carry the whole state, so a later one is as good."""
    third = changed(NOTED, note="Ring three times")
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await read_while(bff, bff.seal(NOTED), (0.1, third))

        assert answer.data["order"]["note"] == "Ring three times"
        assert answer.elapsed_s == 0.1


async def test_a_read_waits_for_everything_it_shows() -> None:
    """The token names order and customer; the later of the two events releases the read."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        token = bff.seal(NOTED, RENAMED)

        answer = await read_while(bff, token, (0.1, NOTED), (0.2, RENAMED))

        assert answer.data["order"]["customer"] == {"name": "Ada Lovelace"}
        assert (answer.elapsed_s, bff.calls) == (0.2, [])


async def test_what_came_during_a_wait_in_vain_is_not_fetched() -> None:
    """The order arrives, its customer does not: only she is asked for."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED, RENAMED)

        answer = await read_while(bff, bff.seal(NOTED, RENAMED), (0.1, NOTED))

        assert answer.data["order"]["note"] == "Ring twice"
        assert answer.data["order"]["customer"] == {"name": "Ada Lovelace"}
        assert (answer.elapsed_s, bff.calls) == (WAIT_CAP_S, ["GET /customers?ids=c-1"])
        assert answer.origin("order") == ("PROJECTION", "TOKEN_REACHED_AFTER_WAIT")


@pytest.mark.parametrize(
    ("query", "committed"),
    [
        ('{ order(id: "o-1") { note } }', RENAMED),
        ('{ customer(id: "c-1") { name } }', NOTED),
        ('{ product(id: "p-1") { name } }', NOTED),
    ],
)
async def test_what_is_not_shown_is_not_waited_for(
    query: str, committed: OrderRow | CustomerRow
) -> None:
    """A commit that the read does not touch does not hold it up."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(query, token=bff.seal(committed))

        assert (answer.elapsed_s, bff.calls) == (0.0, [])
        assert answer.consistency["satisfied"] is True


async def test_an_order_that_arrives_leads_to_the_customer_it_names() -> None:
    """Who must be waited for may be known only when the order is there; the wait goes on."""
    new_order = an_order("o-1", customer_id="c-2", version=2)
    renamed = a_customer("c-2", name="Bea", version=2)
    async with open_gateway(twins_of(*SHOP, a_customer("c-2"))) as bff:
        token = bff.seal(new_order, renamed)

        answer = await read_while(bff, token, (0.1, new_order), (0.2, renamed))

        assert answer.data["order"]["customer"] == {"name": "Bea"}
        assert (answer.elapsed_s, bff.calls) == (0.2, [])


async def test_all_waits_of_a_read_share_one_budget() -> None:
    """A second wait gets what the first has left, not a budget of its own."""
    new_order = an_order("o-1", customer_id="c-2", version=2)
    renamed = a_customer("c-2", name="Bea", version=2)
    twins = twins_of(*SHOP, a_customer("c-2"))
    async with open_gateway(twins) as bff:
        own(twins, new_order, renamed)

        answer = await read_while(bff, bff.seal(new_order, renamed), (0.2, new_order))

        assert answer.data["order"]["customer"] == {"name": "Bea"}
        assert (answer.elapsed_s, answer.consistency["waitedMs"]) == (WAIT_CAP_S, 250)


async def test_time_is_kept_for_going_live() -> None:
    """With little time for the whole request a wait ends early enough for a call after it."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins, request_timeout_s=0.2) as bff:
        own(twins, NOTED)

        answer = await bff.ask(READ, token=bff.seal(NOTED))

        assert answer.data["order"]["note"] == "Ring twice"
        assert answer.elapsed_s == 0.15


async def test_a_reader_that_leaves_takes_her_wait_along() -> None:
    """A cancelled request is not waited with any longer."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        assert bff.gateway.model is not None
        waiters = bff.gateway.model.waiters
        reading = asyncio.ensure_future(bff.ask(READ, token=bff.seal(NOTED)))
        await pass_time(0.1)
        waiting_before = waiters.waiting_count

        reading.cancel()
        await asyncio.wait([reading])

        assert (waiting_before, waiters.waiting_count) == (1, 0)
