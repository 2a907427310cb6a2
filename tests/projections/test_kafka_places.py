"""A stored position is gone on from only in the log in which it lies."""

import asyncio
from collections.abc import Sequence

import pytest

from projections.errors import CursorUnknown, LogExpired, LogReplaced, LogTruncated
from projections.kafka.cursor import START
from projections.kafka.signals import LogReplayed
from projections.positions import NEVER_S
from tests.builders.kafka_logs import heartbeat, kafka_options, record
from tests.builders.rows import COMMITTED_AT, customer_row
from tests.projections.kafka_reading import cursor_of, names_in, reading
from tests.servers.kafka import Kafka
from tests.servers.kafka_records import Record

ANN, BOB, CLEO, DAN = (
    customer_row(f"c-{number}", name=name)
    for number, name in enumerate(("Ann", "Bob", "Cleo", "Dan"))
)


COMPACTED_AT_ONCE = {
    "cleanup.policy": "compact",
    "segment.ms": "100",
    "min.cleanable.dirty.ratio": "0.01",
    "max.compaction.lag.ms": "100",
}


async def until_compacted(kafka: Kafka, topic: str, newer: Sequence[Record]) -> None:
    """Write newer states until the older ones of their keys are gone."""
    keys = [beaten.key for beaten in newer]
    async with asyncio.timeout(30):
        while True:
            await kafka.produce(topic, newer)
            lying = await kafka.read(topic)
            if not any(there.key in keys and there.offset < 2 for there in lying):
                return
            await asyncio.sleep(0.2)


async def test_place_is_found_after_a_restart(any_kafka: Kafka) -> None:
    """What was read stays read, and nothing is passed over."""
    topic = any_kafka.create_topic()
    options = kafka_options(any_kafka, topic, batch_limit=2)
    await any_kafka.produce(topic, map(record, (ANN, BOB, CLEO)))
    async with reading(options) as before:
        first = await before.source.fetch(None)
        place = cursor_of(first)

    async with reading(options) as after:
        batches = await after.read_out(place)

    # How much comes at once, up to two, is the broker's to say.
    assert names_in(first) in (["Ann"], ["Ann", "Bob"])
    assert names_in(first, *batches) == ["Ann", "Bob", "Cleo"]
    assert batches[0].after == place
    assert after.signals == []


async def test_place_behind_heartbeats_is_known_by_the_last_change(any_kafka: Kafka) -> None:
    """Heartbeats are not read again after a restart, and need not be there any more."""
    topic = any_kafka.create_topic()
    options = kafka_options(any_kafka, topic, has_heartbeats=True)
    beats = [heartbeat(COMMITTED_AT)] * 3
    await any_kafka.produce(topic, [record(ANN), *beats])
    async with reading(options) as before:
        place = cursor_of(*await before.read_out())
    await any_kafka.produce(topic, [record(BOB)])

    async with reading(options) as after:
        batches = await after.read_out(place)

    assert place.startswith("4-0-")
    assert names_in(*batches) == ["Bob"]
    assert batches[-1].position.proven_at_s == NEVER_S


async def test_nothing_read_is_a_place_too(any_kafka: Kafka) -> None:
    """An empty partition has a position that can be stored, and begins where it will begin."""
    topic = any_kafka.create_topic()
    options = kafka_options(any_kafka, topic)
    async with reading(options) as before:
        first, second = await before.source.fetch(None), await before.source.fetch(START)
    await any_kafka.produce(topic, [record(ANN)])

    async with reading(options) as after:
        batches = await after.read_out(START)

    assert (cursor_of(first), cursor_of(second)) == (START, START)
    assert second.position.is_caught_up
    assert names_in(*batches) == ["Ann"]


async def test_heartbeats_alone_are_no_place(any_kafka: Kafka) -> None:
    """Compaction will remove them, so the log is not to be known by them."""
    topic = any_kafka.create_topic()
    await any_kafka.produce(topic, [heartbeat(COMMITTED_AT)] * 2)

    async with reading(kafka_options(any_kafka, topic, has_heartbeats=True)) as now:
        position = (await now.read_out())[-1].position

    assert position.cursor == START
    assert position.remaining_count == 0
    assert position.proven_at_s == COMMITTED_AT.timestamp()


async def test_log_that_ends_before_the_place_was_cut(any_kafka: Kafka) -> None:
    """A topic made again is shorter at first."""
    topic = any_kafka.create_topic()
    options = kafka_options(any_kafka, topic)
    await any_kafka.produce(topic, map(record, (ANN, BOB, CLEO)))
    async with reading(options) as before:
        place = cursor_of(*await before.read_out())
    any_kafka.delete_topic(topic)
    any_kafka.create_named_topic(topic)
    await any_kafka.produce(topic, [record(ANN)])

    async with reading(options) as after:
        with pytest.raises(LogTruncated, match="read to 3, its log ends at 1"):
            await after.source.fetch(place)


