"""One Kafka topic, as the relay sees it: the only place that sends.

The rule: records of one partition arrive in the order of sending, each once as long as this
connection lives (idempotent producer, acknowledged by all in-sync replicas). When anything fails,
the connection is given up, and the relay goes on from its noted place with a new one. Topics are
never created from here: aiokafka lets a broker create what it asks for by name, so it asks for all.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Final, Protocol

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.offset import OffsetRequest
from aiokafka.structs import RecordMetadata

from upstream_stubs.relay.batches import Record
from upstream_stubs.relay.progress import Acknowledged

HEADERS: Final = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
LATEST: Final = -1
"""Kafka's word for the end of a partition, where a time is asked for."""


class TopicUnavailable(Exception):
    """The topic cannot be published to at present; the message says why."""


class Topic(Protocol):
    """What the relay needs of a topic. Everything raises TopicUnavailable."""

    def partitions(self) -> Collection[int]:
        """The partitions that there are now."""

    async def end_offsets(self) -> Mapping[int, int]:
        """Where the next record of each partition will be."""

    async def publish(self, records: Sequence[Record]) -> Sequence[Acknowledged]:
        """Send the records and wait until all are acknowledged; in the order of sending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicOptions:
    """How the topic is spoken to.

    ``bootstrap_servers``: ``host:port``, comma-separated.
    ``request_timeout_s``: how long a broker may take over one request (s, 0.1–60, default 3; it
    bounds how long the end of a request under way can be awaited).
    ``ack_timeout_s``: how long a batch may be under way, the producer's own retries included (s,
    1–600, default 10: a broker's restart takes a few seconds, and then nothing is sent twice).
    ``grace_s``: how long each of the two steps of an end may take (s, 0.1–10, default 0.2:
    what is still to be answered is sent again anyway).
    ``batch_bytes``: the most that is sent to a partition at once (1 KiB–1 MiB, default 64 KiB:
    three times the throughput of aiokafka's 16 KiB, and far below what brokers refuse).
    ``metadata_age_s``: how soon new partitions are noticed (s, 1–3600, default 30).
    """

    bootstrap_servers: str
    request_timeout_s: float = 3.0
    ack_timeout_s: float = 10.0
    grace_s: float = 0.2
    batch_bytes: int = 64 * 1024
    metadata_age_s: float = 30.0


@contextmanager
def telling_unavailability() -> Iterator[None]:
    """Turn whatever aiokafka raises into TopicUnavailable, in the same words for all outages."""
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        is_outage = not isinstance(error, KafkaError) or error.retriable
        raise TopicUnavailable("Kafka does not answer" if is_outage else str(error)) from error


def new_producer(options: TopicOptions) -> AIOKafkaProducer:
    """A producer that keeps order and repeats nothing by itself."""
    return AIOKafkaProducer(
        bootstrap_servers=options.bootstrap_servers.split(","),
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=options.batch_bytes,
        metadata_max_age_ms=round(options.metadata_age_s * 1000),
        request_timeout_ms=round(options.request_timeout_s * 1000),
    )


@asynccontextmanager
async def open_topic(name: str, options: TopicOptions) -> AsyncIterator["KafkaTopic"]:
    """The topic over a connection of its own. Raises TopicUnavailable."""
    producer = new_producer(options)
    topic = KafkaTopic(name, producer, options)
    try:
        with telling_unavailability():
            async with asyncio.timeout(options.ack_timeout_s):
                await producer.start()
                # Of all topics: from now on nothing has to be asked by name.
                await producer.client.force_metadata_update()
        topic.partitions()
        yield topic
    finally:
        await abandon(producer, options.grace_s)


async def abandon(producer: AIOKafkaProducer, grace_s: float) -> None:
    """Close the producer without waiting for acknowledgements; its ``stop`` would wait for ever.

    The two steps take ``grace_s`` each at most, whatever the broker does.
    """
    # There is no other way to its sending task, and no public word for "closed".
    producer._closed, sender = True, producer._sender  # noqa: SLF001
    with suppress(TimeoutError, KafkaError):  # what ended the sender was told to who published
        async with asyncio.timeout(grace_s):
            await sender.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(grace_s):
            await producer.client.close()


class KafkaTopic:
    """The topic behind a producer that is connected."""

    def __init__(self, name: str, producer: AIOKafkaProducer, options: TopicOptions) -> None:
        self._name = name
        self._producer = producer
        self._client = producer.client
        self._options = options

    def partitions(self) -> Collection[int]:
        """The partitions that there are now, in order."""
        found = self._client.cluster.partitions_for_topic(self._name)
        if not found:
            servers = self._options.bootstrap_servers
            command = f"python -m upstream_stubs topics --kafka {servers}"
            raise TopicUnavailable(f"there is no topic {self._name}; {command} creates it")
        return sorted(found)

    async def end_offsets(self) -> Mapping[int, int]:
        """Where the next record of each partition will be."""
        led: dict[int, list[int]] = {}
        for partition in self.partitions():
            place = TopicPartition(self._name, partition)
            led.setdefault(self._client.cluster.leader_for_partition(place), []).append(partition)
        ends: dict[int, int] = {}
        with telling_unavailability():
            async with asyncio.timeout(self._options.ack_timeout_s):
                for leader, partitions in led.items():
                    ends |= await self._end_offsets_at(leader, partitions)
        return ends

    async def _end_offsets_at(self, leader: int, partitions: Sequence[int]) -> dict[int, int]:
        asked = [(partition, LATEST) for partition in partitions]
        answer = await self._client.send(leader, OffsetRequest(-1, 0, [(self._name, asked)]))
        ends: dict[int, int] = {}
        for _topic, answered in answer.topics:
            for partition, error_code, _time, offset, *_ in answered:
                if error_code:
                    raise for_code(error_code)
                ends[partition] = offset
        return ends

    async def publish(self, records: Sequence[Record]) -> Sequence[Acknowledged]:
        """Send the records and wait until all are acknowledged."""
        sent: list[asyncio.Future[RecordMetadata]] = []
        try:
            with telling_unavailability():
                async with asyncio.timeout(self._options.ack_timeout_s):
                    for record in records:
                        sent.append(await self._send(record))  # noqa: PERF401 - `finally` needs all
                    acknowledged = [await answer for answer in sent]
        finally:
            for answer in sent:
                forget(answer)
        return [Acknowledged(where.partition, where.offset) for where in acknowledged]

    async def _send(self, record: Record) -> "asyncio.Future[RecordMetadata]":
        # Or aiokafka would ask for the topic by name, or stumble over a partition that is gone.
        if record.partition not in (None, *self.partitions()):
            raise TopicUnavailable(f"{self._name} has lost partition {record.partition}")
        sending: asyncio.Future[RecordMetadata] = await self._producer.send(
            self._name,
            record.value.encode(),
            key=record.key.encode(),
            partition=record.partition,
            headers=HEADERS,
        )
        return sending


def forget(answer: "asyncio.Future[RecordMetadata]") -> None:
    """Let nobody be told that this answer, if it still comes or was an error, was not read."""
    if not answer.cancel() and not answer.cancelled():
        answer.exception()
