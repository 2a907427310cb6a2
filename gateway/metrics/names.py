"""Every family of metrics that a gateway shows, and every value that a label may have.

The rule: a label takes words of a closed list and nothing that a client or a service has sent, so
no flood of requests makes one series more. docs/metrics.md is this module as a page; a test holds
the two equal.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from gateway.errors import ErrorCode
from gateway.metrics.counts import LIMITS
from gateway.metrics.live_counts import ENDINGS, TRANSPORTS
from gateway.ways import OUTCOMES, WAYS
from projections.versions import AggregateType
from projections.waiters import WaitEnd
from resolvers.upstream.circuit import CircuitState
from resolvers.upstream.traffic import ATTEMPT_RESULTS
from resolvers.upstream.transport import CallKind

COUNTER: Final = "counter"
GAUGE: Final = "gauge"
HISTOGRAM: Final = "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """One metric by its name, with its unit at the end; a counter ends in ``_total``."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    about: str
    labels: Sequence[str] = ()


SERVICES: Final = tuple(of.source for of in AggregateType)
STORE: Final = "store"
"""Stands among the services where circuits are told."""

WORKER: Final = "worker"
"""Tells the series of several workers apart: its number, from 0, which one that takes the place of
another has again."""

LABELS: Final[Mapping[str, Sequence[str]]] = {
    "way": WAYS,
    "outcome": OUTCOMES,
    "code": tuple(code.value for code in ErrorCode),
    "end": tuple(end.value for end in WaitEnd),
    "fate": ("made", "impossible", "put_off"),
    "service": (*SERVICES, STORE),
    "kind": tuple(kind.value for kind in CallKind),
    "state": tuple(state.value for state in CircuitState),
    "result": ATTEMPT_RESULTS,
    "reason": ("circuit_open", "bulkhead_full"),
    "how": ("joined", "kept"),
    "guess": ("guessed", "right", "wrong", "refused"),
    "source": SERVICES,
    "span": ("sent", "dropped", "lost"),
    "limit": LIMITS,
    "transport": TRANSPORTS,
    "ending": ENDINGS,
}

OPERATIONS: Final = Family(
    "bff_operations_total",
    COUNTER,
    "Operations that were let in and answered.",
    ("way", "outcome"),
)
OPERATION_DURATION: Final = Family(
    "bff_operation_duration_seconds",
    HISTOGRAM,
    "From the last byte of a request to its answer, the wait at the door included.",
    ("way",),
)
ERRORS: Final = Family(
    "bff_errors_total", COUNTER, "Errors that clients were told, several an answer.", ("code",)
)
REFUSED: Final = Family(
    "bff_requests_refused_total",
    COUNTER,
    "Requests that were not let in; `OVERLOADED` are those that were shed.",
    ("code",),
)
EXCEEDED: Final = Family(
    "bff_limits_exceeded_total",
    COUNTER,
    "Requests that were refused because a document, or a client, asks for too much.",
    ("limit",),
)
ESTIMATED_COST: Final = Family(
    "bff_cost_estimated_total", COUNTER, "Cost that was reckoned with before operations ran."
)
ACTUAL_COST: Final = Family(
    "bff_cost_actual_total", COUNTER, "What they have cost, by the lists of their answers."
)
BUDGETS: Final = Family("bff_client_budgets", GAUGE, "Clients whose budgets are kept.")
LEFT: Final = Family(
    "bff_requests_left_total", COUNTER, "Requests whose clients left before the answer."
)
IN_FLIGHT: Final = Family("bff_operations_in_flight", GAUGE, "Operations begun and not answered.")
WAITING: Final = Family("bff_operations_waiting", GAUGE, "Requests that wait to be let in.")
SHEDDING: Final = Family("bff_shedding", GAUGE, "1 while requests are refused for overload.")
PLANS: Final = Family(
    "bff_plans_total",
    COUNTER,
    "Operations that had no plan yet: one was made, there can be none, there was no time for it.",
    ("fate",),
)
HANDED_ON: Final = Family(
    "bff_plans_handed_on_total",
    COUNTER,
    "Operations that had a plan, and were run by graphql-core all the same.",
)
DOCUMENTS: Final = Family("bff_documents_kept", GAUGE, "Documents kept, checked and planned.")
READY: Final = Family("bff_ready_answers", GAUGE, "Answers kept as bytes.")
READY_BYTES: Final = Family("bff_ready_answers_bytes", GAUGE, "What they take, from above.")
READY_HITS: Final = Family(
    "bff_ready_answer_hits_total", COUNTER, "Answers that were kept and given again."
)
READY_MISSES: Final = Family(
    "bff_ready_answer_misses_total", COUNTER, "Answers looked for that had to be made."
)
WAITS: Final = Family(
    "bff_waits_total",
    COUNTER,
    "Demanded versions that the projection did not hold at first, by how the wait for them ended.",
    ("end",),
)
WAITED: Final = Family("bff_waited_seconds_total", COUNTER, "Time waited for the projection.")
UNSATISFIED: Final = Family(
    "bff_answers_unsatisfied_total",
    COUNTER,
    "Answers that showed or held back something older than demanded (`satisfied: false`).",
)
STALE: Final = Family(
    "bff_answers_stale_total",
    COUNTER,
    "Answers that showed what was at hand in place of a failure (`STALE_IF_ERROR`).",
)
TOKENS_EXPIRED: Final = Family(
    "bff_tokens_expired_total", COUNTER, "Tokens that demanded nothing any more."
)
COOKIES_DROPPED: Final = Family(
    "bff_cookies_dropped_total", COUNTER, "Consistency cookies that were not ours."
)
CIRCUITS: Final = Family(
    "bff_circuit_state", GAUGE, "1 for the state that it is in.", ("service", "kind", "state")
)
ATTEMPTS: Final = Family(
    "bff_upstream_attempts_total",
    COUNTER,
    "Attempts on the wire, by how they ended.",
    ("service", "kind", "result"),
)
ATTEMPT_DURATION: Final = Family(
    "bff_upstream_attempt_duration_seconds",
    HISTOGRAM,
    "How long attempts took, however they ended.",
    ("service", "kind"),
)
RETRIES: Final = Family(
    "bff_upstream_retries_total", COUNTER, "Failed calls made once more.", ("service", "kind")
)
HEDGES: Final = Family(
    "bff_upstream_hedges_total",
    COUNTER,
    "Second calls for reads that were late.",
    ("service", "kind"),
)
NOT_MADE: Final = Family(
    "bff_upstream_calls_refused_total",
    COUNTER,
    "Calls that were not made, and why.",
    ("service", "kind", "reason"),
)
SHARED: Final = Family(
    "bff_shared_reads_total",
    COUNTER,
    "Rows told by another reader's call, or by an answer that was kept.",
    ("service", "how"),
)
GUESSES: Final = Family(
    "bff_guesses_total", COUNTER, "Reads asked ahead, and what that came to.", ("guess",)
)
REACHABLE: Final = Family("bff_projection_reachable", GAUGE, "1 while the store answers.")
AGE: Final = Family(
    "bff_projection_age_seconds",
    GAUGE,
    "Age of the proof that a source is current; infinite where there is none.",
    ("source",),
)
BUDGET: Final = Family(
    "bff_projection_staleness_budget_seconds", GAUGE, "How old it may be.", ("source",)
)
CAUGHT_UP: Final = Family(
    "bff_projection_caught_up", GAUGE, "1 once it has been read to its end.", ("source",)
)
REMAINING: Final = Family(
    "bff_projection_remaining_events",
    GAUGE,
    "Events still to be read; NaN where the source tells no count.",
    ("source",),
)
DEAD_LETTERS: Final = Family(
    "bff_dead_letters", GAUGE, "Parked events; NaN while the store does not answer."
)

