"""Services that are dead, one or two at a time: what each part of a page shows all the same.

A table, as the promise is: with any one service dead a page shows everything that the projection or
the cache holds. The projection has grown older than its budget, so that plain reads go to the
owners. ``warm``: somebody has read the page from them a little later than the projection was proven
current last, so that their answers are kept, and are what has been confirmed last.
"""

import asyncio
from dataclasses import dataclass

import httpx
import pytest

from tests.faults.misbehaviour import failing, hanging, misbehave
from tests.gateway_in_process import GatewayInProcess, open_gateway, pass_time, twins_of
from tests.graphql_answers import Answer
from tests.resolvers.rows import SHOP

pytestmark = pytest.mark.steered_time

PAGE = '{ order(id: "o-1") { id status customer { id name } items { product { id name } } } }'
LIVE_PAGE = '{ order(id: "o-1", consistency: {live: true}) { id } }'
LIST = '{ orders(customerId: "c-1") { edges { node { id customer { id name } } } } }'
BUDGET_SPENT_S = 3.0
LONG_AGO_S = 10.0
MORE_THAN_IT_BEARS = 40
PART_OF = {"orders": "order", "customers": "order.customer", "products": "order.items.product"}

LIVE = "LIVE"
PROJECTED = "PROJECTION STALE_IF_ERROR"
KEPT = "LIVE STALE_IF_ERROR"
ERROR = "UPSTREAM_UNAVAILABLE"
NOWHERE = "not reached"


@dataclass(frozen=True)
class Case:
    """Who is dead, what is left, and what is shown of the dead ones' parts."""

    dead: tuple[str, ...]
    is_store_gone: bool
    is_warm: bool
    shown: str

    def __str__(self) -> str:
        store = "store gone" if self.is_store_gone else "store well"
        return f"{' and '.join(self.dead)} dead, {store}, {'warm' if self.is_warm else 'cold'}"


DEAD = (
    ("orders",),
    ("customers",),
    ("products",),
    ("orders", "customers"),
    ("orders", "products"),
    ("customers", "products"),
    ("orders", "customers", "products"),
)
LEFT = (
    # store gone, cache warm, what stands in
    (False, False, PROJECTED),
    (False, True, KEPT),
    (True, True, KEPT),
    (True, False, ERROR),
)
CASES = [Case(dead, gone, warm, shown) for dead in DEAD for gone, warm, shown in LEFT]


def shown_at(answer: Answer, service: str) -> str:
    """Where the parts of a service came from, or the code of what became of them."""
    path = PART_OF[service]
    told = {
        f"{c['source']} {c['reason']}" if c["reason"] == "STALE_IF_ERROR" else c["source"]
        for c in answer.consistency["components"]
        if c["path"] == path
    }
    plain = {"".join(p for p in at if not p.isdigit()): code for at, code in answer.codes.items()}
    told |= {code for at, code in plain.items() if at.replace("..", ".") == path}
    return " ".join(sorted(told)) or NOWHERE


async def break_down(bff: GatewayInProcess, case: Case) -> None:
    """Everything that has gone wrong before the page is asked for."""
    if case.is_warm:
        bff.store.is_gone = True
        await bff.ask(PAGE)
        bff.store.is_gone = False
        await pass_time(LONG_AGO_S - BUDGET_SPENT_S)
    await pass_time(BUDGET_SPENT_S)
    for service in case.dead:
        misbehave(bff.twins, service, failing(httpx.ConnectError))
    bff.store.is_gone = case.is_store_gone


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_dead_services_show_what_is_at_hand(case: Case) -> None:
    """Their parts are stale and say so, or an error; all others are live, as ever."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await break_down(bff, case)

        answer = await bff.ask(PAGE)

        is_order_lost = "orders" in case.dead and case.shown == ERROR
        for service in PART_OF:
            expected = case.shown if service in case.dead else LIVE
            if is_order_lost and service != "orders":
                expected = NOWHERE
            assert shown_at(answer, service) == expected, service
        assert answer.consistency["satisfied"] is (case.shown == ERROR)


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_without_the_ladder_dead_services_are_errors(case: Case) -> None:
    """The control: with `BFF_STALE_IF_ERROR_S=0` their parts are null, whatever is at hand."""
    async with open_gateway(twins_of(*SHOP), stale_if_error_s=0) as bff:
        await break_down(bff, case)

        answer = await bff.ask(PAGE)

        first = next(service for service in PART_OF if service in case.dead)
        assert shown_at(answer, first) == ERROR


async def test_a_part_that_stands_in_says_in_place_of_what() -> None:
    """Its age is true, and the code is the one that the client would have got."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await pass_time(BUDGET_SPENT_S)
        misbehave(bff.twins, "customers", failing(httpx.ConnectError))

        answer = await bff.ask(PAGE)

        assert answer.data["order"]["customer"]["name"] == "Ada"
        told = answer.component("order.customer")
        assert (told["insteadOf"], told["ageMs"]) == ("UPSTREAM_UNAVAILABLE", 3000)
        assert "insteadOf" not in answer.component("order")


async def test_a_list_and_its_orders_stand_in_with_one_call() -> None:
    """The order service has just failed: it is not asked again for every order of the list."""
    async with open_gateway(twins_of(*SHOP), retries=0) as bff:
        await pass_time(BUDGET_SPENT_S)
        misbehave(bff.twins, "orders", failing(httpx.ConnectError))

        answer = await bff.ask(LIST)

        assert [edge["node"]["id"] for edge in answer.data["orders"]["edges"]] == ["o-1"]
        assert answer.origin("orders") == ("PROJECTION", "STALE_IF_ERROR")
        assert answer.origin("orders.edges.node") == ("PROJECTION", "STALE_IF_ERROR")
        assert answer.origin("orders.edges.node.customer") == ("LIVE", "BUDGET_SPENT")
        assert len(bff.hits_of("orders")) == 1


async def test_once_the_circuit_is_open_nobody_waits_for_what_stands_in() -> None:
    """A service that hangs costs the first readers an attempt each, and then nobody anything."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await pass_time(BUDGET_SPENT_S)
        misbehave(bff.twins, "orders", hanging)
        crowd = [asyncio.ensure_future(bff.ask(PAGE)) for _ in range(1)]
        crowd += [asyncio.ensure_future(bff.ask(LIVE_PAGE)) for _ in range(MORE_THAN_IT_BEARS)]
        await asyncio.wait(crowd)

        answer = await bff.ask(PAGE)

        assert (crowd[0].result().elapsed_s, answer.elapsed_s) == (1.0, 0.0)
        assert answer.component("order")["insteadOf"] == "CIRCUIT_OPEN"
        assert answer.data["order"]["customer"]["name"] == "Ada"


async def test_at_the_deadline_what_is_at_hand_is_shown() -> None:
    """The page comes when it must, and the part that was waited for stands in."""
    async with open_gateway(twins_of(*SHOP), request_timeout_s=0.3) as bff:
        await pass_time(BUDGET_SPENT_S)
        misbehave(bff.twins, "customers", hanging)

        answer = await bff.ask(PAGE)

        assert answer.elapsed_s == pytest.approx(0.3)
        assert answer.component("order.customer")["insteadOf"] == "DEADLINE_EXCEEDED"
