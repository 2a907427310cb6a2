"""In place of a failure nothing is shown that is older than demanded, or in doubt."""

import httpx
import pytest

from projections.token import ConsistencyToken
from projections.versions import AggregateKey, AggregateType
from projections.views import OrderRow
from tests.contracts.twins import page_of
from tests.faults.misbehaviour import answering, failing, hanging, misbehave
from tests.gateway_in_process import (
    GatewayInProcess,
    open_composing_gateway,
    open_gateway,
    own,
    pass_time,
    twins_of,
)
from tests.projection_by_hand import wall_clock_s
from tests.resolvers.rows import CUSTOMER, ORDER, SHOP, changed

pytestmark = pytest.mark.steered_time

READ = '{ order(id: "o-1") { id note } }'
ASK = """query ($consistency: Consistency) {
  order(id: "o-1", consistency: $consistency) { id note } }"""
LIST = '{ orders(customerId: "c-1") { edges { node { id } } } }'
CANCEL = 'mutation { cancelOrder(input: {id: "o-1"}) { order { status } } }'
PLACED_LIST = '{ orders(customerId: "c-1", status: PLACED) { edges { node { id } } } }'
NOTES = '{ orders(customerId: "c-1") { edges { node { id note } } } }'
STALE = ("PROJECTION", "STALE_IF_ERROR")
KEPT = ("LIVE", "STALE_IF_ERROR")
NOTED: OrderRow = changed(ORDER, note="Ring twice")
REFUSED = failing(httpx.ConnectError)
BUDGET_SPENT_S = 3.0
NO_LONGER_FRESH_S = 2.0
LIMIT_S = 60.0


async def let_orders_die(bff: GatewayInProcess, *, silence_s: float = BUDGET_SPENT_S) -> None:
    """Their projection grows old, and then nobody answers."""
    await pass_time(silence_s)
    misbehave(bff.twins, "orders", REFUSED)


async def test_a_row_older_than_its_budget_stands_in() -> None:
    """The order is shown, its age is told, and that this is not what was promised."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await let_orders_die(bff)

        answer = await bff.ask(READ)

        assert answer.data["order"]["id"] == "o-1"
        assert answer.origin("order") == STALE
        assert answer.component("order")["ageMs"] == BUDGET_SPENT_S * 1000
        assert answer.consistency["satisfied"] is False


@pytest.mark.parametrize(
    ("silence_s", "is_shown"), [(LIMIT_S - 0.001, True), (LIMIT_S, False)], ids=str
)
async def test_there_is_a_limit(silence_s: float, *, is_shown: bool) -> None:
    """After a minute the failure is shown instead."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await let_orders_die(bff, silence_s=silence_s)

        answer = await bff.ask(READ)

        assert (answer.partial_data["order"] is not None) == is_shown


async def test_a_token_that_demands_newer_is_not_answered_with_less() -> None:
    """She has seen a later version: she gets the error, and what is missing."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await let_orders_die(bff)

        answer = await bff.ask(READ, token=bff.seal(NOTED))

        assert answer.codes == {"order": "UPSTREAM_UNAVAILABLE"}
        assert [missing["id"] for missing in answer.consistency["missing"]] == ["o-1"]


async def test_a_token_that_the_row_reaches_is_answered_with_it() -> None:
    """The row is old, but not older than what she has seen."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await let_orders_die(bff)

        answer = await bff.ask(READ, token=bff.seal(ORDER))

        assert answer.origin("order") == STALE


async def test_a_mark_is_kept() -> None:
    """A world proven current after that second was demanded, and none is at hand."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        mark = ConsistencyToken(marks={AggregateType.ORDER: int(wall_clock_s()) + 1})
        await let_orders_die(bff)

        row, listed = [await bff.ask(query, token=bff.seal_token(mark)) for query in (READ, LIST)]

        assert row.codes == {"order": "UPSTREAM_UNAVAILABLE"}
        assert listed.codes == {"orders.edges": "UPSTREAM_UNAVAILABLE"}


async def test_what_nobody_knows_is_not_guessed() -> None:
    """A write without an answer may have been done: only its owner can tell."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        uncertain = ConsistencyToken(uncertain=frozenset([ORDER.key]))
        await let_orders_die(bff)

        answer = await bff.ask(READ, token=bff.seal_token(uncertain))

        assert answer.codes == {"order": "UPSTREAM_UNAVAILABLE"}


@pytest.mark.parametrize(
    ("consistency", "code"),
    [
        ({"live": True}, "UPSTREAM_UNAVAILABLE"),
        ({"bounded": {"maxStalenessMs": 100}}, "UPSTREAM_UNAVAILABLE"),
        ({"atLeast": {"tokens": [], "onTimeout": "ERROR"}}, "CONSISTENCY_TIMEOUT"),
    ],
    ids=str,
)
async def test_who_asks_for_proof_gets_the_error(consistency: object, code: str) -> None:
    """She has said that nothing older will do."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await let_orders_die(bff)

        answer = await bff.ask(ASK, {"consistency": consistency})

        assert answer.codes == {"order": code}


async def test_a_parked_row_is_not_shown_even_then() -> None:
    """An event of it was not read, so its age is not known: that would be a lie."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await bff.projection.park(ORDER.key)
        await let_orders_die(bff)

        answer = await bff.ask(READ)

        assert answer.codes == {"order": "UPSTREAM_UNAVAILABLE"}


