"""The two layers about time: nothing starts after the deadline, no attempt outlasts its own limit.

The deadline is not one timer around the whole tower but an end that every wait obeys (the queue of
the bulkhead, the attempt). With a timer of its own outside, both would ring at the same instant
and the outer one would hide what the inner one knows: whether the request had been sent, and
whether the service had had a fair chance.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from resolvers.upstream.call_context import CallContext
from resolvers.upstream.call_log import CallStep
from resolvers.upstream.errors import DeadlineExceeded, UpstreamError, UpstreamTimeout
from resolvers.upstream.layer import AnswerT, Send
from resolvers.upstream.traffic import RESULT_OF, AttemptResult, Attempts
from resolvers.upstream.transport import CallKind, Request


class DeadlineGuard:
    """Starts nothing once the deadline has passed."""

    def __init__(self, service: str) -> None:
        self._service = service

    def around(
        self, request: Request, context: CallContext, send: Send[AnswerT]
    ) -> Awaitable[AnswerT]:
        """Obey `Layer.around`; raise DeadlineExceeded, with nothing sent, if no time is left."""
        if context.deadline.has_passed():
            raise DeadlineExceeded(self._service)
        return send(request, context)


class AttemptTimeout:
    """Ends one attempt at its own limit or at the deadline, whichever comes first.

    ``attempts``: what became of those made so far, by kind.
    """

    def __init__(self, service: str, timeout_s: float) -> None:
        self._service = service
        self._timeout_s = timeout_s
        self.attempts: dict[CallKind, Attempts] = {}

    async def around(self, request: Request, context: CallContext, send: Send[AnswerT]) -> AnswerT:
        """Obey `Layer.around`; count how the attempt ends."""
        loop = asyncio.get_running_loop()
        began_at_s = loop.time()
        context.tally.attempt_count += 1
        result: AttemptResult = "called_off"
        try:
            answer = await self._attempt(request, context, send, began_at_s + self._timeout_s)
            result = "answered"
            return answer
        except UpstreamError as error:
            result = RESULT_OF.get(type(error), result)
            raise
        finally:
            self._of_kind(request.kind).note(result, loop.time() - began_at_s)

    def _of_kind(self, kind: CallKind) -> Attempts:
        attempts = self.attempts.get(kind)
        if attempts is None:
            attempts = self.attempts[kind] = Attempts()
        return attempts

    async def _attempt(
        self, request: Request, context: CallContext, send: Send[AnswerT], attempt_ends_at_s: float
    ) -> AnswerT:
        """Send it; tell the upstream the time left.

        Raises UpstreamTimeout if the attempt had its full time, DeadlineExceeded if the request's
        deadline cut it short. A mutation that was cut off counts as possibly received.
        """
        attempt = 0 if context.log is None else context.log.next_number()
        note = self._note(request, context, attempt)
        if note is not None:
            note(CallStep.SENT)
        try:
            async with asyncio.timeout_at(min(attempt_ends_at_s, context.deadline.at_s)):
                answer = await send(request.with_headers(context.headers(attempt=attempt)), context)
        except UpstreamError as failure:
            if note is not None:
                note(CallStep.FAILED, type(failure).__name__)
            raise
        except TimeoutError as cause:
            if note is not None:
                note(CallStep.FAILED, "no answer in time")
            had_full_time = attempt_ends_at_s <= context.deadline.at_s
            error = UpstreamTimeout if had_full_time else DeadlineExceeded
            raise error(self._service, is_outcome_unknown=request.is_mutation) from cause
        if note is not None:
            note(CallStep.ANSWERED)
        return answer

    def _note(
        self, request: Request, context: CallContext, attempt: int
    ) -> Callable[..., None] | None:
        """How to note a step of this attempt; None where nobody looks."""
        if context.log is None:
            return None
        return partial(context.note, self._service, request, attempt=attempt)
