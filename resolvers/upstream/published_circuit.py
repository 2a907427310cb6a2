"""A circuit that others can see: every change of its state is published as it happens.

All decisions are the circuit's. pybreaker keeps the name, the state as others see it and the
listeners; it is moved by its public `open`, `half_open` and `close` and never makes a call or
counts one, because under asyncio it would admit every caller while half-open, take a cancellation
for a failure and then swallow it, and never open while every fifth call succeeds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pybreaker

from resolvers.upstream.circuit import Circuit, CircuitState, Hint, NoPermit, Permit, Vote
from resolvers.upstream.transport import CallKind


@dataclass(frozen=True, slots=True)
class CircuitChanged:
    """Signal: the circuit to calls of ``kind`` at ``service`` went from one state to another."""

    service: str
    kind: CallKind
    before: CircuitState
    after: CircuitState


CircuitObserver = Callable[[CircuitChanged], None]
"""Is told every change as it happens; must be quick and must not raise."""


def name_of(service: str, kind: CallKind) -> str:
    """How a circuit is called wherever it is told: ``orders.read``."""
    return f"{service}.{kind}"


class PublishedCircuit:
    """`Circuit`, with a name and somebody who is told."""

    def __init__(
        self, service: str, kind: CallKind, circuit: Circuit, *, observe: CircuitObserver
    ) -> None:
        self._circuit = circuit
        self._published_state = CircuitState.CLOSED
        self._published = pybreaker.CircuitBreaker(
            name=name_of(service, kind), listeners=[_Announcer(service, kind, observe)]
        )
        self._publish_as: Mapping[CircuitState, Callable[[], object]] = {
            CircuitState.CLOSED: self._published.close,
            CircuitState.OPEN: self._published.open,
            CircuitState.HALF_OPEN: self._published.half_open,
        }

    @property
    def state(self) -> CircuitState:
        """The state as it was last published."""
        return self._published_state

    def state_at(self, now_s: float) -> CircuitState:
        """The same, half open where the next call would be a probe."""
        is_due = self.state is CircuitState.OPEN and self._circuit.refusal(now_s) is None
        return CircuitState.HALF_OPEN if is_due else self.state

    def refusal(self, now_s: float) -> NoPermit | None:
        """See `Circuit.refusal`."""
        return self._circuit.refusal(now_s)

    def admit(self, now_s: float) -> Permit | NoPermit:
        """See `Circuit.admit`."""
        verdict = self._circuit.admit(now_s)
        self._publish()
        return verdict

    def mark_overdue(self, permit: Permit, now_s: float) -> None:
        """See `Circuit.mark_overdue`."""
        self._circuit.mark_overdue(permit, now_s)
        self._publish()

    def settle(self, permit: Permit, vote: Vote, now_s: float) -> None:
        """See `Circuit.settle`."""
        self._circuit.settle(permit, vote, now_s)
        self._publish()

    def hear(self, hint: Hint, now_s: float) -> None:
        """See `Circuit.hear`."""
        self._circuit.hear(hint, now_s)

    def _publish(self) -> None:
        state = self._circuit.state
        if state is not self._published_state:
            self._published_state = state
            self._publish_as[state]()


class _Announcer(pybreaker.CircuitBreakerListener):
    """Turns pybreaker's notifications into signals that need no knowledge of pybreaker."""

    def __init__(self, service: str, kind: CallKind, observe: CircuitObserver) -> None:
        self._service = service
        self._kind = kind
        self._observe = observe

    def state_change(
        self,
        _: pybreaker.CircuitBreaker,
        old_state: pybreaker.CircuitBreakerState | None,
        new_state: pybreaker.CircuitBreakerState,
    ) -> None:
        """Tell the observer."""
        before = CircuitState.CLOSED if old_state is None else CircuitState(old_state.name)
        after = CircuitState(new_state.name)
        self._observe(CircuitChanged(self._service, self._kind, before, after))
