"""The command `topics`: makes the topics, on purpose and the same every time.

The rule: what is not there is created, what is there is left alone; where it is not as wished, that
is said. The settings, and why each:

``cleanup.policy=compact``
    every event carries the whole state, so the last event of each aggregate is all that a read
    model is made of: the topic never loses it, and never grows far beyond it
``min.compaction.lag.ms``, 6 hours
    what is younger stays as it was sent, so a reader that was away for less finds the record before
    its position again, and with it the proof that the log is still the same
``max.compaction.lag.ms``, 1 day
    what was replaced is gone two days later at the latest, a former address for example
``segment.ms``, 1 hour
    the segment that is written to is never compacted; without this, heartbeats of a week lie in it,
    and each rebuild has to read them
``max.message.bytes``, 1 MiB
    no batch is larger than what readers fetch from a partition at once; events are 100 KiB at most,
    and the relay sends batches of 64 KiB
``min.insync.replicas``
    with three replicas or more, an acknowledged event is on two brokers at least; with fewer, one
    broker that is down would stop everything
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    InvalidReplicationFactorError,
    KafkaError,
    NodeNotReadyError,
    TopicAlreadyExistsError,
    for_code,
)

HOUR_MS: Final = 3_600_000
POLICY: Final = "cleanup.policy"

log = logging.getLogger(__name__)


class TopicsError(Exception):
    """The topics could not be made; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicWish:
    """What the topics shall be like.

    ``wait_s``: how long a broker that is just starting is waited for (s, default 30).
    """

    names: tuple[str, ...]
    partition_count: int = 6
    replication_factor: int = 1
    wait_s: float = 30.0
    pause_s: float = 0.5

    def settings(self) -> dict[str, str]:
        """The topics' settings; the reasons stand at the top of this file."""
        return {
            POLICY: "compact",
            "min.compaction.lag.ms": str(6 * HOUR_MS),
            "max.compaction.lag.ms": str(24 * HOUR_MS),
            "segment.ms": str(HOUR_MS),
            "max.message.bytes": str(1024 * 1024),
            "min.insync.replicas": "2" if self.replication_factor > 2 else "1",
        }


@dataclass(frozen=True, slots=True)
class FoundTopic:
    """A topic as it is."""

    partition_count: int
    cleanup_policy: str


class TopicAdmin(Protocol):
    """What the command needs of Kafka. Everything raises KafkaError or OSError."""

    async def read(self, names: Sequence[str]) -> Mapping[str, FoundTopic]:
        """Those of the topics that are there."""

    async def create(self, name: str, wish: TopicWish) -> None:
        """Make one topic. Raises TopicAlreadyExistsError."""


def differences(found: FoundTopic, wish: TopicWish) -> list[str]:
    """In what the topic is not as wished."""
    told = []
    if found.partition_count != wish.partition_count:
        told.append(f"it has {found.partition_count} partitions, not {wish.partition_count}")
    if found.cleanup_policy != wish.settings()[POLICY]:
        told.append(f"its {POLICY} is {found.cleanup_policy}, not {wish.settings()[POLICY]}")
    return told


async def make_topics(admin: TopicAdmin, wish: TopicWish) -> None:
    """Create the topics that are missing, and say of each what was done. May be repeated."""
    found = await admin.read(wish.names)
    for name in wish.names:
        if name not in found:
            try:
                await admin.create(name, wish)
            except TopicAlreadyExistsError:  # somebody else was faster
                found = await admin.read(wish.names)
        tell(name, found.get(name), wish)


def tell(name: str, found: FoundTopic | None, wish: TopicWish) -> None:
    """Say what became of one topic; ``found``: how it was before."""
    if found is None:
        log.info("%s: created, %s partitions, compacted", name, wish.partition_count)
    elif told := differences(found, wish):
        log.warning("%s: left as it is, although %s", name, " and ".join(told))
    else:
        log.info("%s: there already", name)


async def run_topics(
    open_admin: Callable[[], AbstractAsyncContextManager[TopicAdmin]], wish: TopicWish
) -> None:
    """Make the topics; waits for a broker that is just starting. Raises TopicsError."""
    trouble: Exception | None = None
    try:
        async with asyncio.timeout(wish.wait_s):
            while True:
                try:
                    async with open_admin() as admin:
                        return await make_topics(admin, wish)
                except (KafkaError, OSError) as error:
                    if not may_pass(error):
                        raise TopicsError(f"Kafka refuses: {error}") from error
                    if trouble is None:
                        log.info("waiting for Kafka: %s", error)
                    trouble = error
                await asyncio.sleep(wish.pause_s)
    except TimeoutError:
        detail = trouble or "it does not answer"
        raise TopicsError(f"Kafka was not ready within {wish.wait_s:g} s: {detail}") from trouble


def may_pass(error: KafkaError | OSError) -> bool:
    """Whether it may work in a moment: brokers that are still starting are too few, for example."""
    return isinstance(error, OSError | InvalidReplicationFactorError) or error.retriable


@asynccontextmanager
async def open_kafka_admin(bootstrap_servers: str) -> AsyncIterator["KafkaAdmin"]:
    """The real thing."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers.split(","))
    try:
        await client.start()
        yield KafkaAdmin(client)
    finally:
        await client.close()


class KafkaAdmin:
    """A Kafka cluster's own administration."""

    def __init__(self, client: AIOKafkaAdminClient) -> None:
        self._client = client

    async def read(self, names: Sequence[str]) -> Mapping[str, FoundTopic]:
        """Those of the topics that are there. Asks for all: asking by name may create them."""
        counts = {
            topic["topic"]: len(topic["partitions"])
            for topic in await self._client.describe_topics()
            if topic["topic"] in names
        }
        policies = await self._policies(list(counts))
        return {name: FoundTopic(count, policies[name]) for name, count in counts.items()}

    async def _policies(self, names: Sequence[str]) -> dict[str, str]:
        asked = [ConfigResource(ConfigResourceType.TOPIC, name, {POLICY: ""}) for name in names]
        policies: dict[str, str] = {}
        answers: list[Any] = await self._client.describe_configs(asked)
        for answer in answers:
            for error_code, message, _type, name, settings, *_ in answer.resources:
                if error_code:
                    raise for_code(error_code)(message)
                policies[name] = dict(setting[:2] for setting in settings)[POLICY]
        return policies

    async def create(self, name: str, wish: TopicWish) -> None:
        """Make one topic."""
        cluster = await self._client.describe_cluster()
        if cluster["controller_id"] < 0:
            raise NodeNotReadyError("the cluster has no controller yet")
        topic = NewTopic(
            name,
            wish.partition_count,
            wish.replication_factor,
            topic_configs=wish.settings(),
        )
        answer: Any = await self._client.create_topics([topic])
        for _name, error_code, *message in answer.topic_errors:
            if error_code:
                raise for_code(error_code)(*message)
