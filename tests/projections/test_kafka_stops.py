"""Records that must not be passed stop their partition, and are told at every attempt."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition, errors
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.fetch import FetchRequest

from projections.errors import SourceBroken, SourceRefused
from projections.events import PoisonEvent
from projections.kafka.log import open_kafka_log
from projections.store import EventBatch
from tests.builders.kafka_logs import kafka_options, record
from tests.builders.rows import customer_key, customer_row
from tests.projections.kafka_reading import Reading, cursor_of, names_in, reading
from tests.servers.kafka import Kafka
from tests.servers.kafka_records import Record
from tests.servers.mock_kafka import FETCH, MockKafka

LIMIT_BYTES = 1_000
TOPIC_DENIED = 29
ANN, BOB = customer_row("c-1", name="Ann"), customer_row("c-2", name="Bob")
LARGE = Record(b"c-3", b"x" * 3 * LIMIT_BYTES, partition=0)
NOBODYS = Record(None, b"{", partition=0)


@pytest.fixture
def old_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make answers end at the fetch size, within a record, as brokers did before 0.10.1."""
    send: Callable[..., Awaitable[Any]] = AIOKafkaClient.send

    async def send_and_cut(self: AIOKafkaClient, node_id: Any, request: Any, **how: Any) -> Any:
        answer = await send(self, node_id, request, **how)
        if isinstance(request, FetchRequest):
            answer.topics = [
                (topic, [(*told, records[:LIMIT_BYTES]) for *told, records in partitions])
                for topic, partitions in answer.topics
            ]
        return answer

    monkeypatch.setattr(AIOKafkaClient, "send", send_and_cut)


async def with_one_in_the_middle(kafka: Kafka, stopping: Record) -> str:
    """A topic of Ann, that record, and Bob."""
    topic = kafka.create_topic()
    for written in (record(ANN), stopping, record(BOB)):
        await kafka.produce(topic, [written])  # each in a batch of its own
    return topic


@pytest.mark.parametrize(
    ("stopping", "told"),
    [(LARGE, "record 1: 3003 bytes"), (NOBODYS, "record 1: no event")],
    ids=["too large", "nobody's"],
)
class TestStopping:
    async def test_it_is_told_again_and_again(
        self, any_kafka: Kafka, stopping: Record, told: str
    ) -> None:
        """What comes before it is read; then every fetch fails, and nothing behind it comes."""
        topic = await with_one_in_the_middle(any_kafka, stopping)
        options = kafka_options(any_kafka, topic, batch_limit=2, record_limit_bytes=LIMIT_BYTES)

        async with reading(options) as now:
            batch = await now.source.fetch(None)
            for _ in range(3):
                with pytest.raises(SourceBroken, match=told):
                    await now.source.fetch(cursor_of(batch))

        assert names_in(batch) == ["Ann"]
        assert not batch.position.is_caught_up

    async def test_it_is_gone_on_behind_when_it_is_deleted(
        self, any_kafka: Kafka, stopping: Record, told: str
    ) -> None:
        """Somebody who deletes the records up to it has mended the log; no restart is needed."""
        topic = await with_one_in_the_middle(any_kafka, stopping)
        options = kafka_options(any_kafka, topic, record_limit_bytes=LIMIT_BYTES)

        async with reading(options) as now:
            with pytest.raises(SourceBroken, match=told):
                await now.source.fetch(cursor_of(await now.source.fetch(None)))
            any_kafka.delete_records(topic, 0, 2)
            batches = await now.read_out()

        assert names_in(*batches) == ["Bob"]


async def test_raised_limit_lets_a_large_record_through(any_kafka: Kafka) -> None:
    """The control: with the limit above it, it is an event like another; here, a poisoned one."""
    topic = await with_one_in_the_middle(any_kafka, LARGE)
    options = kafka_options(any_kafka, topic, record_limit_bytes=4 * LIMIT_BYTES)

    async with reading(options) as now:
        batches = await now.read_out()

    poisons = [
        event for batch in batches for event in batch.events if isinstance(event, PoisonEvent)
    ]
    assert [poison.key for poison in poisons] == [customer_key("c-3")]
    assert names_in(*batches) == ["Ann", "Bob"]


