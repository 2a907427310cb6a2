"""How current a partition is: told by heartbeats, or by the end of the log where there are none."""

import asyncio
import time
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka import Producer

from projections.positions import NEVER_S
from projections.store import EventBatch
from tests.builders.kafka_logs import heartbeat, kafka_options, record
from tests.builders.rows import customer_row
from tests.projections.kafka_reading import Reading, cursor_of, names_in, reading
from tests.servers.kafka import Kafka

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


async def until_read(now: Reading, offset: int) -> EventBatch:
    """The batch that reaches this offset."""
    batch = await now.source.fetch(None)
    while not cursor_of(batch).startswith(f"{offset}-"):
        batch = await now.source.fetch(cursor_of(batch))
    return batch


class TestWithHeartbeats:
    async def test_heartbeat_proves_its_time(self, any_kafka: Kafka) -> None:
        """All that its service had committed by then lies before it."""
        topic = any_kafka.create_topic()
        await any_kafka.produce(topic, [record(customer_row()), heartbeat(NOON)])

        async with reading(kafka_options(any_kafka, topic, has_heartbeats=True)) as now:
            batch = await until_read(now, 2)

        assert batch.position.proven_at_s == NOON.timestamp()
        assert batch.position.is_caught_up
        assert batch.position.remaining_count == 0

    async def test_quiet_log_proves_nothing(self, mock_kafka: Kafka) -> None:
        """Without heartbeats the relay may be dead: the proof stays, so its age grows."""
        topic = mock_kafka.create_topic()
        await mock_kafka.produce(topic, [record(customer_row()), heartbeat(NOON)])

        async with reading(kafka_options(mock_kafka, topic, has_heartbeats=True)) as now:
            place = cursor_of(await until_read(now, 2))
            later = await now.source.fetch(place)

        assert (later.events, cursor_of(later)) == ((), place)
        assert later.position.proven_at_s == NOON.timestamp()

    async def test_log_without_any_heartbeat_is_not_proven(self, mock_kafka: Kafka) -> None:
        """It can be read to its end all the same."""
        topic = mock_kafka.create_topic()
        await mock_kafka.produce(topic, [record(customer_row())])

        async with reading(kafka_options(mock_kafka, topic, has_heartbeats=True)) as now:
            position = (await now.read_out())[-1].position

        assert (position.is_caught_up, position.proven_at_s) == (True, NEVER_S)

    async def test_repeated_older_heartbeat_takes_no_proof_back(self, mock_kafka: Kafka) -> None:
        """A relay that was started again may tell again what it told before."""
        topic = mock_kafka.create_topic()
        beats = [heartbeat(NOON), heartbeat(NOON - timedelta(seconds=5))]
        await mock_kafka.produce(topic, [record(customer_row()), *beats])

        async with reading(kafka_options(mock_kafka, topic, has_heartbeats=True)) as now:
            batch = await until_read(now, 3)

        assert batch.position.proven_at_s == NOON.timestamp()

    async def test_proof_is_never_from_the_future(self, mock_kafka: Kafka) -> None:
        """A service whose clock is ahead of ours proves no more than our now."""
        topic = mock_kafka.create_topic()
        ahead = datetime.now(UTC) + timedelta(hours=1)
        await mock_kafka.produce(topic, [record(customer_row()), heartbeat(ahead)])

        async with reading(kafka_options(mock_kafka, topic, has_heartbeats=True)) as now:
            batch = await until_read(now, 2)

        assert batch.position.proven_at_s <= time.time()

    async def test_heartbeat_ends_the_wait(self, any_kafka: Kafka) -> None:
        """A proof is told when it comes, not when a poll happens to end."""
        topic = any_kafka.create_topic()
        await any_kafka.produce(topic, [record(customer_row())])

        async with reading(kafka_options(any_kafka, topic, has_heartbeats=True)) as now:
            place = cursor_of(*await now.read_out())
            await any_kafka.produce(topic, [heartbeat(NOON)])
            batch = await now.source.fetch(place)

        assert batch.events == ()
        assert batch.position.proven_at_s == NOON.timestamp()


class TestWithoutHeartbeats:
    async def test_end_of_the_log_is_the_proof(self, any_kafka: Kafka) -> None:
        """What was committed before the log was seen to end has been read."""
        topic = any_kafka.create_topic()
        await any_kafka.produce(topic, [record(customer_row())])
        asked_at_s = time.time()

        async with reading(kafka_options(any_kafka, topic)) as now:
            place = cursor_of(*await now.read_out())
            position = (await now.source.fetch(place)).position

        assert asked_at_s - 0.001 <= position.proven_at_s <= time.time()

    async def test_backlog_is_counted_and_not_proven(self, any_kafka: Kafka) -> None:
        """Short of the end nothing is known of what is behind."""
        topic = any_kafka.create_topic()
        rows = [customer_row(f"c-{n}") for n in range(5)]
        await any_kafka.produce(topic, map(record, rows))

        async with reading(kafka_options(any_kafka, topic, batch_limit=2)) as now:
            batch = await now.source.fetch(None)

        # A batch may be smaller than its limit: the broker decides where an answer ends.
        behind_count = len(rows) - len(batch.events)
        assert (batch.position.is_caught_up, batch.position.remaining_count) == (
            False,
            behind_count,
        )
        assert batch.position.proven_at_s == NEVER_S


def commit_transaction(address: str, topic: str) -> None:
    """One change, committed, and one that is given up."""
    producer = Producer({"bootstrap.servers": address, "transactional.id": uuid.uuid4().hex})
    producer.init_transactions(10)
    for name, end in (("Ada", producer.commit_transaction), ("Bob", producer.abort_transaction)):
        written = record(customer_row(name=name))
        producer.begin_transaction()
        producer.produce(topic, written.value, written.key, 0)
        producer.flush(10)
        end(10)


@pytest.mark.kafka
async def test_marks_of_transactions_are_no_lag(real_kafka: Kafka) -> None:
    """What only ends a transaction is never given to a reader, and is not waited for."""
    topic = real_kafka.create_topic()
    await asyncio.to_thread(commit_transaction, real_kafka.address, topic)

    async with reading(kafka_options(real_kafka, topic)) as now:
        batches = await now.read_out()

    assert names_in(*batches) == ["Ada"]
    assert batches[-1].position.remaining_count == 0
