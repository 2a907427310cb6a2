"""A fallback is checked like the projection: an owner's answer counts only if it is new enough."""

import httpx
import pytest

from projections.versions import Version
from projections.views import OrderRow
from tests.contracts.twin_rendering import rendered_row
from tests.contracts.twins import UpstreamTwins
from tests.faults.misbehaviour import answering, misbehave
from tests.gateway_in_process import open_gateway, own, pass_time, twins_of
from tests.resolvers.rows import ORDER, SHOP, an_order, changed

pytestmark = pytest.mark.steered_time

READ = '{ order(id: "o-1") { note } }'
NOTED: OrderRow = changed(ORDER, note="Ring twice")
MISSING = {"type": "order", "id": "o-1", "version": 2, "epoch": 1}


def answer_from_a_replica(twins: UpstreamTwins, old: OrderRow, new: OrderRow) -> None:
    """The service answers from an old replica unless it is told which version is wanted."""

    async def answer(request: httpx.Request) -> httpx.Response:
        return rendered_row(new if "Min-Version" in request.headers else old)

    misbehave(twins, "orders", answer)


async def test_an_owner_that_is_behind_is_told_the_version_and_asked_once_more() -> None:
    """The second question carries Min-Version, and its answer is the one that is shown."""
    twins = twins_of(*SHOP)
    answer_from_a_replica(twins, ORDER, NOTED)
    async with open_gateway(twins) as bff:
        answer = await bff.ask(READ, token=bff.seal(NOTED))

        assert answer.data["order"]["note"] == "Ring twice"
        assert answer.consistency["satisfied"] is True
        assert [hit.headers.get("Min-Version") for hit in bff.hits] == [None, "2"]


async def test_a_copy_of_the_owner_that_lags_shows_nothing_older_than_the_projection_has() -> None:
    """What the projection must not show any more the owner has told once: it may be asked for."""
    twins = twins_of(*SHOP)
    answer_from_a_replica(twins, ORDER, NOTED)
    async with open_gateway(twins) as bff:
        await bff.projection.apply(NOTED)
        await pass_time(3.0)

        answer = await bff.ask(READ)

        assert answer.origin("order") == ("LIVE", "BUDGET_SPENT")
        assert answer.data["order"]["note"] == "Ring twice"
        assert [hit.headers.get("Min-Version") for hit in bff.hits] == [None, "2"]


async def test_nor_does_it_where_the_row_at_hand_is_in_doubt() -> None:
    """A parked row is not shown; but its owner had told it, so an older answer will not do."""
    twins = twins_of(*SHOP)
    answer_from_a_replica(twins, ORDER, NOTED)
    async with open_gateway(twins) as bff:
        await bff.projection.apply(NOTED)
        await bff.projection.park(ORDER.key)

        answer = await bff.ask(READ)

        assert answer.origin("order") == ("LIVE", "PARKED")
        assert answer.data["order"]["note"] == "Ring twice"


async def test_an_owner_that_stays_behind_is_shown_and_told_of() -> None:
    """Nobody has the demanded version: the newest there is, and the truth about it."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(READ, token=bff.seal(NOTED))

        assert answer.data["order"] == {"note": None}
        assert answer.consistency["satisfied"] is False
        assert answer.consistency["missing"] == [MISSING]
        assert len(bff.hits) == 2


async def test_an_owner_that_is_new_enough_is_asked_once() -> None:
    """The control: no second question without a reason."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)

        await bff.ask(READ, token=bff.seal(NOTED))

        assert [hit.headers.get("Min-Version") for hit in bff.hits] == [None]


async def test_a_higher_epoch_is_not_reached_by_any_number() -> None:
    """A service that lost history counts from 1 again: version 5 of the old epoch is older."""
    before = an_order(version=5)
    demanded = {before.key: Version(epoch=2, number=1)}
    async with open_gateway(twins_of(before)) as bff:
        answer = await bff.ask(READ, token=bff.seal_versions(demanded))

        assert answer.consistency["satisfied"] is False
        assert answer.consistency["missing"] == [{**MISSING, "version": 1, "epoch": 2}]


async def test_an_owner_that_fails_costs_the_field_and_is_told() -> None:
    """Neither side can show the demanded world: null, a code, and no old world in its place."""
    twins = twins_of(*SHOP)
    misbehave(twins, "orders", answering(httpx.Response(503)))
    async with open_gateway(twins) as bff:
        answer = await bff.ask(READ, token=bff.seal(NOTED))

        assert answer.partial_data == {"order": None}
        assert answer.codes == {"order": "UPSTREAM_UNAVAILABLE"}
        assert answer.consistency["satisfied"] is False
        assert answer.consistency["missing"] == [MISSING]


async def test_an_owners_answer_heals_the_projection() -> None:
    """The next reader, with the token or without it, has the new world without a call."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)
        token = bff.seal(NOTED)
        await bff.ask(READ, token=token)
        bff.forget_hits()

        with_token = await bff.ask(READ, token=token)
        without = await bff.ask(READ)

        assert with_token.data["order"]["note"] == without.data["order"]["note"] == "Ring twice"
        assert with_token.origin("order") == ("PROJECTION", "TOKEN_REACHED")
        assert bff.calls == []


async def test_an_owners_list_heals_the_projection_too() -> None:
    """Every order of a live list is known from then on, by itself and in the list."""
    twins = twins_of()
    async with open_gateway(twins) as bff:
        own(twins, ORDER)
        live = await bff.ask(
            '{ orders(customerId: "c-1", consistency: {live: true}) { edges { node { id } } } }'
        )
        bff.forget_hits()

        listed = await bff.ask('{ orders(customerId: "c-1") { edges { node { id } } } }')
        alone = await bff.ask('{ order(id: "o-1") { id } }')

        assert listed.data == live.data
        assert alone.data == {"order": {"id": "o-1"}}
        assert bff.calls == []


async def test_an_old_answer_does_not_undo_the_projection() -> None:
    """Healing goes through the version gate: an owner's stale replica changes nothing here."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await bff.projection.apply(NOTED)
        stale = await bff.ask('{ order(id: "o-1", consistency: {live: true}) { note } }')

        projected = await bff.ask(READ)

        assert stale.data["order"]["note"] is None
        assert projected.data["order"]["note"] == "Ring twice"


async def test_the_age_of_a_healed_row_counts_from_its_healing() -> None:
    """Whatever the stream has proven: at the fetch it was the owner's newest."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)
        await pass_time(1.0)
        await bff.ask(READ, token=bff.seal(NOTED))
        await pass_time(0.5)

        answer = await bff.ask('{ order(id: "o-1") { note customer { name } } }')

        assert answer.component("order")["ageMs"] == 500
        assert answer.component("order.customer")["ageMs"] == 1750
