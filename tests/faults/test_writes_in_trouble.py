"""A write that meets a failing service: the client learns whether it may have happened."""

import httpx
import pytest

from projections.versions import AggregateType
from projections.views import OrderRow
from tests.faults.misbehaviour import (
    Behaviour,
    answering,
    failing,
    hanging,
    misbehave,
    misbehaving,
)
from tests.gateway_in_process import open_gateway, own, pass_time, twins_of
from tests.graphql_answers import Json
from tests.resolvers.rows import ORDER, SHOP, changed

pytestmark = pytest.mark.steered_time

WRITE = 'mutation { updateOrder(input: {id: "o-1", note: "Ring"}) { order { note } } }'
PLACE = """mutation { placeOrder(input: {customerId: "c-1",
  items: [{productId: "p-1", quantity: 1}]}) { order { id } } }"""
READ = '{ order(id: "o-1") { note } }'
LIST = '{ orders(customerId: "c-1") { edges { node { id } } } }'
NOTED: OrderRow = changed(ORDER, note="Ring twice")
TOO_BUSY = httpx.Response(429, headers={"Retry-After": "2"})

UNKNOWN = {"service": "orders", "outcome": "UNKNOWN"}
NOT_DONE = {"service": "orders"}
TROUBLES: dict[str, tuple[Behaviour, Json, float]] = {
    "hangs": (hanging, {"code": "UPSTREAM_TIMEOUT", **UNKNOWN}, 1.0),
    "resets": (failing(httpx.ReadError), {"code": "UPSTREAM_UNAVAILABLE", **UNKNOWN}, 0.0),
    "500": (answering(httpx.Response(500)), {"code": "UPSTREAM_UNAVAILABLE", **UNKNOWN}, 0.0),
    "malformed": (
        answering(httpx.Response(200, text="{")),
        {"code": "UPSTREAM_INVALID_ANSWER", **UNKNOWN},
        0.0,
    ),
    "refuses": (failing(httpx.ConnectError), {"code": "UPSTREAM_UNAVAILABLE", **NOT_DONE}, 0.0),
    "too busy": (
        answering(TOO_BUSY),
        {"code": "UPSTREAM_UNAVAILABLE", "retryAfterMs": 2000, **NOT_DONE},
        0.0,
    ),
}


@pytest.mark.parametrize(("behaviour", "told", "elapsed_s"), TROUBLES.values(), ids=TROUBLES.keys())
async def test_a_write_is_sent_once_and_its_fate_is_told(
    behaviour: Behaviour, told: Json, elapsed_s: float
) -> None:
    """Where it may have been done the outcome is UNKNOWN; where it cannot have, nothing is said."""
    twins = twins_of(*SHOP)
    misbehave(twins, "orders", behaviour)
    async with open_gateway(twins) as bff:
        answer = await bff.ask(WRITE)

        assert answer.partial_data is None
        assert answer.error["extensions"] == told
        assert answer.error["path"] == ["updateOrder"]
        assert ("may have been done" in answer.error["message"]) is ("outcome" in told)
        assert (answer.elapsed_s, len(bff.hits)) == (elapsed_s, 1)


async def test_a_write_that_was_not_done_promises_nothing() -> None:
    """There is no version to promise; the read that follows is an ordinary one."""
    twins = twins_of(*SHOP)
    misbehave(twins, "orders", failing(httpx.ConnectError))
    async with open_gateway(twins) as bff:
        answer = await bff.ask(WRITE)

        assert answer.token is None


async def test_after_a_write_without_an_answer_its_owner_is_asked_once() -> None:
    """The token calls it uncertain; the next read is live, and then it is certain again."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        with misbehaving(twins, "orders", hanging):
            lost = await bff.ask(WRITE)
        own(twins, NOTED)

        read = await bff.ask(READ, token=lost.token)
        again = await bff.ask(READ, token=read.token)

        assert bff.opened(lost.token).uncertain == {NOTED.key}
        assert read.data == {"order": {"note": "Ring twice"}}
        assert read.origin("order") == ("LIVE", "OUTCOME_UNKNOWN")
        assert bff.opened(read.token).uncertain == frozenset()
        assert again.data == read.data
        assert again.origin("order")[1] != "OUTCOME_UNKNOWN"


async def test_an_order_that_may_have_been_placed_is_looked_for_live() -> None:
    """Nobody knows its id, so the customer's list is read live until it is proven current."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        with misbehaving(twins, "orders", hanging):
            lost = await bff.ask(PLACE)
        at_once = await bff.ask(LIST, token=lost.token)
        await pass_time(2.0)
        await bff.projection.prove()
        later = await bff.ask(LIST, token=lost.token)

        assert set(bff.opened(lost.token).marks) == {AggregateType.ORDER}
        assert at_once.origin("orders") == ("LIVE", "TOKEN_NOT_REACHED")
        assert later.origin("orders")[0] == "PROJECTION"
