"""Signals of the lower layers become log events here, and nowhere else.

Log events have a fixed name and fields; a request can be followed by its id, a source by its name.
"""

import time
from collections.abc import Iterable
from typing import assert_never

import structlog
from graphql import GraphQLError

from gateway.admission.door import SheddingChanged
from gateway.freshness import Freshness
from gateway.watcher import Hearing, HearingState
from gateway.workers.supervisor import WorkerEnded, WorkerSignal, WorkerStuck
from projections.consumer import (
    BatchApplied,
    EventParked,
    PositionLost,
    ProjectionSignal,
    SourceFailed,
    SourceRestarted,
)
from projections.errors import ProjectionError
from projections.kafka.signals import (
    CommitFailed,
    KafkaFailed,
    KafkaSignal,
    LogReplayed,
    PartitionsAssigned,
    PartitionsRevoked,
    TopicsMissing,
)
from projections.positions import Partition, SourcePosition
from projections.redis_store.signals import (
    AnnouncementsMissed,
    EvictionPolicyUnsafe,
    PersistenceOff,
    RedisObserver,
    RedisSignal,
    ServerTooOld,
    ServerUnchecked,
    StoreLost,
    StoreRecovered,
    ignore,
)
from resolvers.read_model import Reach
from resolvers.upstream.published_circuit import CircuitChanged, CircuitObserver

PROGRESS_INTERVAL_S = 1.0
"""Between two lines about one source that is catching up."""

WHEN_STALE = (
    "reads of it go live; look for what has died: the service, its feed or relay, or the projector"
)
WHEN_DEAF = (
    "reads stay right and cost more; look whether this gateway may subscribe to the news of the "
    "store, and reaches the node that it subscribes to"
)


