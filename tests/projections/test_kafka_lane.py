"""A lane gives records of one log without a gap, holds a bounded number of them, and says when."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition, errors
from aiokafka.structs import ConsumerRecord

from projections.kafka.intake import Intake
from projections.kafka.lane import KafkaRecord, Lane, PlaceLost
from projections.kafka.options import KafkaOptions

pytestmark = pytest.mark.steered_time

AT = TopicPartition("customers.events", 0)
OPTIONS = KafkaOptions(bootstrap_servers="nowhere:1", batch_limit=10, poll_s=0.1)
NOW_MS = 1_741_000_000_000


@dataclass
class FakeConsumer:
    """What a lane needs of aiokafka's consumer, of a single partition."""

    assigned: set[TopicPartition] = field(default_factory=lambda: {AT})
    place: int = 0
    paused: bool = False
    end: int | None = None
    polled_at_ms: int | None = None

    def assignment(self) -> set[TopicPartition]:
        return self.assigned

    def seek(self, at: TopicPartition, offset: int) -> None:
        if at not in self.assigned:
            raise errors.IllegalStateError
        self.place = offset

    def pause(self, _: TopicPartition) -> None:
        self.paused = True

    def resume(self, _: TopicPartition) -> None:
        self.paused = False

    def highwater(self, _: TopicPartition) -> int | None:
        return self.end

    def last_stable_offset(self, _: TopicPartition) -> int | None:
        return -1

    def last_poll_timestamp(self, _: TopicPartition) -> int | None:
        return self.polled_at_ms

    async def position(self, _: TopicPartition) -> int:
        return self.place

    async def getmany(self, *, timeout_ms: int) -> dict[TopicPartition, list[KafkaRecord]]:
        raise NotImplementedError


def records(offsets: Iterable[int]) -> Sequence[KafkaRecord]:
    return [
        ConsumerRecord("customers.events", 0, offset, NOW_MS, 0, b"c-1", b"{}", None, 3, 2, ())
        for offset in offsets
    ]


@dataclass
class Delivering:
    """A lane, and the polls that fill it."""

    consumer: FakeConsumer
    lane: Lane

    def poll(self, offsets: range, *, end: int | None = None, after_ms: int = 50) -> None:
        """Answer a poll so much later, with these records of a log that ends there."""
        self.consumer.end = offsets.stop if end is None else end
        self.consumer.polled_at_ms = (self.consumer.polled_at_ms or NOW_MS) + after_ms
        self.lane.deliver(records(offsets))


@pytest.fixture
async def delivering() -> Delivering:
    consumer = FakeConsumer()
    lane = Lane(cast("AIOKafkaConsumer", consumer), AT, OPTIONS)
    lane.send_to(0)
    return Delivering(consumer, lane)


def offsets_of(taken: Sequence[KafkaRecord]) -> list[int]:
    return [record.offset for record in taken]


class TestBounds:
    async def test_full_lane_is_paused(self, delivering: Delivering) -> None:
        """Twice a batch unread is enough: the broker is asked for other partitions only."""
        delivering.poll(range(19))
        before = delivering.consumer.paused
        delivering.poll(range(19, 25))

        assert (before, delivering.consumer.paused) == (False, True)

    async def test_lane_is_filled_again_before_it_is_empty(self, delivering: Delivering) -> None:
        """With one batch left there is time enough for a poll."""
        delivering.poll(range(25))
        await delivering.lane.take(10, wait_s=1)
        at_fifteen = delivering.consumer.paused
        await delivering.lane.take(10, wait_s=1)

        assert (at_fifteen, delivering.consumer.paused) == (True, False)


class TestOrder:
    async def test_records_come_as_they_lie(self, delivering: Delivering) -> None:
        """Batch by batch, and over the borders of polls."""
        delivering.poll(range(6))
        delivering.poll(range(6, 12))

        batches = [await delivering.lane.take(5, wait_s=1) for _ in range(3)]

        assert [offsets_of(batch) for batch in batches] == [
            [0, 1, 2, 3, 4],
            [5, 6, 7, 8, 9],
            [10, 11],
        ]
        assert delivering.lane.remaining_count == 0

    async def test_arrival_ends_the_wait(self, delivering: Delivering) -> None:
        """Who waits gets what comes when it comes."""
        loop = asyncio.get_running_loop()
        loop.call_later(0.3, delivering.poll, range(2))

        taken = await delivering.lane.take(10, wait_s=5)

        assert offsets_of(taken) == [0, 1]
        assert loop.time() == pytest.approx(0.3)

    async def test_wait_is_bounded(self, delivering: Delivering) -> None:
        """A quiet partition answers that it is quiet."""
        assert await delivering.lane.take(10, wait_s=5) == []
        assert asyncio.get_running_loop().time() == pytest.approx(5)

    async def test_who_is_cancelled_takes_nothing_along(self, delivering: Delivering) -> None:
        """What came at the same moment is there for the next one."""
        async with asyncio.TaskGroup() as tasks:
            leaving = tasks.create_task(delivering.lane.take(10, wait_s=5))
            await asyncio.sleep(0.1)
            delivering.poll(range(2))
            leaving.cancel()

        assert offsets_of(await delivering.lane.take(10, wait_s=5)) == [0, 1]

    async def test_new_place_drops_what_was_there(self, delivering: Delivering) -> None:
        """Nothing of the old place comes after the new one."""
        delivering.poll(range(5))

        delivering.lane.send_to(40)
        delivering.poll(range(40, 42))

        assert offsets_of(await delivering.lane.take(10, wait_s=1)) == [40, 41]


