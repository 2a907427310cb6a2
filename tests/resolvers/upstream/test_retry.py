"""A failed call, made once more or not: what is sent again, and what the caller is told."""

import asyncio

import httpx
import pytest
import respx

from resolvers.upstream.call_log import CallLog, CallStep
from resolvers.upstream.errors import (
    BulkheadFull,
    CircuitOpen,
    InvalidAnswer,
    Rejected,
    UpstreamError,
    UpstreamUnavailable,
    VersionBehind,
)
from resolvers.upstream.options import BreakerOptions, RetryOptions
from tests.resolvers.upstream.builders import (
    MUTATION,
    READ,
    an_upstream,
    answers_after,
    ask,
    now_s,
    some_options,
)
from tests.resolvers.upstream.retried import (
    BROKEN,
    KEYED,
    RESET,
    RETRYING,
    WELL,
    answers,
    problem,
)

pytestmark = pytest.mark.steered_time


class TestWhatIsSentAgain:
    @pytest.mark.parametrize("hiccup", [BROKEN, RESET, httpx.ConnectError("refused")])
    async def test_read_that_failed_twice_is_answered_the_third_time(
        self, router: respx.Router, service: respx.Route, hiccup: httpx.Response | Exception
    ) -> None:
        """Waits of 50 and 100 ms at most, and the caller hears of nothing."""
        answers(service, hiccup, hiccup, WELL)

        answer = await ask(an_upstream(router, RETRYING))

        assert answer == "an order"
        assert service.call_count == 3
        assert now_s() == pytest.approx(0.15)

    async def test_control_without_retries_the_hiccup_is_an_error(
        self, router: respx.Router, service: respx.Route
    ) -> None:
        """The control: the same service, asked once."""
        answers(service, BROKEN, WELL)

        answer = await ask(an_upstream(router, some_options()))

        assert isinstance(answer, UpstreamUnavailable)
        assert service.call_count == 1

    async def test_who_fails_three_times_is_left_alone(
        self, router: respx.Router, service: respx.Route
    ) -> None:
        """Two attempts more, and then the last failure."""
        answers(service, BROKEN)

        answer = await ask(an_upstream(router, RETRYING))

        assert isinstance(answer, UpstreamUnavailable)
        assert service.call_count == 3

    async def test_keyed_mutation_is_sent_again_as_it_was(
        self, router: respx.Router, service: respx.Route
    ) -> None:
        """Same key, same body, same address: to the service it is one wish."""
        answers(service, RESET, BROKEN, httpx.Response(201, text="an order"))

        answer = await ask(an_upstream(router, RETRYING), KEYED)

        assert answer == "an order"
        sent = [(c.request.headers["idempotency-key"], c.request.content) for c in service.calls]
        assert sent == [("k-1", b"{}")] * 3

    @pytest.mark.parametrize("failure", [RESET, BROKEN, httpx.ConnectError("refused")])
    async def test_mutation_without_a_key_is_never_sent_again(
        self, router: respx.Router, service: respx.Route, failure: httpx.Response | Exception
    ) -> None:
        """Not even one that was certainly not received."""
        answers(service, failure, httpx.Response(201, text="an order"))

        answer = await ask(an_upstream(router, RETRYING), MUTATION)

        assert isinstance(answer, UpstreamUnavailable)
        assert service.call_count == 1

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            (httpx.Response(200, content=b"\xff"), InvalidAnswer),
            (httpx.Response(302), InvalidAnswer),
            (problem(409, "version-behind"), VersionBehind),
            (problem(409, "conflict"), Rejected),
            (problem(422, "invalid-request"), Rejected),
        ],
    )
    async def test_what_stays_as_it_is_is_not_asked_again(
        self,
        router: respx.Router,
        service: respx.Route,
        answer: httpx.Response,
        error: type[UpstreamError],
    ) -> None:
        """Nonsense, a refusal and a replica that lags are told at once."""
        answers(service, answer)

        told = await ask(an_upstream(router, RETRYING), READ)

        assert isinstance(told, error)
        assert service.call_count == 1
        assert now_s() == 0.0

    async def test_full_bulkhead_is_not_knocked_at_again(
        self, router: respx.Router, service: respx.Route
    ) -> None:
        """Who is refused a place for lack of room does not come back to take one."""
        service.mock(side_effect=answers_after(0.1, WELL))
        one_place = some_options(in_flight_limit=1, queue_limit=0, retry=RetryOptions())
        upstream = an_upstream(router, one_place)

        async with asyncio.TaskGroup() as group:
            calls = [group.create_task(ask(upstream)) for _ in range(2)]

        assert [type(call.result()) for call in calls] == [str, BulkheadFull]
        assert service.call_count == 1

    async def test_each_repetition_is_told_to_the_log(
        self, router: respx.Router, service: respx.Route
    ) -> None:
        """Whoever looks sees each attempt, and how long was waited before the next."""
        answers(service, BROKEN, WELL)
        log = CallLog()

        await ask(an_upstream(router, RETRYING), log=log)

        assert [(note.step, note.detail) for note in log.notes] == [
            (CallStep.SENT, ""),
            (CallStep.FAILED, "UpstreamUnavailable"),
            (CallStep.RETRIED, "after 50 ms"),
            (CallStep.SENT, ""),
            (CallStep.ANSWERED, ""),
        ]


class TestWhatIsTold:
    async def test_write_that_may_be_done_stays_so_when_the_circuit_opens(
        self, router: respx.Router, service: respx.Route
    ) -> None:
        """The first attempt was cut off, the second not made: nobody knows, and that is told."""
        answers(service, RESET)
        opens_at_once = BreakerOptions(min_call_count=1)
        options = some_options(breaker=opens_at_once, retry=RetryOptions())
        upstream = an_upstream(router, options)

        answer = await ask(upstream, KEYED)
        refused = await ask(upstream, KEYED)

        assert isinstance(answer, UpstreamUnavailable)
        assert answer.is_outcome_unknown
        assert isinstance(refused, CircuitOpen)
        assert not refused.is_outcome_unknown
        assert service.call_count == 1

    @pytest.mark.parametrize(
        "second", [problem(409, "conflict"), httpx.Response(429), httpx.ConnectError("refused")]
    )
    async def test_write_that_may_be_done_stays_so_when_the_second_is_refused(
        self, router: respx.Router, service: respx.Route, second: httpx.Response | Exception
    ) -> None:
        """A refusal of the second attempt does not undo the first."""
        answers(service, RESET, second)

        answer = await ask(an_upstream(router, RETRYING), KEYED)

        assert isinstance(answer, UpstreamUnavailable)
        assert answer.is_outcome_unknown

    async def test_a_repeated_call_meets_an_open_circuit_like_any_other(
        self, router: respx.Router, service: respx.Route
    ) -> None:
        """The service whose circuit opens between two attempts is left alone."""
        answers(service, BROKEN)
        options = some_options(breaker=BreakerOptions(min_call_count=2), retry=RetryOptions())

        answer = await ask(an_upstream(router, options))

        assert isinstance(answer, UpstreamUnavailable)
        assert service.call_count == 2
