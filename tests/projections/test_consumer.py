"""The loop of one source: from the stored position, batch by batch, for ever."""

import asyncio
from collections.abc import Sequence

import pytest

from projections.consumer import BatchApplied, EventParked, SourceFailed, SourceRestarted
from projections.errors import CursorUnknown, SourceBroken
from projections.memory_store import MemoryStore
from projections.positions import Partition
from projections.projector import Verdict
from projections.selection import OrderRoot
from projections.store import EventBatch
from projections.versions import Version
from tests.builders.rows import batch, cloud_event, order_key, order_row, position
from tests.projections.consuming import SOURCE, Consuming
from tests.projections.fake_feed import GONE, FakeFeed, an_answer

pytestmark = pytest.mark.steered_time

KEYS = [order_key(f"o-{number}") for number in range(1, 6)]
ROWS = [order_row(key.id) for key in KEYS]

UNTIL_THE_FOURTH_POLL_S = 3.5
"""Polls of a quiet source last a second each, so three have been answered by then."""
WHEN_THE_LAST_ANSWER_WAS_ASKED_FOR_S = 2.0


async def versions_in(consuming: Consuming) -> dict[str, int]:
    versions = await consuming.store.versions(KEYS)
    return {key.id: at.number for key, at in versions.items()}


class TestProgress:
    async def test_new_source_is_read_from_its_start_to_its_end(self) -> None:
        """Batch after batch, each from where the last one ended, then poll after poll."""
        consuming = Consuming(FakeFeed(*ROWS))
        at = consuming.feed.cursor_at

        await consuming.run_for(1.5)

        assert await versions_in(consuming) == {"o-1": 1, "o-2": 1, "o-3": 1, "o-4": 1, "o-5": 1}
        assert consuming.feed.cursors_asked == [None, at(2), at(4), at(5), at(5)]

    async def test_known_source_is_read_from_its_stored_position(self) -> None:
        """What is in the store already is not asked for again."""
        consuming = Consuming(FakeFeed(*ROWS))
        reached = position(consuming.feed.cursor_at(4))
        await consuming.store.apply(batch(source=SOURCE, at=reached))

        await consuming.run_for(0.5)

        assert await versions_in(consuming) == {"o-5": 1}

    async def test_commit_is_applied_when_it_is_made(self) -> None:
        """A poll that is held ends with the commit it waits for."""
        consuming = Consuming(FakeFeed())

        async with consuming.running():
            await asyncio.sleep(0.3)
            consuming.feed.commit(order_row("o-1"))
            await asyncio.sleep(0.001)
            versions = await versions_in(consuming)

        assert versions == {"o-1": 1}

    async def test_quiet_source_is_proven_current(self) -> None:
        """Where nothing happens, the proof moves on, and with it what readers may trust."""
        consuming = Consuming(FakeFeed(*ROWS))

        await consuming.run_for(UNTIL_THE_FOURTH_POLL_S)

        reached = await consuming.store.position(Partition(SOURCE))
        assert reached is not None
        assert (reached.is_caught_up, reached.remaining_count) == (True, 0)
        assert reached.proven_at_s == WHEN_THE_LAST_ANSWER_WAS_ASKED_FOR_S

    async def test_source_that_falls_behind_keeps_its_last_proof(self) -> None:
        """Once read out, a projection under load is old, which readers can weigh, not unknown."""
        consuming = Consuming(FakeFeed(*ROWS))
        await consuming.run_for(UNTIL_THE_FOURTH_POLL_S)
        consuming.feed.next_answers.append(
            an_answer(remaining=900, cursor=consuming.feed.cursor_at(5))
        )

        await consuming.consumer().step()

        reached = await consuming.store.position(Partition(SOURCE))
        assert reached is not None
        assert (reached.is_caught_up, reached.remaining_count) == (True, 900)
        assert reached.proven_at_s == WHEN_THE_LAST_ANSWER_WAS_ASKED_FOR_S

    async def test_source_that_never_caught_up_proves_nothing(self) -> None:
        """While the first reading lasts, absence means nothing."""
        consuming = Consuming(FakeFeed(*ROWS))

        await consuming.consumer().step()

        reached = await consuming.store.position(Partition(SOURCE))
        assert reached is not None
        assert (reached.is_caught_up, reached.remaining_count) == (False, 3)

    async def test_batch_is_told_with_its_counts(self) -> None:
        """Who watches learns how much came, how much was new, and what was skipped."""
        feed = FakeFeed()
        consuming = Consuming(feed)
        feed.next_answers.append(
            an_answer(
                cloud_event(order_row("o-1", 1)),
                cloud_event(order_row("o-1", 1)),
                cloud_event(order_row("o-1", 4)),
                {"type": "invoice.sent"},
                remaining=7,
                cursor=feed.cursor_at(0),
            )
        )

        await consuming.run_for(0)
        await asyncio.sleep(0)

        [told] = consuming.told(BatchApplied)
        assert (told.partition.source, told.event_count, told.applied_count, told.gap_count) == (
            SOURCE,
            4,
            2,
            1,
        )
        assert told.position.remaining_count == 7


class SlowStore(MemoryStore):
    """Takes its time with each batch."""

    async def apply(self, batch: EventBatch) -> Sequence[Verdict]:
        await asyncio.sleep(1.0)
        return await super().apply(batch)


