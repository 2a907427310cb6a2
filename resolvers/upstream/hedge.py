"""A read that is late is asked a second time, and the first good answer counts.

Where one call of twenty hangs, a page of twenty calls hangs as often as not; a second call instead
of a long wait costs a twentieth more calls (Dean and Barroso, The Tail at Scale, 2013).

- Reads only, and only once they are late (`latency`): who fails at once is the retry's business.
- Within a budget that answers earn: a service that answers nobody is not asked twice by anybody.
- The loser is cancelled at once. That is no vote against the service: the circuit breaker takes a
  cancelled call for one that nobody wanted any more, unless its deadline had passed.
- It stands above the bulkhead, so the second call takes a place of its own and may be refused one.

The second call is a task of a group around both: whatever is cancelled when, none outlives it.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Generic

from resolvers.upstream.call_budget import CallBudget
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.call_log import CallStep
from resolvers.upstream.errors import UpstreamError
from resolvers.upstream.latency import Latency
from resolvers.upstream.layer import AnswerT, Send
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.task_group import TaskGroup
from resolvers.upstream.traffic import no_calls
from resolvers.upstream.transport import CallKind, Request


class Hedge:
    """Asks one service a second time, and counts how often by ``hedged``."""

    def __init__(self, service: str, options: UpstreamOptions) -> None:
        self._service = service
        self._options = options.hedge
        self._budget = CallBudget(
            price_count=options.hedge.calls_per_hedge, reserve_count=options.hedge.reserve_count
        )
        self.hedged = no_calls()
        self._latencies = {kind: Latency(options.hedge) for kind in CallKind}

    async def around(self, request: Request, context: CallContext, send: Send[AnswerT]) -> AnswerT:
        """Obey `Layer.around`. Of two failures that of the first call is raised."""
        if request.is_mutation or not self._options.is_on:
            return await send(request, context)
        loop = asyncio.get_running_loop()
        began_at_s = loop.time()
        latency = self._latencies[request.kind]
        answer = await self._ask(request, context, send, latency.late_after_s)
        latency.note(loop.time() - began_at_s)
        self._budget.earn()
        return answer

    async def _ask(
        self,
        request: Request,
        context: CallContext,
        send: Send[AnswerT],
        late_after_s: float | None,
    ) -> AnswerT:
        if late_after_s is None:
            return await send(request, context)

        def may_begin() -> bool:
            if not self._budget.take():
                return False
            self.hedged[request.kind] += 1
            detail = f"late after {late_after_s * 1000:.0f} ms"
            context.note(self._service, request, CallStep.HEDGED, detail)
            return True

        async with TaskGroup() as group:
            race = _Race(group, partial(_outcome, request, context, send), may_begin)
            outcome = await race.run(late_after_s)
        # Raised out here, because inside it would come out wrapped in a group.
        if isinstance(outcome, UpstreamError):
            raise outcome
        return outcome


async def _outcome(
    request: Request, context: CallContext, send: Send[AnswerT]
) -> AnswerT | UpstreamError:
    """The answer, or the failure as a value: one that fails must not cancel the other."""
    try:
        return await send(request, context)
    except UpstreamError as failure:
        return failure


class _Race(Generic[AnswerT]):
    """A call in its caller's task, and a second one in a task of its own once the first is late.

    Nineteen of twenty calls need no second one, so the first is no task: it costs an alarm, and no
    turn of the loop. Where the second brings an answer first, it cancels the first, and the caller
    takes that cancellation back, as `asyncio.timeout` does with its own.
    """

    def __init__(
        self,
        group: asyncio.TaskGroup,
        ask: Callable[[], Coroutine[None, None, AnswerT | UpstreamError]],
        may_begin: Callable[[], bool],
    ) -> None:
        self._group = group
        self._ask = ask
        self._may_begin = may_begin
        self._second: asyncio.Task[AnswerT | UpstreamError] | None = None
        self._is_first_running = True
        self._is_first_called_off = False

    async def run(self, late_after_s: float) -> AnswerT | UpstreamError:
        """The first answer, the other call being cancelled; if both fail, the first's failure."""
        first = await self._first(late_after_s)
        if self._second is None:
            return first
        if not isinstance(first, UpstreamError):
            self._second.cancel()
            return first
        second = await self._second
        return first if isinstance(second, UpstreamError) else second

    async def _first(self, late_after_s: float) -> AnswerT | UpstreamError:
        """The outcome of the first call, or of the second where that has called it off."""
        caller = asyncio.current_task()
        assert caller is not None, "coroutines run in tasks"  # noqa: S101 - for the type checker
        cancelling_count = caller.cancelling()
        alarm = asyncio.get_running_loop().call_later(late_after_s, self._begin_second, caller)
        try:
            return await self._ask()
        except asyncio.CancelledError:
            ours_count = 1 if self._is_first_called_off else 0
            is_left = caller.cancelling() - ours_count > cancelling_count
            if self._second is None or not ours_count or is_left:
                raise
            return self._second.result()
        finally:
            self._is_first_running = False
            alarm.cancel()
            if self._is_first_called_off:
                caller.uncancel()

    def _begin_second(self, caller: asyncio.Task[object]) -> None:
        if self._may_begin():
            self._second = self._group.create_task(self._ask())
            self._second.add_done_callback(partial(self._call_off_first, caller))

    def _call_off_first(
        self, caller: asyncio.Task[object], second: asyncio.Task[AnswerT | UpstreamError]
    ) -> None:
        # A mistake of ours in the second call is the group's to tell.
        if not self._is_first_running or second.cancelled() or second.exception() is not None:
            return
        if not isinstance(second.result(), UpstreamError):
            self._is_first_called_off = True
            caller.cancel()
