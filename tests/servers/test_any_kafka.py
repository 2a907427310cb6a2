"""What every test may expect of its Kafka, on the mock and on the real one."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from tests.servers.kafka import Kafka
from tests.servers.kafka_records import Record


async def test_what_aiokafka_writes_another_client_reads(any_kafka: Kafka) -> None:
    """A record written by the client under test is read back whole by an independent one."""
    topic = any_kafka.create_topic(partitions=3)
    producer = AIOKafkaProducer(bootstrap_servers=any_kafka.address, enable_idempotence=True)
    await producer.start()

    await producer.send_and_wait(
        topic, b"event", key=b"order-1", partition=2, headers=[("h", b"x")]
    )
    await producer.stop()

    assert await any_kafka.read(topic) == [Record(b"order-1", b"event", (("h", b"x"),), 2, 0)]


async def test_what_another_client_writes_aiokafka_reads(any_kafka: Kafka) -> None:
    """A consumer group gets every record that was put into the topic beforehand."""
    topic = any_kafka.create_topic(partitions=3)
    written = [Record(b"order-%d" % number, b"event") for number in range(20)]
    await any_kafka.produce(topic, written)

    read = await consumed(any_kafka, topic, len(written))

    assert sorted(read) == sorted((record.key, record.value) for record in written)


async def test_both_clients_choose_the_same_partition(any_kafka: Kafka) -> None:
    """A key has one partition, whoever writes it: so the records of one aggregate stay in order."""
    topic = any_kafka.create_topic(partitions=6)
    keys = [b"order-%d" % number for number in range(20)]
    producer = AIOKafkaProducer(bootstrap_servers=any_kafka.address)
    await producer.start()
    for key in keys:
        await producer.send_and_wait(topic, b"by aiokafka", key=key)
    await producer.stop()

    placed = await any_kafka.produce(topic, [Record(key, b"by librdkafka") for key in keys])

    partition_of = {record.key: record.partition for record in placed}
    assert all(
        record.partition == partition_of[record.key] for record in await any_kafka.read(topic)
    )


async def test_deleted_records_are_out_of_range(any_kafka: Kafka) -> None:
    """After retention has passed a position, a consumer that stands there is told so."""
    topic = any_kafka.create_topic()
    await any_kafka.produce(topic, [Record(None, b"%d" % number) for number in range(5)])
    any_kafka.delete_records(topic, 0, before_offset=3)
    place = TopicPartition(topic, 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=any_kafka.address, auto_offset_reset="none")
    await consumer.start()
    consumer.assign([place])
    consumer.seek(place, 0)

    with pytest.raises(OffsetOutOfRangeError):
        await consumer.getone()

    await consumer.stop()
    assert [record.offset for record in await any_kafka.read(topic)] == [3, 4]


async def test_a_topic_made_again_is_empty(any_kafka: Kafka) -> None:
    """A topic deleted and created under its old name begins again at offset 0."""
    topic = any_kafka.create_topic()
    await any_kafka.produce(topic, [Record(b"order-1", b"before")])
    any_kafka.delete_topic(topic)

    any_kafka.create_named_topic(topic)
    [placed] = await any_kafka.produce(topic, [Record(b"order-1", b"after")])

    assert placed.offset == 0
    assert [record.value for record in await any_kafka.read(topic)] == [b"after"]


async def consumed(kafka: Kafka, topic: str, count: int) -> list[tuple[object, object]]:
    """So many records, by a new group."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=kafka.address,
        group_id=f"group of {topic}",
        auto_offset_reset="earliest",
    )
    await consumer.start()
    async with asyncio.timeout(30):
        read = [await consumer.getone() for _ in range(count)]
    await consumer.stop()
    return [(record.key, record.value) for record in read]
