"""The tower as a whole: what a caller sees of every way a service can behave, and when."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import respx

from resolvers.upstream.call import Upstream
from resolvers.upstream.circuit import CircuitState
from resolvers.upstream.errors import (
    BulkheadFull,
    CircuitOpen,
    DeadlineExceeded,
    InvalidAnswer,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from resolvers.upstream.options import BreakerOptions
from resolvers.upstream.transport import Request, Response
from tests.resolvers.upstream.builders import (
    a_context,
    an_upstream,
    answers_after,
    hangs,
    let_everybody_run,
    now_s,
    read_text,
    some_options,
)

pytestmark = pytest.mark.steered_time

READ = Request("GET", "/orders/o-1")
MUTATION = Request("POST", "/orders", body=b"{}")
ATTEMPT_TIMEOUT_S = 1.0
CALLS_TO_OPEN = 4
OPTIONS = some_options(
    attempt_timeout_s=ATTEMPT_TIMEOUT_S,
    in_flight_limit=2,
    queue_limit=2,
    breaker=BreakerOptions(min_call_count=CALLS_TO_OPEN),
)


@pytest.fixture
def router() -> respx.Router:
    return respx.Router(assert_all_called=False)


@pytest.fixture
def service(router: respx.Router) -> respx.Route:
    return router.route(host="orders.test")


@pytest.fixture
async def upstream(router: respx.Router) -> AsyncIterator[Upstream]:
    upstream = an_upstream(router, OPTIONS)
    yield upstream
    await upstream.aclose()


async def ask(
    upstream: Upstream, request: Request = READ, *, timeout_s: float = 2.0
) -> str | UpstreamError:
    """Return the answer's text, or the error that came instead."""
    try:
        return await upstream.call(request, a_context(timeout_s=timeout_s), read_text)
    except UpstreamError as error:
        return error


async def test_answer_passes_through(upstream: Upstream, service: respx.Route) -> None:
    """A healthy service's answer arrives, parsed, by one hit."""
    service.respond(200, text="an order")

    answer = await ask(upstream)

    assert (answer, service.call_count) == ("an order", 1)


async def test_upstream_is_told_the_time_left_when_it_is_asked(
    upstream: Upstream, service: respx.Route
) -> None:
    """Waiting in our own queue is taken off the time that the upstream is told."""
    service.mock(side_effect=answers_after(0.75, httpx.Response(200)))

    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(ask(upstream, timeout_s=2.0))

    told_ms = [call.request.headers["X-Deadline-Ms"] for call in service.calls]
    assert told_ms == ["2000", "2000", "1250"]


async def test_slow_service_times_out_at_exactly_the_attempt_timeout(
    upstream: Upstream, service: respx.Route
) -> None:
    """An attempt that has the request's time but not its own ends at its own limit."""
    service.mock(side_effect=answers_after(1.5, httpx.Response(200)))

    error = await ask(upstream, timeout_s=2.0)

    assert type(error) is UpstreamTimeout
    assert now_s() == pytest.approx(ATTEMPT_TIMEOUT_S)


async def test_deadline_ends_the_attempt_at_exactly_the_deadline(
    upstream: Upstream, service: respx.Route
) -> None:
    """The request's deadline cuts an attempt short, and is told from the attempt's own limit."""
    service.mock(side_effect=answers_after(0.9, httpx.Response(200)))

    error = await ask(upstream, timeout_s=0.25)

    assert type(error) is DeadlineExceeded
    assert now_s() == pytest.approx(0.25)


async def test_nothing_is_sent_after_the_deadline(upstream: Upstream, service: respx.Route) -> None:
    """A request whose time is over reaches nobody, and leaves no outcome unknown."""
    service.respond(200)

    error = await ask(upstream, MUTATION, timeout_s=0.0)

    assert isinstance(error, DeadlineExceeded)
    assert not error.is_outcome_unknown
    assert not service.called


@pytest.mark.parametrize(("timeout_s", "error"), [(2.0, UpstreamTimeout), (0.5, DeadlineExceeded)])
async def test_mutation_that_was_cut_off_may_have_happened(
    upstream: Upstream, service: respx.Route, timeout_s: float, error: type[UpstreamError]
) -> None:
    """A mutation that was sent and not answered has an unknown outcome, whoever gave up."""
    service.mock(side_effect=hangs)

    found = await ask(upstream, MUTATION, timeout_s=timeout_s)

    assert isinstance(found, error)
    assert found.is_outcome_unknown


async def test_read_that_was_cut_off_has_changed_nothing(
    upstream: Upstream, service: respx.Route
) -> None:
    """A read has no outcome that could be unknown."""
    service.mock(side_effect=hangs)

    found = await ask(upstream)

    assert isinstance(found, UpstreamTimeout)
    assert not found.is_outcome_unknown


async def test_dripping_body_cannot_outlast_the_attempt(
    upstream: Upstream, service: respx.Route
) -> None:
    """The limit is for the whole answer; httpx's own timeouts start anew with every byte."""

    class Drip(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                await asyncio.sleep(0.05)
                yield b"."

    service.mock(return_value=httpx.Response(200, stream=Drip()))

    error = await ask(upstream)

    assert type(error) is UpstreamTimeout
    assert now_s() == pytest.approx(ATTEMPT_TIMEOUT_S)


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

    assert upstream.circuit_state is CircuitState.CLOSED
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

    assert upstream.circuit_state is CircuitState.OPEN


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
    await asyncio.sleep(OPTIONS.breaker.break_s)
    answer = await ask(upstream)

    assert isinstance(refusal, CircuitOpen)
    assert refused_at_s == opened_at_s
    assert answer == "well again"
    assert upstream.circuit_state is CircuitState.CLOSED


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
    assert upstream.circuit_state is CircuitState.CLOSED


async def test_impatient_clients_cannot_open_the_circuit(
    upstream: Upstream, service: respx.Route
) -> None:
    """Deadlines far below the attempt's limit say nothing about the service."""
    service.mock(side_effect=answers_after(0.3, httpx.Response(200)))

    for _ in range(CALLS_TO_OPEN * 3):
        await ask(upstream, timeout_s=0.1)

    assert upstream.circuit_state is CircuitState.CLOSED


async def test_hanging_service_opens_the_circuit_though_all_clients_are_impatient(
    upstream: Upstream, service: respx.Route
) -> None:
    """Half an attempt is a fair chance: deadlines above it do count."""
    service.mock(side_effect=hangs)

    for _ in range(CALLS_TO_OPEN):
        await ask(upstream, timeout_s=0.6)

    assert upstream.circuit_state is CircuitState.OPEN


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
    assert upstream.circuit_state is CircuitState.CLOSED
    assert now_s() == 0.0
