"""What an operation has made is gone with it: nothing waits for the garbage collector.

In an overload operations live long enough to reach the oldest generation. What they leave in
circles there is collected in one pause, seconds long, in which nobody is answered. Failures are no
exception: a raised error holds every frame it has come through, and with them the operation.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from unittest.mock import patch

import httpx
import pytest
from graphql import GraphQLError
from graphql.execution import Executor

from gateway import operation
from gateway.execution import executor
from gateway.execution.documents import Documents
from gateway.telemetry import Telemetry
from resolvers import loaders, order_details, reading
from tests.faults.misbehaviour import (
    Behaviour,
    answering,
    failing,
    hanging,
    healthy_answer_of,
    misbehave,
)
from tests.garbage import COUNT, Act, left_behind
from tests.gateway.front_door import Exchange, open_door, part
from tests.gateway_in_process import (
    GatewayInProcess,
    open_composing_gateway,
    open_gateway,
    pass_time,
    twins_of,
)
from tests.resolvers.rows import ORDER, SHOP, changed

pytestmark = pytest.mark.steered_time

PAGE = '{ order(id: "o-1"%s) { note customer { name } items { product { name } } } }'
PROJECTED, LIVE = PAGE % "", PAGE % ", consistency: {live: true}"
TWICE = """{ one: order(id: "o-1", consistency: {live: true}) { note }
  another: order(id: "o-1", consistency: {live: true}) { note } }"""
LIST = 'orders(customerId: "c-1", consistency: {live: true}) { edges { node { id } } }'
PAGE_AND_LIST = LIVE.removesuffix("}") + LIST + "}"
WRITE = 'mutation { updateOrder(input: {id: "o-1", note: "Ring"}) { order { note } } }'
NO_CURSOR = '{ orders(customerId: "c-1", after: "x") { edges { node { id } } } }'
PROVEN = """{ order(id: "o-1", consistency: {atLeast: {tokens: ["%s"], onTimeout: ERROR}}) {
  note } }"""
INVALID = httpx.Response(422, json={"code": "invalid", "detail": "no", "field": "note"})
REST_S = 7.0
"""After it nobody is still called for the last answer's sake, and no circuit has counted it."""

FAILURES: Final[dict[str, Behaviour]] = {
    "500": answering(httpx.Response(500)),
    "hangs": hanging,
    "breaks off": failing(httpx.ReadError),
    "refuses": failing(httpx.ConnectError),
    "nonsense": answering(httpx.Response(200, text="{")),
    "too busy": answering(httpx.Response(429, headers={"Retry-After": "1"})),
    "rejects": answering(INVALID),
}
NOT_KEPT: Final = {"live_fresh_ms": 0, "live_revalidate_ms": 0, "guess_ahead": False}
PAID_COUNT: Final = 150
"""Calls whose answers pay for as many calls made again as are needed here."""


def asking(bff: GatewayInProcess, query: str, code: str | None = None) -> Act:
    """Ask this; the answer has no error, or one of this code."""

    async def ask() -> None:
        answer = await bff.ask(query)
        assert [error["extensions"]["code"] for error in answer.errors] == [code] * bool(code)

    return ask


@asynccontextmanager
async def gateway_of_failing_orders(behaviour: Behaviour) -> AsyncIterator[GatewayInProcess]:
    async with open_gateway(twins_of(*SHOP)) as bff:
        misbehave(bff.twins, "orders", behaviour)
        yield bff


