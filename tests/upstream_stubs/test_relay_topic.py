"""The topic behind a producer: what it must not do when the topic goes away under it."""

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest
from aiokafka import AIOKafkaProducer

from upstream_stubs.relay.batches import Record
from upstream_stubs.relay.kafka import KafkaTopic, TopicOptions, TopicUnavailable


class ProducerByHand:
    """As much of a producer as a topic needs; the partitions are what the cluster knows now."""

    def __init__(self, *partitions: int) -> None:
        self.partitions: set[int] | None = set(partitions)
        self.sent: list[bytes] = []
        self.answers: list[asyncio.Future[object]] = []
        cluster = SimpleNamespace(partitions_for_topic=lambda topic: self.partitions)
        self.client = SimpleNamespace(cluster=cluster)

    async def send(self, _topic: str, value: bytes, **_: object) -> "asyncio.Future[object]":
        self.sent.append(value)
        self.answers.append(asyncio.get_running_loop().create_future())
        return self.answers[-1]


class LosingProducer(ProducerByHand):
    """After its first record the cluster knows another set of partitions."""

    def __init__(self, *partitions: int, then: set[int] | None) -> None:
        super().__init__(*partitions)
        self._then = then

    async def send(self, _topic: str, value: bytes, **_: object) -> "asyncio.Future[object]":
        answer = await super().send(_topic, value)
        self.partitions = self._then
        return answer


def topic_over(producer: ProducerByHand, ack_timeout_s: float = 10.0) -> KafkaTopic:
    options = TopicOptions(bootstrap_servers="kafka:9092", ack_timeout_s=ack_timeout_s)
    return KafkaTopic("orders.events", cast("AIOKafkaProducer", producer), options)


async def test_topic_that_goes_while_a_batch_is_sent_is_not_asked_for_by_name() -> None:
    """The rest of the batch is not handed to the producer: its question could create the topic."""
    producer = LosingProducer(0, 1, then=None)

    with pytest.raises(TopicUnavailable, match=r"no topic orders\.events; .* topics --kafka kafka"):
        await topic_over(producer).publish([Record("o-1", "1"), Record("o-2", "2")])

    assert producer.sent == [b"1"]
    assert producer.answers[0].cancelled()


async def test_partition_that_is_gone_is_an_outage_and_no_crash() -> None:
    """A heartbeat for a partition of the topic as it was ends the connection, not the relay."""
    producer = LosingProducer(0, 1, then={0})

    with pytest.raises(TopicUnavailable, match="lost partition 1"):
        await topic_over(producer).publish([Record("h", "h", 0), Record("h", "h", 1)])


@pytest.mark.steered_time
async def test_acknowledgement_that_never_comes_is_given_up() -> None:
    """After the time allowed the batch has failed, whatever the producer still tries."""
    with pytest.raises(TopicUnavailable, match="Kafka does not answer"):
        await topic_over(ProducerByHand(0), 7.0).publish([Record("o-1", "1")])

    assert asyncio.get_running_loop().time() == pytest.approx(7)
