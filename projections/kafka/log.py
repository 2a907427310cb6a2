"""Whole topics read by one process, outside any group: for rebuilding and for comparing.

The rule: it leaves no trace. It joins nothing, commits nothing, and may run beside any projector.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition, errors

from projections.errors import TopicMissing
from projections.kafka.client import (
    KAFKA,
    NOBODY,
    open_consumer,
    subscribe,
    to_source_error,
    watch_leaders,
)
from projections.kafka.intake import Intake
from projections.kafka.options import KafkaOptions
from projections.kafka.partition import KafkaPartition
from projections.kafka.signals import KafkaObserver
from projections.positions import Partition

POLL_AGAIN_S: Final = 0.2
"""The pause after a failure that was everybody's (s)."""


@asynccontextmanager
async def open_kafka_log(
    options: KafkaOptions,
    sources: Sequence[str],
    observe: KafkaObserver,
    *,
    wall_clock: Callable[[], float] = time.time,
) -> AsyncIterator[Sequence[KafkaPartition]]:
    """Every partition of these sources, in order, to be read while the context is open.

    Raises a `SourceError` when they cannot be had: `TopicMissing` where a topic is not there.
    """
    topics = {source: options.topics[source] for source in sources}
    async with open_consumer(options, group_id=None) as consumer:
        counts = await _partition_counts(consumer, topics, options.request_timeout_s)
        intake = Intake(consumer, options)
        watch_leaders(consumer, intake.doubt_all)
        partitions = [
            KafkaPartition(
                Partition(source, index, counts[source]),
                consumer,
                intake.open_lane(TopicPartition(topic, index)),
                options,
                observe,
                wall_clock=wall_clock,
            )
            for source, topic in topics.items()
            for index in range(counts[source])
        ]
        async with _polling(intake):
            yield partitions


async def _partition_counts(
    consumer: AIOKafkaConsumer, topics: dict[str, str], limit_s: float
) -> dict[str, int]:
    """How many partitions each source has, once all of them are assigned."""
    try:
        async with asyncio.timeout(limit_s):
            there = await consumer.topics()
            for source, topic in topics.items():
                if topic not in there:
                    raise TopicMissing(source, topic)
            subscribe(consumer, topics.values())
            await consumer.getmany(NOBODY)  # waits for the assignment, which needs no group
    except (TimeoutError, errors.KafkaError) as error:
        raise to_source_error(KAFKA, error) from error
    return {
        source: len(consumer.partitions_for_topic(topic) or ()) for source, topic in topics.items()
    }


@asynccontextmanager
async def _polling(intake: Intake) -> AsyncIterator[None]:
    """Fill the lanes meanwhile. Failures are told by the fetches; only the body's own get out."""
    try:
        async with asyncio.TaskGroup() as tasks:
            polling = tasks.create_task(_poll(intake))
            try:
                yield
            finally:
                polling.cancel()
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def _poll(intake: Intake) -> None:
    while True:
        try:
            await intake.run()
        except errors.KafkaError as error:
            intake.lose_all(error)
            await asyncio.sleep(POLL_AGAIN_S)
