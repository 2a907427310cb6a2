"""Who has seen a world is never shown an older one: over stores, owners, lists and pages."""

import pytest

from projections.versions import AggregateType, Version
from projections.views import OrderRow, OrderStatus, ProductRow
from resolvers.pages import split_seen
from tests.gateway_in_process import GatewayInProcess, open_gateway, own, pass_time, twins_of
from tests.projection_by_hand import ProjectionByHand
from tests.resolvers.rows import CUSTOMER, LAMP, MUG, ORDER, SHOP, an_order, changed

pytestmark = pytest.mark.steered_time

READ = '{ order(id: "o-1") { note } }'
READ_LIVE = '{ order(id: "o-1", consistency: {live: true}) { note } }'
OPEN = '{ orders(customerId: "c-1", status: PLACED) { edges { node { id } } } }'
OPEN_LIVE = """{ orders(customerId: "c-1", status: PLACED, consistency: {live: true}) {
  edges { node { id } } } }"""
PAGES = """query ($after: String) { orders(customerId: "c-1", first: 1, after: $after) {
  edges { cursor node { id note } } pageInfo { endCursor hasNextPage } } }"""
NOTED: OrderRow = changed(ORDER, note="Ring twice")
CANCELLED: OrderRow = changed(ORDER, status=OrderStatus.CANCELLED)
OLDER, NEWER = an_order("o-1", minute=1), an_order("o-2", minute=2)


async def fail_over(bff: GatewayInProcess, *, keeping: tuple[OrderRow, ...]) -> None:
    """The store comes back without its last writes, in the same logs."""
    await bff.projection.empty()
    await bff.projection.apply(*keeping)


async def test_what_a_failover_has_lost_is_asked_of_its_owner() -> None:
    """A store that has fallen behind what the caller saw is not waited for, and not believed."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)
        await bff.projection.apply(NOTED)
        seen = await bff.ask(READ)
        await fail_over(bff, keeping=(ORDER,))

        without = await bff.ask(READ)
        with_token = await bff.ask(READ, token=seen.token)

        assert without.data == {"order": {"note": None}}
        assert with_token.data == {"order": {"note": "Ring twice"}}
        assert with_token.origin("order") == ("LIVE", "TOKEN_NOT_REACHED")
        assert with_token.elapsed_s == 0.0


async def test_a_log_that_was_made_anew_is_believed_when_it_has_outlived_the_old_one() -> None:
    """Offsets of another log say nothing; its proof after the minute of the look says all."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        seen = await bff.ask(READ)
        await bff.projection.empty()
        bff.projection = ProjectionByHand(bff.store)
        await bff.projection.apply(*SHOP)

        at_once = await bff.ask(READ, token=seen.token)
        await pass_time(61.0)
        await bff.projection.prove()
        later = await bff.ask(READ, token=at_once.token)

        assert at_once.origin("order") == ("LIVE", "TOKEN_NOT_REACHED")
        assert later.origin("order")[0] == "PROJECTION"
        [log] = bff.opened(later.token).floor
        assert log != next(iter(bff.opened(seen.token).floor))


async def test_an_order_that_its_owner_does_not_have_does_not_come_back() -> None:
    """Not at any version that lay between the one seen and the deletion, however they arrive."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        del twins.order_shelf.rows["o-1"]
        gone = await bff.ask(READ_LIVE, token=bff.seal(ORDER))

        asked = await bff.ask(READ, token=gone.token)
        await bff.projection.apply(NOTED)
        changed_first = await bff.ask(READ, token=gone.token)
        without = await bff.ask(READ)
        await pass_time(2.0)
        await bff.projection.bury(ORDER.key, version=3)
        buried = await bff.ask(READ, token=gone.token)

        assert gone.data == asked.data == changed_first.data == buried.data == {"order": None}
        assert without.data == {"order": {"note": "Ring twice"}}
        assert set(bff.opened(gone.token).marks) == {AggregateType.ORDER}
        assert changed_first.origin("order")[0] == "LIVE"
        assert buried.origin("order")[0] == "PROJECTION"


async def test_an_absence_that_nobody_could_compare_holds_until_a_proof() -> None:
    """An order the projection was not asked about: its type is live until it is proven current."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask('{ order(id: "o-9", consistency: {live: true}) { note } }')

        assert set(bff.opened(answer.token).marks) == {AggregateType.ORDER}