async def test_what_the_owner_has_said_of_a_parked_row_is() -> None:
    """The kept answer is as old as it says."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await bff.projection.park(ORDER.key)
        await bff.ask(READ)
        await let_orders_die(bff)

        answer = await bff.ask(READ)

        assert answer.origin("order") == KEPT
        assert answer.component("order")["ageMs"] == BUDGET_SPENT_S * 1000


async def test_a_projection_that_was_never_read_to_its_end_shows_nothing() -> None:
    """Nobody can say how old its rows are."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await bff.projection.fall_behind(AggregateType.ORDER)
        misbehave(bff.twins, "orders", REFUSED)

        answer = await bff.ask(READ)

        assert answer.codes == {"order": "UPSTREAM_UNAVAILABLE"}


async def test_an_owner_that_says_there_is_none_is_believed() -> None:
    """That is an answer, and no failure, whatever is at hand."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        del twins.order_shelf.rows["o-1"]
        await pass_time(BUDGET_SPENT_S)

        answer = await bff.ask(READ)

        assert answer.data == {"order": None}
        assert answer.origin("order") == ("LIVE", "BUDGET_SPENT")


async def test_without_a_projection_kept_answers_stand_in() -> None:
    """A gateway that only composes has them too."""
    async with open_composing_gateway(twins_of(*SHOP)) as bff:
        await bff.ask(READ)
        await let_orders_die(bff)

        answer = await bff.ask(READ)

        assert answer.origin("order") == KEPT
        assert answer.component("order")["insteadOf"] == "UPSTREAM_UNAVAILABLE"


@pytest.mark.parametrize(
    ("behaviour", "code"),
    [
        (hanging, "UPSTREAM_TIMEOUT"),
        (answering(httpx.Response(500)), "UPSTREAM_UNAVAILABLE"),
        (answering(httpx.Response(200, text="<html>")), "UPSTREAM_INVALID_ANSWER"),
        (answering(httpx.Response(200, text='{"id": 7}')), "UPSTREAM_INVALID_ANSWER"),
    ],
    ids=["hangs", "500", "no JSON", "wrong schema"],
)
async def test_nonsense_is_a_failure_and_is_never_kept(behaviour: object, code: str) -> None:
    """What stands in afterwards is what was there before it."""
    async with open_composing_gateway(twins_of(*SHOP)) as bff:
        await bff.ask(READ)
        await pass_time(BUDGET_SPENT_S)
        misbehave(bff.twins, "orders", behaviour)  # type: ignore[arg-type] # of the table above

        first, second = [await bff.ask(READ) for _ in range(2)]

        assert first.component("order")["insteadOf"] == code
        assert second.data["order"]["id"] == "o-1"


async def test_a_causal_read_shows_no_customer_older_than_the_order_needs() -> None:
    """The customer at hand is older than the writer of the order had seen: the error is shown."""
    renamed = changed(CUSTOMER, name="Ada Abel")
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, changed(ORDER, causal_deps=("customer:c-1@1.2",)), renamed)
        misbehave(twins, "customers", REFUSED)
        await pass_time(BUDGET_SPENT_S)

        answer = await bff.ask(
            '{ order(id: "o-1", consistency: {causal: {}}) { id customer { id name } } }'
        )

        assert answer.partial_data["order"]["customer"] is None


async def test_what_stands_in_for_a_list_that_fails_all_the_same_is_not_told() -> None:
    """An order of her token is at hand, its list is not: nothing older than demanded is shown."""
    async with open_composing_gateway(twins_of(*SHOP)) as bff:
        await bff.ask(READ)
        await let_orders_die(bff)

        listed = await bff.ask(LIST, token=bff.seal(ORDER))
        both = await bff.ask(f"{READ[:-1]} {LIST[1:]}", token=bff.seal(ORDER))

        assert listed.codes == {"orders.edges": "UPSTREAM_UNAVAILABLE"}
        assert listed.consistency["satisfied"] is True
        assert both.origin("order") == KEPT
        assert both.consistency["satisfied"] is False


async def test_a_list_that_passes_over_what_stands_in_stands_in_as_well() -> None:
    """Only what was kept says that her order is cancelled: the list is not sure of it either."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        cancelled = await bff.ask(CANCEL)
        await let_orders_die(bff, silence_s=NO_LONGER_FRESH_S)

        answer = await bff.ask(PLACED_LIST, token=cancelled.consistency["token"])

        assert answer.data["orders"]["edges"] == []
        assert answer.origin("orders") == ("PROJECTION", "STALE_IF_ERROR")
        assert answer.component("orders")["insteadOf"] == "UPSTREAM_UNAVAILABLE"
        assert answer.consistency["satisfied"] is False


async def test_a_row_at_hand_stands_in_for_the_older_one_of_a_lagging_list() -> None:
    """The list came from an old replica, and the order cannot be asked for by itself."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        await bff.projection.apply(NOTED)
        await pass_time(BUDGET_SPENT_S)

        def lists_alone(request: httpx.Request) -> httpx.Response:
            if request.url.path == "/orders":
                return page_of([ORDER], request.url.params)
            return httpx.Response(503)

        twins.orders.mock(side_effect=lists_alone)
        answer = await bff.ask(NOTES)

        (edge,) = answer.data["orders"]["edges"]
        assert edge["node"]["note"] == NOTED.note
        assert answer.origin("orders.edges.node") == STALE


async def test_a_list_that_may_not_stand_in_after_all_tells_of_none_of_its_rows() -> None:
    """Nobody knows how her last write to an order ended: there is no list, and nothing too old."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        uncertain = ConsistencyToken(uncertain=frozenset([AggregateKey(ORDER.key.type, "o-9")]))
        await let_orders_die(bff)

        answer = await bff.ask(LIST, token=bff.seal_token(uncertain))

        assert answer.codes == {"orders.edges": "UPSTREAM_UNAVAILABLE"}
        assert answer.consistency["satisfied"] is True