class TestDoubt:
    async def test_failure_comes_after_what_was_before_it(self, delivering: Delivering) -> None:
        """Then it comes at every attempt, and nothing behind it."""
        delivering.poll(range(2))
        delivering.lane.lose(errors.RecordTooLargeError())
        delivering.poll(range(3, 5))

        before = await delivering.lane.take(10, wait_s=1)

        assert offsets_of(before) == [0, 1]
        for _ in range(2):
            with pytest.raises(errors.RecordTooLargeError):
                await delivering.lane.take(10, wait_s=1)
        assert delivering.consumer.paused

    async def test_failure_ends_the_wait(self, delivering: Delivering) -> None:
        """Nobody waits for records of a lane that has none."""
        loop = asyncio.get_running_loop()
        loop.call_later(0.3, delivering.lane.lose, errors.CorruptRecordException())

        with pytest.raises(errors.CorruptRecordException):
            await delivering.lane.take(10, wait_s=5)

        assert loop.time() == pytest.approx(0.3)

    async def test_polls_far_apart_are_not_trusted(self, delivering: Delivering) -> None:
        """Meanwhile the topic can have been deleted, made again and filled."""
        delivering.poll(range(2))
        await delivering.lane.take(10, wait_s=1)
        delivering.poll(range(2, 4), after_ms=2_500)

        with pytest.raises(PlaceLost, match="for a while"):
            await delivering.lane.take(10, wait_s=1)

    async def test_polls_close_together_are(self, delivering: Delivering) -> None:
        """The control: a broker may be slow."""
        delivering.poll(range(2))
        await delivering.lane.take(10, wait_s=1)
        delivering.poll(range(2, 4), after_ms=1_500)

        assert offsets_of(await delivering.lane.take(10, wait_s=1)) == [2, 3]

    async def test_log_that_shrank_is_not_trusted(self, delivering: Delivering) -> None:
        """A log that ends before the place is another one."""
        delivering.poll(range(5))
        await delivering.lane.take(10, wait_s=1)
        delivering.poll(range(0), end=3)

        with pytest.raises(PlaceLost, match="ends before"):
            await delivering.lane.take(10, wait_s=1)

    async def test_what_brokers_tell_anew_puts_the_log_in_doubt(
        self, delivering: Delivering
    ) -> None:
        """Made again and filled between two polls, it looks like the old one going on."""
        delivering.poll(range(3))
        await delivering.lane.take(10, wait_s=1)

        delivering.lane.doubt()
        delivering.poll(range(3, 40))

        with pytest.raises(PlaceLost, match="made again"):
            await delivering.lane.take(10, wait_s=1)

    async def test_partition_that_is_gone_is_not_trusted(self, delivering: Delivering) -> None:
        """A topic that was deleted takes its partitions along."""
        delivering.consumer.assigned.clear()

        with pytest.raises(PlaceLost, match="not there"):
            await delivering.lane.take(10, wait_s=1)
        with pytest.raises(errors.IllegalStateError):
            delivering.lane.send_to(0)

    async def test_end_is_known_from_polls_of_this_place_only(self, delivering: Delivering) -> None:
        """What an earlier poll saw of the end says nothing of the log as it is now."""
        delivering.poll(range(5))
        delivering.lane.send_to(2)

        unknown = delivering.lane.remaining_count
        delivering.poll(range(2, 5))

        assert (unknown, delivering.lane.remaining_count) == (None, 3)

    async def test_end_is_proven_by_the_poll_before(self, delivering: Delivering) -> None:
        """A poll was asked after the one before it was answered, and nothing else is known."""
        delivering.poll(range(5))
        first = delivering.lane.end_proven_at_s
        delivering.poll(range(0), end=5)

        assert (first, delivering.lane.end_proven_at_s) == (None, (NOW_MS + 50) / 1000)

    async def test_marks_of_transactions_are_passed_over(self, delivering: Delivering) -> None:
        """No reader is given them, and none waits for them."""
        delivering.poll(range(2), end=4)
        await delivering.lane.take(10, wait_s=1)
        delivering.consumer.place = 4

        await delivering.lane.take(10, wait_s=1)

        assert (delivering.lane.next_offset, delivering.lane.remaining_count) == (4, 0)


@dataclass
class FailingConsumer(FakeConsumer):
    """Polls fail, one after the other in these ways, and then bring nothing for ever."""

    failures: list[Exception] = field(default_factory=list)

    async def getmany(self, *, timeout_ms: int) -> dict[TopicPartition, list[KafkaRecord]]:
        if self.failures:
            raise self.failures.pop(0)
        await asyncio.sleep(timeout_ms / 1000)
        return {}


class TestIntake:
    async def test_failure_of_nobody_in_particular_ends_the_polling(self) -> None:
        """Who opened the consumer has to open it anew."""
        consumer = FailingConsumer(failures=[errors.KafkaError("unexpected")])

        with pytest.raises(errors.KafkaError, match="unexpected"):
            await Intake(cast("AIOKafkaConsumer", consumer), OPTIONS).run()

    async def test_partition_that_stands_nowhere_is_held_still(self) -> None:
        """Otherwise its committed offset, which nobody wants, is asked for without end."""
        consumer = FailingConsumer(failures=[errors.NoOffsetForPartitionError(AT)])

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(Intake(cast("AIOKafkaConsumer", consumer), OPTIONS).run(), 1)

        assert consumer.paused
