"""Reading while things happen: brokers that go away, topics that are exchanged, slow stores."""

import asyncio
from contextlib import ExitStack

import pytest

from projections.consumer import Consumer, ConsumerOptions, ProjectionSignal, SourceRestarted
from projections.errors import LogExpired, SourceUnavailable, TopicMissing
from projections.kafka.log import open_kafka_log
from projections.memory_store import MemoryStore
from projections.versions import Version
from tests.builders.kafka_logs import kafka_options, record
from tests.builders.rows import customer_key, customer_row
from tests.projections.kafka_reading import Reading, cursor_of, names_in, reading
from tests.servers.kafka import Kafka
from tests.servers.mock_kafka import FETCH, MockKafka
from tests.servers.real_kafka import PrivateKafka

ANN, BOB, CLEO = (
    customer_row(f"c-{number}", name=name) for number, name in enumerate(("Ann", "Bob", "Cleo"))
)
NOT_LEADER = 6


async def until_unavailable(now: Reading, after: str) -> SourceUnavailable:
    """Read on until a fetch fails so; returns the failure."""
    while True:
        try:
            after = cursor_of(await now.source.fetch(after))
        except SourceUnavailable as error:
            return error


async def next_names(now: Reading, after: str) -> list[str]:
    """The names of the next batch that has any."""
    async with asyncio.timeout(20):
        while True:
            try:
                batch = await now.source.fetch(after)
            except SourceUnavailable:
                continue
            if batch.events:
                return names_in(batch)
            after = cursor_of(batch)


class TestBrokersGone:
    async def test_silence_is_told(self, mock_kafka: MockKafka) -> None:
        """A partition of which nothing is heard is unavailable, and not simply quiet."""
        topic = mock_kafka.create_topic()
        await mock_kafka.produce(topic, [record(ANN)])

        async with reading(kafka_options(mock_kafka, topic, silence_limit_s=0.3)) as now:
            place = cursor_of(*await now.read_out())
            with mock_kafka.down():
                told = await until_unavailable(now, place)

        assert "no answer for" in told.reason

    async def test_reading_goes_on_when_they_are_back(self, mock_kafka: MockKafka) -> None:
        """What was written meanwhile comes then, from where reading had ended."""
        topic = mock_kafka.create_topic()
        await mock_kafka.produce(topic, [record(ANN)])

        async with reading(kafka_options(mock_kafka, topic, silence_limit_s=0.3)) as now:
            place = cursor_of(*await now.read_out())
            with mock_kafka.down():
                await until_unavailable(now, place)
            await mock_kafka.produce(topic, [record(BOB)])
            names = await next_names(now, place)

        assert names == ["Bob"]

    async def test_nothing_is_left_of_a_reader_that_ends_meanwhile(
        self, mock_kafka: MockKafka
    ) -> None:
        """The client gives up closing in the middle when brokers are gone; we do not."""
        topic = mock_kafka.create_topic()
        others = asyncio.all_tasks()

        with ExitStack() as outage:
            async with reading(kafka_options(mock_kafka, topic, silence_limit_s=0.3)) as now:
                place = cursor_of(*await now.read_out())
                outage.enter_context(mock_kafka.down())
                await until_unavailable(now, place)

        assert asyncio.all_tasks() == others

    async def test_poll_that_fails_is_repeated(self, mock_kafka: MockKafka) -> None:
        """A leader that moved costs a moment, and no record."""
        topic = mock_kafka.create_topic()
        mock_kafka.fail_next(FETCH, NOT_LEADER, NOT_LEADER)
        await mock_kafka.produce(topic, map(record, (ANN, BOB)))

        async with reading(kafka_options(mock_kafka, topic)) as now:
            batches = await now.read_out()

        assert names_in(*batches) == ["Ann", "Bob"]

    async def test_place_that_cannot_be_looked_at_is_not_taken_for_granted(
        self, mock_kafka: MockKafka
    ) -> None:
        """Without the record that the log is known by, nothing is read from it."""
        topic = mock_kafka.create_topic()
        await mock_kafka.produce(topic, map(record, (ANN, BOB)))
        options = kafka_options(mock_kafka, topic, batch_limit=1, silence_limit_s=0.3)
        async with reading(options) as before:
            place = cursor_of(await before.source.fetch(None))

        mock_kafka.fail_next(FETCH, *[NOT_LEADER] * 1_000)
        async with reading(options) as after:
            with pytest.raises(SourceUnavailable, match="no answer from the broker"):
                await after.source.fetch(place)

    @pytest.mark.kafka
    @pytest.mark.slow
    async def test_restarted_broker_is_read_on(self, private_kafka: PrivateKafka) -> None:
        """A broker that was killed keeps its log, and the reader its place in it."""
        topic = private_kafka.create_topic()
        await private_kafka.produce(topic, [record(ANN)])

        async with reading(kafka_options(private_kafka, topic, silence_limit_s=1.0)) as now:
            place = cursor_of(*await now.read_out())
            await private_kafka.kill()
            await private_kafka.start()
            await private_kafka.produce(topic, [record(BOB)])
            names = await next_names(now, place)

        assert names == ["Bob"]


