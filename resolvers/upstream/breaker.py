"""The circuit breaker as a layer: asks the circuit, makes the call, tells it how the call went.

All decisions are the circuit's. pybreaker keeps the name, the state as others see it and the
listeners; it is moved by its public `open`, `half_open` and `close` and never makes a call or
counts one, because under asyncio it would admit every caller while half-open, take a cancellation
for a failure and then swallow it, and never open while every fifth call succeeds.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pybreaker

from resolvers.upstream.call_context import CallContext
from resolvers.upstream.circuit import Circuit, CircuitState, NoPermit, Permit, Vote
from resolvers.upstream.errors import (
    CircuitOpen,
    DeadlineExceeded,
    UpstreamError,
    UpstreamTimeout,
)
from resolvers.upstream.failures import Says, meaning_of
from resolvers.upstream.layer import AnswerT, Send
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.transport import Request


@dataclass(frozen=True, slots=True)
class CircuitChanged:
    """Signal: the circuit to `service` went from one state to another."""

    service: str
    before: CircuitState
    after: CircuitState


CircuitObserver = Callable[[CircuitChanged], None]
"""Is told every change as it happens; must be quick and must not raise."""


LATE_S = 0.25
"""Seconds after its limit at which a timer that rings says that our own loop was held up."""


def vote_of(error: UpstreamError, *, waited_s: float, attempt_timeout_s: float) -> Vote:
    """Say what a failed call tells about the service's health.

    An attempt cut short by the request's deadline is the service's failure only if it had a fair
    chance: at least half of `attempt_timeout_s`. Otherwise impatient clients could open the circuit
    of a healthy service, while without this rule a hanging one would stay closed for ever as long
    as all its clients are impatient. A timer that rang late says nothing: the answer may have been
    waiting for us, and one stall of ours must not open the circuits of healthy services.
    """
    has_run_out = isinstance(error, UpstreamTimeout | DeadlineExceeded)
    if has_run_out and waited_s > attempt_timeout_s + LATE_S:
        return Vote.NEUTRAL
    match meaning_of(error).says:
        case Says.ILL:
            return Vote.FAILURE
        case Says.ILL_IF_GIVEN_TIME if waited_s >= attempt_timeout_s / 2:
            return Vote.FAILURE
        case Says.WELL:
            return Vote.SUCCESS
        case _:
            return Vote.NEUTRAL


class Breaker:
    """Calls a service only while it seems to be well."""

    def __init__(self, service: str, options: UpstreamOptions, *, observe: CircuitObserver) -> None:
        self._service = service
        self._attempt_timeout_s = options.attempt_timeout_s
        self._circuit = Circuit(options.breaker, probe_limit_s=options.attempt_timeout_s)
        self._published = pybreaker.CircuitBreaker(
            name=service, listeners=[_Announcer(service, observe)]
        )
        self._publish: Mapping[CircuitState, Callable[[], object]] = {
            CircuitState.CLOSED: self._published.close,
            CircuitState.OPEN: self._published.open,
            CircuitState.HALF_OPEN: self._published.half_open,
        }

    @property
    def state(self) -> CircuitState:
        """The state as it was last published."""
        return CircuitState(self._published.current_state)

    async def around(self, request: Request, context: CallContext, send: Send[AnswerT]) -> AnswerT:
        """Obey `Layer.around`; raise CircuitOpen instead of calling while the circuit is open.

        A call that is cancelled, or fails by a mistake of ours, is no vote; if it was the probe,
        the next caller becomes the probe. One that was cancelled because nobody could wait for it
        any longer has hung, and is a vote like a deadline's.
        """
        started_at_s = asyncio.get_running_loop().time()
        permit = self._admit(started_at_s)
        vote = Vote.NEUTRAL
        try:
            self._publish_state()
            answer = await send(request, context)
            vote = Vote.SUCCESS
            return answer
        except UpstreamError as error:
            waited_s = asyncio.get_running_loop().time() - started_at_s
            vote = vote_of(error, waited_s=waited_s, attempt_timeout_s=self._attempt_timeout_s)
            raise
        except asyncio.CancelledError:
            if context.deadline.has_passed():
                waited_s = asyncio.get_running_loop().time() - started_at_s
                vote = vote_of(
                    DeadlineExceeded(self._service),
                    waited_s=waited_s,
                    attempt_timeout_s=self._attempt_timeout_s,
                )
            raise
        finally:
            self._circuit.settle(permit, vote, asyncio.get_running_loop().time())
            self._publish_state()

    def _admit(self, now_s: float) -> Permit:
        match self._circuit.admit(now_s):
            case NoPermit(retry_after_s):
                raise CircuitOpen(self._service, retry_after_s=retry_after_s)
            case permit:
                return permit

    def _publish_state(self) -> None:
        if self._circuit.state == self._published.current_state:
            return
        self._publish[self._circuit.state]()


class _Announcer(pybreaker.CircuitBreakerListener):
    """Turns pybreaker's notifications into signals that need no knowledge of pybreaker."""

    def __init__(self, service: str, observe: CircuitObserver) -> None:
        self._service = service
        self._observe = observe

    def state_change(
        self,
        _: pybreaker.CircuitBreaker,
        old_state: pybreaker.CircuitBreakerState | None,
        new_state: pybreaker.CircuitBreakerState,
    ) -> None:
        """Tell the observer."""
        before = CircuitState.CLOSED if old_state is None else CircuitState(old_state.name)
        self._observe(CircuitChanged(self._service, before, CircuitState(new_state.name)))
