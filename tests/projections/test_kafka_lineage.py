"""Places of a Kafka partition compare within one history of its log, and in no other."""

from projections.kafka.cursor import parse_place
from projections.positions import LogPlace
from projections.store import EventBatch
from tests.builders.kafka_logs import heartbeat, kafka_options, record
from tests.builders.rows import COMMITTED_AT, customer_row
from tests.projections.kafka_reading import cursor_of, names_in, reading
from tests.servers.kafka import Kafka

ANN, BOB, CLEO = (
    customer_row(f"c-{number}", name=name) for number, name in enumerate(("Ann", "Bob", "Cleo"))
)


def places_of(*batches: EventBatch) -> list[LogPlace]:
    """The places of the first partition that these batches told."""
    told = [batch.position.places.get(0) for batch in batches]
    return [place for place in told if place is not None]


def logs_of(*batches: EventBatch) -> set[int]:
    return {place.log for place in places_of(*batches)}


async def test_place_is_the_next_offset_of_one_log(any_kafka: Kafka) -> None:
    """From batch to batch the offset grows, and the log stays the same."""
    topic = any_kafka.create_topic()
    await any_kafka.produce(topic, map(record, (ANN, BOB, CLEO)))

    async with reading(kafka_options(any_kafka, topic, batch_limit=2)) as now:
        batches = await now.read_out()

    assert sorted({place.offset for place in places_of(*batches)}) == [2, 3]
    assert len(logs_of(*batches)) == 1


async def test_log_stays_the_same_over_a_restart(any_kafka: Kafka) -> None:
    """Whoever finds the place again goes on in its log, heartbeats or not."""
    topic = any_kafka.create_topic()
    options = kafka_options(any_kafka, topic, has_heartbeats=True)
    await any_kafka.produce(topic, [record(ANN), heartbeat(COMMITTED_AT)])
    async with reading(options) as now:
        before = await now.read_out()
    await any_kafka.produce(topic, [heartbeat(COMMITTED_AT), record(BOB)])

    async with reading(options) as now:
        after = await now.read_out(cursor_of(*before))

    assert names_in(*after) == ["Bob"]
    assert logs_of(*before) == logs_of(*after) != set()
    assert places_of(*after)[-1].offset == 4


async def test_partition_without_a_change_has_no_place(any_kafka: Kafka) -> None:
    """There is nothing by which its log would be known again, and nothing to have been seen."""
    topic = any_kafka.create_topic()
    options = kafka_options(any_kafka, topic, has_heartbeats=True)
    await any_kafka.produce(topic, [heartbeat(COMMITTED_AT)] * 2)

    async with reading(options) as now:
        silent = await now.read_out()
        await any_kafka.produce(topic, [record(ANN)])
        spoken = await now.read_out(cursor_of(*silent))

    assert places_of(*silent) == []
    assert [place.offset for place in places_of(*spoken)] == [3]


async def test_two_readers_from_the_start_do_not_compare(any_kafka: Kafka) -> None:
    """Neither knows that the other has read the same history."""
    topic = any_kafka.create_topic()
    options = kafka_options(any_kafka, topic)
    await any_kafka.produce(topic, [record(ANN)])

    async with reading(options) as one, reading(options) as other:
        assert logs_of(*await one.read_out()).isdisjoint(logs_of(*await other.read_out()))


async def test_log_made_again_with_the_same_beginning_is_another(any_kafka: Kafka) -> None:
    """Started over after what it had lost, a place of before is never passed for reached."""
    topic = any_kafka.create_topic()
    options = kafka_options(any_kafka, topic)
    records = [record(ANN), record(BOB)]
    await any_kafka.produce(topic, records)
    async with reading(options) as now:
        before = await now.read_out()
    any_kafka.delete_topic(topic)
    any_kafka.create_named_topic(topic)
    await any_kafka.produce(topic, [records[0], record(CLEO), record(BOB)])

    async with reading(options) as now:
        after = await now.read_out()

    assert places_of(*after)[-1].offset > places_of(*before)[-1].offset
    assert logs_of(*before).isdisjoint(logs_of(*after))


async def test_log_that_cannot_be_known_again_is_another(any_kafka: Kafka) -> None:
    """Without the marked record it may be one made anew, so its places are."""
    topic = any_kafka.create_topic()
    options = kafka_options(any_kafka, topic)
    await any_kafka.produce(topic, [record(ANN), *[heartbeat(COMMITTED_AT)] * 2])
    async with reading(options) as now:
        before = await now.read_out()
    any_kafka.delete_records(topic, 0, 2)
    await any_kafka.produce(topic, [record(BOB)])

    async with reading(options) as now:
        after = await now.read_out(cursor_of(*before))

    assert names_in(*after) == ["Bob"]
    assert logs_of(*after)
    assert logs_of(*before).isdisjoint(logs_of(*after))


class TestRecognising:
    async def test_reader_from_the_start_takes_on_the_log_of_another(
        self, any_kafka: Kafka
    ) -> None:
        """Where the other's mark lies in it, it is the same history from its first record on."""
        topic = any_kafka.create_topic()
        options = kafka_options(any_kafka, topic, batch_limit=1)
        await any_kafka.produce(topic, map(record, (ANN, BOB, CLEO)))
        async with reading(options) as blue, reading(options) as green:
            ours = await blue.read_out()

            green.source.recognise(cursor_of(*ours))
            theirs = await green.read_out()

        assert names_in(*theirs) == ["Ann", "Bob", "Cleo"]
        assert set(places_of(*theirs)) == set(places_of(*ours))  # the end may be told twice

    async def test_cursor_of_another_log_gives_no_log(self, any_kafka: Kafka) -> None:
        """A mark that is not in the log, a place behind its end or no place at all is no proof."""
        topic, other_topic = any_kafka.create_topic(), any_kafka.create_topic()
        await any_kafka.produce(topic, map(record, (ANN, BOB)))
        await any_kafka.produce(other_topic, map(record, (ANN, CLEO)))
        async with (
            reading(kafka_options(any_kafka, topic)) as ours,
            reading(kafka_options(any_kafka, other_topic)) as theirs,
        ):
            foreign = cursor_of(*await theirs.read_out())
            place = parse_place(foreign)
            assert place is not None

            for cursor in (foreign, foreign.replace("2-1-", "9-1-"), "log1-3", "0"):
                ours.source.recognise(cursor)
                logs = logs_of(*await ours.read_out())

                assert len(logs) == 1
                assert place.in_log.log not in logs

    async def test_log_that_was_replaced_meanwhile_is_not_taken_on(self, any_kafka: Kafka) -> None:
        """Started over, a reader looks for the mark again, and does not find it."""
        topic = any_kafka.create_topic()
        options = kafka_options(any_kafka, topic)
        await any_kafka.produce(topic, map(record, (ANN, BOB)))
        async with reading(options) as blue, reading(options) as green:
            cursor = cursor_of(*await blue.read_out())
            green.source.recognise(cursor)
            before = await green.read_out()
            any_kafka.delete_topic(topic)
            any_kafka.create_named_topic(topic)
            await any_kafka.produce(topic, map(record, (BOB, ANN, CLEO)))

        async with reading(options) as green:
            green.source.recognise(cursor)
            after = await green.read_out()

        assert names_in(*after) == ["Bob", "Ann", "Cleo"]
        assert logs_of(*before).isdisjoint(logs_of(*after))
