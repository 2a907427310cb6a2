"""Every fault of every service and pair, met by API composition: what is seen, when, at what cost.

Faults stand in `fault_table`, what each costs the page in `casualties`. The services are twins
inside the real tower of layers; the time limits are the gateway's own, told by a steered clock.
"""

from typing import cast

import httpx
import pytest

from projections.versions import Version
from projections.views import Row
from tests.contracts.twins import UpstreamTwins
from tests.faults.casualties import (
    CASUALTIES,
    COMPOSED,
    GUESSED,
    PAGE,
    SERVICES,
    WHOLE,
    Casualty,
    Way,
    each_casualty,
    each_single,
    each_way,
    hit_counts,
    told_of,
)
from tests.faults.fault_table import FAULTS, Befall, Fault, be_late_with_the_body
from tests.faults.misbehaviour import (
    Behaviour,
    healthy_answer_of,
    misbehave,
    route_of,
    shelf_of,
    slow_down,
)
from tests.gateway_in_process import open_composing_gateway, open_gateway, pass_time, twins_of
from tests.resolvers.rows import CUSTOMER, LAMP, MUG, ORDER, SHOP

pytestmark = pytest.mark.steered_time

BUDGET_SPENT_S = 3.0
WITHIN_LIMIT_S = 0.9
LIST = """{ orders(customerId: "c-1") { edges { node {
  status customer { name } items { quantity product { name } } } } } }"""
PART_OF = {"orders": "order", "customers": "order.customer", "products": "order.items.product"}
ROWS_OF: dict[str, tuple[Row, ...]] = {
    "orders": (ORDER,),
    "customers": (CUSTOMER,),
    "products": (LAMP, MUG),
}
MATRIX = [
    pytest.param(casualty, fault, id=f"{casualty}-{fault.name}")
    for casualty in CASUALTIES
    for fault in FAULTS
    if not (fault.spares_orders and "orders" in casualty.services)
]
LATENESSES: tuple[Befall, ...] = (
    lambda twins, service: slow_down(twins, service, WITHIN_LIMIT_S),
    lambda twins, service: be_late_with_the_body(twins, service, WITHIN_LIMIT_S),
)
each_case = pytest.mark.parametrize(("casualty", "fault"), MATRIX)


@each_way
@each_case
async def test_failing_services_take_their_own_fields_and_nothing_else(
    way: Way, casualty: Casualty, fault: Fault
) -> None:
    """The rest of the page is there, each lost field says why, and two faults take as long as one.

    Only who may be better the next time is asked again.
    """
    twins = twins_of(*SHOP)
    for service in casualty.services:
        fault.befall(twins, service)
    async with way.opened(twins, **way.settings) as bff:
        answer = await bff.ask(way.page)

        assert answer.partial_data == {"order": casualty.shown}
        assert told_of(answer) == {
            path: {"code": fault.code, "service": service, **dict(fault.details)}
            for path, service in casualty.errors.items()
        }
        assert answer.elapsed_s == fault.elapsed_s
        assert hit_counts(bff) == expected_hits(casualty, fault, way)


def expected_hits(casualty: Casualty, fault: Fault, way: Way) -> dict[str, int]:
    unreached = () if way.asks_ahead else casualty.unreached
    hits = {s: fault.attempt_count if s in casualty.services else 1 for s in SERVICES}
    return {**hits, **dict.fromkeys(unreached, 0)}


@each_case
async def test_failing_services_take_no_more_of_a_list(casualty: Casualty, fault: Fault) -> None:
    """Without orders there are no edges; else each node shows what is left, as a page does."""
    twins = twins_of(*SHOP)
    for service in casualty.services:
        fault.befall(twins, service)
    async with open_composing_gateway(twins) as bff:
        answer = await bff.ask(LIST)

        is_lost = casualty.shown is None
        edges = None if is_lost else [{"node": casualty.shown}]
        assert answer.partial_data == {"orders": {"edges": edges}}
        assert told_of(answer) == {
            "orders.edges" if is_lost else path.replace("order", "orders.edges.0.node", 1): {
                "code": fault.code,
                "service": service,
                **dict(fault.details),
            }
            for path, service in casualty.errors.items()
        }
        assert answer.elapsed_s == fault.elapsed_s
        assert hit_counts(bff) == expected_hits(casualty, fault, COMPOSED)


