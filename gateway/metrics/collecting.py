"""The parts of a gateway, asked for their numbers when somebody looks: one function a subject."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass

from prometheus_client.metrics_core import Metric

from gateway.admission.budgets import Budgets
from gateway.admission.door import Crowd
from gateway.answers_at_hand import AnswersAtHand
from gateway.execution.documents import Documents
from gateway.execution.executor import Executor
from gateway.freshness import Freshness, FreshnessGauge, freshness_of
from gateway.garbage import Collected
from gateway.metrics import names
from gateway.metrics.counts import OperationCounts
from gateway.metrics.live_counts import LiveCounts
from gateway.metrics.series import Series, family, histogram, single
from gateway.watching import Watching
from projections.dead_letters import DeadLetters
from projections.errors import StoreUnavailable
from projections.waiters import WaitEnd
from resolvers.speculation import GuessCounts
from resolvers.upstream.call import Upstream
from resolvers.upstream.circuit import CircuitState
from resolvers.upstream.shared_reads import SharedReads
from resolvers.upstream.traffic import Traffic
from resolvers.upstream.transport import CallKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """What a gateway can tell of itself in numbers.

    ``at_hand``, ``gauge`` and ``store_circuit`` are None where there is no projection, ``shared``
    and ``guesses`` where nothing is shared or guessed.
    """

    counts: OperationCounts
    budgets: Budgets
    crowd: Callable[[], Crowd]
    documents: Documents
    executor: Executor
    at_hand: AnswersAtHand | None
    upstreams: Mapping[str, Upstream]
    shared: SharedReads | None
    guesses: GuessCounts | None
    gauge: FreshnessGauge | None
    letters: DeadLetters
    store_circuit: Callable[[], str] | None
    collected: Callable[[], Collected]
    watching: Watching
    live: LiveCounts


@dataclass(frozen=True, slots=True)
class Projected:
    """How the projection is. ``letter_count`` is not a number while that cannot be told."""

    is_reachable: bool
    sources: Mapping[str, Freshness]
    letter_count: float


async def read_projection(gauge: FreshnessGauge | None, letters: DeadLetters) -> Projected | None:
    """How it is now; None where there is none. Asks the store, and waits no longer than reads."""
    if gauge is None:
        return None
    try:
        sources = await gauge.measure()
        return Projected(True, sources, await letters.dead_letter_count())
    except StoreUnavailable:
        unproven = {name: freshness_of(None, of_s, 0.0) for name, of_s in gauge.budgets_s.items()}
        return Projected(False, unproven, math.nan)


def collect(metered: Metered, projected: Projected | None) -> Iterator[Metric]:
    """Every family, in the order of `names.FAMILIES`."""
    yield from _requests(metered.counts, metered.budgets)
    yield from _crowd(metered.crowd())
    yield from _plans(metered.documents, metered.executor)
    yield from _ready(metered.at_hand, metered.counts)
    yield from _consistency(metered.counts)
    yield from _calls(metered)
    yield from _projection(projected)
    yield from _watching(metered.watching)
    yield from _live(metered.live)
    yield from _garbage(metered.collected())


def collect_projector(projected: Projected | None, started_at_s: float) -> Iterator[Metric]:
    """The families of a process that projects and serves nobody."""
    yield from _projection(projected)
    yield single(names.STARTED, started_at_s)


def _requests(counts: OperationCounts, budgets: Budgets) -> Iterator[Metric]:
    yield family(names.OPERATIONS, counts.outcomes.items())
    took = (((way,), durations) for way, durations in counts.took.items())
    yield histogram(names.OPERATION_DURATION, took)
    yield family(names.ERRORS, (((code.value,), n) for code, n in counts.errors.items()))
    yield family(names.REFUSED, (((code.value,), n) for code, n in counts.refused.items()))
    of_clients = {limit.value: n for limit, n in budgets.refused.items()}
    exceeded = {**counts.exceeded, **of_clients}
    yield family(names.EXCEEDED, (((limit,), n) for limit, n in exceeded.items()))
    yield single(names.LEFT, counts.left_count)
    yield single(names.ESTIMATED_COST, counts.estimated_cost + counts.ready_cost)
    yield single(names.ACTUAL_COST, counts.actual_cost + counts.ready_cost)
    yield single(names.BUDGETS, len(budgets))


def _crowd(crowd: Crowd) -> Iterator[Metric]:
    yield single(names.IN_FLIGHT, crowd.in_flight_count)
    yield single(names.WAITING, crowd.waiting_count)
    yield single(names.SHEDDING, crowd.is_shedding)


def _plans(documents: Documents, executor: Executor) -> Iterator[Metric]:
    fates = asdict(documents.plan_counts)
    yield family(names.PLANS, (((fate,), n) for fate, n in fates.items()))
    yield single(names.HANDED_ON, executor.handed_on_count)
    yield single(names.DOCUMENTS, documents.kept_count)


def _ready(at_hand: AnswersAtHand | None, counts: OperationCounts) -> Iterator[Metric]:
    yield single(names.READY, 0 if at_hand is None else len(at_hand.ready))
    yield single(names.READY_BYTES, 0 if at_hand is None else at_hand.ready.size_bytes)
    yield single(names.READY_HITS, counts.took["kept"].count)
    yield single(names.READY_MISSES, 0 if at_hand is None else at_hand.missed_count)


def _consistency(counts: OperationCounts) -> Iterator[Metric]:
    yield family(names.WAITS, (((end.value,), counts.waits[end]) for end in WaitEnd))
    yield single(names.WAITED, counts.waited_s)
    yield single(names.UNSATISFIED, counts.unsatisfied_count)
    yield single(names.STALE, counts.stale_count)
    yield single(names.TOKENS_EXPIRED, counts.expired_count)
    yield single(names.COOKIES_DROPPED, counts.dropped_count)


def _calls(metered: Metered) -> Iterator[Metric]:
    """Of the kinds of calls made so far, as circuits are: most services have few kinds."""
    traffic = {service: upstream.traffic for service, upstream in metered.upstreams.items()}
    attempts = [
        (service, kind.value, of_kind)
        for service, of_service in traffic.items()
        for kind, of_kind in of_service.attempts.items()
    ]
    results = (
        ((service, kind, result), n)
        for service, kind, of_kind in attempts
        for result, n in of_kind.results.items()
    )
    took = (((service, kind), of_kind.took) for service, kind, of_kind in attempts)
    yield family(names.CIRCUITS, _circuits(metered))
    yield family(names.ATTEMPTS, results)
    yield histogram(names.ATTEMPT_DURATION, took)
    yield family(names.RETRIES, _by_kind(traffic, lambda of: of.retried))
    yield family(names.HEDGES, _by_kind(traffic, lambda of: of.hedged))
    yield family(names.NOT_MADE, _not_made(traffic))
    yield family(names.SHARED, _shared(metered.shared))
    guesses = asdict(metered.guesses or GuessCounts())
    yield family(names.GUESSES, (((guess,), n) for guess, n in guesses.items()))


def _circuits(metered: Metered) -> Series:
    states = {
        (service, kind.value): state.value
        for service, upstream in metered.upstreams.items()
        for kind, state in upstream.circuit_states.items()
    }
    if metered.store_circuit is not None:
        states[names.STORE, CallKind.READ.value] = metered.store_circuit()
    for (service, kind), state in states.items():
        for of in CircuitState:
            yield (service, kind, of.value), of.value == state


def _by_kind(
    traffic: Mapping[str, Traffic], counts_of: Callable[[Traffic], Mapping[CallKind, int]]
) -> Series:
    for service, of_service in traffic.items():
        counts = counts_of(of_service)
        for kind in of_service.attempts:
            yield (service, kind.value), counts[kind]


def _not_made(traffic: Mapping[str, Traffic]) -> Series:
    for service, of in traffic.items():
        for kind in of.attempts:
            yield (service, kind.value, "circuit_open"), of.circuit_open[kind]
            yield (service, kind.value, "bulkhead_full"), of.bulkhead_full[kind]


def _shared(shared: SharedReads | None) -> Series:
    for service in names.SERVICES:
        yield (service, "joined"), 0 if shared is None else shared.joined[service]
        yield (service, "kept"), 0 if shared is None else shared.kept[service]


def _projection(projected: Projected | None) -> Iterator[Metric]:
    """Families without values where there is no projection."""
    if projected is None:
        none = (names.REACHABLE, names.AGE, names.BUDGET, names.CAUGHT_UP, names.REMAINING)
        yield from (family(of, ()) for of in (*none, names.DEAD_LETTERS))
        return
    sources = projected.sources
    yield single(names.REACHABLE, projected.is_reachable)
    yield family(names.AGE, (((name,), _age_s(of)) for name, of in sources.items()))
    yield family(names.BUDGET, (((name,), of.budget_s) for name, of in sources.items()))
    yield family(names.CAUGHT_UP, (((name,), of.is_caught_up) for name, of in sources.items()))
    yield family(names.REMAINING, (((name,), _remaining(of)) for name, of in sources.items()))
    yield single(names.DEAD_LETTERS, projected.letter_count)


def _watching(watching: Watching) -> Iterator[Metric]:
    yield single(names.STARTED, watching.started_at_s)
    yield single(names.LINES_DROPPED, watching.sink.dropped_count)
    counts = None if watching.traces is None else watching.traces.counts
    told = (
        (0, 0, 0)
        if counts is None
        else (counts.sent_count, counts.dropped_count, counts.failed_count)
    )
    words = names.LABELS[names.SPANS.labels[0]]
    yield family(names.SPANS, (((word,), n) for word, n in zip(words, told, strict=True)))


def _live(counts: LiveCounts) -> Iterator[Metric]:
    yield family(names.CONNECTIONS, (((of,), n) for of, n in counts.connections.items()))
    yield single(names.FOLLOWING, counts.following_count)
    yield family(names.EVENTS, (((of,), n) for of, n in counts.sent.items()))
    yield single(names.CONFLATED, counts.conflated_count)
    yield family(names.ENDED, (((ending,), n) for ending, n in counts.ended.items()))


def _garbage(collected: Collected) -> Iterator[Metric]:
    yield single(names.GARBAGE_ROUNDS, collected.round_count)
    yield single(names.GARBAGE_OBJECTS, collected.object_count)
    yield single(names.LAST_PAUSE, collected.last_pause_s)
    yield single(names.LONGEST_PAUSE, collected.longest_pause_s)


def _age_s(freshness: Freshness) -> float:
    return math.inf if freshness.age_s is None else freshness.age_s


def _remaining(freshness: Freshness) -> float:
    return math.nan if freshness.remaining_count is None else freshness.remaining_count
