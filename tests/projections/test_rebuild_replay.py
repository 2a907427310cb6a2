import pytest

from projections.consumer import ConsumerOptions
from projections.errors import OutOfReach
from projections.feed import FeedSource
from projections.kafka.cursor import START, Place
from projections.memory_store import MemoryStore
from projections.positions import Partition
from projections.rebuild.replay import (
    Replay,
    ReplayOptions,
    reached_by_asking,
    reached_by_offset,
)
from tests.builders.rows import order_row
from tests.projections.fake_feed import FakeFeed
from tests.projections.rebuilding import FEED_OPTIONS

pytestmark = pytest.mark.steered_time

MARK = "00ff00ff00ff00ff"
LINEAGE = "0000abcd"


def at(next_offset: int) -> str:
    return str(Place(next_offset, next_offset - 1, MARK, LINEAGE))


@pytest.mark.parametrize(
    ("ours", "theirs", "has_reached"),
    [
        (at(7), at(7), True),
        (at(8), at(7), True),
        (at(10), at(9), True),
        (at(7), at(8), False),
        (START, START, True),
        (START, at(7), False),
        (at(7), START, True),
    ],
)
@pytest.mark.parametrize("is_at_end", [True, False])
async def test_kafka_s_cursors_are_compared_by_offset(
    ours: str, theirs: str, has_reached: bool, is_at_end: bool
) -> None:
    """A lesser offset is never far enough: the end of the log may be older news than blue."""
    assert reached_by_offset(ours, theirs, is_at_end=is_at_end) is has_reached


async def test_cursor_of_a_feed_says_nothing_about_a_kafka_log() -> None:
    """Where blue was fed from elsewhere, the end of the log is all there is to go by."""
    assert not reached_by_offset(at(7), "0123456789ab-3", is_at_end=False)
    assert reached_by_offset(at(7), "0123456789ab-3", is_at_end=True)


async def test_feed_is_where_blue_is_or_at_its_end() -> None:
    """A feed's cursor is compared for being the same; else an answer has to read out the log."""
    assert reached_by_asking("log-3", "log-3", is_at_end=False)
    assert not reached_by_asking("log-3", "log-4", is_at_end=False)
    assert reached_by_asking("log-3", "log-4", is_at_end=True)


def replay_of(feed: FakeFeed, store: MemoryStore) -> Replay:
    return Replay(
        [FeedSource("orders", feed, FEED_OPTIONS)],
        store,
        lambda _: None,
        has_reached=reached_by_offset,
        options=ReplayOptions(reach_limit_s=3.0),
        consumer_options=ConsumerOptions(),
    )


async def test_end_is_looked_for_anew_each_time() -> None:
    """What was committed after the first end was found is read by the next look."""
    feed, store = FakeFeed(order_row()), MemoryStore()
    replay = replay_of(feed, store)

    await replay.to_ends()
    feed.commit(order_row(version=2), order_row("o-2"), order_row("o-3"))
    await replay.to_ends()

    position = await store.position(Partition("orders"))
    assert position is not None
    assert position.cursor == feed.cursor_at(4)


async def test_place_that_no_log_leads_to_is_not_waited_for_for_ever() -> None:
    """A blue that stands beyond the end of its log cannot be reached, and that is said."""
    feed, store = FakeFeed(order_row()), MemoryStore()

    class NeverThere:
        def __call__(self, *_: object, **__: object) -> bool:
            return False

    replay = replay_of(feed, store)
    replay._has_reached = NeverThere()

    with pytest.raises(OutOfReach, match="do not lead to where the projection stands"):
        await replay.reach({Partition("orders"): "beyond"})


async def test_partition_that_blue_never_read_is_not_waited_for() -> None:
    """Only where blue stands has green to get to; a partition more is no obstacle."""
    replay = replay_of(FakeFeed(order_row()), MemoryStore())

    await replay.reach({Partition("customers"): "anywhere"})
