"""One distributed house for all tests of a process; each finds it whole and leaves it to the next.

Every scenario ends with an audit, so that what one of them does to the house cannot pass for the
work of the next.
"""

from collections.abc import Iterator

import pytest

from tests.e2e.distributed.distributed_house import DistributedHouse, running_distributed_house
from tests.e2e.distributed.log_oracle import SERVICES
from tests.servers.mock_kafka import running_mock_kafka

PARTITION_COUNT = 2


@pytest.fixture(scope="session")
def shared_distributed_house(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[DistributedHouse]:
    """The house behind `house`, as the test before has left it."""
    with running_mock_kafka() as kafka:
        for service in SERVICES:
            kafka.create_named_topic(f"{service}.events", PARTITION_COUNT)
        folder = tmp_path_factory.mktemp("distributed")
        with running_distributed_house(folder, kafka) as house:
            yield house


@pytest.fixture
def house(shared_distributed_house: DistributedHouse) -> DistributedHouse:
    """Three services with their relays, Kafka, Redis, a projector and two gateways, all well."""
    shared_distributed_house.make_whole()
    return shared_distributed_house
