"""Partitions shared between projector processes: each is read by one member of the group.

The rule: who loses a partition has stopped before the next one starts, and whoever could not be
stopped (a process that was frozen, a network that fell apart) finds that the store refuses its
batches. Committed offsets decide nothing; they are there for the tools that show lag.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from aiokafka import ConsumerRebalanceListener, TopicPartition, errors

from projections.errors import SourceRefused, SourceUnavailable
from projections.feed import EventSource
from projections.kafka.client import KAFKA, open_consumer, subscribe, to_source_error, watch_leaders
from projections.kafka.intake import Intake
from projections.kafka.options import KafkaOptions
from projections.kafka.partition import KafkaPartition
from projections.kafka.signals import (
    CommitFailed,
    KafkaFailed,
    KafkaObserver,
    PartitionsAssigned,
    PartitionsRevoked,
    TopicsMissing,
)
from projections.positions import Partition

COMMIT_LIMIT_S: Final = 0.3
"""How long leaving waits for a commit (s)."""

Consume = Callable[[EventSource], Awaitable[None]]
"""Reads a partition until it is cancelled."""


class KafkaGroup:
    """A member of the consumer group. ``wall_clock`` gives epoch seconds."""

    def __init__(
        self,
        options: KafkaOptions,
        observe: KafkaObserver,
        *,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._options = options
        self._observe = observe
        self._wall_clock = wall_clock

    async def run(self, consume: Consume) -> None:
        """Have ``consume`` read every partition that is this member's, for ever.

        Each call of it is a task, cancelled and waited for before another member may read the
        partition. Without brokers it is tried again, for ever. Only cancellation ends it, which
        takes two seconds at most, or a `SourceRefused`, which it raises.
        """
        failure_count = 0
        while True:
            membership = _Membership(self._options, self._observe, consume, self._wall_clock)
            try:
                await membership.run()
            except SourceRefused:
                raise
            except Exception as error:  # noqa: BLE001 - a consumer's edge: it is told and tried again
                failure_count = 0 if membership.has_been_assigned else failure_count + 1
                await self._back_off(error, failure_count)

    async def _back_off(self, error: Exception, failure_count: int) -> None:
        ceiling_s = min(
            self._options.longest_backoff_s,
            self._options.first_backoff_s * 2 ** min(failure_count, 30),
        )
        retry_after_s = random.uniform(0, ceiling_s)
        self._observe(KafkaFailed(error, retry_after_s))
        await asyncio.sleep(retry_after_s)


class _Membership(ConsumerRebalanceListener):
    """One connected stay in the group, from opening a consumer to closing it."""

    def __init__(
        self,
        options: KafkaOptions,
        observe: KafkaObserver,
        consume: Consume,
        wall_clock: Callable[[], float],
    ) -> None:
        self.has_been_assigned = False
        self._options = options
        self._observe = observe
        self._consume = consume
        self._wall_clock = wall_clock
        self._sources = {topic: source for source, topic in options.topics.items()}
        self._reading: dict[TopicPartition, tuple[KafkaPartition, asyncio.Task[None]]] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._missing: tuple[str, ...] = ()

    async def run(self) -> None:
        """Take part until something fails; raises the failure alone, or the worst of several."""
        try:
            async with open_consumer(self._options, group_id=self._options.group_id) as consumer:
                self._consumer = consumer
                self._intake = Intake(consumer, self._options)
                watch_leaders(consumer, self._intake.doubt_all)
                try:
                    await self._take_part()
                finally:
                    await self._commit(COMMIT_LIMIT_S)
        except ExceptionGroup as failures:
            raise _worst_of(failures) from failures

    async def _take_part(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            self._tasks: asyncio.TaskGroup | None = tasks
            try:
                subscribe(self._consumer, self._sources, self)
                tasks.create_task(self._poll())
                tasks.create_task(self._commit_for_ever())
                await self._watch()
            finally:
                self._tasks = None

    async def _poll(self) -> None:
        try:
            await self._intake.run()
        except errors.KafkaError as error:
            raise to_source_error(KAFKA, error) from error

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Stop reading, all of it, before the group goes on; aiokafka waits for this."""
        del revoked  # every rebalance begins with all of them
        for _, task in self._reading.values():
            task.cancel()
        if self._reading:
            await asyncio.wait([task for _, task in self._reading.values()])
            await self._commit(COMMIT_LIMIT_S)
            stopped = tuple(partition.partition for partition, _ in self._reading.values())
            self._reading.clear()
            self._intake.close_lanes()
            self._observe(PartitionsRevoked(stopped))

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Start reading; the group goes on meanwhile."""
        if self._tasks is None:
            return
        self.has_been_assigned = True
        self._committed.clear()
        for at in sorted(assigned):
            partition = self._partition(at)
            task = self._tasks.create_task(self._read(partition), name=str(partition.partition))
            self._reading[at] = partition, task
        started = tuple(partition.partition for partition, _ in self._reading.values())
        self._observe(PartitionsAssigned(started))

    def _partition(self, at: TopicPartition) -> KafkaPartition:
        indexes = {at.partition, *(self._consumer.partitions_for_topic(at.topic) or ())}
        return KafkaPartition(
            Partition(self._sources[at.topic], at.partition, max(indexes) + 1),
            self._consumer,
            self._intake.open_lane(at),
            self._options,
            self._observe,
            wall_clock=self._wall_clock,
        )

    async def _read(self, partition: KafkaPartition) -> None:
        await self._consume(partition)

    async def _watch(self) -> None:
        """Look for brokers and topics now and then; raises when there has been none for long."""
        loop = asyncio.get_running_loop()
        answered_at_s = loop.time()
        while True:
            try:
                async with asyncio.timeout(self._options.request_timeout_s):
                    there = await self._consumer.topics()
            except (TimeoutError, errors.KafkaError) as error:
                if loop.time() - answered_at_s > self._options.reopen_after_s:
                    raise SourceUnavailable(KAFKA, "no broker answers") from error
            else:
                answered_at_s = loop.time()
                self._tell_missing(self._sources.keys() - there)
            await asyncio.sleep(self._options.watch_interval_s)

    def _tell_missing(self, missing: Iterable[str]) -> None:
        topics = tuple(sorted(missing))
        if topics != self._missing:
            self._missing = topics
            self._observe(TopicsMissing(topics))

    async def _commit_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._options.commit_interval_s)
            await self._commit(self._options.request_timeout_s)

    async def _commit(self, limit_s: float) -> None:
        """Commit what the store has confirmed since the last commit. Failures are told only."""
        confirmed = {at: partition.confirmed_offset for at, (partition, _) in self._reading.items()}
        offsets = {
            at: offset
            for at, offset in confirmed.items()
            if offset is not None and self._committed.get(at) != offset
        }
        if not offsets:
            return
        try:
            async with asyncio.timeout(limit_s):
                await self._consumer.commit(offsets)
        except (TimeoutError, errors.KafkaError) as error:
            # What aiokafka makes of a lost membership is a page about something else.
            cause = error.__cause__ if isinstance(error.__cause__, errors.KafkaError) else error
            self._observe(CommitFailed(to_source_error(KAFKA, cause)))
        else:
            self._committed.update(offsets)


def _worst_of(failures: ExceptionGroup[Exception]) -> Exception:
    """The failure that decides: one that waiting does not mend, else the first."""
    first = (failures.subgroup(SourceRefused) or failures).exceptions[0]
    return _worst_of(first) if isinstance(first, ExceptionGroup) else first
