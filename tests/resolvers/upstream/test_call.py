"""The tower as a whole: what a caller sees of every way a service can behave."""

import asyncio
from unittest.mock import patch

import httpx
import pytest
import respx

from resolvers.upstream.bulkhead import Bulkhead
from resolvers.upstream.call import Upstream
from resolvers.upstream.circuit import CircuitState
from resolvers.upstream.errors import (
    BulkheadFull,
    CircuitOpen,
    InvalidAnswer,
    UpstreamError,
    UpstreamUnavailable,
)
from resolvers.upstream.options import BreakerOptions
from resolvers.upstream.transport import CallKind, Request, Response
from tests.resolvers.upstream.builders import (
    ATTEMPT_TIMEOUT_S,
    CALLS_TO_OPEN,
    MUTATION,
    READ,
    SMALL_TOWER,
    a_context,
    an_upstream,
    answers_after,
    ask,
    hangs,
    let_everybody_run,
    now_s,
    some_options,
)

pytestmark = pytest.mark.steered_time


async def test_answer_passes_through(upstream: Upstream, service: respx.Route) -> None:
    """A healthy service's answer arrives, parsed, by one hit."""
    service.respond(200, text="an order")

    answer = await ask(upstream)

    assert (answer, service.call_count) == ("an order", 1)


@pytest.mark.parametrize(
    ("behaviour", "error", "retry_after_s"),
    [
        (httpx.ConnectError("refused"), UpstreamUnavailable, None),
        (httpx.ReadError("reset"), UpstreamUnavailable, None),
        (httpx.Response(500), UpstreamUnavailable, None),
        (httpx.Response(429, headers={"Retry-After": "7"}), UpstreamUnavailable, 7.0),
        (httpx.Response(503, headers={"Retry-After": "2"}), UpstreamUnavailable, 2.0),
        (httpx.Response(302, headers={"Location": "/"}), InvalidAnswer, None),
        (httpx.Response(200, content=b"\xff"), InvalidAnswer, None),
        (httpx.Response(200, content=b"x" * 5000), InvalidAnswer, None),
    ],
)
async def test_every_misbehaviour_has_its_error_and_opens_the_circuit(
    upstream: Upstream,
    service: respx.Route,
    behaviour: httpx.Response | Exception,
    error: type[UpstreamError],
    retry_after_s: float | None,
) -> None:
    """Refused, reset, 5xx, 429 and nonsense are coded, cost one hit each, and are failures."""
    if isinstance(behaviour, httpx.Response):
        service.mock(return_value=behaviour)
    else:
        service.mock(side_effect=behaviour)

    found = [await ask(upstream) for _ in range(CALLS_TO_OPEN)]
    refusal = await ask(upstream)

    assert [type(each) for each in found] == [error] * CALLS_TO_OPEN
    assert isinstance(found[0], UpstreamError)
    assert found[0].retry_after_s == retry_after_s
    assert isinstance(refusal, CircuitOpen)
    assert service.call_count == CALLS_TO_OPEN


@pytest.mark.parametrize("status", [404, 409, 412, 422])
async def test_refusals_do_not_open_the_circuit(
    upstream: Upstream, service: respx.Route, status: int
) -> None:
    """However much a service refuses, it is well."""
    service.respond(status)

    for _ in range(CALLS_TO_OPEN * 3):
        await ask(upstream, MUTATION)

    assert upstream.circuit_states[MUTATION.kind] is CircuitState.CLOSED
    assert service.call_count == CALLS_TO_OPEN * 3


async def test_answer_that_cannot_be_parsed_is_invalid_and_a_failure(
    upstream: Upstream, service: respx.Route
) -> None:
    """What the caller's parser refuses counts against the service, inside the breaker."""
    service.respond(200, text="not a number")

    def read_number(response: Response) -> int:
        return int(response.body)

    for _ in range(CALLS_TO_OPEN):
        with pytest.raises(InvalidAnswer):
            await upstream.call(READ, a_context(), read_number)

    assert upstream.circuit_states[CallKind.READ] is CircuitState.OPEN


async def test_invalid_answer_to_a_mutation_leaves_its_outcome_unknown(
    upstream: Upstream, service: respx.Route
) -> None:
    """A 200 that cannot be read was most likely the effect itself."""
    service.respond(200, content=b"\xff")

    error = await ask(upstream, MUTATION)

    assert isinstance(error, InvalidAnswer)
    assert error.is_outcome_unknown


async def test_open_circuit_refuses_at_once_and_recovers_after_the_break(
    upstream: Upstream, service: respx.Route
) -> None:
    """A hanging service costs waiting only until the circuit opens; one good probe closes it."""
    service.mock(side_effect=hangs)
    for _ in range(CALLS_TO_OPEN):
        await ask(upstream)
    opened_at_s = now_s()

    refusal = await ask(upstream)
    refused_at_s = now_s()
    service.mock(side_effect=None, return_value=httpx.Response(200, text="well again"))
    await asyncio.sleep(SMALL_TOWER.breaker.break_s)
    answer = await ask(upstream)

    assert isinstance(refusal, CircuitOpen)
    assert refused_at_s == opened_at_s
    assert answer == "well again"
    assert upstream.circuit_states[CallKind.READ] is CircuitState.CLOSED