STARTED: Final = Family(
    "bff_process_start_time_seconds", GAUGE, "When this process was started (Unix seconds)."
)
LINES_DROPPED: Final = Family(
    "bff_log_lines_dropped_total", COUNTER, "Log lines that nobody read in time from stderr."
)
SPANS: Final = Family(
    "bff_trace_spans_total",
    COUNTER,
    "Spans of recorded requests: sent to the collector, dropped for want of room, lost on the way.",
    ("span",),
)
CONNECTIONS: Final = Family(
    "bff_live_connections", GAUGE, "Open WebSockets and event streams.", ("transport",)
)
FOLLOWING: Final = Family("bff_subscriptions", GAUGE, "Subscriptions under way.")
EVENTS: Final = Family(
    "bff_live_events_total", COUNTER, "Results sent over live connections.", ("transport",)
)
CONFLATED: Final = Family(
    "bff_live_conflated_total",
    COUNTER,
    "Changes that came while an earlier one was not yet looked at: the later state was shown.",
)
ENDED: Final = Family(
    "bff_live_ended_total", COUNTER, "Live connections that ended, by why.", ("ending",)
)

GARBAGE_ROUNDS: Final = Family(
    "bff_garbage_rounds_total", COUNTER, "Collections of garbage in quiet moments."
)
GARBAGE_OBJECTS: Final = Family("bff_garbage_objects_total", COUNTER, "Objects that they found.")
LAST_PAUSE: Final = Family(
    "bff_garbage_last_pause_seconds", GAUGE, "Processor time of the last one."
)
LONGEST_PAUSE: Final = Family(
    "bff_garbage_longest_pause_seconds", GAUGE, "Processor time of the longest one so far."
)

FAMILIES: Final[Sequence[Family]] = (
    *(OPERATIONS, OPERATION_DURATION, ERRORS, REFUSED, EXCEEDED, LEFT, ESTIMATED_COST, ACTUAL_COST),
    *(BUDGETS, IN_FLIGHT, WAITING, SHEDDING),
    *(PLANS, HANDED_ON, DOCUMENTS, READY, READY_BYTES, READY_HITS, READY_MISSES),
    *(WAITS, WAITED, UNSATISFIED, STALE, TOKENS_EXPIRED, COOKIES_DROPPED),
    *(CIRCUITS, ATTEMPTS, ATTEMPT_DURATION, RETRIES, HEDGES, NOT_MADE, SHARED, GUESSES),
    *(REACHABLE, AGE, BUDGET, CAUGHT_UP, REMAINING, DEAD_LETTERS),
    *(STARTED, LINES_DROPPED, SPANS),
    *(CONNECTIONS, FOLLOWING, EVENTS, CONFLATED, ENDED),
    *(GARBAGE_ROUNDS, GARBAGE_OBJECTS, LAST_PAUSE, LONGEST_PAUSE),
)
"""All of them, in the order in which they are shown."""