async def test_an_order_that_has_left_a_list_does_not_return_to_it() -> None:
    """Not at any version that lay between the one listed and the one at which it left."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, changed(NOTED, status=OrderStatus.CANCELLED))
        live = await bff.ask(OPEN_LIVE)
        await bff.projection.apply(NOTED)

        without = await bff.ask(OPEN)
        with_token = await bff.ask(OPEN, token=live.token)

        assert live.data["orders"]["edges"] == with_token.data["orders"]["edges"] == []
        assert len(without.data["orders"]["edges"]) == 1
        assert set(bff.opened(live.token).marks) == {AggregateType.ORDER}


async def test_what_a_live_list_ends_without_is_not_shown_again() -> None:
    """One page of the owner's may prove more gone than the same page of the projection lists."""
    twins = twins_of(OLDER, NEWER)
    read_older = f'{{ order(id: "{OLDER.id}") {{ id }} }}'
    async with open_gateway(twins) as bff:
        del twins.order_shelf.rows[OLDER.id]
        seen = await bff.ask(PAGES.replace("first: 1", "first: 1, consistency: {live: true}"))

        without = await bff.ask(read_older)
        with_token = await bff.ask(read_older, token=seen.token)

        assert seen.data["orders"]["pageInfo"]["hasNextPage"] is False
        assert without.data == {"order": {"id": OLDER.id}}
        assert with_token.data == {"order": None}


async def test_the_next_page_is_never_older_than_the_one_before() -> None:
    """A cursor carries what its page has shown; no token is needed besides."""
    twins = twins_of(OLDER, NEWER)
    async with open_gateway(twins) as bff:
        noted: OrderRow = changed(OLDER, note="Ring twice")
        own(twins, noted)
        await bff.projection.apply(noted)
        first = await bff.ask(PAGES)
        cursor = first.data["orders"]["pageInfo"]["endCursor"]
        await fail_over(bff, keeping=(OLDER, NEWER))

        bare = await bff.ask(PAGES, {"after": split_seen(cursor)[0]})
        second = await bff.ask(PAGES, {"after": cursor})

        assert [edge["node"]["note"] for edge in second.data["orders"]["edges"]] == ["Ring twice"]
        assert [edge["node"]["note"] for edge in bare.data["orders"]["edges"]] == [None]


async def test_the_next_page_is_not_older_in_what_its_orders_lead_to_either() -> None:
    """The products of a page have been shown as well as its orders."""
    twins = twins_of(OLDER, NEWER, CUSTOMER, LAMP, MUG)
    pages = PAGES.replace("id note", "items { product { name } }")
    async with open_gateway(twins) as bff:
        renamed: ProductRow = changed(LAMP, name="New lamp")
        own(twins, renamed)
        await bff.projection.apply(renamed)
        first = await bff.ask(pages)
        await bff.projection.empty()
        await bff.projection.apply(OLDER, NEWER, CUSTOMER, LAMP, MUG)

        second = await bff.ask(pages, {"after": first.data["orders"]["pageInfo"]["endCursor"]})

        [edge] = second.data["orders"]["edges"]
        assert edge["node"]["items"][0]["product"]["name"] == "New lamp"


async def test_a_cursor_of_somebody_else_is_refused() -> None:
    """What a page has shown is told to its reader alone."""
    async with open_gateway(twins_of(OLDER, NEWER), subject_header="X-Session") as bff:
        first = await bff.ask(PAGES, headers={"X-Session": "hers"})
        cursor = first.data["orders"]["pageInfo"]["endCursor"]

        stolen = await bff.ask(PAGES, {"after": cursor}, headers={"X-Session": "his"})

        assert stolen.error["extensions"] == {"code": "BAD_USER_INPUT", "field": "after"}


async def test_a_version_that_was_never_committed_is_soon_demanded_no_more() -> None:
    """One wait, one look at the owner; then no wait; and after a proof nothing at all."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        first = await bff.ask(READ, token=bff.seal_versions({ORDER.key: Version(1, 99)}))
        second = await bff.ask(READ, token=first.token)
        await pass_time(2.0)
        await bff.projection.prove()
        third = await bff.ask(READ, token=second.token)

        told = [(it.elapsed_s, it.consistency["satisfied"]) for it in (first, second, third)]
        assert told == [(0.25, False), (0.0, False), (0.0, True)]
        assert third.origin("order")[0] == "PROJECTION"
        assert bff.opened(third.token).entries == {}


async def test_a_version_of_another_epoch_is_not_waited_for() -> None:
    """It is of a service that was restored, or of another house: its owner can tell at once."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(READ, token=bff.seal_versions({ORDER.key: Version(2, 1)}))

        assert (answer.elapsed_s, answer.consistency["satisfied"]) == (0.0, False)


async def test_a_write_after_a_doubt_is_demanded_like_any_other() -> None:
    """A doubt is about one version of an aggregate, and never about a later one."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        doubted = await bff.ask(READ, token=bff.seal_versions({ORDER.key: Version(1, 2)}))
        await pass_time(2.0)
        await bff.projection.prove()
        wrote = await bff.ask(
            'mutation { updateOrder(input: {id: "o-1", note: "Ring"}) { order { version } } }',
            token=doubted.token,
        )

        read = await bff.ask(READ, token=wrote.token)

        assert bff.opened(doubted.token).doubts
        assert bff.opened(wrote.token).entries == {ORDER.key: Version(1, 2)}
        assert bff.opened(wrote.token).doubts == {}
        assert read.data == {"order": {"note": "Ring"}}
