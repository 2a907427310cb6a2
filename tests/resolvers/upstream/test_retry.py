"""A failed call, made once more or not: what is sent again, when, and what the caller is told."""

import asyncio
from collections.abc import Iterable

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
    UpstreamTimeout,
    UpstreamUnavailable,
    VersionBehind,
)
from resolvers.upstream.options import BreakerOptions, RetryOptions, UpstreamOptions
from resolvers.upstream.transport import Request
from tests.resolvers.upstream.builders import (
    MUTATION,
    NEVER_OPEN,
    READ,
    an_upstream,
    answers_after,
    ask,
    hangs,
    now_s,
    some_options,
)

pytestmark = pytest.mark.steered_time

RETRYING = some_options(breaker=NEVER_OPEN, retry=RetryOptions())
UNBOUNDED = some_options(breaker=NEVER_OPEN, retry=RetryOptions(calls_per_retry=0))
KEYED = MUTATION.with_headers({"Idempotency-Key": "k-1"})
BROKEN = httpx.Response(500)
RESET = httpx.ReadError("reset")
WELL = httpx.Response(200, text="an order")


def answers(service: respx.Route, *outcomes: httpx.Response | Exception) -> None:
    """The service does these things one after the other, and the last for ever."""
    waiting = list(outcomes)

    def next_outcome(_: httpx.Request) -> httpx.Response:
        outcome = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    service.mock(side_effect=next_outcome)


def problem(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code})


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


class TestTime:
    @pytest.mark.parametrize(("draw", "took_s"), [(0.0, 0.0), (0.5, 0.075), (1.0, 0.15)])
    async def test_waits_are_drawn_from_nothing_to_the_whole_back_off(
        self, router: respx.Router, service: respx.Route, draw: float, took_s: float
    ) -> None:
        """Full jitter: callers that failed together do not come back together."""
        answers(service, BROKEN)

        await ask(an_upstream(router, RETRYING, draw=lambda: draw))

        assert now_s() == pytest.approx(took_s)

    async def test_a_wish_to_wait_is_granted(
        self, router: respx.Router, service: respx.Route
    ) -> None:
        """After Retry-After: 1 the next call comes a second later, and a little."""
        answers(service, httpx.Response(503, headers={"Retry-After": "1"}), WELL)

        answer = await ask(an_upstream(router, RETRYING))

        assert answer == "an order"
        assert now_s() == pytest.approx(1.05)

    async def test_a_wish_that_goes_beyond_the_deadline_is_told_at_once(
        self, router: respx.Router, service: respx.Route
    ) -> None:
        """Nobody waits for what cannot be; the caller learns when to come back."""
        answers(service, httpx.Response(429, headers={"Retry-After": "2"}))

        answer = await ask(an_upstream(router, RETRYING), timeout_s=2.0)

        assert isinstance(answer, UpstreamUnavailable)
        assert (answer.retry_after_s, service.call_count, now_s()) == (2.0, 1, 0.0)

    async def test_no_wait_reaches_beyond_the_deadline(
        self, router: respx.Router, service: respx.Route
    ) -> None:
        """With 0.1 s left there is time for the first wait, and not for the second."""
        answers(service, BROKEN)

        answer = await ask(an_upstream(router, RETRYING), timeout_s=0.1)

        assert isinstance(answer, UpstreamUnavailable)
        assert service.call_count == 2
        assert now_s() == pytest.approx(0.05)

    @pytest.mark.parametrize(("timeout_s", "hit_count"), [(2.0, 1), (2.5, 2), (9.0, 3)])
    async def test_who_hung_is_asked_again_only_if_he_may_hang_again(
        self, router: respx.Router, service: respx.Route, timeout_s: float, hit_count: int
    ) -> None:
        """A second attempt has its whole second, or the time is left to what may stand in."""
        service.mock(side_effect=hangs)
        log = CallLog()

        answer = await ask(an_upstream(router, RETRYING), timeout_s=timeout_s, log=log)

        assert isinstance(answer, UpstreamTimeout)
        assert [note.step for note in log.notes].count(CallStep.SENT) == hit_count

    async def test_cancelled_while_it_waits_it_leaves_nothing_behind(
        self, router: respx.Router, service: respx.Route
    ) -> None:
        """Between two attempts no place is held, and nothing is sent afterwards."""
        answers(service, BROKEN)
        one_place = some_options(in_flight_limit=1, queue_limit=0, retry=RetryOptions())
        upstream = an_upstream(router, one_place)
        async with asyncio.TaskGroup() as group:
            waiter = group.create_task(ask(upstream))
            await asyncio.sleep(0.01)
            answers(service, WELL)

            other = await ask(upstream)
            waiter.cancel()
        await asyncio.sleep(1.0)

        assert waiter.cancelled()
        assert other == "an order"
        assert service.call_count == 2


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


class TestStorm:
    """A service that fails whatever it is asked, under many readers."""

    READER_COUNT = 2000

    async def attempts_per_read(
        self, router: respx.Router, service: respx.Route, options: UpstreamOptions
    ) -> float:
        answers(service, RESET)
        upstream = an_upstream(router, options)
        for request in self.reads():
            await ask(upstream, request)
        return service.call_count / self.READER_COUNT

    def reads(self) -> Iterable[Request]:
        return (Request("GET", f"/orders/o-{number}") for number in range(self.READER_COUNT))

    async def test_an_outage_is_not_made_worse(
        self, router: respx.Router, service: respx.Route
    ) -> None:
        """At 100 % failure there are at most 1.10 attempts a read."""
        assert await self.attempts_per_read(router, service, RETRYING) <= 1.10

    async def test_control_without_a_budget_it_is_three_times_worse(
        self, router: respx.Router, service: respx.Route
    ) -> None:
        """The control: each read is three attempts."""
        assert await self.attempts_per_read(router, service, UNBOUNDED) == 3.0

    async def test_after_good_times_the_reserve_and_no_more_is_spent(
        self, router: respx.Router, service: respx.Route
    ) -> None:
        """A thousand good reads have saved ten retries for the hundred bad ones that follow."""
        upstream = an_upstream(router, RETRYING)
        answers(service, WELL)
        for _ in range(1000):
            await ask(upstream)

        answers(service, BROKEN)
        for _ in range(100):
            await ask(upstream)

        assert service.call_count <= 1000 + 100 + 10 + 10