@pytest.mark.parametrize("query", [PROJECTED, LIVE], ids=["projected", "live"])
async def test_an_answered_query_leaves_nothing_to_collect(query: str) -> None:
    """Wherever its parts come from, all that was made for it goes with its last reference."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        assert await left_behind(asking(bff, query)) == {}


@pytest.mark.parametrize("behaviour", FAILURES.values(), ids=FAILURES.keys())
@pytest.mark.parametrize("query", [PAGE_AND_LIST, WRITE], ids=["read", "write"])
async def test_nor_does_one_that_failed(query: str, behaviour: Behaviour) -> None:
    """However its service fails, what it is told of that holds nothing of what was done."""
    async with gateway_of_failing_orders(behaviour) as bff:
        assert await left_behind(lambda: bff.ask(query), rest_s=REST_S) == {}


async def test_nor_does_an_open_circuit() -> None:
    """A call that is not made is refused without a trace."""
    async with gateway_of_failing_orders(FAILURES["500"]) as bff:
        for _ in range(40):
            await bff.ask(LIVE)

        assert await left_behind(asking(bff, LIVE, "CIRCUIT_OPEN")) == {}


async def test_nor_does_what_stands_in() -> None:
    """The failure that it is shown for lives as long as its provenance, and no frame with it."""
    async with gateway_of_failing_orders(FAILURES["refuses"]) as bff:
        await pass_time(3.0)

        assert await left_behind(asking(bff, PROJECTED), rest_s=REST_S) == {}


async def test_nor_does_a_call_that_lost_against_its_hedge() -> None:
    """The one that is cancelled goes when the other has answered."""
    async with open_gateway(twins_of(*SHOP), **NOT_KEPT) as bff:
        answer = healthy_answer_of(bff.twins, "orders")

        async def answer_late(request: httpx.Request) -> httpx.Response:
            is_first = len(bff.hits_of("orders")) == 1
            await asyncio.sleep(0.5 if is_first else 0.01)
            return answer(request)

        misbehave(bff.twins, "orders", answer_late)
        for _ in range(PAID_COUNT):
            await bff.ask(LIVE)
        took_s = []

        async def ask() -> None:
            bff.forget_hits()
            took_s.append((await bff.ask(LIVE)).elapsed_s)

        assert await left_behind(ask) == {}
    assert max(took_s) < 0.1


@pytest.mark.parametrize(
    ("query", "code"),
    [(NO_CURSOR, "BAD_USER_INPUT"), (PROVEN, "CONSISTENCY_TIMEOUT")],
    ids=["a bad argument", "an unreached demand"],
)
async def test_nor_does_a_refusal(query: str, code: str) -> None:
    """A field that is refused names why, and holds nothing."""
    async with gateway_of_failing_orders(FAILURES["refuses"]) as bff:
        token = bff.seal(changed(ORDER))
        refused = query.replace("%s", token)

        assert await left_behind(asking(bff, refused, code), rest_s=REST_S) == {}


async def test_nor_does_a_mistake_of_ours() -> None:
    """Once it has been logged with all its frames, it holds none."""

    async def mistake(*_: object) -> None:
        raise KeyError("made by a test")

    logged = []

    def note(_: Telemetry, __: str, error: GraphQLError) -> None:
        cause = error.original_error
        logged.append(cause is not None and cause.__traceback__ is not None)

    with (
        patch.object(reading.OperationReads, "_settle", mistake),
        patch.object(Telemetry, "mistake_made", note),
    ):
        async with open_gateway(twins_of(*SHOP)) as bff:
            left = await left_behind(lambda: bff.ask(TWICE))

    assert left == {}
    assert logged == [True] * 2 * (COUNT + 1)


async def leave_early(behaviour: Behaviour) -> Counter[str]:
    """What is left of clients who ask for two things and are gone before they are there."""
    async with open_door(**NOT_KEPT) as door:
        for _ in range(PAID_COUNT):
            await door.ask(TWICE)
        misbehave(door.twins, "orders", behaviour)

        async def leave() -> None:
            exchange = Exchange([part(json.dumps({"query": TWICE}).encode())])
            async with asyncio.TaskGroup() as group:
                group.create_task(exchange.run(door.app))
                await asyncio.sleep(0.05)
                exchange.leave()
            assert exchange.sent == []

        return await left_behind(leave, rest_s=REST_S)


@pytest.mark.parametrize("what", ["hangs", "too busy"], ids=["in a call", "between two calls"])
async def test_nor_does_a_client_that_leaves(what: str) -> None:
    """What is cancelled, wherever it waits, is gone at once."""
    assert await leave_early(FAILURES[what]) == {}


async def test_nor_does_a_deadline() -> None:
    """A shared call that nobody can wait for any longer is called off, and goes."""
    async with open_gateway(twins_of(*SHOP), request_timeout_s=0.3) as bff:
        misbehave(bff.twins, "orders", hanging)

        assert await left_behind(asking(bff, LIVE, "DEADLINE_EXCEEDED"), rest_s=30.0) == {}


async def test_control_the_executor_as_it_comes_leaves_whole_operations() -> None:
    """Without a plan, graphql-core's own holds itself, its context, and with that everything."""

    def as_it_comes(of: type[Executor[object]]) -> type[Executor[object]]:
        return of

    with (
        patch.object(executor, "uncircled", as_it_comes),
        patch.object(Documents, "plan", lambda *_: None),
    ):
        async with open_composing_gateway(twins_of(*SHOP)) as bff:
            left = await left_behind(asking(bff, PROJECTED))

    assert left["OperationContext"] == COUNT


async def test_control_errors_with_their_frames_leave_whole_operations() -> None:
    """An error that is told as it was raised is held by the frames that it holds."""
    with patch.object(operation, "without_frames", lambda error: error):
        async with gateway_of_failing_orders(FAILURES["500"]) as bff:
            left = await left_behind(lambda: bff.ask(WRITE), rest_s=REST_S)

    assert left["OperationContext"] == COUNT
    assert left["frame"] > COUNT


async def test_control_task_groups_as_they_come_leave_whole_operations() -> None:
    """Python's own hold the cancellation of those who leave, and with that everything."""
    with (
        patch.object(loaders, "TaskGroup", asyncio.TaskGroup),
        patch.object(order_details, "TaskGroup", asyncio.TaskGroup),
        patch.object(reading, "TaskGroup", asyncio.TaskGroup),
    ):
        left = await leave_early(hanging)

    assert left["OperationReads"] == COUNT
    assert left["frame"] > COUNT
