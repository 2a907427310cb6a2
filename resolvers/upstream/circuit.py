"""The decisions of a circuit breaker, without a clock, a lock or an await.

    closed ──(enough failures in the window)──▶ open ──(break over)──▶ half-open
       ▲                                          ▲                        │
       │                                          └────(probe fails)───────┤
       └──────────────────────────────────────────────(probe succeeds)─────┘

Two rules make it right among concurrent calls. Half-open lets exactly one probe in; everybody else
is refused until the probe's fate is known. Every change of state starts a new generation, and a
vote from an older generation is dropped: a failure of a call that began before the break says
nothing about the service after it.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from resolvers.upstream.call_window import CallWindow
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


@dataclass(frozen=True, slots=True)
class Permit:
    """The right to make one call; to be settled exactly once, whatever happens to the call."""

    generation: int


@dataclass(frozen=True, slots=True)
class NoPermit:
    """The call must not be made; `retry_after_s` seconds from now it may be."""

    retry_after_s: float


class Circuit:
    """The state of the circuit to one upstream.

    `probe_limit_s` is the longest a probe can last, so that a call refused because of it can be
    told when to come back.
    """

    def __init__(self, options: BreakerOptions, *, probe_limit_s: float) -> None:
        self._options = options
        self._probe_limit_s = probe_limit_s
        self._state = CircuitState.CLOSED
        self._generation = 0
        self._window = CallWindow(options)
        self._break_ends_at_s = 0.0
        self._probe_ends_at_s: float | None = None

    @property
    def state(self) -> CircuitState:
        return self._state

    def admit(self, now_s: float) -> Permit | NoPermit:
        """Decide whether one call may be made now; every Permit must be settled."""
        if self._state is CircuitState.CLOSED:
            return Permit(self._generation)
        if self._state is CircuitState.OPEN:
            if now_s < self._break_ends_at_s:
                return NoPermit(self._break_ends_at_s - now_s)
            self._enter(CircuitState.HALF_OPEN)
        return self._admit_probe(now_s)

    def settle(self, permit: Permit, vote: Vote, now_s: float) -> None:
        """Take the outcome of an admitted call into account, unless it comes too late."""
        if permit.generation != self._generation:
            return
        if self._state is CircuitState.HALF_OPEN:
            self._settle_probe(vote, now_s)
        elif vote is not Vote.NEUTRAL:
            self._count(now_s, has_failed=vote is Vote.FAILURE)

    def _admit_probe(self, now_s: float) -> Permit | NoPermit:
        if self._probe_ends_at_s is not None:
            return NoPermit(max(0.0, self._probe_ends_at_s - now_s))
        self._probe_ends_at_s = now_s + self._probe_limit_s
        return Permit(self._generation)

    def _settle_probe(self, vote: Vote, now_s: float) -> None:
        if vote is Vote.NEUTRAL:
            # The probe was called off: its permit goes back, the next call is the probe.
            self._probe_ends_at_s = None
        elif vote is Vote.FAILURE:
            self._open(now_s)
        else:
            self._enter(CircuitState.CLOSED)

    def _count(self, now_s: float, *, has_failed: bool) -> None:
        self._window.record(now_s, has_failed=has_failed)
        # A success alone never opens, even one that brings the count up to the minimum.
        if has_failed and self._has_failed_too_often(now_s):
            self._open(now_s)

    def _has_failed_too_often(self, now_s: float) -> bool:
        counts = self._window.counts(now_s)
        return (
            counts.call_count >= self._options.min_call_count
            and counts.failure_ratio >= self._options.failure_ratio
        )

    def _open(self, now_s: float) -> None:
        self._break_ends_at_s = now_s + self._options.break_s
        self._enter(CircuitState.OPEN)

    def _enter(self, state: CircuitState) -> None:
        self._state = state
        self._generation += 1
        self._probe_ends_at_s = None
        self._window = CallWindow(self._options)
