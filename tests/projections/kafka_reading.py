"""What tests of the Kafka source share: one partition being read, and what it told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from projections.events import StateChange
from projections.kafka.log import open_kafka_log
from projections.kafka.options import KafkaOptions
from projections.kafka.partition import KafkaPartition
from projections.kafka.signals import KafkaSignal
from projections.store import EventBatch
from projections.views import CustomerRow


@dataclass(frozen=True, slots=True)
class Reading:
    """The first partition of a topic of customers."""

    source: KafkaPartition
    signals: list[KafkaSignal] = field(default_factory=list)

    async def read_out(self, after: str | None = None) -> list[EventBatch]:
        """Batch after batch to the end of the log."""
        batches = [await self.source.fetch(after)]
        while not batches[-1].position.is_caught_up:
            batches.append(await self.source.fetch(batches[-1].position.cursor))
        return batches


@asynccontextmanager
async def reading(options: KafkaOptions) -> AsyncIterator[Reading]:
    """A new reader, as after a restart."""
    signals: list[KafkaSignal] = []
    async with open_kafka_log(options, list(options.topics), signals.append) as [source, *_]:
        yield Reading(source, signals)


def names_in(*batches: EventBatch) -> list[str]:
    """The names that these batches brought, in order."""
    changes = [e for batch in batches for e in batch.events if isinstance(e, StateChange)]
    return [change.row.name for change in changes if isinstance(change.row, CustomerRow)]


def cursor_of(*batches: EventBatch) -> str:
    """Where they ended."""
    return batches[-1].position.cursor
