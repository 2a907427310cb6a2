import asyncio

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.servers.kafka_records import Record
from tests.servers.mock_kafka import DISCONNECT, PRODUCE, MockKafka, running_mock_kafka

REQUEST_TIMED_OUT = 7
MESSAGE_TOO_LARGE = 10


async def test_two_clusters_know_nothing_of_each_other(mock_kafka: MockKafka) -> None:
    """Each cluster is new: no test finds the topics of another."""
    mock_kafka.create_named_topic("orders.events")
    await mock_kafka.produce("orders.events", [Record(None, b"event")])

    with running_mock_kafka() as other:
        other.create_named_topic("orders.events")
        found = await other.read("orders.events")

    assert found == []


async def test_records_wait_while_the_cluster_is_down(mock_kafka: MockKafka) -> None:
    """A record sent while no broker can be reached is in the log when one can be again."""
    topic = mock_kafka.create_topic()
    producer = AIOKafkaProducer(
        bootstrap_servers=mock_kafka.address, enable_idempotence=True, retry_backoff_ms=20
    )
    await producer.start()
    await producer.send_and_wait(topic, b"before")

    with mock_kafka.down():
        delivery = await producer.send(topic, b"during")
        done, _ = await asyncio.wait([delivery], timeout=0.2)
    await delivery
    await producer.stop()

    assert not done
    assert [record.value for record in await mock_kafka.read(topic)] == [b"before", b"during"]


@pytest.mark.parametrize("error", [REQUEST_TIMED_OUT, DISCONNECT])
async def test_a_passing_error_is_tried_again(mock_kafka: MockKafka, error: int) -> None:
    """A request that is answered with a passing error, or not at all, is made once more."""
    topic = mock_kafka.create_topic()
    producer = AIOKafkaProducer(
        bootstrap_servers=mock_kafka.address, enable_idempotence=True, retry_backoff_ms=20
    )
    await producer.start()
    mock_kafka.fail_next(PRODUCE, error)

    await producer.send_and_wait(topic, b"event")
    await producer.stop()

    assert [record.value for record in await mock_kafka.read(topic)] == [b"event"]


async def test_a_lasting_error_reaches_the_caller(mock_kafka: MockKafka) -> None:
    """What no repeat can mend is raised where the record was sent."""
    topic = mock_kafka.create_topic()
    producer = AIOKafkaProducer(bootstrap_servers=mock_kafka.address)
    await producer.start()
    mock_kafka.fail_next(PRODUCE, MESSAGE_TOO_LARGE)

    with pytest.raises(KafkaError, match="MessageSizeTooLarge"):
        await producer.send_and_wait(topic, b"event")

    await producer.stop()


async def test_answers_can_be_late(mock_kafka: MockKafka) -> None:
    """A slow cluster answers everything, later."""
    loop = asyncio.get_running_loop()
    mock_kafka.delay_answers(0.1)
    producer = AIOKafkaProducer(bootstrap_servers=mock_kafka.address)
    started_at_s = loop.time()

    await producer.start()
    took_s = loop.time() - started_at_s
    await producer.stop()

    assert took_s > 0.1
