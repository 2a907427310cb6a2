import pytest
from confluent_kafka import KafkaException

from scripts.server_process import free_port
from tests.e2e.processes import eventually
from tests.servers import fixtures, real_kafka
from tests.servers.real_kafka import Fail, RealKafka, Skip, Use, decide

NOBODY = f"127.0.0.1:{free_port()}"


def test_a_named_kafka_is_used() -> None:
    """An address in the environment is taken as it is."""
    assert decide({"TEST_KAFKA": "127.0.0.1:9092"}) == Use("127.0.0.1:9092")


def test_without_kafka_the_test_is_skipped() -> None:
    """Who was promised no Kafka is told how to have one."""
    decision = decide({})

    assert isinstance(decision, Skip)
    assert "make test-kafka" in decision.reason


@pytest.mark.parametrize("address", [{}, {"TEST_KAFKA": ""}])
def test_where_kafka_is_required_its_want_is_a_failure(address: dict[str, str]) -> None:
    """What must be there and is not is never skipped."""
    assert isinstance(decide({"TEST_KAFKA_REQUIRED": "1", **address}), Fail)


@pytest.mark.parametrize("required", [{}, {"TEST_KAFKA_REQUIRED": "1"}])
def test_a_named_kafka_that_is_silent_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, required: dict[str, str]
) -> None:
    """A Kafka that was named and does not answer fails the test, whether or not it is required."""
    for name, value in {"TEST_KAFKA": NOBODY, **required}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(real_kafka, "REACH_LIMIT_S", 0.2)

    with pytest.raises(pytest.fail.Exception, match=f"{NOBODY} does not answer"):
        fixtures.real_kafka_address()


def test_a_machine_without_a_broker_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that must break a broker are skipped where none can be brought up; in CI they fail."""
    monkeypatch.delenv("TEST_KAFKA_REQUIRED", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no real Kafka"):
        fixtures.skip_or_fail("there is no Docker engine and no Java")

    monkeypatch.setenv("TEST_KAFKA_REQUIRED", "1")
    with pytest.raises(pytest.fail.Exception, match="no Docker engine"):
        fixtures.skip_or_fail("there is no Docker engine and no Java")


@pytest.mark.kafka
def test_created_topics_go_with_the_test(real_kafka: RealKafka) -> None:
    """The shared Kafka is left as it was found."""
    topic = real_kafka.create_topic("orders.events", partitions=6)
    assert topic in real_kafka.topics()

    real_kafka.delete_created()

    eventually(lambda: topic not in real_kafka.topics(), about=f"the end of {topic}")


@pytest.mark.kafka
async def test_no_topic_comes_by_itself(real_kafka: RealKafka) -> None:
    """Reading from a topic does not make it: one that is misspelt is found out."""
    with pytest.raises(KafkaException, match="UNKNOWN_TOPIC"):
        await real_kafka.read("misspelt")

    assert "misspelt" not in real_kafka.topics()


@pytest.mark.kafka
def test_a_topic_is_made_with_its_configuration(real_kafka: RealKafka) -> None:
    """A test can have the compacted topic that it is about."""
    topic = real_kafka.create_topic(config={"cleanup.policy": "compact"})

    assert real_kafka.configuration(topic)["cleanup.policy"] == "compact"
