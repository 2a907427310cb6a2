"""The loop goes on from where the store stands, not from where it thinks the store stands."""

import asyncio

import pytest

from projections.consumer import BatchApplied, PositionLost, SourceFailed
from projections.errors import PositionMoved
from projections.memory_store import MemoryStore
from projections.positions import Partition, SourcePosition
from projections.versions import Version
from tests.builders.applying import apply_next
from tests.builders.rows import batch, change, order_key, order_row, position
from tests.projections.consuming import SOURCE, Consuming
from tests.projections.fake_feed import FakeFeed

pytestmark = pytest.mark.steered_time

ROWS = [order_row(f"o-{number}") for number in range(1, 4)]


async def numbers_in(consuming: Consuming) -> dict[str, int]:
    versions = await consuming.store.versions([order_key(f"o-{n}") for n in range(1, 5)])
    return {key.id: at.number for key, at in versions.items()}


async def test_store_that_lost_everything_is_filled_again() -> None:
    """A flushed store stands at the start, and so does the loop with its next batch."""
    consuming = Consuming(FakeFeed(*ROWS))

    async with consuming.running():
        await asyncio.sleep(0.5)
        consuming.store.__init__()  # type: ignore[misc]  # it forgets, its readers stay
        consuming.feed.commit(order_row("o-4"))
        await asyncio.sleep(2)

    assert await numbers_in(consuming) == {"o-1": 1, "o-2": 1, "o-3": 1, "o-4": 1}
    assert consuming.told(PositionLost) == [PositionLost(Partition(SOURCE))]
    assert not consuming.told(SourceFailed)


async def test_second_consumer_of_a_partition_writes_nothing_twice() -> None:
    """Two loops over one partition bounce off each other; every event is applied once."""
    feed, store = FakeFeed(*ROWS), MemoryStore()
    first, second = Consuming(feed, store), Consuming(feed, store)

    async with first.running(), second.running():
        await asyncio.sleep(0.5)
        feed.commit(order_row("o-1", 2))
        await asyncio.sleep(2)

    applied = [told.applied_count for one in (first, second) for told in one.told(BatchApplied)]
    assert sum(applied) == len(ROWS) + 1
    assert await numbers_in(first) == {"o-1": 2, "o-2": 1, "o-3": 1}


async def test_zombie_cannot_take_the_position_back() -> None:
    """A batch that was read before somebody else went on changes nothing."""
    consuming = Consuming(FakeFeed(*ROWS))
    await consuming.run_for(0.5)
    ahead = position(consuming.feed.cursor_at(3))
    late = batch(change(order_row("o-1", 1)), source=SOURCE, at=position("early"), after=None)

    await apply_next(consuming.store, batch(change(order_row("o-1", 7)), source=SOURCE, at=ahead))
    with pytest.raises(PositionMoved):
        await consuming.store.apply(late)

    stored = await consuming.store.position(Partition(SOURCE))
    assert stored is not None
    assert stored.cursor == ahead.cursor
    assert await consuming.store.versions([order_key()]) == {order_key(): Version(1, 7)}


async def test_position_is_read_once_as_long_as_all_goes_well() -> None:
    """The loop remembers where it is; the store confirms it with every batch."""

    class CountingStore(MemoryStore):
        asked_count = 0

        async def position(self, partition: Partition) -> SourcePosition | None:
            self.asked_count += 1
            return await super().position(partition)

    store = CountingStore()
    consuming = Consuming(FakeFeed(*ROWS), store)

    await consuming.run_for(5.5)

    assert len(consuming.told(BatchApplied)) > 3
    assert store.asked_count == 1
