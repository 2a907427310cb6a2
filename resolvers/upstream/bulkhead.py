"""The wall between one upstream's calls and everybody else's: so many on the wire, so many waiting.

A service that hangs can hold no more of us than its own places. Places are handed on in the order
of arrival: a call that ends gives its place to the longest waiting one directly, so a newcomer
never overtakes. How many places there are follows what the service bears (`adaptive_limit`): one
that it bears no longer is not handed on, one that it bears again goes to who waits. Who waits in
vain, because the circuit has opened meanwhile, is told at once.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from resolvers.upstream.adaptive_limit import AdaptiveLimit
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.call_log import CallStep
from resolvers.upstream.errors import (
    BulkheadFull,
    DeadlineExceeded,
    InvalidAnswer,
    Rejected,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
    VersionBehind,
)
from resolvers.upstream.layer import AnswerT, Send
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.traffic import no_calls
from resolvers.upstream.transport import Request


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """A call in the queue; ``turn`` is done when it has its place, or is refused."""

    request: Request
    context: CallContext
    turn: asyncio.Future[None]


class Bulkhead:
    """Bounded places and a bounded first-in-first-out queue in front of one upstream.

    ``refused`` counts the calls that neither had room for.
    """

    def __init__(self, service: str, options: UpstreamOptions) -> None:
        self._service = service
        self._limit = AdaptiveLimit(
            options.adaptive,
            ceiling_count=options.in_flight_limit,
            attempt_timeout_s=options.attempt_timeout_s,
        )
        self._queue_limit = options.queue_limit
        self._attempt_timeout_s = options.attempt_timeout_s
        self._in_flight_count = 0
        self._queue: deque[Waiting] = deque()
        self.refused = no_calls()

    def __repr__(self) -> str:
        return f"<Bulkhead {self._in_flight_count} in flight, {len(self._queue)} waiting>"

    @property
    def place_count(self) -> int:
        """Calls that may be in flight now."""
        return self._limit.place_count

    async def around(self, request: Request, context: CallContext, send: Send[AnswerT]) -> AnswerT:
        """Obey `Layer.around`; wait for a place until the deadline.

        Raises BulkheadFull at once if the queue is full too, DeadlineExceeded if no place came in
        time; nothing has been sent in either case.
        """
        if self._in_flight_count < self._limit.place_count:
            self._in_flight_count += 1
        else:
            await self._queue_up(request, context)
        self._limit.begun(self._in_flight_count)
        loop = asyncio.get_running_loop()
        began_at_s = loop.time()
        try:
            answer = await send(request, context)
            self._limit.answered(loop.time() - began_at_s)
            return answer
        except UpstreamError as error:
            self._learn(error, loop.time() - began_at_s)
            raise
        finally:
            self._hand_on_place()

    def _learn(self, error: UpstreamError, took_s: float) -> None:
        """Tell the limit what a failed call says of how much the service bears.

        A deadline counts as the breaker counts it: after half an attempt's time, or impatient
        clients would take the places of a healthy service. What was not sent says nothing.
        """
        match error:
            case UpstreamUnavailable() | UpstreamTimeout():
                self._limit.dropped()
            case DeadlineExceeded() if took_s >= self._attempt_timeout_s / 2:
                self._limit.dropped()
            case Rejected() | VersionBehind() | InvalidAnswer():
                self._limit.answered(took_s)
            case _:
                pass

    def look_again(self, check: Callable[[Request, CallContext], None]) -> None:
        """Refuse all who wait and for whose call ``check`` raises an UpstreamError by now."""
        for waiting in self._queue:
            try:
                check(waiting.request, waiting.context)
            except UpstreamError as refusal:
                if not waiting.turn.done():
                    waiting.turn.set_exception(refusal)

    async def _queue_up(self, request: Request, context: CallContext) -> None:
        self._refuse_if_full(request, context)
        context.note(self._service, request, CallStep.QUEUED)
        await self._wait_for_place(request, context)

    def _refuse_if_full(self, request: Request, context: CallContext) -> None:
        if len(self._queue) < self._queue_limit:
            return
        self.refused[request.kind] += 1
        context.note(self._service, request, CallStep.REFUSED, BulkheadFull.__name__)
        # By then every call that is on the wire now has ended, one way or the other.
        raise BulkheadFull(self._service, retry_after_s=self._attempt_timeout_s)

    async def _wait_for_place(self, request: Request, context: CallContext) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = Waiting(request, context, turn)
        self._queue.append(waiting)
        try:
            async with asyncio.timeout_at(context.deadline.at_s):
                await turn
        except BaseException as cause:
            self._leave_queue(waiting)
            if isinstance(cause, TimeoutError):
                raise DeadlineExceeded(self._service) from cause
            raise

    def _leave_queue(self, waiting: Waiting) -> None:
        if waiting in self._queue:
            self._queue.remove(waiting)
        if not waiting.turn.cancelled() and waiting.turn.exception() is None:
            # The place was handed to us in the very moment we gave up: it must not be lost.
            self._hand_on_place()

    def _hand_on_place(self) -> None:
        """Give the place to the longest waiting call, or keep it for the next to come.

        If there are fewer places by now it is given to nobody, if there are more so are the others.
        """
        self._in_flight_count -= 1
        while self._queue and self._in_flight_count < self._limit.place_count:
            turn = self._queue.popleft().turn
            # Who was cancelled or refused just now is still in the queue until its task runs.
            if not turn.done():
                self._in_flight_count += 1
                turn.set_result(None)