async def test_missing_topic_is_told(any_kafka: Kafka) -> None:
    """A log that is not there cannot be opened, and is not made by trying."""
    for _ in range(2):
        with pytest.raises(TopicMissing, match=r"no topic nowhere\.events"):
            async with open_kafka_log(
                kafka_options(any_kafka, "nowhere.events"), ["customers"], print
            ):
                pass


class TestLogsExchanged:
    async def test_place_lost_while_waiting_is_found_again(self, any_kafka: Kafka) -> None:
        """Whoever waits at the end need not know that the log had to be looked at."""
        topic = any_kafka.create_topic()
        await any_kafka.produce(topic, [record(ANN)])

        async with reading(kafka_options(any_kafka, topic)) as now, asyncio.TaskGroup() as tasks:
            place = cursor_of(*await now.read_out())
            waiting = tasks.create_task(now.source.fetch(place))
            await asyncio.sleep(0.02)
            now.source._lane.drop("as after a silence")
            await any_kafka.produce(topic, [record(BOB)])
            names = names_in(await waiting) or await next_names(now, place)

        assert names == ["Bob"]

    async def test_records_deleted_before_they_were_read(self, any_kafka: Kafka) -> None:
        """A reader that retention overtakes is told, while it runs as after a restart."""
        topic = any_kafka.create_topic()
        await any_kafka.produce(topic, [record(ANN)])

        async with reading(kafka_options(any_kafka, topic)) as now:
            place = cursor_of(*await now.read_out())
            now.source._lane.drop("as after a long pause")
            await any_kafka.produce(topic, map(record, (BOB, CLEO)))
            any_kafka.delete_records(topic, 0, 2)
            with pytest.raises(LogExpired):
                await now.source.fetch(place)

    @pytest.mark.parametrize("refilled", [1, 40], ids=["shorter", "longer"])
    async def test_topic_made_again_under_a_running_reader(
        self, any_kafka: Kafka, refilled: int
    ) -> None:
        """However quickly it is filled again, no record of the new log is passed over."""
        topic = any_kafka.create_topic()
        options = kafka_options(any_kafka, topic)
        await any_kafka.produce(topic, [record(customer_row(f"c-{n}", 7)) for n in range(3)])
        renewed = [record(customer_row(f"c-{n}", epoch=2)) for n in range(refilled)]
        store = MemoryStore()
        signals: list[ProjectionSignal] = []

        async with open_kafka_log(options, ["customers"], print) as [source]:
            consumer = Consumer(source, store, signals.append, ConsumerOptions())
            async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
                running = tasks.create_task(consumer.run())
                await until_held(store, 3, Version(1, 7))
                any_kafka.delete_topic(topic)
                any_kafka.create_named_topic(topic)
                await any_kafka.produce(topic, renewed)
                await until_held(store, refilled, Version(2, 1))
                running.cancel()

        assert [signal for signal in signals if isinstance(signal, SourceRestarted)]


async def until_held(store: MemoryStore, count: int, at: Version) -> None:
    """Wait until the first so many customers are all held at this version."""
    keys = [customer_key(f"c-{n}") for n in range(count)]
    held = asyncio.Event()
    with store.listening(lambda _: held.set()):
        while set((await store.versions(keys)).values()) != {at} or len(
            await store.versions(keys)
        ) != len(keys):
            held.clear()
            await held.wait()
