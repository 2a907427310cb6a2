"""A call that failed is made once more, where that can help and harms nobody.

- Only what may be repeated: a read, or a mutation that carries an idempotency key, the same one.
- Only after failures that may pass (`failures`), and within a budget: while a service is down, all
  its callers together ask it a tenth more often and not three times as often.
- Only if it fits: whoever would wait beyond the deadline, for the back-off or because the service
  asked for it, is told at once.

It stands above the hedge, the bulkhead and the circuit breaker: a repetition is a call like any
other, it queues, and it is refused while the circuit is open. Nothing is held while it waits.

The wait is drawn from the whole of nothing to the back-off, which doubles ("full jitter", Marc
Brooker, Exponential Backoff And Jitter, 2015): callers that failed together do not return together.
"""

import asyncio
from collections.abc import Callable

from resolvers.upstream.call_budget import CallBudget
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.call_log import CallStep
from resolvers.upstream.errors import UpstreamError, without_frames
from resolvers.upstream.failures import Repeat, meaning_of, more_telling
from resolvers.upstream.layer import AnswerT, Send
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.traffic import no_calls
from resolvers.upstream.transport import Request


class Retry:
    """Makes calls to one service once more, and counts how often by ``retried``.

    ``draw``: random numbers from 0 to 1.
    """

    def __init__(
        self, service: str, options: UpstreamOptions, *, draw: Callable[[], float]
    ) -> None:
        self._service = service
        self._options = options.retry
        self._attempt_timeout_s = options.attempt_timeout_s
        self._draw = draw
        self.retried = no_calls()
        self._budget = CallBudget(
            price_count=options.retry.calls_per_retry,
            reserve_count=options.retry.reserve_count,
            floor_count=options.retry.floor_count,
        )

    async def around(self, request: Request, context: CallContext, send: Send[AnswerT]) -> AnswerT:
        """Obey `Layer.around`; raise what tells most of the failures when there is no answer."""
        self._budget.earn()
        failure: UpstreamError | None = None
        retry_count = 0
        while True:
            try:
                return await send(request, context)
            except UpstreamError as error:
                told = error if failure is None else more_telling(failure, error)
                failure = without_frames(told)  # this one among them, which may be cancelled yet
                wait_s = self._wait_s(request, context, error, retry_count)
            if wait_s is None:
                raise failure
            retry_count += 1
            self.retried[request.kind] += 1
            context.note(self._service, request, CallStep.RETRIED, f"after {wait_s * 1000:.0f} ms")
            await asyncio.sleep(wait_s)

    def _wait_s(
        self, request: Request, context: CallContext, error: UpstreamError, retry_count: int
    ) -> float | None:
        """How long to wait before the call is made once more, for which it is paid; None: no more.

        A wish of the service to wait is granted, and its callers are spread out after it. What is
        drawn decides how long, and never whether.
        """
        if not request.may_be_repeated or retry_count >= self._options.limit_count:
            return None
        backoff_s = self._options.backoff_s * 2**retry_count
        wished_s = error.retry_after_s or 0.0
        if not self._fits(error, context.deadline.remaining_s() - wished_s - backoff_s):
            return None
        return wished_s + self._draw() * backoff_s if self._budget.take() else None

    def _fits(self, error: UpstreamError, left_s: float) -> bool:
        """Whether a call that has so much time left (s) may be made after this failure."""
        match meaning_of(error).repeat:
            case Repeat.IN_TIME:
                return left_s > 0
            case Repeat.WITH_WHOLE_ATTEMPT:
                return left_s > self._attempt_timeout_s
            case Repeat.NEVER:
                return False
