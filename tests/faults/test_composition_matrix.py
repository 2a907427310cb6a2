"""Every fault of every service, met by API composition: what the client sees, when, at what cost.

The page is an order with its customer and two products. The services are twins inside the real
tower of layers; the time limits are the gateway's own (an attempt 1 s), told by a steered clock.
"""

from dataclasses import dataclass
from http import HTTPStatus

import httpx
import pytest

from tests.faults.misbehaviour import (
    Behaviour,
    about_another_row,
    answering,
    failing,
    hanging,
    misbehave,
    slow_down,
)
from tests.gateway_in_process import (
    GatewayInProcess,
    Opening,
    open_composing_gateway,
    open_gateway,
    twins_of,
)
from tests.graphql_answers import Answer, Json
from tests.resolvers.rows import SHOP

pytestmark = pytest.mark.steered_time

ATTEMPT_TIMEOUT_S = 1.0


@dataclass(frozen=True)
class Fault:
    """What a service does, what the client is told of it, and how often the service is asked."""

    name: str
    behaviour: Behaviour
    code: str
    details: tuple[tuple[str, object], ...] = ()
    elapsed_s: float = 0.0
    attempt_count: int = 1


def status(code: HTTPStatus, **headers: str) -> Behaviour:
    return answering(httpx.Response(code, headers=headers))


def text(body: str) -> Behaviour:
    return answering(httpx.Response(200, text=body))


FAULTS = (
    Fault("hangs", hanging, "UPSTREAM_TIMEOUT", elapsed_s=ATTEMPT_TIMEOUT_S),
    Fault("500", status(HTTPStatus.INTERNAL_SERVER_ERROR), "UPSTREAM_UNAVAILABLE", attempt_count=3),
    Fault("429", status(HTTPStatus.TOO_MANY_REQUESTS), "UPSTREAM_UNAVAILABLE", attempt_count=3),
    Fault(
        "429 + Retry-After",
        status(HTTPStatus.TOO_MANY_REQUESTS, **{"Retry-After": "3"}),
        "UPSTREAM_UNAVAILABLE",
        details=(("retryAfterMs", 3000),),
    ),
    Fault("refuses", failing(httpx.ConnectError), "UPSTREAM_UNAVAILABLE", attempt_count=3),
    Fault("resets", failing(httpx.ReadError), "UPSTREAM_UNAVAILABLE", attempt_count=3),
    Fault("malformed JSON", text('{"items": [{"id": "o-'), "UPSTREAM_INVALID_ANSWER"),
    Fault("wrong schema", text('{"id": 1, "items": [{"id": 1}]}'), "UPSTREAM_INVALID_ANSWER"),
    Fault("not JSON", text("<html>Welcome</html>"), "UPSTREAM_INVALID_ANSWER"),
)


@dataclass(frozen=True)
class Casualty:
    """What a page loses with one service, and which services it still asks."""

    service: str
    data: Json
    error_paths: list[list[str | int]]
    hits: dict[str, int]


WHOLE_ORDER = {
    "status": "PLACED",
    "customer": {"name": "Ada"},
    "items": [
        {"quantity": 1, "product": {"name": "Lamp"}},
        {"quantity": 1, "product": {"name": "Mug"}},
    ],
}
WITHOUT_PRODUCTS = [{"quantity": 1, "product": None}, {"quantity": 1, "product": None}]
ALL_ASKED_ONCE = {"orders": 1, "customers": 1, "products": 1}

CASUALTIES = (
    Casualty("orders", None, [["order"]], {"orders": 1, "customers": 0, "products": 0}),
    Casualty(
        "customers", {**WHOLE_ORDER, "customer": None}, [["order", "customer"]], ALL_ASKED_ONCE
    ),
    Casualty(
        "products",
        {**WHOLE_ORDER, "items": WITHOUT_PRODUCTS},
        [["order", "items", 0, "product"], ["order", "items", 1, "product"]],
        ALL_ASKED_ONCE,
    ),
)

PAGE = '{ order(id: "o-1"%s) { status customer { name } items { quantity product { name } } } }'
WAYS = {
    "no projection": (open_composing_gateway, PAGE % ""),
    "live demanded": (open_gateway, PAGE % ", consistency: {live: true}"),
}

each_way = pytest.mark.parametrize(("opened", "page"), WAYS.values(), ids=WAYS.keys())
each_casualty = pytest.mark.parametrize("casualty", CASUALTIES, ids=lambda c: c.service)


def hit_counts(bff: GatewayInProcess) -> dict[str, int]:
    return {service: len(bff.hits_of(service)) for service in ALL_ASKED_ONCE}


def details_of(answer: Answer) -> list[Json]:
    return [error["extensions"] for error in answer.errors]


