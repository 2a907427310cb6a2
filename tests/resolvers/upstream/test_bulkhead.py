"""The bulkhead bounds what one upstream may hold of us, in order of arrival, and loses no place."""

import asyncio
import random
from collections.abc import Awaitable

import httpx
import pytest
import respx

from resolvers.upstream.bulkhead import Bulkhead
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.errors import BulkheadFull, DeadlineExceeded, UpstreamError
from resolvers.upstream.transport import Request
from tests.resolvers.upstream.builders import (
    NEVER_OPEN,
    a_context,
    an_upstream,
    ask,
    let_everybody_run,
    now_s,
    some_options,
)

pytestmark = pytest.mark.steered_time


class Callers:
    """Calls through one bulkhead, each of which ends when it is told to."""

    def __init__(self, bulkhead: Bulkhead, group: asyncio.TaskGroup) -> None:
        self.bulkhead = bulkhead
        self.group = group
        self.begun: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}

    def call(self, name: str, *, timeout_s: float = 60.0) -> "asyncio.Task[str | UpstreamError]":
        self.ends[name] = asyncio.Event()
        return self.group.create_task(outcome_of(self._through(name, timeout_s)))

    async def end(self, name: str) -> None:
        self.ends[name].set()
        await let_everybody_run()

    async def _through(self, name: str, timeout_s: float) -> str:
        async def send(_: Request, __: CallContext) -> str:
            self.begun.append(name)
            await self.ends[name].wait()
            return name

        context = a_context(timeout_s=timeout_s)
        return await self.bulkhead.around(Request("GET", "/"), context, send)


async def outcome_of(call: Awaitable[str]) -> str | UpstreamError:
    try:
        return await call
    except UpstreamError as error:
        return error


def a_bulkhead(*, in_flight_limit: int = 1, queue_limit: int = 10) -> Bulkhead:
    return Bulkhead(
        "orders", some_options(in_flight_limit=in_flight_limit, queue_limit=queue_limit)
    )


async def test_no_more_calls_than_places_are_in_flight() -> None:
    """With two places the third call waits, whatever its luck."""
    bulkhead = a_bulkhead(in_flight_limit=2)

    async with asyncio.TaskGroup() as group:
        callers = Callers(bulkhead, group)
        for name in "abc":
            callers.call(name)
        await let_everybody_run()
        crowded = repr(bulkhead)
        for name in "abc":
            await callers.end(name)

    assert crowded == "<Bulkhead 2 in flight, 1 waiting>"
    assert repr(bulkhead) == "<Bulkhead 0 in flight, 0 waiting>"


async def test_call_over_both_bounds_is_refused_at_once() -> None:
    """A full queue refuses without waiting and says when the present calls will have ended."""
    bulkhead = a_bulkhead(in_flight_limit=1, queue_limit=1)

    async with asyncio.TaskGroup() as group:
        callers = Callers(bulkhead, group)
        callers.call("a")
        callers.call("b")
        await let_everybody_run()
        asked_at_s = now_s()
        refusal = await callers.call("c")
        refused_at_s = now_s()
        await callers.end("a")
        await callers.end("b")

    assert isinstance(refusal, BulkheadFull)
    assert refusal.retry_after_s == some_options().attempt_timeout_s
    assert refused_at_s == asked_at_s
    assert callers.begun == ["a", "b"]


async def test_places_are_given_in_order_of_arrival() -> None:
    """Waiting calls begin first come, first served, and a newcomer never overtakes."""
    bulkhead = a_bulkhead(in_flight_limit=1)

    async with asyncio.TaskGroup() as group:
        callers = Callers(bulkhead, group)
        for name in "abc":
            callers.call(name)
        await let_everybody_run()
        callers.ends["a"].set()
        callers.call("newcomer")
        for name in ("b", "c", "newcomer"):
            await let_everybody_run()
            await callers.end(name)

    assert callers.begun == ["a", "b", "c", "newcomer"]


async def test_waiting_ends_at_the_deadline_with_nothing_sent() -> None:
    """A call that got no place in time exceeds its deadline at that instant, outcome known."""
    bulkhead = a_bulkhead(in_flight_limit=1)

    async with asyncio.TaskGroup() as group:
        callers = Callers(bulkhead, group)
        callers.call("a")
        await let_everybody_run()
        outcome = await callers.call("b", timeout_s=0.75)
        given_up_at_s = now_s()
        await callers.end("a")

    assert isinstance(outcome, DeadlineExceeded)
    assert not outcome.is_outcome_unknown
    assert given_up_at_s == pytest.approx(0.75)
    assert callers.begun == ["a"]
    assert repr(bulkhead) == "<Bulkhead 0 in flight, 0 waiting>"


