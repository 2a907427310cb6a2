"""A list shows no older world than the single orders it is made of.

A customer has placed or changed an order; the projection's list does not know of it yet.
"""

import asyncio

import httpx
import pytest

from projections.versions import AggregateType, Version
from projections.views import OrderRow, OrderStatus
from resolvers.pages import render_cursor, split_seen
from tests.contracts.twins import UpstreamTwins, page_of
from tests.faults.misbehaviour import answering, misbehave
from tests.gateway_in_process import GatewayInProcess, open_gateway, own, pass_time, twins_of
from tests.graphql_answers import Answer
from tests.resolvers.rows import CUSTOMER, LAMP, SHOP, an_order, changed

pytestmark = pytest.mark.steered_time

LIST = """query ($first: Int = 20, $status: OrderStatus, $consistency: Consistency) {
  orders(customerId: "c-1", first: $first, status: $status, consistency: $consistency) {
    edges { node { id note status } } pageInfo { hasNextPage } } }"""

OLDEST, MIDDLE, NEWEST = (an_order(f"o-{n}", minute=n) for n in (1, 2, 3))
JUST_PLACED = an_order("o-9", minute=9)
CANCELLED: OrderRow = changed(MIDDLE, status=OrderStatus.CANCELLED)


def ids_of(answer: Answer) -> list[str]:
    return [edge["node"]["id"] for edge in answer.data["orders"]["edges"]]


def answer_lists_from(twins: UpstreamTwins, *replica: OrderRow) -> None:
    """Lists come from a replica that holds these rows; single orders from the newest state."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/orders":
            return page_of(replica, request.url.params)
        return twins.answer_orders(request)

    twins.orders.mock(side_effect=answer)


async def list_after_commit(
    bff: GatewayInProcess, *committed: OrderRow, **arguments: object
) -> Answer:
    """The list as the customer sees it who holds the tokens of these commits."""
    own(bff.twins, *committed)
    return await bff.ask(LIST, arguments, token=bff.seal(*committed))


async def test_an_order_just_placed_is_in_the_list() -> None:
    """Only the new order is fetched; the list itself is the projection's."""
    async with open_gateway(twins_of(OLDEST, MIDDLE)) as bff:
        answer = await list_after_commit(bff, JUST_PLACED)

        assert ids_of(answer) == ["o-9", "o-2", "o-1"]
        assert answer.origin("orders") == ("PROJECTION", "DEFAULT")
        assert (answer.elapsed_s, bff.calls) == (0.25, ["GET /orders/o-9"])


async def test_without_the_token_the_list_shows_the_old_world() -> None:
    """The control."""
    twins = twins_of(OLDEST, MIDDLE)
    async with open_gateway(twins) as bff:
        own(twins, JUST_PLACED)

        answer = await bff.ask(LIST)

        assert ids_of(answer) == ["o-2", "o-1"]


async def test_a_list_is_released_by_the_event_of_the_order_it_waits_for() -> None:
    """The order and its place in the list arrive in one step."""
    async with open_gateway(twins_of(OLDEST)) as bff:
        async with asyncio.TaskGroup() as group:
            listing = group.create_task(bff.ask(LIST, token=bff.seal(JUST_PLACED)))
            await pass_time(0.1)
            await bff.projection.apply(JUST_PLACED)

        assert ids_of(listing.result()) == ["o-9", "o-1"]
        assert (listing.result().elapsed_s, bff.calls) == (0.1, [])


async def test_a_changed_order_is_new_in_the_list_too() -> None:
    """What is known newer of one order replaces it in its place."""
    noted: OrderRow = changed(MIDDLE, note="Ring twice")
    async with open_gateway(twins_of(OLDEST, MIDDLE, NEWEST)) as bff:
        answer = await list_after_commit(bff, noted)

        assert ids_of(answer) == ["o-3", "o-2", "o-1"]
        assert answer.data["orders"]["edges"][1]["node"]["note"] == "Ring twice"


