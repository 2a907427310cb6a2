"""Apache Kafka for the tests marked `kafka`: one that all share, and one to be hurt.

The rule: a run without Kafka skips those tests and says so; a run that was given one, or must have
one, fails when it is not there. `TEST_KAFKA` names the shared one, `TEST_KAFKA_REQUIRED=1` says
that there must be one.
"""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from scripts.kafka import Broker, look_around, new_broker
from scripts.server_process import leash
from tests.e2e.processes import eventually
from tests.servers.kafka import Kafka, unique
from tests.servers.kafka_records import SILENT

ADDRESS_VARIABLE: Final = "TEST_KAFKA"
REQUIRED_VARIABLE: Final = "TEST_KAFKA_REQUIRED"
WITHOUT_KAFKA: Final = "no real Kafka"
"""How the reason of each skip begins; the last lines of a run count them by it."""

COMMAND: Final = "make test-kafka"
REACH_LIMIT_S: Final = 10.0
ADMIN_LIMIT_S: Final = 30.0


@dataclass(frozen=True)
class Use:
    """There is one; it must answer."""

    address: str


@dataclass(frozen=True)
class Skip:
    """None was promised."""

    reason: str


@dataclass(frozen=True)
class Fail:
    """One must be there, and none is named."""

    reason: str


def decide(environ: Mapping[str, str]) -> Use | Skip | Fail:
    """What becomes of a test that needs real Kafka."""
    if address := environ.get(ADDRESS_VARIABLE):
        return Use(address)
    if environ.get(REQUIRED_VARIABLE) == "1":
        return Fail(f"{REQUIRED_VARIABLE}=1, but {ADDRESS_VARIABLE} names no Kafka")
    return Skip(f"{WITHOUT_KAFKA}: {ADDRESS_VARIABLE}=HOST:PORT names one, {COMMAND} brings one up")


@cache
def why_out_of_reach(address: str) -> str | None:
    """Why this Kafka cannot be used; None when it answers. Asked once a process."""
    try:
        AdminClient({"bootstrap.servers": address, **SILENT}).list_topics(timeout=REACH_LIMIT_S)
    except KafkaException as error:
        return f"{ADDRESS_VARIABLE}={address} does not answer: {error.args[0]}"
    return None


class RealKafka(Kafka):
    """Apache Kafka at an address; what was created through it can be deleted together."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self._admin = AdminClient({"bootstrap.servers": address, **SILENT})
        self._created: set[str] = set()

    def create_topic(
        self, stem: str = "events", partitions: int = 1, config: dict[str, str] | None = None
    ) -> str:
        name = unique(stem)
        self._create(NewTopic(name, partitions, 1, config=config or {}))
        return name

    def create_named_topic(self, name: str, partitions: int = 1) -> None:
        self._create(NewTopic(name, partitions, 1))

    def delete_topic(self, name: str) -> None:
        self._admin.delete_topics([name])[name].result(ADMIN_LIMIT_S)
        self._created.discard(name)
        eventually(lambda: name not in self.topics(), about=f"the end of {name}")

    def delete_records(self, topic: str, partition: int, before_offset: int) -> None:
        place = TopicPartition(topic, partition, before_offset)
        for done in self._admin.delete_records([place]).values():
            done.result(ADMIN_LIMIT_S)

    def topics(self) -> set[str]:
        """The names of all topics."""
        return set(self._admin.list_topics(timeout=ADMIN_LIMIT_S).topics)

    def configuration(self, topic: str) -> dict[str, str]:
        """How the topic is set."""
        [told] = self._admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
        return {name: str(entry.value) for name, entry in told.result(ADMIN_LIMIT_S).items()}

    def delete_created(self) -> None:
        """Delete every topic that was created here and is still there."""
        if self._created:
            for done in self._admin.delete_topics(sorted(self._created)).values():
                done.result(ADMIN_LIMIT_S)
        self._created.clear()

    def _create(self, topic: NewTopic) -> None:
        self._admin.create_topics([topic])[topic.topic].result(ADMIN_LIMIT_S)
        self._created.add(topic.topic)
        eventually(lambda: topic.topic in self.topics(), about=f"the topic {topic.topic}")


class PrivateKafka(RealKafka):
    """A broker that one test has for itself and may stop, kill and start again.

    It keeps its data and its address through all of it. It takes seconds, so the loop goes on.
    """

    def __init__(self, broker: Broker, leashes: ExitStack) -> None:
        self._broker = broker
        self._leashes = leashes
        super().__init__(broker.address)

    async def stop(self) -> None:
        """End it in order."""
        await asyncio.to_thread(self._broker.stop)
        self._leashes.close()

    async def kill(self) -> None:
        """End it at once, as when its machine fails."""
        await asyncio.to_thread(self._broker.kill)
        self._leashes.close()

    async def start(self) -> None:
        """Start it again; returns when it serves."""
        await asyncio.to_thread(self._broker.start)
        self._leashes.enter_context(leash(*self._broker.ending))

    async def restart(self) -> None:
        """Stop and start."""
        await self.stop()
        await self.start()


@contextmanager
def running_private_kafka(folder: Path) -> Iterator[PrivateKafka]:
    """A broker over this folder; raises KafkaNotUp when none can be had on this machine."""
    broker = new_broker(folder, look_around())
    with ExitStack() as leashes:
        try:
            broker.start()
            leashes.enter_context(leash(*broker.ending))
            yield PrivateKafka(broker, leashes)
        finally:
            broker.remove()
