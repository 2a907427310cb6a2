"""The servers that tests ask for by name. In a name, `private` is what a test may break.

valkey, redis_url            a real server, shared by the tests of one process; emptied before
redis_cluster_url            three nodes, shared likewise
private_valkey               one for the test alone
mock_kafka                   librdkafka's mock cluster, new and empty; milliseconds
real_kafka                   Apache Kafka, shared; the test is marked `kafka`
any_kafka                    the test runs on the mock, and once more, marked, on the real one
private_kafka                Apache Kafka for the test alone, marked `kafka`; seconds
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from scripts.kafka_jars import KafkaNotUp
from tests.servers.kafka import Kafka
from tests.servers.mock_kafka import MockKafka, running_mock_kafka
from tests.servers.real_kafka import (
    REQUIRED_VARIABLE,
    WITHOUT_KAFKA,
    Fail,
    PrivateKafka,
    RealKafka,
    Skip,
    Use,
    decide,
    running_private_kafka,
    why_out_of_reach,
)
from tests.servers.valkey import Valkey, running_valkey
from tests.servers.valkey_cluster import ValkeyCluster, running_cluster


@pytest.fixture(scope="session")
def shared_valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """The server behind `valkey`, as the test before has left it."""
    with running_valkey(tmp_path_factory.mktemp("valkey")) as valkey:
        yield valkey


@pytest.fixture
def valkey(shared_valkey: Valkey) -> Valkey:
    """A running server without a row. It is shared: neither end nor reconfigure it."""
    shared_valkey.empty()
    return shared_valkey


@pytest.fixture
def redis_url(valkey: Valkey) -> str:
    """The address of a running server without a row."""
    return valkey.url


@pytest.fixture
def private_valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A server that the test may stop, kill, freeze and reconfigure."""
    with running_valkey(tmp_path / "valkey") as valkey:
        yield valkey


@pytest.fixture(scope="session")
def shared_valkey_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyCluster]:
    """The cluster behind `valkey_cluster`; it takes two seconds until it serves."""
    with running_cluster(tmp_path_factory.mktemp("valkey-cluster")) as cluster:
        yield cluster


@pytest.fixture
def valkey_cluster(shared_valkey_cluster: ValkeyCluster) -> ValkeyCluster:
    """Three nodes that share the slots, without a row."""
    shared_valkey_cluster.empty()
    return shared_valkey_cluster


@pytest.fixture
def redis_cluster_url(valkey_cluster: ValkeyCluster) -> str:
    """The address of one node of a cluster without a row."""
    return valkey_cluster.url


@pytest.fixture
def mock_kafka() -> Iterator[MockKafka]:
    """A new mock cluster of one broker, empty."""
    with running_mock_kafka() as kafka:
        yield kafka


@pytest.fixture
def real_kafka() -> Iterator[RealKafka]:
    """The shared Apache Kafka; topics that the test creates go with it."""
    kafka = RealKafka(real_kafka_address())
    yield kafka
    kafka.delete_created()


@pytest.fixture(params=["mock", pytest.param("real", marks=pytest.mark.kafka)])
def any_kafka(request: pytest.FixtureRequest) -> Kafka:
    """The mock in every run; in a run that has one, real Kafka too."""
    kafka: Kafka = request.getfixturevalue(f"{request.param}_kafka")
    return kafka


@pytest.fixture
def private_kafka(tmp_path: Path) -> Iterator[PrivateKafka]:
    """Apache Kafka that the test may stop, kill and start again."""
    real_kafka_address()
    try:
        with running_private_kafka(tmp_path / "kafka") as kafka:
            yield kafka
    except KafkaNotUp as error:
        skip_or_fail(str(error))


def real_kafka_address() -> str:
    """Where the shared one is; skips or fails the test when there is none."""
    match decide(os.environ):
        case Skip(reason):
            pytest.skip(reason)
        case Fail(reason):
            pytest.fail(reason)
        case Use(address):
            if (silence := why_out_of_reach(address)) is not None:
                pytest.fail(silence)
            return address


def skip_or_fail(reason: str) -> NoReturn:
    """This machine cannot bring one up: that is a failure where there must be one."""
    if os.environ.get(REQUIRED_VARIABLE) == "1":
        pytest.fail(reason)
    pytest.skip(f"{WITHOUT_KAFKA} of its own: {reason}")