@pytest.mark.parametrize(
    ("status", "listed"),
    [("PLACED", ["o-3", "o-1"]), ("CANCELLED", ["o-2"]), (None, ["o-3", "o-2", "o-1"])],
)
async def test_a_cancelled_order_moves_between_filtered_lists(
    status: str | None, listed: list[str]
) -> None:
    """It leaves the list of placed orders and joins that of cancelled ones."""
    async with open_gateway(twins_of(OLDEST, MIDDLE, NEWEST)) as bff:
        answer = await list_after_commit(bff, CANCELLED, status=status)

        assert ids_of(answer) == listed


async def test_an_order_of_somebody_else_does_not_join() -> None:
    """A token may name any order; a list shows one customer's."""
    async with open_gateway(twins_of(OLDEST)) as bff:
        answer = await list_after_commit(bff, an_order("o-8", customer_id="c-2", minute=8))

        assert ids_of(answer) == ["o-1"]


async def test_a_list_waits_for_orders_only() -> None:
    """What a token says of customers and products is none of a plain list's business."""
    renamed, sold_out = changed(CUSTOMER, name="Ada Lovelace"), changed(LAMP, stock=0)
    async with open_gateway(twins_of(OLDEST)) as bff:
        answer = await bff.ask(LIST, token=bff.seal(renamed, sold_out))

        assert ids_of(answer) == ["o-1"]
        assert (answer.elapsed_s, bff.calls) == (0.0, [])


async def test_an_order_that_joins_a_full_page_pushes_the_oldest_off() -> None:
    """A page of two stays a page of two, and the list goes on after it."""
    async with open_gateway(twins_of(OLDEST, MIDDLE)) as bff:
        answer = await list_after_commit(bff, JUST_PLACED, first=2)

        assert ids_of(answer) == ["o-9", "o-2"]
        assert answer.data["orders"]["pageInfo"] == {"hasNextPage": True}


async def test_an_order_from_beyond_the_page_stays_there() -> None:
    """Where the list goes on, an older order belongs to a later page."""
    oldest_noted = changed(OLDEST, note="Ring twice")
    async with open_gateway(twins_of(OLDEST, MIDDLE, NEWEST)) as bff:
        answer = await list_after_commit(bff, oldest_noted, first=2)

        assert ids_of(answer) == ["o-3", "o-2"]


async def test_a_deleted_order_leaves_the_list() -> None:
    """The customer saw it go; the owner does not know it any more, the projection still does."""
    twins = twins_of(OLDEST, MIDDLE)
    async with open_gateway(twins) as bff:
        del twins.order_shelf.rows["o-2"]

        answer = await bff.ask(LIST, token=bff.seal_versions({MIDDLE.key: Version(1, 2)}))

        assert ids_of(answer) == ["o-1"]


async def test_a_list_that_cannot_be_made_new_enough_is_an_error() -> None:
    """The demanded order cannot be had: no list, a code, and never an older one in its place."""
    twins = twins_of(OLDEST)
    misbehave(twins, "orders", answering(httpx.Response(503)))
    async with open_gateway(twins) as bff:
        answer = await bff.ask(LIST, token=bff.seal(JUST_PLACED))

        assert answer.partial_data == {"orders": {"edges": None, "pageInfo": None}}
        assert answer.codes == {
            "orders.edges": "UPSTREAM_UNAVAILABLE",
            "orders.pageInfo": "UPSTREAM_UNAVAILABLE",
        }
        assert answer.consistency["satisfied"] is False


async def test_a_list_that_fails_leaves_the_page_around_it() -> None:
    """The customer is shown though her list is not."""
    twins = twins_of(*SHOP)
    misbehave(twins, "orders", answering(httpx.Response(503)))
    async with open_gateway(twins) as bff:
        answer = await bff.ask(
            '{ customer(id: "c-1") { name orders { edges { cursor } } } }',
            token=bff.seal(JUST_PLACED),
        )

        assert answer.partial_data == {"customer": {"name": "Ada", "orders": {"edges": None}}}


