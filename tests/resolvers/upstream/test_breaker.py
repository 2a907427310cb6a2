"""The breaker among concurrent, cancelled and late calls; stock pybreaker is the control."""

import asyncio
from contextlib import suppress

import pybreaker
import pytest

from resolvers.upstream.breaker import Breaker, vote_of
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.circuit import CircuitState, Vote
from resolvers.upstream.errors import (
    BulkheadFull,
    CircuitOpen,
    DeadlineExceeded,
    InvalidAnswer,
    Refusal,
    Rejected,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
    VersionBehind,
)
from resolvers.upstream.layer import Send
from resolvers.upstream.options import BreakerOptions
from resolvers.upstream.published_circuit import CircuitChanged
from resolvers.upstream.transport import CallKind, Request
from tests.resolvers.upstream.builders import (
    CALLS_TO_OPEN,
    READ,
    a_context,
    let_everybody_run,
    some_options,
)

pytestmark = pytest.mark.steered_time

BREAK_S = 5.0


class Service:
    """What lies below the breaker: fails or succeeds at once, or when its gate is opened."""

    def __init__(self) -> None:
        self.hit_count = 0
        self.in_flight_count = 0
        self.most_in_flight_count = 0
        self.gate = asyncio.Event()

    async def succeed(self, _: Request, __: CallContext) -> str:
        self.hit_count += 1
        return "an answer"

    async def fail(self, _: Request, __: CallContext) -> str:
        self.hit_count += 1
        raise UpstreamUnavailable("orders")

    async def succeed_at_gate(self, request: Request, context: CallContext) -> str:
        self.in_flight_count += 1
        self.most_in_flight_count = max(self.most_in_flight_count, self.in_flight_count)
        try:
            await self.gate.wait()
        finally:
            self.in_flight_count -= 1
        return await self.succeed(request, context)

    async def fail_at_gate(self, request: Request, context: CallContext) -> str:
        await self.gate.wait()
        return await self.fail(request, context)


class Signals:
    def __init__(self) -> None:
        self.seen: list[CircuitChanged] = []

    @property
    def states(self) -> list[str]:
        return [signal.after.value for signal in self.seen]


@pytest.fixture
def signals() -> Signals:
    return Signals()


@pytest.fixture
def breaker(signals: Signals) -> Breaker:
    options = some_options(breaker=BreakerOptions(min_call_count=CALLS_TO_OPEN, break_s=BREAK_S))
    return Breaker("orders", options, observe=signals.seen.append, draw=lambda: 0.0)


def state_of(breaker: Breaker) -> CircuitState:
    return breaker.states[CallKind.READ]


async def call(breaker: Breaker, send: Send[str], request: Request = READ) -> str | UpstreamError:
    """Return the answer, or the error that came instead."""
    try:
        return await breaker.around(request, a_context(), send)
    except UpstreamError as error:
        return error


async def open_circuit(breaker: Breaker, service: Service) -> None:
    for _ in range(CALLS_TO_OPEN):
        await call(breaker, service.fail)


async def test_failure_reaches_the_caller_as_it_was(breaker: Breaker) -> None:
    """The call that opens the circuit gets its own error, not the breaker's."""
    service = Service()

    outcomes = [await call(breaker, service.fail) for _ in range(CALLS_TO_OPEN)]

    assert [type(outcome) for outcome in outcomes] == [UpstreamUnavailable] * CALLS_TO_OPEN
    assert state_of(breaker) is CircuitState.OPEN


async def test_open_circuit_refuses_without_touching_the_service(breaker: Breaker) -> None:
    """While open nothing is sent, and the refusal says when to come back."""
    service = Service()
    await open_circuit(breaker, service)

    await asyncio.sleep(2.0)
    refusal = await call(breaker, service.succeed)

    assert isinstance(refusal, CircuitOpen)
    assert refusal.retry_after_s == pytest.approx(3.0)
    assert service.hit_count == CALLS_TO_OPEN


async def test_every_change_is_told_once_and_in_order(breaker: Breaker, signals: Signals) -> None:
    """An outage and a recovery are three signals: open, half-open, closed."""
    service = Service()
    await open_circuit(breaker, service)
    await asyncio.sleep(BREAK_S)

    await call(breaker, service.succeed)

    assert signals.states == ["open", "half-open", "closed"]
    assert signals.seen[0] == CircuitChanged(
        "orders", CallKind.READ, CircuitState.CLOSED, CircuitState.OPEN
    )
    assert state_of(breaker) is CircuitState.CLOSED


async def test_half_open_admits_one_probe_of_two_hundred_callers(breaker: Breaker) -> None:
    """Exactly one call reaches a service that may be recovering; 199 are refused."""
    service = Service()
    await open_circuit(breaker, service)
    await asyncio.sleep(BREAK_S)

    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(call(breaker, service.succeed_at_gate)) for _ in range(200)]
        await let_everybody_run()
        service.gate.set()

    outcomes = [task.result() for task in calls]
    assert service.most_in_flight_count == 1
    assert outcomes.count("an answer") == 1
    assert sum(isinstance(outcome, CircuitOpen) for outcome in outcomes) == 199
    assert state_of(breaker) is CircuitState.CLOSED


