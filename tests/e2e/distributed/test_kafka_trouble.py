"""Real Kafka: projectors that come and go, brokers that do, a topic that is made anew."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.kafka_jars import KafkaNotUp
from tests.e2e.distributed.audit import audited
from tests.e2e.distributed.demo_services import make_topics
from tests.e2e.distributed.distributed_house import DistributedHouse, running_distributed_house
from tests.e2e.distributed.roles import Role
from tests.e2e.processes import eventually
from tests.servers.fixtures import real_kafka_address, skip_or_fail
from tests.servers.real_kafka import PrivateKafka, running_private_kafka

pytestmark = [pytest.mark.e2e, pytest.mark.kafka, pytest.mark.timeout(180)]

PARTITION_COUNT = 3
STEPS = 60


@pytest.fixture(scope="module")
def private_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateKafka]:
    """Apache Kafka for these tests alone."""
    real_kafka_address()
    try:
        with running_private_kafka(tmp_path_factory.mktemp("broker") / "kafka") as kafka:
            yield kafka
    except KafkaNotUp as error:
        skip_or_fail(str(error))


@pytest.fixture(scope="module")
def broker_house(
    private_broker: PrivateKafka, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DistributedHouse]:
    """A house on that Kafka, its topics made by the command that is for it."""
    folder: Path = tmp_path_factory.mktemp("on-kafka")
    make_topics(private_broker.address, folder, PARTITION_COUNT)
    with running_distributed_house(folder, private_broker) as house:
        yield house


@pytest.fixture
def house(broker_house: DistributedHouse) -> DistributedHouse:
    """The house with one projector, which shares its group with whoever joins."""
    broker_house.make_whole()
    return broker_house


def reads_something(projector: Role) -> bool:
    """Whether the projector has partitions now."""
    changes = [*projector.events("partitions_assigned"), *projector.events("partitions_revoked")]
    if not changes:
        return False
    newest = max(changes, key=lambda event: str(event["timestamp"]))
    return newest["event"] == "partitions_assigned" and bool(newest["partitions"])


def joined(house: DistributedHouse) -> Role:
    """One more projector, once it has partitions."""
    projector = house.start_projector()
    eventually(lambda: reads_something(projector), about=f"{projector.name} has partitions")
    return projector


def test_projectors_that_come_and_go_lose_nothing(house: DistributedHouse) -> None:
    """Members join, leave and are killed under load, and every partition goes on at its place."""
    with house.crowd() as crowd:
        for number in range(4):
            newcomer = joined(house)
            crowd.take_steps(STEPS)
            oldest = house.projectors[0]
            if number == 2:
                house.kill(oldest)
            else:
                ended = oldest.end()
                house.leave(oldest)
                assert ended.exit_code == 0
            eventually(lambda: reads_something(newcomer), about=f"{newcomer.name} takes over")  # noqa: B023 - within this turn
            crowd.take_steps(STEPS)
    audited(house)

    assert crowd.broken == {}
    assert crowd.failures == []
    assert crowd.errors == {}


@pytest.mark.parametrize("ending", ["stop", "kill"])
def test_broker_that_restarts_is_caught_up_with(
    house: DistributedHouse, private_broker: PrivateKafka, ending: str
) -> None:
    """While Kafka is away nobody goes back; when it is there again, all of it is projected."""
    with house.crowd() as crowd:
        crowd.take_steps(STEPS)
        asyncio.run(getattr(private_broker, ending)())
        crowd.take_steps(STEPS)
        asyncio.run(private_broker.start())
        crowd.take_steps(STEPS)
    audited(house)

    assert crowd.broken == {}
    assert crowd.failures == []
    assert crowd.errors == {}


def test_topic_that_is_made_anew_is_read_from_its_start(
    house: DistributedHouse, private_broker: PrivateKafka, tmp_path: Path
) -> None:
    """The relay publishes everything again, the projection starts over, and the log says so."""
    before = len(house.events("source_restarted"))

    with house.crowd() as crowd:
        crowd.take_steps(STEPS)
        private_broker.delete_topic("orders.events")
        crowd.take_steps(STEPS)
        make_topics(private_broker.address, tmp_path, PARTITION_COUNT)
        eventually(
            lambda: len(house.events("source_restarted")) > before, about="the source is restarted"
        )
        crowd.take_steps(STEPS)
    audited(house)

    assert crowd.broken == {}
    assert crowd.failures == []
    assert crowd.errors == {}