@pytest.mark.usefixtures("old_broker")
class TestRecordThatAFetchCannotHold:
    async def test_it_stops_its_partition(self, mock_kafka: Kafka) -> None:
        """A record that the broker cannot give whole is told at every attempt, not passed over."""
        topic = await with_one_in_the_middle(mock_kafka, LARGE)
        options = kafka_options(mock_kafka, topic, record_limit_bytes=LIMIT_BYTES)

        async with reading(options) as now:
            batch = await now.source.fetch(None)
            for _ in range(3):
                with pytest.raises(SourceBroken, match="record 1 is larger than a fetch of 1000"):
                    await now.source.fetch(cursor_of(batch))

        assert names_in(batch) == ["Ann"]

    async def test_aiokafka_alone_raises_once_and_goes_on_behind_it(
        self, mock_kafka: Kafka
    ) -> None:
        """The control: left to itself, the client would lose the record."""
        at = TopicPartition(await with_one_in_the_middle(mock_kafka, LARGE), 0)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=mock_kafka.address,
            enable_auto_commit=False,
            max_partition_fetch_bytes=LIMIT_BYTES,
            fetch_max_wait_ms=20,
        )

        async with consumer:
            consumer.assign([at])
            consumer.seek(at, 1)
            with pytest.raises(errors.RecordTooLargeError):
                await consumer.getone()
            next_record = await consumer.getone()

        assert next_record.offset == 2


@pytest.fixture
def is_damaged(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The partitions whose records arrive with a wrong bit."""
    send: Callable[..., Awaitable[Any]] = AIOKafkaClient.send
    damaged: set[int] = set()

    async def send_and_damage(self: AIOKafkaClient, node_id: Any, request: Any, **how: Any) -> Any:
        answer = await send(self, node_id, request, **how)
        if isinstance(request, FetchRequest):
            answer.topics = [
                (topic, [_damage(partition, damaged) for partition in partitions])
                for topic, partitions in answer.topics
            ]
        return answer

    monkeypatch.setattr(AIOKafkaClient, "send", send_and_damage)
    return damaged


def _damage(partition: tuple[Any, ...], damaged: set[int]) -> tuple[Any, ...]:
    index, *told, records = partition
    if records and index in damaged:
        records = records[:-1] + bytes([records[-1] ^ 1])
    return (index, *told, records)


async def test_damaged_record_stops_its_partition_alone(
    mock_kafka: Kafka, is_damaged: set[int]
) -> None:
    """The others lose nothing that was polled with it; it is read when it arrives whole."""
    topic = mock_kafka.create_topic(partitions=2)
    rows = [customer_row(f"c-{n}", name=f"of {n % 2}") for n in range(6)]
    await mock_kafka.produce(topic, [record(row, partition=n % 2) for n, row in enumerate(rows)])
    is_damaged.add(1)

    async with open_kafka_log(kafka_options(mock_kafka, topic), ["customers"], print) as sources:
        healthy, damaged = (Reading(source) for source in sources)
        with pytest.raises(SourceBroken, match="customers/1: a record is damaged"):
            await damaged.source.fetch(None)
        read = names_in(*await read_in_spite(healthy))
        is_damaged.clear()
        mended = names_in(*await read_in_spite(damaged))

    assert read == ["of 0"] * 3
    assert mended == ["of 1"] * 3


async def read_in_spite(now: Reading) -> list[EventBatch]:
    """Read out, asking again after each failure, as a consumer does."""
    while True:
        try:
            return await now.read_out()
        except SourceBroken:
            continue


async def test_log_that_we_may_not_read_is_refused(mock_kafka: MockKafka) -> None:
    """Each reader is told that asking again is of no use."""
    topic = mock_kafka.create_topic()

    async with reading(kafka_options(mock_kafka, topic)) as now:
        mock_kafka.fail_next(FETCH, TOPIC_DENIED)
        with pytest.raises(SourceRefused, match="TopicAuthorizationFailed"):
            await now.source.fetch(None)
