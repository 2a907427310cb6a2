"""The relay over Kafka's own protocol: the mock cluster in every run, Apache Kafka where it is."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from tests.servers.kafka import Kafka, unique
from tests.servers.kafka_records import SILENT, Record
from tests.servers.mock_kafka import DISCONNECT, PRODUCE, MockKafka
from tests.upstream_stubs.relays import (
    Shopkeeper,
    assert_at_least_once_in_order,
    at_work,
    open_outbox,
    versions_of,
)
from upstream_stubs.database import Database
from upstream_stubs.relay.batches import HEARTBEAT_KEY
from upstream_stubs.relay.faults import RelayFaults
from upstream_stubs.relay.kafka import TopicOptions, open_topic
from upstream_stubs.relay.relay import Relay, RelayOptions, topic_of

PATIENCE_S = 20


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_outbox(tmp_path / "customers.sqlite3") as database:
        yield database


def new_service(kafka: Kafka, partitions: int = 3) -> str:
    """The name of a service that nobody else has; its topic is there."""
    service = unique("service")
    kafka.create_named_topic(topic_of(service), partitions)
    return service


def kafka_relay(
    database: Database,
    kafka: Kafka,
    service: str,
    *,
    heartbeat_s: float | None = None,
    ack_timeout_s: float = 10.0,
) -> Relay:
    topic_options = TopicOptions(
        bootstrap_servers=kafka.address,
        request_timeout_s=ack_timeout_s / 2,
        ack_timeout_s=ack_timeout_s,
    )
    connect = partial(open_topic, topic_of(service), topic_options)
    relay_options = RelayOptions(heartbeat_s=heartbeat_s, batch_event_count=50)
    return Relay(service, database, connect, RelayFaults(database), options=relay_options)


@asynccontextmanager
async def within_patience(*relays: Relay) -> AsyncIterator[list["asyncio.Task[None]"]]:
    async with asyncio.timeout(PATIENCE_S), at_work(*relays) as tasks:
        yield tasks


async def read_until(
    kafka: Kafka, topic: str, is_enough: Callable[[Sequence[Record]], bool]
) -> Sequence[Record]:
    """The topic's records once they are enough; a read takes its time, so this is no busy loop."""
    while not is_enough(records := await kafka.read(topic)):
        pass
    return records


def events_of(records: Sequence[Record]) -> list[bytes]:
    return [record.value or b"" for record in records if record.key != HEARTBEAT_KEY.encode()]


async def test_outbox_arrives_word_for_word_under_its_key(
    any_kafka: Kafka, database: Database
) -> None:
    """A record's key is the aggregate, its value the outbox's text, its header says what it is."""
    service, keeper = new_service(any_kafka), Shopkeeper(database)
    for number in range(20):
        keeper.change(*(f"c-{number % key}" for key in range(1, 8)))

    async with within_patience(kafka_relay(database, any_kafka, service)):
        enough = len(database.rows("SELECT 1 FROM outbox"))
        records = await read_until(any_kafka, topic_of(service), lambda r: len(r) >= enough)

    outbox = database.rows("SELECT aggregate_id, event FROM outbox")
    sent = [((record.key or b"").decode(), (record.value or b"").decode()) for record in records]
    assert sorted(sent) == sorted(outbox)
    assert versions_of(events_of(records)) == {
        key: [*range(1, version + 1)] for key, version in keeper.committed.items()
    }
    [headers] = {record.headers for record in records}
    assert headers == (("content-type", b"application/cloudevents+json; charset=UTF-8"),)


async def test_key_goes_where_every_client_would_send_it(
    any_kafka: Kafka, database: Database
) -> None:
    """The partition of an aggregate is the one that Kafka's other clients take for the key."""
    service, keeper = new_service(any_kafka, partitions=6), Shopkeeper(database)
    ids = [f"c-{number}" for number in range(40)]
    keeper.change(*ids)
    other = any_kafka.create_topic(partitions=6)

    async with within_patience(kafka_relay(database, any_kafka, service)):
        ours = await read_until(any_kafka, topic_of(service), lambda r: len(r) >= len(ids))
    theirs = await any_kafka.produce(other, [Record(id_.encode(), b"") for id_ in ids])

    assert {r.key: r.partition for r in ours} == {r.key: r.partition for r in theirs}


async def test_heartbeats_reach_every_partition(any_kafka: Kafka, database: Database) -> None:
    """Each partition gets each heartbeat, under a key that no aggregate has."""
    service = new_service(any_kafka)

    async with within_patience(kafka_relay(database, any_kafka, service, heartbeat_s=0.05)):
        records = await read_until(any_kafka, topic_of(service), lambda r: len(r) >= 9)

    first = [json.loads(record.value or b"") for record in records if record.offset == 0]
    assert {record.key for record in records} == {b"~heartbeat"}
    assert [beat["type"] for beat in first] == ["outbox.heartbeat"] * 3
    assert len({beat["id"] for beat in first}) == 1


async def test_relay_goes_on_where_the_one_before_has_stopped(
    any_kafka: Kafka, database: Database
) -> None:
    """What was acknowledged and noted is not sent again by the next relay."""
    service, keeper = new_service(any_kafka), Shopkeeper(database)

    for number in (1, 2, 3):
        keeper.change("c-1", "c-2")
        relay = kafka_relay(database, any_kafka, service)
        async with within_patience(relay):
            await until_noted(relay, 2 * number)

    records = await any_kafka.read(topic_of(service))
    assert versions_of(events_of(records)) == {"c-1": [1, 2, 3], "c-2": [1, 2, 3]}


