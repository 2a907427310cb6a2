"""Each kind of call has a circuit of its own; hints reach the one that they are about."""

import asyncio
from unittest.mock import patch

import pytest
import respx

from resolvers.upstream.breaker import Breaker, CircuitGate
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.call_log import CallLog, CallStep
from resolvers.upstream.circuit import CircuitState, Hint
from resolvers.upstream.deadline import Deadline
from resolvers.upstream.errors import CircuitOpen, UpstreamError, UpstreamUnavailable
from resolvers.upstream.layer import Send
from resolvers.upstream.published_circuit import CircuitChanged
from resolvers.upstream.transport import CallKind, Request
from tests.resolvers.upstream.builders import (
    MUTATION,
    READ,
    a_context,
    an_upstream,
    ask,
    hangs,
    now_s,
    some_options,
)

pytestmark = pytest.mark.steered_time

LIST = Request("GET", "/orders", kind=CallKind.LIST)


async def succeed(_: Request, __: CallContext) -> str:
    return "an answer"


async def refuse(_: Request, __: CallContext) -> str:
    raise UpstreamUnavailable("orders")


async def hang(_: Request, __: CallContext) -> str:
    await asyncio.Event().wait()
    raise AssertionError("unreachable: nobody sets the event")


def a_breaker(signals: list[CircuitChanged] | None = None) -> Breaker:
    observe = (lambda _: None) if signals is None else signals.append
    return Breaker("orders", some_options(), observe=observe, draw=lambda: 0.0)


async def fail(breaker: Breaker, request: Request, count: int) -> None:
    for _ in range(count):
        with pytest.raises(UpstreamError):
            await breaker.around(request, a_context(), refuse)


async def test_twenty_refused_writes_leave_reads_alone() -> None:
    """A service that takes no orders just now is still asked for those it has."""
    signals: list[CircuitChanged] = []
    breaker = a_breaker(signals)

    await fail(breaker, MUTATION, 20)
    answer = await breaker.around(READ, a_context(), succeed)

    assert answer == "an answer"
    assert breaker.states == {
        CallKind.CREATE: CircuitState.OPEN,
        CallKind.READ: CircuitState.CLOSED,
    }
    assert signals == [
        CircuitChanged("orders", CallKind.CREATE, CircuitState.CLOSED, CircuitState.OPEN)
    ]


async def test_a_list_that_hangs_leaves_reads_alone() -> None:
    """Sixteen lists on the wire without an answer stop lists, and no read."""
    breaker = a_breaker()

    async with asyncio.TaskGroup() as group:
        lists = [group.create_task(breaker.around(LIST, a_context(), hang)) for _ in range(16)]
        await asyncio.sleep(0.5)
        answer = await breaker.around(READ, a_context(), succeed)
        states = dict(breaker.states)
        for each in lists:
            each.cancel()

    assert answer == "an answer"
    assert states == {CallKind.LIST: CircuitState.OPEN, CallKind.READ: CircuitState.CLOSED}


async def test_control_one_circuit_for_all_kinds_would_stop_reads() -> None:
    """The control: the same twenty writes, taken for reads, and no read is made any more."""
    breaker = a_breaker()
    taken_for_a_read = Request("POST", "/orders", body=b"{}", kind=CallKind.READ)

    await fail(breaker, taken_for_a_read, 20)

    with pytest.raises(CircuitOpen):
        await breaker.around(READ, a_context(), succeed)


async def test_a_circuit_is_there_when_its_first_call_is() -> None:
    """What has never been called has no state to tell, and there are no more than kinds."""
    breaker = a_breaker()
    before = dict(breaker.states)

    for kind in CallKind:
        for _ in range(3):
            await breaker.around(Request("GET", "/", kind=kind), a_context(), succeed)

    assert before == {}
    assert set(breaker.states) == set(CallKind)


async def test_a_hint_is_about_one_kind_of_call() -> None:
    """Told that lists are down elsewhere, it takes three failed lists, and still twenty reads."""
    breaker = a_breaker()

    breaker.hear(CallKind.LIST, Hint.OPEN)
    await fail(breaker, READ, 3)
    await fail(breaker, LIST, 3)

    assert breaker.states == {CallKind.LIST: CircuitState.OPEN, CallKind.READ: CircuitState.CLOSED}


async def test_a_circuit_whose_break_is_over_is_told_as_half_open() -> None:
    """However long nobody calls: the next call is let through, so it is no outage any more."""
    signals: list[CircuitChanged] = []
    breaker = a_breaker(signals)
    await fail(breaker, READ, 20)

    await asyncio.sleep(4.9)
    before = breaker.states[READ.kind]
    await asyncio.sleep(3_600)

    assert before is CircuitState.OPEN
    assert breaker.states[READ.kind] is CircuitState.HALF_OPEN
    assert [signal.after for signal in signals] == [CircuitState.OPEN]


async def test_the_gate_lets_nobody_queue_behind_an_open_circuit() -> None:
    """The gate refuses before the queue as the breaker does behind it, and takes no probe."""
    breaker = a_breaker()
    gate = CircuitGate(breaker)
    await fail(breaker, READ, 20)

    with pytest.raises(CircuitOpen) as refused:
        await gate.around(READ, a_context(), succeed)
    await asyncio.sleep(5.0)
    answer = await gate.around(READ, a_context(), succeed)
    is_probe_left = not breaker.refuses(READ.kind)

    assert refused.value.retry_after_s == 5.0
    assert answer == "an answer"
    assert is_probe_left


async def test_behind_hanging_calls_the_gate_refuses_at_once(
    router: respx.Router, service: respx.Route
) -> None:
    """The circuit opens while they hang; whoever comes then does not wait for their places."""
    assert await waited_behind_hanging_calls_s(router, service) == 0.0


async def test_control_without_the_gate_callers_wait_to_be_refused(
    router: respx.Router, service: respx.Route
) -> None:
    """The control: she queues until the first of them runs out, and is refused then."""

    async def let_through(
        _: CircuitGate, request: Request, context: CallContext, send: Send[str]
    ) -> str:
        return await send(request, context)

    with patch.object(CircuitGate, "around", let_through):
        assert await waited_behind_hanging_calls_s(router, service) == pytest.approx(0.4)


async def waited_behind_hanging_calls_s(router: respx.Router, service: respx.Route) -> float:
    """How long a caller waits to be refused who comes 0.6 s after five calls that hang for 1 s."""
    service.mock(side_effect=hangs)
    upstream = an_upstream(router, some_options(in_flight_limit=5))
    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(ask(upstream))
        await asyncio.sleep(0.6)
        answer = await ask(upstream)
        waited_s = now_s() - 0.6
    assert isinstance(answer, CircuitOpen)
    return waited_s


async def test_a_refusal_is_noted() -> None:
    """Whoever looks at what happened to a call finds that its circuit was open."""
    breaker, log = a_breaker(), CallLog()
    await fail(breaker, READ, 20)
    context = CallContext(Deadline.after(2.0), "r-1", log=log)

    with pytest.raises(CircuitOpen):
        await breaker.around(READ, context, succeed)

    assert [(note.step, note.detail) for note in log.notes] == [
        (CallStep.REFUSED, "the circuit is open")
    ]
