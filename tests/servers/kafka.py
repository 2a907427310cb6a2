"""What every Kafka of the tests can do, be it librdkafka's mock or Apache Kafka itself."""

import asyncio
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from tests.servers.kafka_records import Record, read_records, write_records


class Kafka(ABC):
    """A Kafka to test against. Its topics have unique names, for others may be using it too."""

    def __init__(self, address: str) -> None:
        self.address = address

    @abstractmethod
    def create_topic(
        self, stem: str = "events", partitions: int = 1, config: dict[str, str] | None = None
    ) -> str:
        """Make an empty topic; its name is the stem and something unique. It goes with the test."""

    @abstractmethod
    def create_named_topic(self, name: str, partitions: int = 1) -> None:
        """Make a topic of this very name: to make again one that was deleted."""

    @abstractmethod
    def delete_topic(self, name: str) -> None:
        """Delete the topic with all its records; returns when it is gone."""

    @abstractmethod
    def delete_records(self, topic: str, partition: int, before_offset: int) -> None:
        """Delete what lies before this offset, as retention does."""

    async def produce(self, topic: str, records: Iterable[Record]) -> Sequence[Record]:
        """Append the records in this order; returns them with their places in the log."""
        return await asyncio.to_thread(write_records, self.address, topic, records)

    async def read(self, topic: str) -> Sequence[Record]:
        """Everything that the log has at this moment, partition by partition."""
        return await asyncio.to_thread(read_records, self.address, topic)


def unique(stem: str) -> str:
    """A name that nobody else has, and that still says what it is for."""
    return f"{stem}-{uuid.uuid4().hex[:12]}"
