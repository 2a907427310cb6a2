"""Members of a group share the partitions: each is read by one of them, and always by one."""

import asyncio
from collections.abc import Sequence

import pytest
from confluent_kafka import Consumer as OtherClient
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from projections.consumer import ProjectionSignal
from projections.kafka.signals import PartitionsAssigned
from projections.memory_store import MemoryStore
from projections.positions import Partition
from projections.versions import Version
from tests.builders.kafka_logs import kafka_options, record
from tests.builders.rows import customer_key, customer_row
from tests.e2e.processes import eventually
from tests.projections.kafka_members import Readers, let_followers_go_first, member, projecting
from tests.servers.kafka import Kafka
from tests.servers.kafka_records import SILENT, Record

pytestmark = pytest.mark.usefixtures("followers_first")
ALL = frozenset(range(4))


@pytest.fixture
def followers_first(monkeypatch: pytest.MonkeyPatch) -> None:
    let_followers_go_first(monkeypatch)


def spread(count: int, version: int = 1) -> Sequence[Record]:
    """So many customers over four partitions."""
    return [record(customer_row(f"c-{n}", version), partition=n % 4) for n in range(count)]


async def until_applied(store: MemoryStore, count: int, version: int = 1) -> None:
    keys = [customer_key(f"c-{n}") for n in range(count)]
    changed = asyncio.Event()
    with store.listening(lambda _: changed.set()):
        async with asyncio.timeout(30):
            while [*(await store.versions(keys)).values()].count(Version(1, version)) < count:
                changed.clear()
                await changed.wait()


def grow(address: str, topic: str, count: int) -> None:
    admin = AdminClient({"bootstrap.servers": address, **SILENT})
    admin.create_partitions([NewPartitions(topic, count)])[topic].result(30)


class TestSharing:
    async def test_one_member_reads_all(self, any_kafka: Kafka) -> None:
        """Partitions are told with how many of them there are."""
        topic = any_kafka.create_topic(partitions=4)

        async with member(kafka_options(any_kafka, topic), Readers().consume) as alone:
            await alone.until(lambda it: it.indexes == ALL)

        [assigned] = [told for told in alone.signals if isinstance(told, PartitionsAssigned)]
        assert assigned.partitions == tuple(Partition("customers", n, 4) for n in range(4))

    async def test_two_members_share(self, any_kafka: Kafka) -> None:
        """Every partition has one reader; no two of them ever have one at the same time."""
        topic = any_kafka.create_topic(partitions=4)
        options, readers = kafka_options(any_kafka, topic), Readers()

        async with member(options, readers.consume) as first:
            await first.until(lambda it: it.indexes == ALL)
            async with member(options, readers.consume, beside=first) as second:
                await second.until(lambda it: len(it.indexes) == len(first.indexes) == 2)
                shared = first.indexes | second.indexes

        assert shared == ALL
        assert readers.overlaps == []

    @pytest.mark.kafka
    async def test_member_that_leaves_hands_over_at_once(self, real_kafka: Kafka) -> None:
        """It says goodbye, so nobody waits for its session to end."""
        topic = real_kafka.create_topic(partitions=4)
        options = kafka_options(real_kafka, topic, session_timeout_s=20)
        readers, loop = Readers(), asyncio.get_running_loop()

        async with (
            member(options, readers.consume) as staying,
            member(options, readers.consume, beside=staying) as leaving,
        ):
            await leaving.until(lambda it: len(it.indexes) == len(staying.indexes) == 2)
            left_at_s = loop.time()
            await leaving.leave()
            await staying.until(lambda it: it.indexes == ALL)
            took_s = loop.time() - left_at_s

        assert took_s < options.session_timeout_s / 2
        assert readers.overlaps == []

    async def test_nothing_is_read_after_the_end(self, any_kafka: Kafka) -> None:
        """A cancelled member has stopped its readers and left within two seconds."""
        topic = any_kafka.create_topic(partitions=4)
        readers = Readers()
        loop = asyncio.get_running_loop()

        async with member(kafka_options(any_kafka, topic), readers.consume) as leaving:
            await leaving.until(lambda it: it.indexes == ALL)
            left_at_s = loop.time()
            await leaving.leave()
            took_s = loop.time() - left_at_s

        assert readers.reading == []
        assert took_s < 2.0
        assert leaving.task.cancelled()

    @pytest.mark.kafka
    async def test_new_partitions_are_noticed(self, real_kafka: Kafka) -> None:
        """A topic that grows is shared anew, and told with its new count."""
        topic = real_kafka.create_topic(partitions=2)

        async with member(kafka_options(real_kafka, topic), Readers().consume) as alone:
            await alone.until(lambda it: len(it.indexes) == 2)
            await asyncio.to_thread(grow, real_kafka.address, topic, 4)
            await alone.until(lambda it: it.indexes == ALL)

        assigned = [told for told in alone.signals if isinstance(told, PartitionsAssigned)]
        assert {partition.count for partition in assigned[-1].partitions} == {4}


class TestProjecting:
    async def test_all_is_applied_from_the_start(self, any_kafka: Kafka) -> None:
        """A group that never committed anything misses nothing."""
        topic = any_kafka.create_topic(partitions=4)
        await any_kafka.produce(topic, spread(20))
        store, signals = MemoryStore(), list[ProjectionSignal]()

        async with member(kafka_options(any_kafka, topic), projecting(store, signals)):
            await until_applied(store, 20)

        assert len(await store.versions(customer_key(f"c-{n}") for n in range(20))) == 20

    async def test_committed_offsets_decide_nothing(self, any_kafka: Kafka) -> None:
        """A store that was emptied is filled again, whatever the group had committed."""
        topic = any_kafka.create_topic(partitions=4)
        await any_kafka.produce(topic, spread(20))
        options, signals = kafka_options(any_kafka, topic), list[ProjectionSignal]()
        before, emptied = MemoryStore(), MemoryStore()
        async with member(options, projecting(before, signals)):
            await until_applied(before, 20)
        committed_before = await committed(any_kafka, options.group_id, topic)

        async with member(options, projecting(emptied, signals)):
            await until_applied(emptied, 20)

        assert sum(committed_before) == 20

    async def test_tools_see_how_far_it_is(self, any_kafka: Kafka) -> None:
        """What the store has confirmed is committed, so lag tools show none."""
        topic = any_kafka.create_topic(partitions=4)
        options, signals = kafka_options(any_kafka, topic), list[ProjectionSignal]()
        store = MemoryStore()

        async with member(options, projecting(store, signals)):
            await any_kafka.produce(topic, spread(20))
            await until_applied(store, 20)
            offsets = await committed_at_last(any_kafka, options.group_id, topic, 20)

        assert offsets == [5, 5, 5, 5]


async def committed(kafka: Kafka, group_id: str, topic: str) -> list[int]:
    """What the group has committed; 0 for nothing."""
    return await committed_at_last(kafka, group_id, topic, 0)


async def committed_at_last(kafka: Kafka, group_id: str, topic: str, least_count: int) -> list[int]:
    """The same, as soon as it is so many records together."""

    def look() -> list[int] | None:
        offsets = ask_for_committed(kafka.address, group_id, topic)
        return offsets if sum(offsets) >= least_count else None

    return await asyncio.to_thread(eventually, look, about="a commit")


def ask_for_committed(address: str, group_id: str, topic: str) -> list[int]:
    """What any other client sees."""
    client = OtherClient({"bootstrap.servers": address, "group.id": group_id, **SILENT})
    try:
        places = client.committed([TopicPartition(topic, n) for n in range(4)], timeout=10)
    finally:
        client.close()
    return [max(0, place.offset) for place in places]
