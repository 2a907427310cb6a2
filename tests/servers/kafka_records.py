"""Records into and out of any Kafka, by another client than the one that is tested.

librdkafka reads what aiokafka wrote and the other way round, so that no client's mistake can hide
itself. The functions block; in a test with a loop they are `Kafka.produce` and `Kafka.read`.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from tests.e2e.processes import PATIENCE_S, NeverHappened

SILENT: Final = {"log_level": 0}
ANY_PARTITION: Final = -1
READ_AT_ONCE: Final = 10_000

Headers = tuple[tuple[str, str | bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Record:
    """One record; it has an offset when it lies in a log.

    ``partition`` left to the key becomes the one that every Kafka client in Java or Python takes.
    """

    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    partition: int = ANY_PARTITION
    offset: int = -1


def write_records(address: str, topic: str, records: Iterable[Record]) -> Sequence[Record]:
    """Append the records in this order; returns them with their places, all being in the log."""
    placed: list[Record] = []

    def on_delivery(error: object, message: Message) -> None:
        if error is None:
            placed.append(from_message(message))

    producer = Producer(
        {
            "bootstrap.servers": address,
            # In order without an idempotent producer, which waits half a second for its id.
            "max.in.flight.requests.per.connection": 1,
            "partitioner": "murmur2_random",
            **SILENT,
        }
    )
    sent = list(records)
    for record in sent:
        producer.produce(
            topic,
            record.value,
            record.key,
            record.partition,
            on_delivery=on_delivery,
            headers=list(record.headers),
        )
        producer.poll(0)
    producer.flush(PATIENCE_S)
    if len(placed) != len(sent):
        raise NeverHappened(f"{topic} took {len(placed)} of {len(sent)} records")
    return placed


def read_records(address: str, topic: str) -> Sequence[Record]:
    """Everything that the log has at this moment, partition by partition, each in its order."""
    consumer = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": "from outside",  # asked for, though positions are never committed
            "enable.auto.commit": False,
            "enable.partition.eof": False,
            "fetch.wait.max.ms": 50,
            **SILENT,
        }
    )
    try:
        records = [r for place in partitions(consumer, topic) for r in _read(consumer, place)]
    finally:
        consumer.close()
    return records


def partitions(consumer: Consumer, topic: str) -> Sequence[TopicPartition]:
    """The partitions of the topic in order; raises KafkaException if there is no such topic."""
    found = consumer.list_topics(topic, timeout=PATIENCE_S).topics[topic]
    if found.error is not None:
        raise KafkaException(found.error)
    return [TopicPartition(topic, number) for number in sorted(found.partitions)]


def _read(consumer: Consumer, place: TopicPartition) -> Iterator[Record]:
    first, end = _watermarks(consumer, place)
    next_offset = first
    consumer.assign([TopicPartition(place.topic, place.partition, first)])
    while next_offset < end:
        messages = consumer.consume(min(end - next_offset, READ_AT_ONCE), timeout=0.1)
        yield from (from_message(m) for m in messages if (m.offset() or 0) < end)
        # A compacted log ends with offsets at which nothing lies any more: the place is past them.
        [reached] = consumer.position([place])
        next_offset = max(next_offset, reached.offset)


def from_message(message: Message) -> Record:
    """The record in librdkafka's message; raises KafkaException if that is an error instead."""
    if (error := message.error()) is not None:
        raise KafkaException(error)
    headers = message.headers() or []
    partition, offset = message.partition(), message.offset()
    return Record(
        bytes_of(message.key()),
        bytes_of(message.value()),
        tuple(headers.items() if isinstance(headers, dict) else headers),
        ANY_PARTITION if partition is None else partition,
        -1 if offset is None else offset,
    )


def bytes_of(text: str | bytes | None) -> bytes | None:
    """What lies in the log, which knows bytes only."""
    return text.encode() if isinstance(text, str) else text


def _watermarks(consumer: Consumer, place: TopicPartition) -> tuple[int, int]:
    """Where the log begins and ends; a topic made again has no leader for a moment."""
    last_call_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return consumer.get_watermark_offsets(place, timeout=PATIENCE_S)
        except KafkaException as refusal:
            is_moving = refusal.args[0].code() == KafkaError.NOT_LEADER_FOR_PARTITION
            if not is_moving or time.monotonic() > last_call_s:
                raise
            consumer.list_topics(place.topic, timeout=PATIENCE_S)  # who leads it now?
