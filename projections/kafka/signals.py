"""What the Kafka source tells of itself; consumers tell the rest."""

from collections.abc import Callable
from dataclasses import dataclass

from projections.positions import Partition


@dataclass(frozen=True, slots=True)
class PartitionsAssigned:
    """Signal: this member reads these partitions from now on, and no others."""

    partitions: tuple[Partition, ...]


@dataclass(frozen=True, slots=True)
class PartitionsRevoked:
    """Signal: this member has stopped reading these; nothing of them is under way any more."""

    partitions: tuple[Partition, ...]


@dataclass(frozen=True, slots=True)
class LogReplayed:
    """Signal: the record by which the log is known again is gone from it (compaction, retention).

    The partition is read again from the start of its log, over the rows that are there.
    """

    partition: Partition
    cursor: str


@dataclass(frozen=True, slots=True)
class KafkaFailed:
    """Signal: no member of the group can be had; it is tried again after ``retry_after_s``."""

    error: Exception
    retry_after_s: float


@dataclass(frozen=True, slots=True)
class TopicsMissing:
    """Signal: these topics are not there, or not to be seen by this user; their rows grow old."""

    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CommitFailed:
    """Signal: offsets could not be committed. Only tools that show lag miss them."""

    error: Exception


KafkaSignal = (
    PartitionsAssigned
    | PartitionsRevoked
    | LogReplayed
    | KafkaFailed
    | TopicsMissing
    | CommitFailed
)
KafkaObserver = Callable[[KafkaSignal], None]