class Telemetry:
    """Where every layer's signals end. Holds only what tells a change from a repetition.

    ``watch_redis`` is told as well what becomes of the server that keeps the projection, and
    ``watch_circuits`` what becomes of circuits.
    """

    def __init__(
        self,
        *,
        watch_redis: RedisObserver = ignore,
        watch_circuits: CircuitObserver = lambda _: None,
    ) -> None:
        self._log = structlog.get_logger("gateway")
        self._watch_redis = watch_redis
        self._watch_circuits = watch_circuits
        self._stale: set[str] = set()
        self._is_deaf = False
        self._caught_up: set[str] = set()
        self._failing: set[str] = set()
        self._next_progress_at_s: dict[str, float] = {}

    def projection(self, signal: ProjectionSignal) -> None:
        """A consumer's news: each change of state once, not each batch."""
        match signal:
            case BatchApplied():
                self._batch_applied(signal)
            case EventParked(partition=partition, parked=parked):
                self._log.error(
                    "event_parked",
                    source=str(partition),
                    aggregate=str(parked.key),
                    reason=parked.reason,
                )
            case SourceFailed():
                self._source_failed(signal)
            case SourceRestarted(partition=partition, error=error):
                self._caught_up.discard(str(partition))
                self._log.warning(
                    "source_restarted",
                    source=str(partition),
                    why=type(error).__name__,
                    reason=error.reason,
                )
            case PositionLost(partition=partition):
                self._log.info("position_lost", source=str(partition))
            case _:
                assert_never(signal)

    def worker(self, signal: WorkerSignal) -> None:
        """A worker ended by itself, or is ended because it is stuck."""
        match signal:
            case WorkerEnded(process_id=process_id, exit_code=exit_code, pause_s=pause_s):
                self._log.warning(
                    "worker_ended", process_id=process_id, exit_code=exit_code, pause_s=pause_s
                )
            case WorkerStuck(process_id=process_id, silent_s=silent_s):
                self._log.error("worker_stuck", process_id=process_id, silent_s=silent_s)
            case _:
                assert_never(signal)

    def kafka(self, signal: KafkaSignal) -> None:
        """What became of our membership in the group of projectors."""
        match signal:
            case PartitionsAssigned(partitions=partitions):
                self._log.info("partitions_assigned", partitions=_named(partitions))
            case PartitionsRevoked(partitions=partitions):
                self._log.info("partitions_revoked", partitions=_named(partitions))
            case LogReplayed(partition=partition):
                self._log.warning("log_replayed", source=str(partition))
            case KafkaFailed(error=error):
                self._log.warning("kafka_failed", reason=str(error))
            case TopicsMissing(topics=topics):
                self._log.error("topics_missing", topics=list(topics))
            case CommitFailed(error=error):
                self._log.info("commit_failed", reason=type(error).__name__)
            case _:
                assert_never(signal)

    def redis(self, signal: RedisSignal) -> None:
        """What became of the server that keeps the projection, or what is wrong with it."""
        self._watch_redis(signal)
        match signal:
            case StoreLost(reason=reason):
                self._log.warning("store_lost", reason=reason)
            case StoreRecovered():
                self._log.info("store_recovered")
            case AnnouncementsMissed():
                self._log.info("announcements_missed")
            case EvictionPolicyUnsafe(policy=policy):
                self._log.error("store_may_drop_rows", policy=policy, needed="noeviction")
            case PersistenceOff():
                self._log.warning("store_keeps_nothing_over_a_restart")
            case ServerTooOld(version=version):
                self._log.error("store_too_old", version=version, needed="7")
            case ServerUnchecked(reason=reason):
                self._log.warning("store_unchecked", reason=reason)
            case _:
                assert_never(signal)

    def freshness(self, source: str, measured: Freshness) -> None:
        """The age of a source and its staleness budget, at every look; a line when it changes."""
        if measured.is_spent == (source in self._stale):
            return
        ages = {"age_s": _rounded(measured.age_s), "budget_s": measured.budget_s}
        if measured.is_spent:
            self._stale.add(source)
            self._log.warning("projection_stale", source=source, **ages, to_do=WHEN_STALE)
        else:
            self._stale.discard(source)
            self._log.info("projection_current", source=source, **ages)

    def hearing(self, hearing: Hearing) -> None:
        """Whether news of the shared store arrive, at every look; a line when it changes."""
        is_deaf = hearing.state is HearingState.DEAF
        if is_deaf and not self._is_deaf:
            self._log.warning("watcher_deaf", reason=hearing.reason, to_do=WHEN_DEAF)
        elif self._is_deaf and hearing.state is HearingState.LISTENING:
            self._log.info("watcher_listening")
        self._is_deaf = is_deaf

    def circuit(self, change: CircuitChanged) -> None:
        """A circuit opened, is being tried, or closed."""
        self._watch_circuits(change)
        self._log.warning(
            "circuit_changed",
            service=change.service,
            kind=change.kind.value,
            before=change.before.value,
            after=change.after.value,
        )

    def shedding(self, change: SheddingChanged) -> None:
        """The door began to refuse requests, or has refused none for a while."""
        if change.is_shedding:
            self._log.warning("shedding_began")
        else:
            self._log.info("shedding_ended", refused_count=change.refused_count)

    def store_reach(self, reach: Reach) -> None:
        """Reads of the projection began to fail, or are answered again."""
        self._log.warning("projection_reach_changed", now=reach.value)

    def cookies_dropped(self, count: int) -> None:
        """Consistency cookies of one request were not ours; it went on without them."""
        self._log.info("consistency_cookie_dropped", count=count)

    def identity_keys(self, is_fetched: bool) -> None:  # noqa: FBT001 - the news itself
        """The keys of the tokens' issuer cannot be fetched any more, or can again."""
        if is_fetched:
            self._log.info("identity_keys_fetched")
        else:
            self._log.warning("identity_keys_unreachable")

    def document_refused(self, document_id: str, reason: str) -> None:
        """A document that clients are said to send cannot be run; they would be told the same."""
        self._log.warning("document_refused", id=document_id, reason=reason)

    def mistake_made(self, request_id: str, error: GraphQLError) -> None:
        """A field failed for a reason that is our own; the client was told only the request id."""
        self._log.error(
            "internal_error",
            request_id=request_id,
            path=error.path,
            exc_info=error.original_error or error,
        )

    def _batch_applied(self, signal: BatchApplied) -> None:
        source = str(signal.partition)
        if source in self._failing:
            self._failing.discard(source)
            self._log.info("source_recovered", source=source)
        if source not in self._caught_up:
            self._report_progress(source, signal.position)
        if signal.gap_count:
            self._log.info("versions_jumped", source=source, count=signal.gap_count)

    def _report_progress(self, source: str, position: SourcePosition) -> None:
        if position.is_caught_up:
            self._caught_up.add(source)
            self._log.info("projection_caught_up", source=source)
        elif time.monotonic() >= self._next_progress_at_s.get(source, 0.0):
            self._next_progress_at_s[source] = time.monotonic() + PROGRESS_INTERVAL_S
            remaining = position.remaining_count
            self._log.info("projection_catching_up", source=source, remaining=remaining)

    def _source_failed(self, signal: SourceFailed) -> None:
        source = str(signal.partition)
        if source in self._failing:
            return
        self._failing.add(source)
        is_expected = isinstance(signal.error, ProjectionError)
        self._log.warning(
            "source_failed",
            source=source,
            reason=str(signal.error),
            exc_info=None if is_expected else signal.error,
        )


def _named(partitions: Iterable[Partition]) -> list[str]:
    return [str(partition) for partition in partitions]


def _rounded(age_s: float | None) -> float | None:
    return None if age_s is None else round(age_s, 3)
