"""The Kafka that figures are measured with: Apache Kafka of its own where the machine has one.

A broker of its own, and not one that is up already: no figure depends on what others left in it or
do with it meanwhile.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Final, Literal

from scripts.kafka import look_around, running_broker
from scripts.kafka_broker import JavaBroker
from scripts.kafka_jars import KAFKA_VERSION, KafkaNotUp
from tests.servers.kafka import Kafka
from tests.servers.mock_kafka import running_mock_kafka
from tests.servers.real_kafka import RealKafka

Wanted = Literal["auto", "real", "mock"]

PARTITION_COUNT: Final = 6
"""Of each topic: what `python -m upstream_stubs topics` makes."""

MOCK_EVENT_LIMIT: Final = 60_000
"""What the mock keeps for sure: it drops the oldest records of a partition over 5 MB."""


@dataclass(frozen=True, slots=True)
class KafkaHere:
    """A Kafka that serves. ``pid`` of its broker, where it is a process of this machine."""

    kafka: Kafka
    name: str
    is_real: bool = False
    pid: int | None = None

    @property
    def address(self) -> str:
        return self.kafka.address

    @contextmanager
    def topics(self, names: Sequence[str]) -> Iterator[None]:
        """Empty topics of these names, inside the block."""
        for name in names:
            self.kafka.create_named_topic(name, PARTITION_COUNT)
        try:
            yield
        finally:
            for name in names:
                self.kafka.delete_topic(name)


@contextmanager
def running_kafka(wanted: Wanted) -> Iterator[KafkaHere]:
    """Kafka inside the block; raises KafkaNotUp when a real one is wanted and cannot be had."""
    with ExitStack() as stack:
        if wanted == "mock":
            yield KafkaHere(stack.enter_context(running_mock_kafka()), "librdkafka's mock")
        else:
            yield _best(stack, is_real_required=wanted == "real")


def _best(stack: ExitStack, *, is_real_required: bool) -> KafkaHere:
    at_hand = look_around()
    if at_hand.java is not None and (at_hand.jars or at_hand.maven):
        at_hand = replace(at_hand, docker=False)  # a process of this machine can be measured
    try:
        broker = stack.enter_context(running_broker(at_hand))
    except KafkaNotUp as reason:
        if is_real_required:
            raise
        mock = stack.enter_context(running_mock_kafka())
        return KafkaHere(mock, f"librdkafka's mock ({str(reason).splitlines()[0]})")
    process = broker.process if isinstance(broker, JavaBroker) else None
    pid = None if process is None else process.pid
    name = f"Apache Kafka {KAFKA_VERSION}"
    return KafkaHere(RealKafka(broker.address), name, is_real=True, pid=pid)