async def test_full_bulkhead_is_no_failure_of_the_service(
    upstream: Upstream, service: respx.Route
) -> None:
    """Calls refused for lack of room never vote: the circuit stays closed."""
    service.mock(side_effect=answers_after(0.1, httpx.Response(200, text="an order")))

    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(ask(upstream)) for _ in range(50)]

    outcomes = [task.result() for task in calls]
    assert outcomes.count("an order") == 4
    assert sum(isinstance(outcome, BulkheadFull) for outcome in outcomes) == 46
    assert upstream.circuit_states[CallKind.READ] is CircuitState.CLOSED


async def test_impatient_clients_cannot_open_the_circuit(
    upstream: Upstream, service: respx.Route
) -> None:
    """Deadlines below half of the attempt's limit say nothing about the service."""
    service.mock(side_effect=answers_after(0.9, httpx.Response(200)))

    for _ in range(CALLS_TO_OPEN * 3):
        await ask(upstream, timeout_s=0.4)

    assert upstream.circuit_states[CallKind.READ] is CircuitState.CLOSED


async def test_hanging_service_opens_the_circuit_though_all_clients_are_impatient(
    upstream: Upstream, service: respx.Route
) -> None:
    """Half an attempt is a fair chance: deadlines above it do count."""
    service.mock(side_effect=hangs)

    for _ in range(CALLS_TO_OPEN):
        await ask(upstream, timeout_s=0.6)

    assert upstream.circuit_states[CallKind.READ] is CircuitState.OPEN


async def test_cancelled_call_leaves_nothing_behind(
    upstream: Upstream, service: respx.Route
) -> None:
    """After a hundred clients have left mid-call there is room for the next, and no vote."""
    service.mock(side_effect=hangs)
    for _ in range(50):
        async with asyncio.TaskGroup() as group:
            leavers = [group.create_task(ask(upstream)) for _ in range(2)]
            await let_everybody_run()
            for leaver in leavers:
                leaver.cancel()
    service.mock(side_effect=None, return_value=httpx.Response(200, text="an order"))

    answer = await ask(upstream)

    assert answer == "an order"
    assert upstream.circuit_states[CallKind.READ] is CircuitState.CLOSED
    assert now_s() == 0.0


async def test_who_queues_when_the_circuit_opens_is_refused_in_that_moment(
    router: respx.Router, service: respx.Route
) -> None:
    """Two reads hang on the only places; no read waits behind them until they time out."""
    read_s, write_s = await told_after_s(router, service)

    assert read_s == pytest.approx(0.5)
    assert write_s == pytest.approx(2.0)  # another kind of call has a circuit of its own


async def test_control_who_is_not_told_waits_for_the_end_of_what_hangs(
    router: respx.Router, service: respx.Route
) -> None:
    """The control: she has a place when they have timed out, and is refused then."""
    with patch.object(Bulkhead, "look_again"):
        read_s, _ = await told_after_s(router, service)

    assert read_s == pytest.approx(ATTEMPT_TIMEOUT_S)


async def told_after_s(router: respx.Router, service: respx.Route) -> list[float]:
    """When a read and a write hear of it that queue behind two reads, which hang for a second."""
    service.mock(side_effect=hangs)
    breaker = BreakerOptions(silent_call_count=2, slow_call_s=0.5)
    upstream = an_upstream(router, some_options(in_flight_limit=2, breaker=breaker))

    async def told_at_s(request: Request) -> float:
        await ask(upstream, request)
        return now_s()

    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(ask(upstream))
        await let_everybody_run()
        waiting = [group.create_task(told_at_s(request)) for request in (READ, MUTATION)]
    return [call.result() for call in waiting]


async def test_refused_in_the_queue_and_cancelled_at_once_loses_no_place(
    router: respx.Router, service: respx.Route
) -> None:
    """A caller that leaves in the moment of the refusal takes no place along, and gives none."""
    service.mock(side_effect=hangs)
    breaker = BreakerOptions(silent_call_count=1, slow_call_s=0.5)
    upstream = an_upstream(router, some_options(in_flight_limit=1, breaker=breaker))

    async with asyncio.TaskGroup() as group:
        group.create_task(ask(upstream))
        await let_everybody_run()
        waiting = [group.create_task(ask(upstream)) for _ in range(2)]
        asyncio.get_running_loop().call_at(0.5, waiting[0].cancel)

    service.mock(return_value=httpx.Response(200, text="an order"))
    await asyncio.sleep(10.0)
    assert await ask(upstream) == "an order"
