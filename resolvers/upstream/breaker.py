"""The circuit breaker as layers: ask the circuit, make the call, tell the circuit how it went.

Each kind of call at a service has a circuit of its own, made when the first such call is: a list
that hangs must not stop reads, and orders that are refused say nothing about those that are read.
All decisions are the circuit's; here is what it cannot have: a clock, and an alarm for each call.

Two layers share the circuits. `Breaker` stands below the bulkhead and admits, because half-open has
one permit, which must not wait in a queue. `CircuitGate` stands above it and only looks: behind an
open circuit nobody should queue for a place that hanging calls still hold.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from random import random

from resolvers.upstream.call_context import CallContext
from resolvers.upstream.call_log import CallStep
from resolvers.upstream.circuit import Circuit, CircuitState, Hint, NoPermit, Permit, Vote
from resolvers.upstream.errors import (
    CircuitOpen,
    DeadlineExceeded,
    UpstreamError,
    UpstreamTimeout,
)
from resolvers.upstream.failures import Says, meaning_of
from resolvers.upstream.layer import AnswerT, Send
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.published_circuit import CircuitObserver, PublishedCircuit
from resolvers.upstream.traffic import no_calls
from resolvers.upstream.transport import CallKind, Request


def vote_of(error: UpstreamError, options: UpstreamOptions, *, waited_s: float) -> Vote:
    """Say what a failed call tells about the service's health.

    An attempt cut short by the request's deadline is the service's failure only if it had a fair
    chance: at least half of its timeout. Otherwise impatient clients could open the circuit
    of a healthy service, while without this rule a hanging one would stay closed for ever as long
    as all its clients are impatient. A timer that rang late says nothing: the answer may have been
    waiting for us, and one stall of ours must not open the circuits of healthy services.
    """
    has_run_out = isinstance(error, UpstreamTimeout | DeadlineExceeded)
    if has_run_out and waited_s > options.attempt_timeout_s + options.breaker.lag_s:
        return Vote.NEUTRAL
    match meaning_of(error).says:
        case Says.ILL:
            return Vote.FAILURE
        case Says.ILL_IF_GIVEN_TIME if waited_s >= options.attempt_timeout_s / 2:
            return Vote.FAILURE
        case Says.WELL:
            return Vote.SUCCESS
        case _:
            return Vote.NEUTRAL


class Breaker:
    """Calls a service only while it seems to be well; ``refused`` counts the calls not made.

    ``draw``: random numbers from 0 to 1.
    """

    def __init__(
        self,
        service: str,
        options: UpstreamOptions,
        *,
        observe: CircuitObserver,
        draw: Callable[[], float] = random,
    ) -> None:
        self._service = service
        self._options = options
        self._observe = observe
        self._draw = draw
        self._circuits: dict[CallKind, PublishedCircuit] = {}
        self.refused = no_calls()

    @property
    def states(self) -> Mapping[CallKind, CircuitState]:
        """The state of each circuit there is: of every kind that has been called, or hinted at.

        One whose break is over waits for a call that is its probe: half open, however long none
        comes. Told as open, a kind that is seldom called would look like an outage for hours.
        """
        now_s = _now_s()
        return {kind: circuit.state_at(now_s) for kind, circuit in self._circuits.items()}

    def hear(self, kind: CallKind, hint: Hint) -> None:
        """Take to heart what another gateway tells of its circuit to these calls."""
        self._circuit_of(kind).hear(hint, _now_s())

    def refuses(self, kind: CallKind) -> bool:
        """Whether a call of this kind would be refused now; takes no permit."""
        circuit = self._circuits.get(kind)
        return circuit is not None and circuit.refusal(_now_s()) is not None

    def check_open(self, request: Request, context: CallContext) -> None:
        """Raise CircuitOpen if the call would be refused now; takes no permit."""
        refusal = self._circuit_of(request.kind).refusal(_now_s())
        if refusal is not None:
            raise self._refused(request, context, refusal)

    async def around(self, request: Request, context: CallContext, send: Send[AnswerT]) -> AnswerT:
        """Obey `Layer.around`; raise CircuitOpen instead of calling while the circuit is open.

        A call that is cancelled, or fails by a mistake of ours, is no vote; if it was the probe,
        the next caller becomes the probe. One that was cancelled because nobody could wait for it
        any longer has hung, and is a vote like a deadline's. Whatever becomes of it, a call that
        lasts long is counted as slow when it does.
        """
        circuit, started_at_s = self._circuit_of(request.kind), _now_s()
        permit = circuit.admit(started_at_s)
        if isinstance(permit, NoPermit):
            raise self._refused(request, context, permit)
        if circuit.state is CircuitState.HALF_OPEN:
            context.note(self._service, request, CallStep.PROBED)
        alarm = self._alarm(circuit, permit, started_at_s)
        vote = Vote.NEUTRAL
        try:
            answer = await send(request, context)
            vote = Vote.SUCCESS
            return answer
        except UpstreamError as error:
            vote = self._vote(error, started_at_s)
            raise
        except asyncio.CancelledError:
            if context.deadline.has_passed():
                vote = self._vote(DeadlineExceeded(self._service), started_at_s)
            raise
        finally:
            if alarm is not None:
                alarm.cancel()
            circuit.settle(permit, vote, _now_s())

    def _circuit_of(self, kind: CallKind) -> PublishedCircuit:
        circuit = self._circuits.get(kind)
        if circuit is None:
            decisions = Circuit(
                self._options.breaker,
                probe_limit_s=self._options.attempt_timeout_s,
                draw=self._draw,
            )
            circuit = PublishedCircuit(self._service, kind, decisions, observe=self._observe)
            self._circuits[kind] = circuit
        return circuit

    def _alarm(
        self, circuit: PublishedCircuit, permit: Permit, started_at_s: float
    ) -> asyncio.TimerHandle | None:
        slow_call_s = self._options.breaker.slow_call_s
        if slow_call_s >= self._options.attempt_timeout_s:
            return None
        due_at_s = started_at_s + slow_call_s
        too_late_at_s = due_at_s + self._options.breaker.alarm_lag_s
        loop = asyncio.get_running_loop()
        return loop.call_at(due_at_s, _ring, circuit, permit, too_late_at_s)

    def _vote(self, error: UpstreamError, started_at_s: float) -> Vote:
        return vote_of(error, self._options, waited_s=_now_s() - started_at_s)

    def _refused(self, request: Request, context: CallContext, refusal: NoPermit) -> CircuitOpen:
        self.refused[request.kind] += 1
        context.note(self._service, request, CallStep.REFUSED, "the circuit is open")
        return CircuitOpen(self._service, retry_after_s=refusal.retry_after_s)


class CircuitGate:
    """Lets nobody queue for a call that its circuit would refuse."""

    def __init__(self, breaker: Breaker) -> None:
        self._breaker = breaker

    def around(
        self, request: Request, context: CallContext, send: Send[AnswerT]
    ) -> Awaitable[AnswerT]:
        """Obey `Layer.around`; raise CircuitOpen while the circuit is open."""
        self._breaker.check_open(request, context)
        return send(request, context)


def _ring(circuit: PublishedCircuit, permit: Permit, too_late_at_s: float) -> None:
    now_s = _now_s()
    # An alarm that rings late tells of our own loop, and the answer may be there already.
    if now_s <= too_late_at_s:
        circuit.mark_overdue(permit, now_s)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
