"""One call to somebody else's service, through the tower of layers.

    deadline › retry › hedge › circuit gate › bulkhead › breaker › attempt timeout › transport

- The deadline is outermost: a request whose time is over takes no place and no permit. It is looked
  at once more below retry and hedge, whose waits may end late: nothing is sent after it.
- Retry and hedge are outside the bulkhead and the breaker: what is sent again is a call like any
  other, which finds a place and a closed circuit or does not, and nothing is held between two.
- The hedge is inside the retry: a late read is asked a second time, and only if both fail, again.
- The gate is outside the bulkhead: nobody queues behind calls that hang to be refused then; and
  who queues already when the circuit opens is refused in that moment.
- The bulkhead is outside the breaker: a full bulkhead is our fault, so it must not count against
  the service; and a call that waited for its place still meets an open circuit before the wire.
- The attempt timeout is inside the breaker: an attempt that ran out is a failure of the service.
- Reading the answer is innermost, with the transport: a service that talks nonsense is as down as
  one that does not talk, and a probe answered by nonsense must not close the circuit.
"""

from collections.abc import Callable, Mapping
from random import random
from typing import Self

import httpx
from msgspec.structs import replace

from resolvers.upstream.answers import check_answer
from resolvers.upstream.breaker import Breaker, CircuitGate
from resolvers.upstream.bulkhead import Bulkhead
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.call_log import CALLED_OFF, CallLog, CallStep
from resolvers.upstream.circuit import CircuitState, Hint
from resolvers.upstream.errors import InvalidAnswer, UpstreamError
from resolvers.upstream.hedge import Hedge
from resolvers.upstream.http_clients import transport_to
from resolvers.upstream.layer import AnswerT, Layer, Send, stack
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.published_circuit import CircuitChanged, CircuitObserver
from resolvers.upstream.retry import Retry
from resolvers.upstream.time_limits import AttemptTimeout, DeadlineGuard
from resolvers.upstream.traffic import Traffic
from resolvers.upstream.transport import CallKind, Request, Response, Transport


def unobserved(_: CircuitChanged) -> None:
    """The observer that looks away."""


class Upstream:
    """One service of somebody else's, as it may be called: within limits, and only while well.

    ``draw``: random numbers from 0 to 1.
    """

    def __init__(
        self,
        service: str,
        options: UpstreamOptions,
        *,
        transport: Transport,
        observe: CircuitObserver = unobserved,
        draw: Callable[[], float] = random,
    ) -> None:
        self.service = service
        self._transport = transport
        self._observe = observe
        self._breaker = Breaker(service, options, observe=self._announce, draw=draw)
        self._bulkhead = Bulkhead(service, options)
        in_time = DeadlineGuard(service)
        self._retry = Retry(service, options, draw=draw)
        self._hedge = Hedge(service, options)
        self._timeout = AttemptTimeout(service, options.attempt_timeout_s)
        self._layers: tuple[Layer, ...] = (
            in_time,
            self._retry,
            self._hedge,
            in_time,
            CircuitGate(self._breaker),
            self._bulkhead,
            self._breaker,
            self._timeout,
        )

    @classmethod
    def over_http(
        cls,
        service: str,
        options: UpstreamOptions,
        *,
        innermost: httpx.AsyncBaseTransport | None = None,
        observe: CircuitObserver = unobserved,
        draw: Callable[[], float] = random,
    ) -> Self:
        """Return an upstream on its own HTTP client; `innermost` replaces the network in tests."""
        transport = transport_to(service, options, innermost=innermost)
        return cls(service, options, transport=transport, observe=observe, draw=draw)

    @property
    def circuit_states(self) -> Mapping[CallKind, CircuitState]:
        """Whether calls of each kind made so far pass now, as is known without making one."""
        return self._breaker.states

    @property
    def traffic(self) -> Traffic:
        """What became of all calls so far."""
        return Traffic(
            attempts=self._timeout.attempts,
            retried=self._retry.retried,
            hedged=self._hedge.hedged,
            circuit_open=self._breaker.refused,
            bulkhead_full=self._bulkhead.refused,
        )

    def refuses(self, kind: CallKind) -> bool:
        """Whether a call of this kind would end at its circuit now."""
        return self._breaker.refuses(kind)

    def hear(self, kind: CallKind, hint: Hint) -> None:
        """Take what another gateway tells of its circuit for the hint it is."""
        self._breaker.hear(kind, hint)

    async def call(
        self, request: Request, context: CallContext, parse: Callable[[Response], AnswerT]
    ) -> AnswerT:
        """Return what `parse` reads from the answer.

        `parse` is given a 200, a 201, or the 404 of a read, and raises ValueError for an answer
        that is none. Raises the UpstreamError that says what happened otherwise. Waits until the
        context's deadline at the latest.
        """
        send = self._exchange(parse)
        for layer in reversed(self._layers):
            send = stack(layer, send)
        if context.log is not None and context.log.trace is not None:
            return await self._noted(request, context, send, context.log)
        return await send(request, context)

    async def aclose(self) -> None:
        """Close the connections; no call may follow."""
        await self._transport.aclose()

    async def _noted(
        self, request: Request, context: CallContext, send: Send[AnswerT], log: CallLog
    ) -> AnswerT:
        """Make the call, and note when it begins and how it ends; its attempts are told by it."""
        numbered, ended = replace(context, call=log.next_number()), CALLED_OFF
        numbered.note(self.service, request, CallStep.BEGAN)
        try:
            answer = await send(request, numbered)
            ended = ""
            return answer
        except UpstreamError as failure:
            ended = type(failure).__name__
            raise
        finally:
            numbered.note(self.service, request, CallStep.ENDED, ended)

    def _announce(self, change: CircuitChanged) -> None:
        if change.after is CircuitState.OPEN:
            self._bulkhead.look_again(self._breaker.check_open)
        self._observe(change)

    def _exchange(self, parse: Callable[[Response], AnswerT]) -> Send[AnswerT]:
        """Return the innermost part of the tower: the wire, and reading what it brings."""

        async def exchange(request: Request, _: CallContext) -> AnswerT:
            response = await self._transport.send(request)
            check_answer(self.service, request, response)
            try:
                return parse(response)
            except (ValueError, RecursionError) as cause:
                raise InvalidAnswer(self.service, is_outcome_unknown=request.is_mutation) from cause

        return exchange