async def test_log_with_another_record_there_was_replaced(any_kafka: Kafka) -> None:
    """A topic made again and filled again has every offset that the old one had."""
    topic = any_kafka.create_topic()
    options = kafka_options(any_kafka, topic)
    await any_kafka.produce(topic, map(record, (ANN, BOB)))
    async with reading(options) as before:
        place = cursor_of(*await before.read_out())
    any_kafka.delete_topic(topic)
    any_kafka.create_named_topic(topic)
    await any_kafka.produce(topic, map(record, (BOB, ANN, CLEO, DAN)))

    async with reading(options) as after:
        with pytest.raises(LogReplaced, match="another record at 1"):
            await after.source.fetch(place)


async def test_log_that_begins_behind_the_place_has_lost_what_was_next(any_kafka: Kafka) -> None:
    """What retention removed unread will never come: going on would hide it."""
    topic = any_kafka.create_topic()
    options = kafka_options(any_kafka, topic, batch_limit=1)
    await any_kafka.produce(topic, map(record, (ANN, BOB, CLEO)))
    async with reading(options) as before:
        place = cursor_of(await before.source.fetch(None))
    any_kafka.delete_records(topic, 0, 2)

    async with reading(options) as after:
        with pytest.raises(LogExpired, match="read to 1, its log begins at 2"):
            await after.source.fetch(place)


async def test_log_without_the_marked_record_is_read_again(any_kafka: Kafka) -> None:
    """When what it would be known by is gone, it is read from its start, over what is there."""
    topic = any_kafka.create_topic()
    options = kafka_options(any_kafka, topic)
    beats = [heartbeat(COMMITTED_AT)] * 2
    await any_kafka.produce(topic, [record(ANN), *beats])
    async with reading(options) as before:
        place = cursor_of(*await before.read_out())
    any_kafka.delete_records(topic, 0, 2)
    await any_kafka.produce(topic, [record(BOB)])

    async with reading(options) as after:
        batches = await after.read_out(place)

    assert names_in(*batches) == ["Bob"]
    assert batches[0].after == place
    assert after.signals == [LogReplayed(after.source.partition, place)]


@pytest.mark.kafka
async def test_log_that_compaction_went_over_is_read_again(real_kafka: Kafka) -> None:
    """A newer state of its key removed the marked record: nothing is passed over for it."""
    topic = real_kafka.create_topic(config=COMPACTED_AT_ONCE)
    options = kafka_options(real_kafka, topic, batch_limit=2)
    await real_kafka.produce(topic, map(record, (ANN, BOB)))
    async with reading(options) as before:
        place = cursor_of(await before.source.fetch(None))
    await until_compacted(real_kafka, topic, [record(customer_row("c-1", 2, name="Bobby"))])

    async with reading(options) as after:
        batches = await after.read_out(place)

    assert set(names_in(*batches)) == {"Ann", "Bobby"}
    assert after.signals == [LogReplayed(after.source.partition, place)]


async def test_cursor_of_another_kind_is_refused(any_kafka: Kafka) -> None:
    """A position that a feed had given belongs to no log of Kafka's."""
    options = kafka_options(any_kafka, any_kafka.create_topic())

    async with reading(options) as after:
        with pytest.raises(CursorUnknown):
            await after.source.fetch("log1-3")


async def test_restart_of_a_replaced_log_reads_it_from_its_start(any_kafka: Kafka) -> None:
    """Refused a place, the consumer asks for the start, and gets all of the new log."""
    topic = any_kafka.create_topic()
    options = kafka_options(any_kafka, topic)
    await any_kafka.produce(topic, [record(ANN)])
    async with reading(options) as before:
        place = cursor_of(*await before.read_out())
    any_kafka.delete_topic(topic)
    any_kafka.create_named_topic(topic)
    await any_kafka.produce(topic, map(record, (CLEO, DAN)))

    async with reading(options) as after:
        with pytest.raises(LogReplaced):
            await after.source.fetch(place)
        batches = await after.read_out()

    assert names_in(*batches) == ["Cleo", "Dan"]


async def test_place_left_in_the_middle_of_looking_is_looked_for_again(any_kafka: Kafka) -> None:
    """A fetch that failed on its way leaves no half-found place behind."""
    topic = any_kafka.create_topic()
    options = kafka_options(any_kafka, topic)
    await any_kafka.produce(topic, map(record, (ANN, BOB, CLEO)))

    async with reading(options) as now:
        place = cursor_of(*await now.read_out())
        stem, lineage = place.rsplit("-", 1)
        foreign = f"{stem[:-1]}{'0' if stem[-1] != '0' else '1'}-{lineage}"
        with pytest.raises(LogReplaced):
            await now.source.fetch(foreign)
        await any_kafka.produce(topic, [record(DAN)])
        batches = await now.read_out(place)

    assert names_in(*batches) == ["Dan"]
