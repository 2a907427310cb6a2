"""The decisions of a circuit breaker, without a clock, a lock or an await.

    closed ──(the calls speak against it)──▶ open ──(break over)──▶ half-open
       ▲                                       ▲                        │
       │                                       └─(probe fails, or lasts)┤
       └─────────────────────────────────────────(probe succeeds)───────┘

Two rules make it right among concurrent calls. Half-open lets exactly one probe in; everybody else
is refused until the probe's fate is known. Every change of state starts a new generation, and a
vote from an older generation is dropped: a failure of a call that began before the break says
nothing about the service after it.

What other gateways tell is a hint: for a while it takes fewer bad calls of our own to open. Nothing
that they say opens a circuit, closes one, or makes a break longer or shorter.
"""

import math
from collections.abc import Callable
from enum import Enum, StrEnum, auto
from random import random

from msgspec import Struct

from resolvers.upstream.call_evidence import CallEvidence
from resolvers.upstream.options import BreakerOptions


class CircuitState(StrEnum):
    """Whether calls pass; the values are pybreaker's names."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Vote(Enum):
    """What one admitted call says about the health of the service."""

    SUCCESS = auto()
    FAILURE = auto()
    NEUTRAL = auto()
    """It says nothing: the caller left, or the call never had a fair chance."""


class Hint(StrEnum):
    """What another gateway tells of its own circuit to the same calls."""

    OPEN = "open"
    CLOSED = "closed"


class Permit(Struct, eq=False):
    """The right to make one call; to be settled exactly once, whatever happens to the call."""

    generation: int
    is_overdue: bool = False


class NoPermit(Struct, frozen=True):
    """The call must not be made; `retry_after_s` seconds from now it may be."""

    retry_after_s: float


class Circuit:
    """The state of the circuit to one kind of call at one upstream.

    `probe_limit_s` is the longest a probe can last, so that a call refused because of it can be
    told when to come back. `draw` gives random numbers from 0 to 1.
    """

    def __init__(
        self,
        options: BreakerOptions,
        *,
        probe_limit_s: float,
        draw: Callable[[], float] = random,
    ) -> None:
        self._options = options
        self._probe_limit_s = probe_limit_s
        self._draw = draw
        self._state = CircuitState.CLOSED
        self._generation = 0
        self._evidence = CallEvidence(options)
        self._next_break_s = options.break_s
        self._break_ends_at_s = 0.0
        self._calm_at_s = math.inf
        self._hinted_until_s = -math.inf
        self._probe_ends_at_s: float | None = None

    @property
    def state(self) -> CircuitState:
        return self._state

    def refusal(self, now_s: float) -> NoPermit | None:
        """Why a call may not be made now, if so; a look that changes nothing."""
        if self._state is CircuitState.OPEN and now_s < self._break_ends_at_s:
            return NoPermit(self._break_ends_at_s - now_s)
        if self._probe_ends_at_s is not None:
            return NoPermit(max(0.0, self._probe_ends_at_s - now_s))
        return None

    def admit(self, now_s: float) -> Permit | NoPermit:
        """Decide whether one call may be made now; every Permit must be settled."""
        refusal = self.refusal(now_s)
        if refusal is not None:
            return refusal
        if self._state is CircuitState.OPEN:
            self._enter(CircuitState.HALF_OPEN)
        if self._state is CircuitState.HALF_OPEN:
            self._probe_ends_at_s = now_s + self._probe_limit_s
        return Permit(self._generation)

    def mark_overdue(self, permit: Permit, now_s: float) -> None:
        """Count an admitted call as slow while it is still on the wire; once, however often told.

        A probe that is slow has failed: whoever waits behind it should not wait for its end.
        """
        if permit.is_overdue or permit.generation != self._generation:
            return
        permit.is_overdue = True
        if self._state is CircuitState.HALF_OPEN:
            self._open(now_s)
        else:
            self._evidence.add_overdue(now_s)
            self._judge(now_s)

    def settle(self, permit: Permit, vote: Vote, now_s: float) -> None:
        """Take the outcome of an admitted call into account, unless it comes too late."""
        if permit.generation != self._generation:
            return
        if self._state is CircuitState.HALF_OPEN:
            self._settle_probe(vote, now_s)
        elif vote is Vote.SUCCESS:
            self._count_success(permit, now_s)
        elif vote is Vote.FAILURE:
            self._count_failure(permit, now_s)

    def hear(self, hint: Hint, now_s: float) -> None:
        """Take to heart, for `hint_s`, what another gateway tells; it changes no state."""
        is_open = hint is Hint.OPEN
        self._hinted_until_s = now_s + self._options.hint_s if is_open else -math.inf

    def _settle_probe(self, vote: Vote, now_s: float) -> None:
        if vote is Vote.NEUTRAL:
            # The probe was called off: its permit goes back, the next call is the probe.
            self._probe_ends_at_s = None
        elif vote is Vote.FAILURE:
            self._open(now_s)
        else:
            self._close(now_s)

    def _count_success(self, permit: Permit, now_s: float) -> None:
        # A success alone never opens, even one that brings the count up to the minimum.
        if permit.is_overdue:
            self._evidence.answer_overdue()
        else:
            self._evidence.add_success(now_s)

    def _count_failure(self, permit: Permit, now_s: float) -> None:
        if permit.is_overdue:
            self._evidence.fail_overdue(now_s)
        else:
            self._evidence.add_failure(now_s)
        self._judge(now_s)

    def _judge(self, now_s: float) -> None:
        is_hinted = now_s < self._hinted_until_s
        if self._evidence.speaks_against(now_s, is_hinted=is_hinted):
            self._open(now_s)

    def _open(self, now_s: float) -> None:
        if self._state is CircuitState.CLOSED and now_s >= self._calm_at_s:
            self._next_break_s = self._options.break_s
        shortening = 1 - self._options.jitter_ratio * self._draw()
        self._break_ends_at_s = now_s + self._next_break_s * shortening
        longer_s = self._next_break_s * self._options.break_factor
        self._next_break_s = min(longer_s, self._options.break_cap_s)
        self._enter(CircuitState.OPEN)

    def _close(self, now_s: float) -> None:
        self._calm_at_s = now_s + self._options.calm_s
        # The service has just answered us, which is newer than what others have told.
        self._hinted_until_s = -math.inf
        self._enter(CircuitState.CLOSED)

    def _enter(self, state: CircuitState) -> None:
        self._state = state
        self._generation += 1
        self._probe_ends_at_s = None
        self._evidence = CallEvidence(self._options)
