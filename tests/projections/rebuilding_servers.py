"""Rebuilds on real servers: topics of a Kafka, a projector that consumes them into Valkey."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from zlib import crc32

from projections.consumer import Consumer, ConsumerOptions
from projections.kafka.log import open_kafka_log
from projections.kafka.options import KafkaOptions
from projections.rebuild.lease import LeaseOptions, RebuildLease
from projections.rebuild.lease_record import RedisLeaseRecord
from projections.rebuild.rebuild import Rebuild, RebuildOptions, RebuildSignal
from projections.rebuild.replay import reached_by_offset
from projections.redis_store import RedisStore
from projections.redis_store.link import Link
from projections.redis_store.options import RedisOptions
from projections.selection import root_of
from projections.versions import AggregateKey, Version
from projections.views import Row
from projections.waiters import WaitEnd, WaiterOptions, Waiters
from tests.builders.kafka_logs import kafka_options, record
from tests.servers.kafka import Kafka

SOURCES = ("orders", "customers", "products")
PARTITION_COUNT = 3


@dataclass(frozen=True, slots=True)
class Logs:
    """A topic for each source, and a hand that writes to them."""

    kafka: Kafka
    options: KafkaOptions

    @classmethod
    def on(cls, kafka: Kafka) -> "Logs":
        topics = {source: kafka.create_topic(source, PARTITION_COUNT) for source in SOURCES}
        options = kafka_options(kafka, topics["orders"])
        return cls(kafka, replace(options, topics=topics))

    async def write(self, *rows: Row) -> None:
        """Publish these states in order, each in the partition of its key."""
        for source in SOURCES:
            records = [
                record(row, partition=crc32(row.id.encode()) % PARTITION_COUNT)
                for row in rows
                if row.aggregate_type.source == source
            ]
            if records:
                await self.kafka.produce(self.options.topics[source], records)


@dataclass(frozen=True, slots=True)
class Servers:
    """The shared store as operators open it, the logs, and rebuilds between them."""

    logs: Logs
    store: RedisStore
    link: Link

    @asynccontextmanager
    async def rebuild(
        self,
        options: RebuildOptions | None = None,
        *,
        sources: Sequence[str] = SOURCES,
        observe: Callable[[RebuildSignal], None] = lambda _: None,
    ) -> AsyncIterator[Rebuild]:
        async with open_kafka_log(self.logs.options, sources, lambda _: None) as partitions:
            yield Rebuild(
                self.store,
                partitions,
                RebuildLease(RedisLeaseRecord(self.link), LeaseOptions()),
                has_reached=reached_by_offset,
                options=options or RebuildOptions(),
                observe=observe,
            )

    @asynccontextmanager
    async def projecting(self) -> AsyncIterator[None]:
        """A projector keeps the store current inside the block."""
        async with (
            open_kafka_log(self.logs.options, SOURCES, lambda _: None) as partitions,
            asyncio.TaskGroup() as group,
        ):
            consumers = [
                group.create_task(
                    Consumer(partition, self.store, lambda _: None, ConsumerOptions()).run()
                )
                for partition in partitions
            ]
            yield
            for consumer in consumers:
                consumer.cancel()

    async def until_at(self, versions: Mapping[AggregateKey, Version]) -> None:
        """Wait until the store holds these versions."""
        async with Waiters(self.store, WaiterOptions()).open() as waiters:
            end = await waiters.wait_for(versions, subject="test", timeout_s=30.0)
            assert end is WaitEnd.REACHED

    async def project(self, rows: Iterable[Row]) -> None:
        """Write these states to the logs and let a projector bring them to the store."""
        written = list(rows)
        await self.logs.write(*written)
        newest = {row.key: row.at for row in sorted(written, key=lambda row: row.at)}
        async with self.projecting():
            await self.until_at(newest)


@asynccontextmanager
async def servers(kafka: Kafka, url: str) -> AsyncIterator[Servers]:
    """Empty logs and an empty store."""
    options = RedisOptions(url=url, read_timeout_s=5.0)
    async with AsyncExitStack() as stack:
        link = Link(options)
        stack.push_async_callback(link.close)
        store = await stack.enter_async_context(RedisStore(options).open())
        yield Servers(Logs.on(kafka), store, link)


class Reader:
    """Somebody who reads all the time through a gateway of her own, and never goes back."""

    def __init__(self, url: str, keys: Sequence[AggregateKey]) -> None:
        # A gateway's rows at hand and all.
        self._options = RedisOptions(url=url, read_timeout_s=5.0, near_cache_rows=1_000)
        self._roots = [root_of(key) for key in keys]
        self._seen: dict[AggregateKey, Version] = {}
        self.read_count = 0
        self._has_read = asyncio.Event()
        self.steps_back: list[tuple[AggregateKey, Version, Version | None]] = []

    async def run(self) -> None:
        """Read until cancelled."""
        async with RedisStore(self._options).open() as store:
            while True:
                cut = await store.read(self._roots)
                self.read_count += 1
                self._has_read.set()
                for key, seen in self._seen.items():
                    now = cut.version_of(key)
                    if now is None or now < seen:
                        self.steps_back.append((key, seen, now))
                versions = {key: row.at for key, row in cut.rows.items() if row is not None}
                self._seen.update(versions)
                await asyncio.sleep(0)  # rows at hand are read without waiting for anything

    async def until_read(self) -> None:
        """Wait until she has read once more, from beginning to end."""
        for _ in range(2):
            self._has_read.clear()
            await self._has_read.wait()