@each_single
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_pressing_for_a_newer_row_in_vain_takes_nothing_away(
    casualty: Casualty, fault: Fault
) -> None:
    """An owner that answers too old a row and fails when pressed has answered: it is shown.

    What was demanded and is missing is told, and nobody is pressed twice.
    """
    [service] = casualty.services
    twins = twins_of(*SHOP)
    befall_pressed(twins, service, fault)
    row, *_ = ROWS_OF[service]
    async with open_composing_gateway(twins) as bff:
        newer = Version(row.epoch, row.version + 1)
        answer = await bff.ask(PAGE % "", token=bff.seal_versions({row.key: newer}))

        assert answer.data == {"order": WHOLE}
        [missing] = answer.consistency["missing"]
        assert (missing["id"], missing["version"]) == (row.id, newer.number)
        assert answer.elapsed_s == fault.elapsed_s
        expected = {**dict.fromkeys(SERVICES, 1), service: 1 + fault.attempt_count}
        assert hit_counts(bff) == expected


def befall_pressed(twins: UpstreamTwins, service: str, fault: Fault) -> None:
    """The fault is met only by those who press for a version."""
    well = healthy_answer_of(twins, service)
    fault.befall(twins, service)
    ill = cast("Behaviour", route_of(twins, service).side_effect)

    async def answer(request: httpx.Request) -> httpx.Response:
        return await ill(request) if "Min-Version" in request.headers else well(request)

    misbehave(twins, service, answer)


@each_case
async def test_with_a_projection_at_hand_no_fault_takes_anything(
    casualty: Casualty, fault: Fault
) -> None:
    """Too old for plain reads, it stands in for whoever fails, and says in place of what."""
    twins = twins_of(*SHOP)
    for service in casualty.services:
        fault.befall(twins, service)
    async with open_gateway(twins) as bff:
        await pass_time(BUDGET_SPENT_S)

        answer = await bff.ask(PAGE % "")

        assert answer.data == {"order": WHOLE}
        instead_of = {c["path"]: c.get("insteadOf") for c in answer.consistency["components"]}
        assert instead_of == {
            path: fault.code if service in casualty.services else None
            for service, path in PART_OF.items()
        }
        assert answer.elapsed_s == fault.elapsed_s
        assert hit_counts(bff) == expected_hits(casualty, fault, GUESSED)


@each_way
@each_casualty
@pytest.mark.parametrize("lateness", LATENESSES, ids=["slow", "slow body"])
async def test_services_within_their_limit_are_waited_for(
    way: Way, casualty: Casualty, lateness: Befall
) -> None:
    """The control: those that answer after 0.9 s cost time and nothing else."""
    twins = twins_of(*SHOP)
    for service in casualty.services:
        lateness(twins, service)
    async with way.opened(twins, **way.settings) as bff:
        answer = await bff.ask(way.page)

        assert answer.data == {"order": WHOLE}
        assert answer.elapsed_s == WITHIN_LIMIT_S * wave_count(casualty, way)
        assert hit_counts(bff) == dict.fromkeys(SERVICES, 1)


def wave_count(casualty: Casualty, way: Way) -> int:
    """How many of the page's waves wait for these services: the order's, and that of the rest."""
    is_order_apart = casualty.services[0] == "orders" and len(casualty.services) > 1
    return 2 if is_order_apart and not way.asks_ahead else 1


@each_way
@each_casualty
async def test_rows_that_do_not_exist_are_null_without_an_error(
    way: Way, casualty: Casualty
) -> None:
    """A 404 for an order, and what a batch leaves out, are answers; nobody is asked twice."""
    twins = twins_of(*SHOP)
    async with way.opened(twins, **way.settings) as bff:
        for service in casualty.services:
            shelf_of(twins, service).clear()

        answer = await bff.ask(way.page)

        assert answer.data == {"order": casualty.shown}
        unreached = () if way.asks_ahead else casualty.unreached
        assert hit_counts(bff) == {**dict.fromkeys(SERVICES, 1), **dict.fromkeys(unreached, 0)}


@each_casualty
async def test_rows_denied_when_pressed_for_are_null_without_an_error(casualty: Casualty) -> None:
    """Who knows that there was a row presses for it alone; a 404 even then is an answer, and told.

    The page that shows the absence is not what its caller demanded.
    """
    twins = twins_of(*SHOP)
    denied = [row for service in casualty.services for row in ROWS_OF[service]]
    async with open_composing_gateway(twins) as bff:
        for service in casualty.services:
            shelf_of(twins, service).clear()

        answer = await bff.ask(PAGE % "", token=bff.seal(*denied))

        assert answer.data == {"order": casualty.shown}
        reached = [row.key for row in denied if row.key.type.source not in casualty.unreached]
        assert [missing["id"] for missing in answer.consistency["missing"]] == [
            key.id for key in reached
        ]
        pressed = {f"GET /{key.type.source}/{key.id}" for key in reached}
        assert pressed <= set(bff.calls)
        assert len(bff.calls) == len(SERVICES) - len(casualty.unreached) + len(reached)
