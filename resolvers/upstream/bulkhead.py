"""The wall between one upstream's calls and everybody else's: so many on the wire, so many waiting.

A service that hangs can hold no more of us than its own places. Places are handed on in the order
of arrival: a call that ends gives its place to the longest waiting one directly, so a newcomer
never overtakes.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from resolvers.upstream.call_context import CallContext
from resolvers.upstream.deadline import Deadline
from resolvers.upstream.errors import BulkheadFull, DeadlineExceeded
from resolvers.upstream.layer import AnswerT, Send
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.transport import Request


class Bulkhead:
    """Bounded places and a bounded first-in-first-out queue in front of one upstream."""

    def __init__(self, service: str, options: UpstreamOptions) -> None:
        self._service = service
        self._in_flight_limit = options.in_flight_limit
        self._queue_limit = options.queue_limit
        # By then every call that is on the wire now has ended, one way or the other.
        self._retry_after_s = options.attempt_timeout_s
        self._in_flight_count = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    def __repr__(self) -> str:
        return f"<Bulkhead {self._in_flight_count} in flight, {len(self._queue)} waiting>"

    async def around(self, request: Request, context: CallContext, send: Send[AnswerT]) -> AnswerT:
        """Obey `Layer.around`; wait for a place until the deadline.

        Raises BulkheadFull at once if the queue is full too, DeadlineExceeded if no place came in
        time; nothing has been sent in either case.
        """
        async with self._place(context.deadline):
            return await send(request, context)

    @asynccontextmanager
    async def _place(self, deadline: Deadline) -> AsyncIterator[None]:
        if self._in_flight_count < self._in_flight_limit:
            self._in_flight_count += 1
        else:
            await self._wait_for_place(deadline)
        try:
            yield
        finally:
            self._hand_on_place()

    async def _wait_for_place(self, deadline: Deadline) -> None:
        if len(self._queue) >= self._queue_limit:
            raise BulkheadFull(self._service, retry_after_s=self._retry_after_s)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            async with asyncio.timeout_at(deadline.at_s):
                await turn
        except BaseException as cause:
            self._leave_queue(turn)
            if isinstance(cause, TimeoutError):
                raise DeadlineExceeded(self._service) from cause
            raise

    def _leave_queue(self, turn: asyncio.Future[None]) -> None:
        if not turn.cancelled():
            # The place was handed to us in the very moment we gave up: it must not be lost.
            self._hand_on_place()
        elif turn in self._queue:
            self._queue.remove(turn)

    def _hand_on_place(self) -> None:
        """Give the place to the longest waiting call, or keep it for the next to come."""
        while self._queue:
            turn = self._queue.popleft()
            # A waiter that was cancelled just now is still in the queue until its task runs.
            if not turn.done():
                turn.set_result(None)
                return
        self._in_flight_count -= 1
