"""Nothing starts after the deadline, and no attempt outlasts its own limit: to the instant."""

import asyncio
from collections.abc import AsyncIterator
from unittest.mock import patch

import httpx
import pytest
import respx

from resolvers.upstream.call import Upstream
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.errors import DeadlineExceeded, UpstreamError, UpstreamTimeout
from resolvers.upstream.layer import Send
from resolvers.upstream.time_limits import DeadlineGuard
from resolvers.upstream.transport import Request
from tests.resolvers.upstream.builders import (
    ATTEMPT_TIMEOUT_S,
    MUTATION,
    answers_after,
    ask,
    hangs,
    now_s,
)

pytestmark = pytest.mark.steered_time


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


async def test_attempt_that_had_its_full_time_is_a_timeout(
    upstream: Upstream, service: respx.Route
) -> None:
    """Where limit and deadline are the same instant, the service had all the time it may have."""
    service.mock(side_effect=hangs)

    error = await ask(upstream, timeout_s=ATTEMPT_TIMEOUT_S)

    assert type(error) is UpstreamTimeout


async def test_nothing_is_sent_after_the_deadline(upstream: Upstream, service: respx.Route) -> None:
    """A request whose time is over reaches nobody, and leaves no outcome unknown."""
    service.respond(200)

    error = await ask(upstream, MUTATION, timeout_s=0.0)

    assert isinstance(error, DeadlineExceeded)
    assert not error.is_outcome_unknown
    assert not service.called


async def test_control_without_its_guard_a_write_is_sent_that_nobody_waits_for(
    upstream: Upstream, service: respx.Route
) -> None:
    """The control: it is sent all the same, and nobody knows what has become of it."""

    async def let_through(
        _: DeadlineGuard, request: Request, context: CallContext, send: Send[str]
    ) -> str:
        return await send(request, context)

    async def note(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return await hangs(request)

    sent: list[httpx.Request] = []
    service.mock(side_effect=note)
    with patch.object(DeadlineGuard, "around", let_through):
        error = await ask(upstream, MUTATION, timeout_s=0.0)

    assert isinstance(error, DeadlineExceeded)
    assert error.is_outcome_unknown
    assert len(sent) == 1


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
