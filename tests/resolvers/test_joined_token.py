"""The token that every answer hands back: whoever always sends the last one never goes back."""

import pytest

from projections.token_size import MAX_ENTRIES
from projections.versions import AggregateType
from projections.views import OrderRow
from tests.gateway_in_process import open_composing_gateway, open_gateway, own, pass_time, twins_of
from tests.resolvers.rows import CUSTOMER, ORDER, SHOP, an_order, changed

pytestmark = pytest.mark.steered_time

READ = '{ order(id: "o-1") { note customer { name } } }'
READ_LIVE = '{ order(id: "o-1", consistency: {live: true}) { note customer { name } } }'
PAGE = '{ orders(customerId: "c-1", first: 100) { edges { node { id } } } }'
PAGE_LIVE = (
    '{ orders(customerId: "c-1", first: 100, consistency: {live: true}) { edges { node { id } } } }'
)
NOTED: OrderRow = changed(ORDER, note="Ring twice")
MANY = [an_order(f"o-{n}", minute=n) for n in range(MAX_ENTRIES + 1)]


async def test_what_was_seen_of_the_projection_is_its_floor() -> None:
    """Rows that came by event need no entries: how far their logs were applied says it all."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(READ)

        token = bff.opened(answer.token)
        assert token.entries == {}
        assert {log.type for log in token.floor} == {AggregateType.ORDER, AggregateType.CUSTOMER}
        assert answer.response.headers["X-Consistency-Token"] == answer.token


async def test_what_was_seen_live_is_promised() -> None:
    """The projection may be behind what an owner has shown: the next read must not be."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)

        answer = await bff.ask(READ_LIVE)

        assert bff.opened(answer.token).entries == {NOTED.key: NOTED.at, CUSTOMER.key: CUSTOMER.at}
        assert answer.response.headers["X-Consistency-Token"] == answer.token


async def test_a_healed_row_is_promised_until_the_stream_has_passed_it() -> None:
    """A store may lose what only a live answer taught it; its event it will read again."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)
        await bff.ask(READ_LIVE)

        ahead = await bff.ask(READ)
        await bff.projection.apply(NOTED)
        streamed = await bff.ask(READ)

        assert ahead.data == streamed.data
        assert bff.opened(ahead.token).entries == {NOTED.key: NOTED.at}
        assert bff.opened(streamed.token).entries == {}


async def test_a_token_is_kept_by_every_gateway_with_the_same_keys() -> None:
    """Seen live at one gateway, the order is not older at another that has heard nothing."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as here, open_gateway(twins) as there:
        own(twins, NOTED)
        seen = await here.ask(READ_LIVE)

        without = await there.ask(READ)
        with_token = await there.ask(READ, token=seen.token)

        assert without.data["order"]["note"] is None
        assert with_token.data["order"]["note"] == "Ring twice"


async def test_a_demand_is_handed_on_though_nothing_of_it_was_shown() -> None:
    """A read of something else does not lose what the session had seen."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask('{ product(id: "p-1") { name } }', token=bff.seal(NOTED))

        assert bff.opened(answer.token).entries == {NOTED.key: NOTED.at}


async def test_a_failing_read_hands_its_demand_on() -> None:
    """Errors of fields cost no promise."""
    async with open_gateway(twins_of()) as bff:
        answer = await bff.ask('{ order(id: "not an id") { id } }', token=bff.seal(NOTED))

        assert answer.codes == {"order": "BAD_USER_INPUT"}
        assert bff.opened(answer.token).entries == {NOTED.key: NOTED.at}


async def test_what_the_stream_has_brought_moves_into_the_floor() -> None:
    """A written order that a read finds projected is an entry no more, and still demanded."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)
        await bff.projection.apply(NOTED)

        answer = await bff.ask(READ, token=bff.seal(NOTED, CUSTOMER))

        token = bff.opened(answer.token)
        assert token.entries == {}
        assert {log.type for log in token.floor} == {AggregateType.ORDER, AggregateType.CUSTOMER}


async def test_a_token_too_full_sheds_first_what_the_stream_holds() -> None:
    """Thirty-three orders seen live, all projected: the token fits and nothing was lost."""
    async with open_gateway(twins_of(*MANY)) as bff:
        answer = await bff.ask(PAGE_LIVE)

        token = bff.opened(answer.token)
        assert token.entries == {}
        assert token.marks == {}
        assert {log.type for log in token.floor} == {AggregateType.ORDER}


async def test_a_token_too_full_of_unproven_rows_marks_their_type() -> None:
    """What had to be dropped without proof is not forgotten: orders are read live from then on."""
    twins = twins_of()
    async with open_gateway(twins) as bff:
        own(twins, *MANY)
        overflowing = await bff.ask(PAGE_LIVE)
        bff.forget_hits()

        answer = await bff.ask(PAGE, token=overflowing.token)

        assert set(bff.opened(overflowing.token).marks) == {AggregateType.ORDER}
        assert len(answer.data["orders"]["edges"]) == len(MANY)
        assert answer.origin("orders") == ("LIVE", "TOKEN_NOT_REACHED")
        assert answer.consistency["satisfied"] is True


async def test_a_marked_type_is_projected_again_once_it_is_proven_current() -> None:
    """A proof made at the second of the mark holds all that was dropped."""
    twins = twins_of()
    async with open_gateway(twins) as bff:
        own(twins, *MANY)
        overflowing = await bff.ask(PAGE_LIVE)
        await pass_time(2.0)
        await bff.projection.apply(*MANY)
        bff.forget_hits()

        answer = await bff.ask(PAGE, token=overflowing.token)

        assert answer.origin("orders")[0] == "PROJECTION"
        assert bff.calls == []
        assert bff.opened(answer.token).marks == {}


async def test_without_a_projection_a_full_token_marks_what_it_drops() -> None:
    """Nothing can be proven here, but another gateway may have a projection to hold against it."""
    async with open_composing_gateway(twins_of(*MANY)) as bff:
        answer = await bff.ask(PAGE)

        assert set(bff.opened(answer.token).marks) == {AggregateType.ORDER}
