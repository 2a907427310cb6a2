"""A read that is late is asked a second time, and the first good answer counts.

Where one call of twenty hangs, a page of twenty calls hangs as often as not; a second call instead
of a long wait costs a twentieth more calls (Dean and Barroso, The Tail at Scale, 2013).

- Reads only, and only once they are late (`latency`): who fails at once is the retry's business.
- Within a budget that answers earn: a service that answers nobody is not asked twice by anybody.
- The loser is cancelled at once. That is no vote against the service: the circuit breaker takes a
  cancelled call for one that nobody wanted any more, unless its deadline had passed.
- It stands above the bulkhead, so the second call takes a place of its own and may be refused one.

Both calls are tasks of one group: whatever is cancelled when, none outlives the call.
"""

import asyncio

from resolvers.upstream.call_budget import CallBudget
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.call_log import CallStep
from resolvers.upstream.errors import UpstreamError
from resolvers.upstream.latency import Latency
from resolvers.upstream.layer import AnswerT, Send
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.task_group import TaskGroup
from resolvers.upstream.transport import CallKind, Request


class Hedge:
    """Asks one service a second time."""

    def __init__(self, service: str, options: UpstreamOptions) -> None:
        self._service = service
        self._options = options.hedge
        self._budget = CallBudget(
            price_count=options.hedge.calls_per_hedge, reserve_count=options.hedge.reserve_count
        )
        self._latencies = {kind: Latency(options.hedge) for kind in CallKind}

    async def around(self, request: Request, context: CallContext, send: Send[AnswerT]) -> AnswerT:
        """Obey `Layer.around`. Of two failures that of the first call is raised."""
        if request.is_mutation or not self._options.is_on:
            return await send(request, context)
        began_at_s = asyncio.get_running_loop().time()
        latency = self._latencies[request.kind]
        answer = await self._ask(request, context, send, latency.late_after_s)
        latency.note(asyncio.get_running_loop().time() - began_at_s)
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
        async with TaskGroup() as group:
            calls = [group.create_task(_outcome(request, context, send))]
            done, _ = await asyncio.wait(calls, timeout=late_after_s)
            if not done and self._budget.take():
                detail = f"late after {late_after_s * 1000:.0f} ms"
                context.note(self._service, request, CallStep.HEDGED, detail)
                calls.append(group.create_task(_outcome(request, context, send)))
            outcome = await _first_good(calls)
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


async def _first_good(
    calls: list[asyncio.Task[AnswerT | UpstreamError]],
) -> AnswerT | UpstreamError:
    """The first answer, all other calls being cancelled; if all fail, the first call's failure."""
    waiting = set(calls)
    while waiting:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for call in done:
            outcome = call.result()
            if not isinstance(outcome, UpstreamError):
                for loser in waiting:
                    loser.cancel()
                return outcome
    return calls[0].result()
