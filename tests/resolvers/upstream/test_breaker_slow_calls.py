"""Calls that take long: counted on the wire, once, whoever ends them; our own stalls count not."""

import asyncio
import time

import pytest

from resolvers.upstream.breaker import ALARM_LATE_S, Breaker
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.circuit import CircuitState
from resolvers.upstream.errors import UpstreamError
from resolvers.upstream.layer import Send
from resolvers.upstream.options import BreakerOptions
from resolvers.upstream.transport import Request
from tests.resolvers.upstream.builders import READ, a_context, some_options

SILENT_COUNT = 3
SLOW_CALL_S = 0.5
OPTIONS = BreakerOptions(
    silent_call_count=SILENT_COUNT, slow_call_s=SLOW_CALL_S, min_call_count=4, slow_ratio=0.75
)


def a_breaker(options: BreakerOptions = OPTIONS) -> Breaker:
    return Breaker("orders", some_options(breaker=options), observe=lambda _: None)


def answering_after(delay_s: float) -> Send[str]:
    async def answer(_: Request, __: CallContext) -> str:
        await asyncio.sleep(delay_s)
        return "an answer"

    return answer


async def call_for(breaker: Breaker, patience_s: float, *, delay_s: float = 60.0) -> None:
    """A call that is cancelled after so long."""
    try:
        async with asyncio.timeout(patience_s):
            await breaker.around(READ, a_context(timeout_s=99), answering_after(delay_s))
    except TimeoutError:
        pass


async def call_at_once(breaker: Breaker, count: int, patience_s: float, delay_s: float) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(call_for(breaker, patience_s, delay_s=delay_s))


def is_open(breaker: Breaker) -> bool:
    return breaker.states[READ.kind] is CircuitState.OPEN


@pytest.mark.steered_time
async def test_calls_still_on_the_wire_open_the_circuit() -> None:
    """Half a second after a hang began it is known, though no call has ended yet."""
    breaker = a_breaker()

    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(call_for(breaker, 9.0)) for _ in range(SILENT_COUNT)]
        await asyncio.sleep(SLOW_CALL_S - 0.01)
        before = is_open(breaker)
        await asyncio.sleep(0.02)
        after = is_open(breaker)
        ended_count = sum(call.done() for call in calls)
        for call in calls:
            call.cancel()

    assert (before, after, ended_count) == (False, True, 0)


@pytest.mark.steered_time
async def test_control_with_the_alarm_off_a_hang_opens_nothing_before_its_end() -> None:
    """The control: with a limit beyond the attempt's own, nothing is known while calls hang."""
    breaker = a_breaker(BreakerOptions(silent_call_count=SILENT_COUNT, slow_call_s=1.0))

    await call_at_once(breaker, 16, 0.99, delay_s=60.0)

    assert not is_open(breaker)


@pytest.mark.steered_time
@pytest.mark.parametrize(("patience_s", "opens"), [(0.49, False), (0.51, True)])
async def test_a_cancelled_call_counts_only_if_it_was_overdue(
    patience_s: float, opens: bool
) -> None:
    """The loser of a race that is called off early is no vote; one that hung already was slow."""
    breaker = a_breaker()

    await call_at_once(breaker, SILENT_COUNT, patience_s, delay_s=60.0)

    assert is_open(breaker) is opens


@pytest.mark.steered_time
async def test_an_alarm_is_silent_once_its_call_is_over() -> None:
    """A hundred calls that are answered in time leave nothing behind that could ring later."""
    breaker = a_breaker()

    await call_at_once(breaker, 100, 9.0, delay_s=SLOW_CALL_S - 0.01)
    await asyncio.sleep(10.0)

    assert not is_open(breaker)


@pytest.mark.steered_time
async def test_answers_that_all_come_late_open_the_circuit() -> None:
    """Four slow answers of four, one after the other, are a slow service, though none failed."""
    breaker = a_breaker()

    for _ in range(4):
        await call_for(breaker, 9.0, delay_s=0.6)

    assert is_open(breaker)


@pytest.mark.steered_time
async def test_control_answers_in_time_leave_it_closed() -> None:
    """The control: the same calls, each a little under the limit."""
    breaker = a_breaker()

    for _ in range(4):
        await call_for(breaker, 9.0, delay_s=0.49)

    assert not is_open(breaker)


async def test_a_stall_of_our_own_makes_no_call_slow() -> None:
    """While our loop was held up answers may have come: alarms that ring late count nothing."""
    slow_call_s = 0.01
    breaker = a_breaker(BreakerOptions(silent_call_count=1, slow_call_s=slow_call_s))

    async def answer_behind_a_stall(_: Request, __: CallContext) -> str:
        time.sleep(slow_call_s + 1.5 * ALARM_LATE_S)  # noqa: ASYNC251 - the loop is held up on purpose
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return "an answer"

    answer: str | UpstreamError = await breaker.around(READ, a_context(), answer_behind_a_stall)

    assert answer == "an answer"
    assert not is_open(breaker)
