import pytest
from aiokafka import AIOKafkaProducer

from tests.servers.kafka_records import Record
from tests.servers.real_kafka import PrivateKafka

pytestmark = pytest.mark.kafka


async def test_a_restarted_broker_has_its_records_and_its_address(
    private_kafka: PrivateKafka,
) -> None:
    """Whoever kept the address finds the log as it was."""
    topic = private_kafka.create_topic()
    await private_kafka.produce(topic, [Record(b"order-1", b"before")])

    await private_kafka.restart()
    await private_kafka.produce(topic, [Record(b"order-1", b"after")])

    assert [record.value for record in await private_kafka.read(topic)] == [b"before", b"after"]


async def test_a_producer_goes_on_after_a_killed_broker(private_kafka: PrivateKafka) -> None:
    """Records sent while the broker is dead are in the log, once each, when it lives again."""
    topic = private_kafka.create_topic()
    producer = AIOKafkaProducer(
        bootstrap_servers=private_kafka.address, enable_idempotence=True, retry_backoff_ms=50
    )
    await producer.start()
    await producer.send_and_wait(topic, b"before")

    await private_kafka.kill()
    deliveries = [await producer.send(topic, b"during") for _ in range(3)]
    await private_kafka.start()
    for delivery in deliveries:
        await delivery
    await producer.stop()

    values = [record.value for record in await private_kafka.read(topic)]
    assert values == [b"before", b"during", b"during", b"during"]
