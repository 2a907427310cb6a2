"""Members come, go and die under load, and every event is applied once, in its order."""

import asyncio
import random
from collections.abc import Sequence

import pytest
from aiokafka.consumer.group_coordinator import GroupCoordinator

from projections.consumer import BatchApplied, ProjectionSignal
from projections.memory_store import MemoryStore
from projections.projector import Verdict
from projections.store import EventBatch
from projections.versions import AggregateKey, Version
from tests.builders.kafka_logs import kafka_options, record
from tests.builders.rows import customer_key, customer_row
from tests.projections.kafka_members import let_followers_go_first, member, projecting
from tests.servers.kafka import Kafka
from tests.servers.kafka_records import Record

CUSTOMER_COUNT = 40
VERSION_COUNT = 30
ALL = frozenset(range(4))
WRITING_PAUSE_S = 0.02  # the mock forgets what lies 5 MB back
KEYS = [customer_key(f"c-{number}") for number in range(CUSTOMER_COUNT)]


@pytest.fixture(autouse=True)
def followers_first(monkeypatch: pytest.MonkeyPatch) -> None:
    let_followers_go_first(monkeypatch)


class SlowStore(MemoryStore):
    """Takes a moment to apply, in which its caller may be cancelled, before or after it has."""

    async def apply(self, batch: EventBatch) -> Sequence[Verdict]:
        await asyncio.sleep(random.uniform(0, 0.003))
        verdicts = await super().apply(batch)
        await asyncio.sleep(random.uniform(0, 0.003))
        return verdicts


def round_of(version: int) -> list[Record]:
    """A new version of every customer."""
    return [
        record(customer_row(f"c-{number}", version), partition=number % 4)
        for number in range(CUSTOMER_COUNT)
    ]


async def write_all(kafka: Kafka, topic: str, *, first: int = 1) -> None:
    for version in range(first, VERSION_COUNT + 1):
        await kafka.produce(topic, round_of(version))


async def write_until(is_over: asyncio.Event, kafka: Kafka, topic: str) -> int:
    """Go on writing, some thousand events a second; returns the last version."""
    version = 0
    while not is_over.is_set():
        version += 1
        await kafka.produce(topic, round_of(version))
        await asyncio.sleep(WRITING_PAUSE_S)
    return version


async def until_all_applied(store: MemoryStore, version: int = VERSION_COUNT) -> None:
    last: dict[AggregateKey, Version] = dict.fromkeys(KEYS, Version(1, version))
    changed = asyncio.Event()
    with store.listening(lambda _: changed.set()):
        while await store.versions(KEYS) != last:
            changed.clear()
            await changed.wait()


def assert_applied_without_gaps(signals: list[ProjectionSignal]) -> None:
    """No version was passed over on the way to the last one."""
    batches = [signal for signal in signals if isinstance(signal, BatchApplied)]
    assert batches
    assert sum(batch.gap_count for batch in batches) == 0


@pytest.mark.slow
async def test_members_come_and_go_under_load(any_kafka: Kafka) -> None:
    """Whoever reads, the rows are the fold of the log, reached without a gap."""
    topic = any_kafka.create_topic(partitions=4)
    options = kafka_options(any_kafka, topic, batch_limit=20)
    store, signals = SlowStore(), list[ProjectionSignal]()
    consume, is_over = projecting(store, signals), asyncio.Event()

    async with member(options, consume) as staying, asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(write_until(is_over, any_kafka, topic))
        for _ in range(3):
            async with member(options, consume, beside=staying) as passing:
                await passing.until(lambda it: len(it.indexes) == len(staying.indexes) == 2)
            await staying.until(lambda it: it.indexes == ALL)
        is_over.set()
        await until_all_applied(store, await writing)

    assert_applied_without_gaps(signals)


@pytest.mark.slow
async def test_killed_member_is_followed(any_kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that dies without a word loses its partitions when its session ends."""
    topic = any_kafka.create_topic(partitions=4)
    options = kafka_options(any_kafka, topic, batch_limit=20)
    store, signals = SlowStore(), list[ProjectionSignal]()
    consume = projecting(store, signals)
    loop = asyncio.get_running_loop()

    async with (
        member(options, consume) as staying,
        member(options, consume, beside=staying) as dying,
    ):
        await dying.until(lambda it: len(it.indexes) == len(staying.indexes) == 2)
        await any_kafka.produce(topic, round_of(1))
        with monkeypatch.context() as dead:
            dead.setattr(GroupCoordinator, "_maybe_leave_group", say_nothing)
            await dying.leave()
        died_at_s = loop.time()
        await staying.until(lambda it: len(it.indexes) == 4)
        took_s = loop.time() - died_at_s
        await write_all(any_kafka, topic, first=2)
        await until_all_applied(store)

    assert took_s < options.session_timeout_s + 3.0
    assert_applied_without_gaps(signals)


@pytest.mark.slow
async def test_member_that_was_frozen_spoils_nothing(
    any_kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that goes on reading after it has lost its partitions is refused by the store."""
    topic = any_kafka.create_topic(partitions=4)
    options = kafka_options(any_kafka, topic, batch_limit=20)
    store = SlowStore()
    frozen_signals, signals = list[ProjectionSignal](), list[ProjectionSignal]()

    async with member(options, projecting(store, frozen_signals)) as frozen:
        await frozen.until(lambda it: len(it.indexes) == 4)
        with monkeypatch.context() as cold:
            cold.setattr(GroupCoordinator, "_do_heartbeat", hear_nothing)
            async with member(options, projecting(store, signals)) as next_one:
                await next_one.until(lambda it: len(it.indexes) == 4)
                both = frozen.indexes
                await write_all(any_kafka, topic)
                await until_all_applied(store)

    assert both == ALL
    assert_applied_without_gaps([*signals, *frozen_signals])


async def say_nothing(_: GroupCoordinator) -> None:
    """In place of a goodbye."""


async def hear_nothing(_: GroupCoordinator) -> bool:
    """In place of a heartbeat that would tell of a rebalance."""
    return True
