"""When the relays sent each version to Kafka, as the records themselves tell."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from benchmarks.kafkas import PARTITION_COUNT
from benchmarks.visibility import Key, Numbered

READ_LIMIT_S: Final = 60.0
MS: Final = 1000

Sent = tuple[float, Key, Numbered]
"""When a producer was handed a version (s, wall clock, cut to ms), and which."""


def sent_to(kafka: str, topics: Sequence[str]) -> list[Sent]:
    """Every version in these topics."""
    return asyncio.run(_read(kafka, topics))


async def _read(kafka: str, topics: Sequence[str]) -> list[Sent]:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False)
    places = [TopicPartition(topic, n) for topic in topics for n in range(PARTITION_COUNT)]
    sent: list[Sent] = []
    async with asyncio.timeout(READ_LIMIT_S), consumer:
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        left_count = sum((await consumer.end_offsets(places)).values())
        while left_count > 0:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                left_count -= len(records)
                for record in records:
                    sent.extend(_versions_in(record))
    return sent


def _versions_in(record: "ConsumerRecord[bytes, bytes]") -> Iterator[Sent]:
    """The version that a record brings; none if it is a heartbeat."""
    event = json.loads(record.value or b"{}")
    if "subject" in event:
        key = event["source"].strip("/"), event["subject"]
        yield record.timestamp / MS, key, (event["sourceepoch"], event["aggregateversion"])