async def test_waiter_that_leaves_is_not_waited_for() -> None:
    """A cancelled waiter gives its turn to the one behind it."""
    bulkhead = a_bulkhead(in_flight_limit=1)

    async with asyncio.TaskGroup() as group:
        callers = Callers(bulkhead, group)
        callers.call("a")
        leaver = callers.call("leaver")
        callers.call("c")
        await let_everybody_run()
        leaver.cancel()
        await callers.end("a")
        await callers.end("c")

    assert leaver.cancelled()
    assert callers.begun == ["a", "c"]
    assert repr(bulkhead) == "<Bulkhead 0 in flight, 0 waiting>"


async def test_waiter_that_leaves_makes_room_in_the_queue() -> None:
    """The queue's bound counts who waits, not who ever waited."""
    bulkhead = a_bulkhead(in_flight_limit=1, queue_limit=1)

    async with asyncio.TaskGroup() as group:
        callers = Callers(bulkhead, group)
        callers.call("a")
        leaver = callers.call("leaver")
        await let_everybody_run()
        leaver.cancel()
        await let_everybody_run()
        callers.call("c")
        await callers.end("a")
        await callers.end("c")

    assert callers.begun == ["a", "c"]


@pytest.mark.parametrize("is_cancelled_first", [True, False])
async def test_place_handed_to_a_leaving_waiter_is_not_lost(is_cancelled_first: bool) -> None:
    """Handing over and leaving in the same instant, in either order, loses no place."""
    bulkhead = a_bulkhead(in_flight_limit=1)

    async with asyncio.TaskGroup() as group:
        callers = Callers(bulkhead, group)
        callers.call("a")
        leaver = callers.call("leaver")
        callers.call("c")
        await let_everybody_run()
        if is_cancelled_first:
            leaver.cancel()
            callers.ends["a"].set()
        else:
            callers.ends["a"].set()
            # One turn: "a" ends and hands its place over, the leaver has not yet woken.
            await asyncio.sleep(0)
            leaver.cancel()
        await let_everybody_run()
        await callers.end("c")

    assert callers.begun == ["a", "c"]
    assert repr(bulkhead) == "<Bulkhead 0 in flight, 0 waiting>"


@pytest.mark.parametrize("seed", range(20))
async def test_bulkhead_is_empty_after_any_storm(seed: int) -> None:
    """After any mix of ends, cancellations and deadlines no place is lost and none was exceeded."""
    chance = random.Random(seed)
    bulkhead = a_bulkhead(in_flight_limit=3, queue_limit=20)
    in_flight_count = most_in_flight_count = 0

    async def send(_: Request, __: CallContext) -> str:
        nonlocal in_flight_count, most_in_flight_count
        in_flight_count += 1
        most_in_flight_count = max(most_in_flight_count, in_flight_count)
        try:
            await asyncio.sleep(chance.randrange(4))
        finally:
            in_flight_count -= 1
        return "done"

    async with asyncio.TaskGroup() as group:
        for _ in range(100):
            context = a_context(timeout_s=chance.randrange(1, 6))
            call = bulkhead.around(Request("GET", "/"), context, send)
            task = group.create_task(outcome_of(call))
            if chance.random() < 0.3:
                asyncio.get_running_loop().call_later(chance.randrange(4), task.cancel)
            await asyncio.sleep(chance.choice([0, 0, 0, 1]))

    assert most_in_flight_count == 3
    assert repr(bulkhead) == "<Bulkhead 0 in flight, 0 waiting>"


BEARABLE_COUNT = 8


@pytest.mark.parametrize(("place_count", "answered_count"), [(BEARABLE_COUNT, 40), (1024, 8)])
async def test_places_keep_a_crowd_from_what_is_too_much_for_a_service(
    router: respx.Router, service: respx.Route, place_count: int, answered_count: int
) -> None:
    """Forty callers of a service that bears eight are served in turns; the control, not in time.

    The control has a place for everybody: those beyond the eighth make it thrash.
    """
    in_flight = set[httpx.Request]()

    async def thrash_beyond_eight(request: httpx.Request) -> httpx.Response:
        in_flight.add(request)
        try:
            await asyncio.sleep(0.02 if len(in_flight) <= BEARABLE_COUNT else 5.0)
        finally:
            in_flight.remove(request)
        return httpx.Response(200, text="served")

    service.mock(side_effect=thrash_beyond_eight)
    options = some_options(in_flight_limit=place_count, breaker=NEVER_OPEN)
    upstream = an_upstream(router, options)
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(ask(upstream)) for _ in range(40)]

    assert [call.result() for call in calls].count("served") == answered_count