async def test_on_timeout_error_a_list_names_what_it_lacks() -> None:
    """The caller chose an error over a call."""
    async with open_gateway(twins_of(OLDEST)) as bff:
        mode = {"atLeast": {"tokens": [bff.seal(JUST_PLACED)], "onTimeout": "ERROR"}}

        answer = await bff.ask(LIST, {"consistency": mode})

        assert answer.partial_data["orders"]["edges"] is None
        [edges, _] = answer.errors
        assert edges["extensions"]["code"] == "CONSISTENCY_TIMEOUT"
        assert [entry["id"] for entry in edges["extensions"]["missing"]] == ["o-9"]
        assert bff.calls == []


@pytest.mark.parametrize("mode", ["projected", "live"])
async def test_a_list_goes_on_after_a_page_whose_orders_have_all_left_it(mode: str) -> None:
    """The newest placed order was cancelled: an empty page, and the way to the next one."""
    cancelled: OrderRow = changed(NEWEST, status=OrderStatus.CANCELLED)
    walk = """query ($after: String) {
      orders(customerId: "c-1", status: PLACED, first: 1, after: $after) {
        edges { node { id } } pageInfo { hasNextPage endCursor } } }"""
    twins = twins_of(OLDEST, MIDDLE, NEWEST)
    async with open_gateway(twins) as bff:
        if mode == "live":
            await bff.projection.fall_behind(AggregateType.ORDER)
            answer_lists_from(twins, OLDEST, MIDDLE, NEWEST)
        own(twins, cancelled)
        token = bff.seal(cancelled)

        first = await bff.ask(walk, token=token)
        page_info = first.data["orders"]["pageInfo"]
        second = await bff.ask(walk, {"after": page_info["endCursor"]}, token=token)

        assert (ids_of(first), page_info["hasNextPage"]) == ([], True)
        assert split_seen(page_info["endCursor"])[0] == render_cursor(NEWEST.listed_at)
        assert ids_of(second) == ["o-2"]


async def test_a_list_from_a_projection_too_old_to_be_used_is_an_error_if_asked() -> None:
    """Beyond the bound, with an error chosen over a call: no list, no call, and how far behind."""
    bounded = {"bounded": {"maxStalenessMs": 1000, "onTimeout": "ERROR"}}
    async with open_gateway(twins_of(OLDEST)) as bff:
        await pass_time(1.5)

        answer = await bff.ask(LIST, {"consistency": bounded})

        assert answer.partial_data == {"orders": {"edges": None, "pageInfo": None}}
        assert set(answer.codes.values()) == {"CONSISTENCY_TIMEOUT"}
        assert [error["extensions"]["lagMs"] for error in answer.errors] == [1500, 1500]
        assert answer.consistency["satisfied"] is False
        assert bff.calls == []


@pytest.mark.parametrize("mode", ["eventual", "stale"])
async def test_an_old_list_is_shown_only_with_the_truth_about_it(mode: str) -> None:
    """Who accepts an older world gets the list at hand, flagged."""
    twins = twins_of(OLDEST)
    async with open_gateway(twins) as bff:
        own(twins, JUST_PLACED)
        token = bff.seal(JUST_PLACED)
        stale = {"atLeast": {"tokens": [token], "onTimeout": "STALE", "maxWaitMs": 0}}
        consistency = {"eventual": True} if mode == "eventual" else stale

        answer = await bff.ask(LIST, {"consistency": consistency}, token=token)

        assert answer.consistency["satisfied"] is False
        assert [entry["id"] for entry in answer.consistency["missing"]] == ["o-9"]


async def test_a_list_read_live_shows_the_demanded_order_though_a_replica_omits_it() -> None:
    """The list came from an old replica; the order itself is asked for and joins it."""
    twins = twins_of(OLDEST)
    async with open_gateway(twins) as bff:
        answer_lists_from(twins, OLDEST)
        own(twins, JUST_PLACED)

        answer = await bff.ask(LIST, {"consistency": {"live": True}}, token=bff.seal(JUST_PLACED))

        assert ids_of(answer) == ["o-9", "o-1"]
        assert answer.consistency["satisfied"] is True