async def test_control_stock_pybreaker_admits_the_whole_herd_while_half_open() -> None:
    """The control: pybreaker's own admission lets all 200 callers through."""
    stock, service = pybreaker.CircuitBreaker(fail_max=1), Service()
    stock.half_open()

    async def call_through_stock() -> None:
        with stock.calling():
            await service.succeed_at_gate(READ, a_context())

    async with asyncio.TaskGroup() as group:
        for _ in range(200):
            group.create_task(call_through_stock())
        await let_everybody_run()
        service.gate.set()

    assert service.most_in_flight_count == 200


async def test_cancelled_calls_are_no_vote(breaker: Breaker) -> None:
    """However many clients leave, the circuit stays closed, and each is cancelled indeed."""
    service = Service()

    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(call(breaker, service.succeed_at_gate)) for _ in range(50)]
        await let_everybody_run()
        for task in calls:
            task.cancel()

    assert all(task.cancelled() for task in calls)
    assert state_of(breaker) is CircuitState.CLOSED


async def test_cancelled_calls_do_not_wash_failures_away(breaker: Breaker) -> None:
    """A client that leaves is no success either: the next failure still opens the circuit."""
    service = Service()
    for _ in range(CALLS_TO_OPEN - 1):
        await call(breaker, service.fail)

    async with asyncio.TaskGroup() as group:
        leaver = group.create_task(call(breaker, service.succeed_at_gate))
        await let_everybody_run()
        leaver.cancel()
    await call(breaker, service.fail)

    assert state_of(breaker) is CircuitState.OPEN


async def test_control_stock_pybreaker_opens_by_cancellations() -> None:
    """The control: two clients that leave open pybreaker's own circuit."""
    stock, service = pybreaker.CircuitBreaker(fail_max=2), Service()

    async def call_through_stock() -> None:
        with suppress(pybreaker.CircuitBreakerError), stock.calling():
            await service.succeed_at_gate(READ, a_context())

    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(call_through_stock()) for _ in range(2)]
        await let_everybody_run()
        for task in calls:
            task.cancel()

    assert stock.current_state == pybreaker.STATE_OPEN


async def test_cancelled_probe_hands_its_permit_to_the_next_caller(breaker: Breaker) -> None:
    """A probe whose client leaves does not block the recovery."""
    service = Service()
    await open_circuit(breaker, service)
    await asyncio.sleep(BREAK_S)
    async with asyncio.TaskGroup() as group:
        probe = group.create_task(call(breaker, service.succeed_at_gate))
        await let_everybody_run()
        probe.cancel()

    outcome = await call(breaker, service.succeed)

    assert outcome == "an answer"
    assert state_of(breaker) is CircuitState.CLOSED


async def test_failure_from_before_the_break_is_dropped(breaker: Breaker) -> None:
    """A call that began before the outage and fails during the probe changes nothing."""
    service, late_service = Service(), Service()
    async with asyncio.TaskGroup() as group:
        late = group.create_task(call(breaker, late_service.fail_at_gate))
        await let_everybody_run()
        await open_circuit(breaker, service)
        await asyncio.sleep(BREAK_S)
        probe = group.create_task(call(breaker, service.succeed_at_gate))
        await let_everybody_run()

        late_service.gate.set()
        await late
        state_during_probe = state_of(breaker)
        service.gate.set()

    assert state_during_probe is CircuitState.HALF_OPEN
    assert probe.result() == "an answer"
    assert state_of(breaker) is CircuitState.CLOSED


async def test_mistake_of_ours_is_no_vote_and_returns_the_permit(breaker: Breaker) -> None:
    """An error that is not the service's passes unchanged, even through a probe."""
    service = Service()
    await open_circuit(breaker, service)
    await asyncio.sleep(BREAK_S)

    async def stumble(_: Request, __: CallContext) -> str:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        await breaker.around(READ, a_context(), stumble)
    outcome = await call(breaker, service.succeed)

    assert outcome == "an answer"


@pytest.mark.parametrize(
    ("error", "waited_s", "vote"),
    [
        (UpstreamUnavailable("orders"), 0.0, Vote.FAILURE),
        (UpstreamTimeout("orders"), 1.0, Vote.FAILURE),
        (UpstreamTimeout("orders"), 1.3, Vote.NEUTRAL),  # our own loop was held up
        (DeadlineExceeded("orders"), 1.3, Vote.NEUTRAL),
        (InvalidAnswer("orders"), 0.0, Vote.FAILURE),
        (DeadlineExceeded("orders"), 0.5, Vote.FAILURE),
        (DeadlineExceeded("orders"), 0.49, Vote.NEUTRAL),
        (Rejected("orders", Refusal(status=412, problem_code="x")), 0.0, Vote.SUCCESS),
        (VersionBehind("orders"), 0.0, Vote.SUCCESS),
        (BulkheadFull("orders"), 0.0, Vote.NEUTRAL),
    ],
)
def test_votes(error: UpstreamError, waited_s: float, vote: Vote) -> None:
    """Faults of the service vote against it, refusals for it, and our own troubles not at all."""
    assert vote_of(error, some_options(attempt_timeout_s=1.0), waited_s=waited_s) is vote
