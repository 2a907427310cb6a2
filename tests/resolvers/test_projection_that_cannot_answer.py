"""When the projection cannot know, it is passed by at once, and the answer says why."""

import asyncio

import pytest

from projections.versions import AggregateType, Version
from projections.views import OrderRow
from tests.gateway_in_process import open_composing_gateway, open_gateway, own, pass_time, twins_of
from tests.resolvers.rows import CUSTOMER, ORDER, SHOP, changed

pytestmark = pytest.mark.steered_time

READ = '{ order(id: "o-1") { note customer { name } } }'
NOTED: OrderRow = changed(ORDER, note="Ring twice")
STALENESS_BUDGET_S = 2.5


async def test_while_it_is_building_owners_answer() -> None:
    """A half-read stream proves nothing; what is built already is used."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await bff.projection.fall_behind(AggregateType.ORDER)

        answer = await bff.ask(READ)

        assert answer.origin("order") == ("LIVE", "PROJECTION_BUILDING")
        assert answer.origin("order.customer") == ("PROJECTION", "DEFAULT")
        assert bff.calls == ["GET /orders/o-1"]


async def test_a_building_projection_is_not_waited_for() -> None:
    """A token does not help: the owner is asked at once, and checked against it."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)
        await bff.projection.fall_behind(AggregateType.ORDER)

        answer = await bff.ask(READ, token=bff.seal(NOTED))

        assert answer.data["order"]["note"] == "Ring twice"
        assert (answer.elapsed_s, answer.consistency["satisfied"]) == (0.0, True)


async def test_without_a_projection_every_read_is_composed() -> None:
    """Switched off is a reason of its own."""
    async with open_composing_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(READ)

        assert answer.origin("order") == ("LIVE", "PROJECTION_OFF")
        assert answer.origin("order.customer") == ("LIVE", "PROJECTION_OFF")


async def test_without_a_projection_tokens_are_kept_all_the_same() -> None:
    """There is nothing to wait for; the owner's answer is checked."""
    async with open_composing_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(READ, token=bff.seal(NOTED))

        assert answer.elapsed_s == 0.0
        assert answer.consistency["satisfied"] is False


async def test_an_aggregate_with_a_parked_event_is_read_live() -> None:
    """Its row may be old for good; all others are read as ever."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)
        await bff.projection.park(ORDER.key)

        answer = await bff.ask(READ)

        assert answer.data["order"]["note"] == "Ring twice"
        assert answer.origin("order") == ("LIVE", "PARKED")
        assert answer.origin("order.customer") == ("PROJECTION", "DEFAULT")


async def test_a_parked_aggregate_is_recognised_behind_a_live_answer() -> None:
    """The order comes from its owner; its customer is as suspect as if it had been projected."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await bff.projection.fall_behind(AggregateType.ORDER)
        await bff.projection.park(CUSTOMER.key)

        answer = await bff.ask('{ order(id: "o-1") { customer { name } } }')

        assert answer.origin("order.customer") == ("LIVE", "PARKED")


async def test_a_parked_aggregate_is_not_waited_for() -> None:
    """Its event has come and could not be read: it will not come again."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)
        await bff.projection.park(ORDER.key)

        answer = await bff.ask(READ, token=bff.seal(NOTED))

        assert answer.origin("order") == ("LIVE", "PARKED")
        assert answer.elapsed_s == 0.0


async def test_who_waits_for_an_event_that_is_parked_is_released_at_once() -> None:
    """The awaited event comes and cannot be read: the owner is asked in that moment."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(bff.ask(READ, token=bff.seal(NOTED)))
            await pass_time(0.1)
            await bff.projection.park(ORDER.key)

        answer = reading.result()
        assert answer.data["order"]["note"] == "Ring twice"
        assert answer.origin("order") == ("LIVE", "PARKED")
        assert (answer.elapsed_s, answer.consistency["satisfied"]) == (0.1, True)


async def test_a_later_readable_event_ends_the_suspicion() -> None:
    """Events carry the whole state, so the next one makes the row good again."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await bff.projection.park(ORDER.key)
        await bff.projection.apply(NOTED)

        answer = await bff.ask(READ)

        assert answer.data["order"]["note"] == "Ring twice"
        assert answer.origin("order") == ("PROJECTION", "DEFAULT")


async def test_what_is_not_projected_is_asked_for_once() -> None:
    """Absence is no proof: the owner knows the order, and from then on so does the projection."""
    twins = twins_of(CUSTOMER)
    async with open_gateway(twins) as bff:
        own(twins, ORDER)

        first = await bff.ask(READ)
        second = await bff.ask(READ)

        assert first.origin("order") == ("LIVE", "NOT_PROJECTED")
        assert second.origin("order") == ("PROJECTION", "DEFAULT")
        assert bff.calls == ["GET /orders/o-1"]


@pytest.mark.parametrize(
    ("query", "call"),
    [
        ('{ order(id: "o-404") { id } }', "GET /orders/o-404"),
        ('{ customer(id: "c-404") { id } }', "GET /customers?ids=c-404"),
        ('{ product(id: "p-404") { id } }', "GET /products?ids=p-404"),
    ],
)
async def test_what_its_owner_does_not_know_is_null_and_no_error(query: str, call: str) -> None:
    """Unknown is an answer."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(query)

        assert set(answer.data.values()) == {None}
        assert answer.consistency["satisfied"] is True
        assert bff.calls == [call]


async def test_a_demanded_order_that_nobody_knows_is_null_and_told() -> None:
    """Her token says that it exists; that neither side shows it is not passed over."""
    async with open_gateway(twins_of()) as bff:
        answer = await bff.ask(READ, token=bff.seal(NOTED))

        assert answer.data == {"order": None}
        assert answer.consistency["satisfied"] is False
        assert [missing["id"] for missing in answer.consistency["missing"]] == ["o-1"]


async def test_a_deleted_order_is_null_without_a_call() -> None:
    """A tombstone is proof: it is as good as a row, for a token too."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await bff.projection.bury(ORDER.key, version=2)

        answer = await bff.ask(READ, token=bff.seal_versions({ORDER.key: Version(1, 2)}))

        assert answer.data == {"order": None}
        assert answer.origin("order") == ("PROJECTION", "TOKEN_REACHED")
        assert answer.consistency["satisfied"] is True
        assert bff.calls == []


async def test_a_deletion_releases_those_who_wait_for_it() -> None:
    """The event of a deletion is waited for like any other."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        token = bff.seal_versions({ORDER.key: Version(1, 2)})
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(bff.ask(READ, token=token))
            await pass_time(0.1)
            await bff.projection.bury(ORDER.key, version=2)

        assert reading.result().data == {"order": None}
        assert (reading.result().elapsed_s, bff.calls) == (0.1, [])


@pytest.mark.parametrize(
    ("silence_s", "waited_s"), [(STALENESS_BUDGET_S, 0.25), (STALENESS_BUDGET_S + 0.001, 0.0)]
)
async def test_a_source_that_has_gone_silent_is_not_waited_for(
    silence_s: float, waited_s: float
) -> None:
    """Its staleness budget is spent: nothing will arrive in time, so the owner is asked at once."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)
        await pass_time(silence_s)

        answer = await bff.ask(READ, token=bff.seal(NOTED))

        assert answer.data["order"]["note"] == "Ring twice"
        assert answer.elapsed_s == waited_s