class TestBackPressure:
    async def test_next_batch_is_fetched_when_the_last_is_stored(self) -> None:
        """A slow store slows the fetching down; nothing piles up in between."""
        consuming = Consuming(FakeFeed(*ROWS), SlowStore())

        await consuming.run_for(1.5)

        assert len(consuming.feed.asked) == 2
        assert await versions_in(consuming) == {"o-1": 1, "o-2": 1}


class TestAnotherLog:
    async def test_source_starts_over_when_its_log_was_made_anew(self) -> None:
        """The new log is read from its start, without a pause, and what it brings is shown."""
        consuming = Consuming(FakeFeed(*ROWS))

        async with consuming.running():
            await asyncio.sleep(0.5)
            consuming.feed.start_anew()
            consuming.feed.commit(order_row("o-1", 1, epoch=2))
            await asyncio.sleep(2)

        [told] = consuming.told(SourceRestarted)
        assert told.partition == Partition(SOURCE)
        at_its_end = consuming.feed.cursor_at(1)
        assert consuming.feed.cursors_asked[-3:] == [None, at_its_end, at_its_end]
        assert await consuming.store.versions(KEYS) == {KEYS[0]: Version(2, 1)}

    async def test_nothing_is_proven_until_the_new_log_was_read(self) -> None:
        """Between two logs the projection is empty, and readers are told that it is being built."""
        consuming = Consuming(FakeFeed(*ROWS))
        await consuming.run_for(0.5)
        before = await consuming.store.read([OrderRoot("o-1")])
        consuming.feed.next_answers += [
            GONE,
            an_answer(remaining=3, cursor=consuming.feed.cursor_at(0)),
        ]

        consumer = consuming.consumer()
        await consumer.step()
        restarted = await consuming.store.read([OrderRoot("o-1")])
        await consumer.step()
        building = await consuming.store.read([OrderRoot("o-1")])

        before_s, *later = [cut.proven_at_s(KEYS[0].type) for cut in (before, restarted, building)]
        assert before_s is not None
        assert later == [None, None]
        assert SOURCE not in restarted.positions
        assert before.version_of(KEYS[0]) == Version(1, 1)
        assert restarted.version_of(KEYS[0]) is building.version_of(KEYS[0]) is None

    async def test_store_that_cannot_forget_is_asked_again(self) -> None:
        """Starting over is tried again like everything else; the loop goes on."""

        class ForgetfulLater(MemoryStore):
            is_failing = True

            async def forget(self, partition: Partition, cursor: str) -> None:
                if self.is_failing:
                    self.is_failing = False
                    raise OSError("not now")
                await super().forget(partition, cursor)

        consuming = Consuming(FakeFeed(*ROWS), ForgetfulLater())
        await consuming.run_for(0.5)
        consuming.feed.start_anew()
        consuming.feed.commit(order_row("o-1", 9))

        await consuming.run_for(1.5)

        assert (await versions_in(consuming))["o-1"] == 9
        assert len(consuming.told(SourceRestarted)) == 1

    async def test_cursor_unknown_never_shows_as_a_failure(self) -> None:
        """A log made anew is an event of operation, not an error."""
        consuming = Consuming(FakeFeed(*ROWS))
        consuming.feed.next_answers += [an_answer(cursor="another-1")]

        await consuming.run_for(0.5)

        assert not [s for s in consuming.told(SourceFailed) if isinstance(s.error, CursorUnknown)]
        assert len(consuming.told(SourceRestarted)) == 1
        assert len(await versions_in(consuming)) == 5


class TestBadEvents:
    async def test_broken_source_applies_nothing_and_stays_where_it_is(self) -> None:
        """A batch with an event of nobody is not taken in part; it is asked for again."""
        consuming = Consuming(FakeFeed(*ROWS[:2]))
        await consuming.run_for(0.5)
        consuming.feed.write(cloud_event(ROWS[2]), {"type": "order.placed"})

        await consuming.run_for(5)

        assert await versions_in(consuming) == {"o-1": 1, "o-2": 1}
        failures = consuming.told(SourceFailed)
        assert len(failures) > 1
        assert all(isinstance(failure.error, SourceBroken) for failure in failures)
        at_the_break = consuming.feed.cursor_at(2)
        assert set(consuming.feed.cursors_asked[-len(failures) :]) == {at_the_break}

    async def test_source_that_was_mended_goes_on(self) -> None:
        """Once the service answers what it should, nothing is missing."""
        consuming = Consuming(FakeFeed(*ROWS))
        consuming.feed.next_answers += [(200, b"<html>")] * 3

        await consuming.run_for(5)

        assert len(consuming.told(SourceFailed)) == 3
        assert len(await versions_in(consuming)) == 5

    async def test_poison_is_parked_and_told_while_the_rest_goes_on(self) -> None:
        """One unreadable state costs its aggregate, not its source."""
        feed = FakeFeed(ROWS[0])
        feed.write(cloud_event(order_row("o-2", 7), data={"id": "o-2"}))
        feed.commit(*ROWS[2:])
        consuming = Consuming(feed)

        await consuming.run_for(0.5)

        assert await versions_in(consuming) == {"o-1": 1, "o-3": 1, "o-4": 1, "o-5": 1}
        [told] = consuming.told(EventParked)
        assert (told.partition.source, told.parked.key) == (SOURCE, order_key("o-2"))
        assert told.parked.reason.startswith("data: ")
        assert not consuming.told(SourceFailed)
        cut = await consuming.store.read([OrderRoot("o-2"), OrderRoot("o-3")])
        assert cut.suspects == {order_key("o-2")}