@each_way
@each_casualty
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_a_failing_service_takes_its_own_fields_and_nothing_else(
    opened: Opening, page: str, casualty: Casualty, fault: Fault
) -> None:
    """The rest of the page is there, each lost field says why; asked again is who may be better.

    Nobody is asked on a guess either: what that adds is told in `test_speculation`.
    """
    twins = twins_of(*SHOP)
    misbehave(twins, casualty.service, fault.behaviour)
    async with opened(twins, guess_ahead=False) as bff:
        answer = await bff.ask(page)

        assert answer.partial_data == {"order": casualty.data}
        assert sorted(error["path"] for error in answer.errors) == casualty.error_paths
        told = {"code": fault.code, "service": casualty.service, **dict(fault.details)}
        assert details_of(answer) == [told] * len(casualty.error_paths)
        assert answer.elapsed_s == fault.elapsed_s
        assert hit_counts(bff) == {**casualty.hits, casualty.service: fault.attempt_count}


@each_way
@each_casualty
async def test_an_answer_about_something_else_is_no_answer(
    opened: Opening, page: str, casualty: Casualty
) -> None:
    """A well-formed row with another id is never shown."""
    twins = twins_of(*SHOP)
    misbehave(twins, casualty.service, answering(about_another_row(casualty.service)))
    async with opened(twins) as bff:
        answer = await bff.ask(page)

        assert answer.partial_data == {"order": casualty.data}
        assert set(answer.codes.values()) == {"UPSTREAM_INVALID_ANSWER"}


@each_way
@each_casualty
async def test_a_service_slower_than_its_limit_is_left_at_the_limit(
    opened: Opening, page: str, casualty: Casualty
) -> None:
    """A service that would answer after 1.5 s is given up after exactly 1 s."""
    twins = twins_of(*SHOP)
    slow_down(twins, casualty.service, 1.5)
    async with opened(twins) as bff:
        answer = await bff.ask(page)

        assert answer.partial_data == {"order": casualty.data}
        assert set(answer.codes.values()) == {"UPSTREAM_TIMEOUT"}
        assert answer.elapsed_s == ATTEMPT_TIMEOUT_S


@each_way
@each_casualty
async def test_a_service_within_its_limit_is_waited_for(
    opened: Opening, page: str, casualty: Casualty
) -> None:
    """The control: the same service answering after 0.9 s costs time and nothing else."""
    twins = twins_of(*SHOP)
    slow_down(twins, casualty.service, 0.9)
    async with opened(twins) as bff:
        answer = await bff.ask(page)

        assert answer.data == {"order": WHOLE_ORDER}
        assert answer.elapsed_s == 0.9
        assert hit_counts(bff) == ALL_ASKED_ONCE


@each_way
async def test_an_unknown_order_is_null_without_an_error(opened: Opening, page: str) -> None:
    """A 404 for one order is an answer: there is none, and so nobody else is asked."""
    twins = twins_of(*SHOP)
    del twins.order_shelf.rows["o-1"]
    async with opened(twins) as bff:
        answer = await bff.ask(page)

        assert answer.data == {"order": None}
        assert bff.calls == ["GET /orders/o-1"]


@each_way
async def test_rows_unknown_to_a_batch_are_null_without_an_error(
    opened: Opening, page: str
) -> None:
    """What a batch leaves out does not exist, and that is no failure."""
    order, *_ = SHOP
    async with opened(twins_of(order)) as bff:
        answer = await bff.ask(page)

        assert answer.data["order"]["customer"] is None
        assert answer.data["order"]["items"] == WITHOUT_PRODUCTS


@each_way
@pytest.mark.parametrize("casualty", CASUALTIES[1:], ids=lambda c: c.service)
async def test_a_missing_batch_endpoint_is_no_proof_of_absence(
    opened: Opening, page: str, casualty: Casualty
) -> None:
    """A 404 for a whole batch means a wrong address, not that its rows do not exist."""
    twins = twins_of(*SHOP)
    misbehave(twins, casualty.service, status(HTTPStatus.NOT_FOUND))
    async with opened(twins) as bff:
        answer = await bff.ask(page)

        assert answer.partial_data == {"order": casualty.data}
        assert set(answer.codes.values()) == {"UPSTREAM_INVALID_ANSWER"}


@each_way
async def test_with_two_services_down_the_order_itself_is_still_shown(
    opened: Opening, page: str
) -> None:
    """Two hanging services cost one attempt timeout together, not one each."""
    twins = twins_of(*SHOP)
    misbehave(twins, "customers", hanging)
    misbehave(twins, "products", hanging)
    async with opened(twins) as bff:
        answer = await bff.ask(page)

        lost = {**WHOLE_ORDER, "customer": None, "items": WITHOUT_PRODUCTS}
        assert answer.partial_data == {"order": lost}
        assert {error["extensions"]["service"] for error in answer.errors} == {
            "customers",
            "products",
        }
        assert answer.elapsed_s == ATTEMPT_TIMEOUT_S
