"""The bulkhead gives a service as many calls as it bears, and the places follow without a hole."""

import asyncio

import pytest

from resolvers.upstream.adaptive_limit import AdaptiveLimitOptions
from resolvers.upstream.bulkhead import Bulkhead
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.call_log import CallLog, CallStep
from resolvers.upstream.deadline import Deadline
from resolvers.upstream.errors import (
    BulkheadFull,
    CircuitOpen,
    DeadlineExceeded,
    Refusal,
    Rejected,
    UpstreamError,
    UpstreamTimeout,
)
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.time_limits import AttemptTimeout
from resolvers.upstream.transport import Request
from tests.contracts.twins import ORDERS_URL
from tests.resolvers.upstream.builders import a_context, let_everybody_run

pytestmark = pytest.mark.steered_time

READ = Request("GET", "/orders/o-1")
GOOD_RATE = 60.0
"""Answers a second."""

CEILING = 16
BEARABLE_COUNT = 6
WORK_S = 0.05
CALLER_COUNT = 24
LOAD_S = 60.0


def some_options(*, floor_count: int = 4, queue_limit: int = 256) -> UpstreamOptions:
    return UpstreamOptions(
        base_url=ORDERS_URL,
        in_flight_limit=CEILING,
        queue_limit=queue_limit,
        adaptive=AdaptiveLimitOptions(floor_count=floor_count),
    )


class ThrashingService:
    """Serves six calls in 50 ms each; any more make all of them slower by their square."""

    def __init__(self) -> None:
        self.in_flight_count = 0

    async def serve(self, _: Request, __: CallContext) -> str:
        self.in_flight_count += 1
        try:
            crowding = max(1.0, self.in_flight_count / BEARABLE_COUNT)
            await asyncio.sleep(WORK_S * crowding**4)
        finally:
            self.in_flight_count -= 1
        return "done"


async def goodput(options: UpstreamOptions) -> float:
    """Answers a second that so many callers get of a thrashing service, each at once again."""
    bulkhead, service = Bulkhead("orders", options), ThrashingService()
    attempt = AttemptTimeout("orders", options.attempt_timeout_s)
    answered_count = 0
    ends_at_s = asyncio.get_running_loop().time() + LOAD_S

    async def through(request: Request, context: CallContext) -> str:
        return await attempt.around(request, context, service.serve)

    async def keep_calling() -> None:
        nonlocal answered_count
        while asyncio.get_running_loop().time() < ends_at_s:
            try:
                await bulkhead.around(READ, a_context(timeout_s=2.0), through)
            except UpstreamError:
                continue
            answered_count += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(CALLER_COUNT):
            group.create_task(keep_calling())
    return answered_count / LOAD_S


async def end_all(bulkhead: Bulkhead, count: int, ending: Exception | None = None) -> None:
    """So many calls that end at once in this way."""

    async def send(_: Request, __: CallContext) -> str:
        if ending is not None:
            raise ending
        return "done"

    for _ in range(count):
        try:
            await bulkhead.around(READ, a_context(), send)
        except UpstreamError:
            continue


async def test_a_crowded_service_gets_as_many_calls_as_it_bears() -> None:
    """A service that does better with fewer at a time answers more of them."""
    assert await goodput(some_options()) > GOOD_RATE


async def test_control_fixed_places_crowd_a_service_into_half_of_what_it_can_do() -> None:
    """The same callers and the same service, with as many places as ever."""
    assert await goodput(some_options(floor_count=CEILING)) < GOOD_RATE / 2


@pytest.mark.parametrize(
    ("ending", "place_count"),
    [
        (UpstreamTimeout("orders"), 4),
        (CircuitOpen("orders", retry_after_s=1.0), CEILING),
        (DeadlineExceeded("orders"), CEILING),
        (Rejected("orders", Refusal(422, "invalid-request")), CEILING),
        (None, CEILING),
    ],
    ids=["timeout", "not sent", "impatient client", "refused", "answered"],
)
async def test_only_what_the_service_does_moves_its_places(
    ending: Exception | None, place_count: int
) -> None:
    """Timeouts cost places; an open circuit, a client without time and refusals cost none."""
    bulkhead = Bulkhead("orders", some_options())

    await end_all(bulkhead, 200, ending)

    assert bulkhead.place_count == place_count


async def test_a_place_that_is_gone_is_not_handed_on() -> None:
    """Calls under way may be more than the places left; who waits begins when there are fewer."""
    bulkhead, may_end = Bulkhead("orders", some_options()), asyncio.Event()
    begun_count = 0

    async def send(_: Request, __: CallContext) -> str:
        nonlocal begun_count
        begun_count += 1
        await may_end.wait()
        raise UpstreamTimeout("orders")

    async def call() -> None:
        with pytest.raises(UpstreamTimeout):
            await bulkhead.around(READ, a_context(), send)

    async with asyncio.TaskGroup() as group:
        for _ in range(CEILING + 8):
            group.create_task(call())
        await let_everybody_run()
        crowded = repr(bulkhead)
        may_end.set()

    assert crowded == f"<Bulkhead {CEILING} in flight, 8 waiting>"
    assert repr(bulkhead) == "<Bulkhead 0 in flight, 0 waiting>"
    assert begun_count == CEILING + 8
    assert bulkhead.place_count < CEILING


async def test_who_waits_is_noted_and_so_is_who_is_refused() -> None:
    """The log of a call tells that it stood in the queue, or did not get into it."""
    bulkhead, may_end = Bulkhead("orders", some_options(queue_limit=1)), asyncio.Event()
    log = CallLog()
    context = CallContext(Deadline.after(2.0), "r-1", log=log)

    async def send(_: Request, __: CallContext) -> str:
        await may_end.wait()
        return "done"

    async with asyncio.TaskGroup() as group:
        for _ in range(CEILING + 1):
            group.create_task(bulkhead.around(READ, context, send))
        await let_everybody_run()
        with pytest.raises(BulkheadFull):
            await bulkhead.around(READ, context, send)
        may_end.set()

    assert [note.step for note in log.notes] == [CallStep.QUEUED, CallStep.REFUSED]