async def test_topic_deleted_and_made_again_is_filled_again(
    any_kafka: Kafka, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """While the topic is missing it is not created; when it is back, all is published again."""
    service, keeper = new_service(any_kafka), Shopkeeper(database)
    topic = topic_of(service)
    keeper.change("c-1", "c-2", "c-1")
    caplog.set_level("WARNING", "upstream_stubs.relay")

    async with within_patience(kafka_relay(database, any_kafka, service, ack_timeout_s=1.0)):
        await read_until(any_kafka, topic, lambda records: len(records) == 3)
        any_kafka.delete_topic(topic)
        keeper.change("c-3")
        await until(lambda: f"there is no topic {topic}" in caplog.text)
        any_kafka.create_named_topic(topic, 3)
        records = await read_until(any_kafka, topic, lambda records: len(records) >= 4)

    assert_at_least_once_in_order(versions_of(events_of(records)), keeper.committed)
    assert "is another log" in caplog.text
    assert f"python -m upstream_stubs topics --kafka {any_kafka.address}" in caplog.text


async def until_noted(relay: Relay, place: int) -> None:
    """Return once the relay has noted that this much of the outbox is published."""
    await until(lambda: relay._progress.place == place)


async def until(is_so: Callable[[], bool]) -> None:
    """Look again and again: what is waited for happens in another thread or server."""
    while not is_so():  # noqa: ASYNC110 - there is no event to wait for
        await asyncio.sleep(0.02)


async def test_missing_topic_is_never_created_by_the_relay(
    mock_kafka: MockKafka, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Even a broker that creates what it is asked for has no topic after a relay's visits."""
    other = mock_kafka.create_topic()
    Shopkeeper(database).change("c-1")

    async with within_patience(kafka_relay(database, mock_kafka, "nobody", heartbeat_s=0.1)):
        await until(lambda: "there is no topic nobody.events" in caplog.text)

    client = AdminClient({"bootstrap.servers": mock_kafka.address, **SILENT})
    topics = await asyncio.to_thread(client.list_topics, timeout=PATIENCE_S)
    assert set(topics.topics) == {other}


async def test_outage_of_the_broker_loses_nothing_and_stops_nobody(
    mock_kafka: MockKafka, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """Commits go on while Kafka is away; what they told arrives when it is back, in order."""
    service, keeper = new_service(mock_kafka), Shopkeeper(database)
    caplog.set_level("INFO", "upstream_stubs.relay")

    async with within_patience(kafka_relay(database, mock_kafka, service, ack_timeout_s=1.0)):
        keeper.change("c-1")
        await read_until(mock_kafka, topic_of(service), lambda records: len(records) == 1)
        with mock_kafka.down():
            for _ in range(5):
                keeper.change("c-1", "c-2")
            await until(lambda: "cannot publish" in caplog.text)
        records = await read_until(
            mock_kafka, topic_of(service), lambda records: len(records) >= 11
        )

    assert_at_least_once_in_order(versions_of(events_of(records)), keeper.committed)
    assert [line for name, _, line in caplog.record_tuples if "aiokafka" not in name] == [
        f"cannot publish to {topic_of(service)}, trying on: Kafka does not answer",
        f"publishing to {topic_of(service)} again",
    ]


@pytest.mark.parametrize("error", [DISCONNECT, 6, 7, 19])
async def test_failed_requests_are_repeated_by_the_producer_without_a_repeat_in_the_log(
    mock_kafka: MockKafka, database: Database, error: int
) -> None:
    """Lost connections, moved leaders and slow replicas cost time; the log has each event once."""
    service, keeper = new_service(mock_kafka), Shopkeeper(database)
    mock_kafka.fail_next(PRODUCE, error, error)
    keeper.change("c-1", "c-2", "c-1")

    async with within_patience(kafka_relay(database, mock_kafka, service)):
        keeper.change("c-1")
        records = await read_until(mock_kafka, topic_of(service), lambda records: len(records) >= 4)

    assert versions_of(events_of(records)) == {"c-1": [1, 2, 3], "c-2": [1]}


async def test_relay_ends_at_once_even_if_kafka_does_not_answer(
    mock_kafka: MockKafka, database: Database
) -> None:
    """A stop waits for nobody: neither for a request under way nor for one that never went."""
    service, keeper = new_service(mock_kafka), Shopkeeper(database)
    relay, loop = kafka_relay(database, mock_kafka, service), asyncio.get_running_loop()

    async with within_patience(relay):
        keeper.change("c-1")
        await read_until(mock_kafka, topic_of(service), lambda records: len(records) == 1)
        mock_kafka.delay_answers(60)
        keeper.change("c-1")
        await until(lambda: tasks_of("_send_produce_req") != [])
        stopped_at_s = loop.time()

    assert loop.time() - stopped_at_s < 2
    assert tasks_of("aiokafka") == []
    mock_kafka.delay_answers(0)


def tasks_of(word: str) -> list[object]:
    """The running coroutines in whose description the word is."""
    coroutines = [task.get_coro() for task in asyncio.all_tasks()]
    return [coroutine for coroutine in coroutines if word in f"{coroutine} {code_of(coroutine)}"]


def code_of(coroutine: object) -> object:
    return getattr(coroutine, "cr_code", None)
