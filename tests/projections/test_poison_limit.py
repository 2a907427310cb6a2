"""When a partition is stopped rather than drained into the dead letters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.consumer import BatchApplied, EventParked, SourceFailed
from projections.dead_letters import PoisonLimit
from projections.errors import PoisonFlood
from projections.events import PoisonEvent
from projections.positions import Partition
from tests.builders.rows import cloud_event, order_row
from tests.projections.consuming import SOURCE, Consuming
from tests.projections.fake_feed import FakeFeed, an_answer

LEAST_COUNT = 20
CLEAN = (500, 0)


def told_apart(*batches: tuple[int, int]) -> list[bool]:
    """Which of these batches, each of so many events and so many of them poison, may pass."""
    limit = PoisonLimit()
    return [limit.allows(event_count, poison_count) for event_count, poison_count in batches]


class TestLimit:
    def test_single_bad_events_pass(self) -> None:
        """One event in a thousand is parked, for ever."""
        assert all(told_apart(*[(500, 1), (500, 0)] * 200))

    def test_batch_that_cannot_be_read_at_all_is_stopped(self) -> None:
        """A reader that has forgotten how to read stops at the first batch."""
        assert told_apart(CLEAN, (500, 500)) == [True, False]

    def test_bad_events_that_come_one_by_one_are_stopped_too(self) -> None:
        """Small batches are no way around the limit."""
        assert told_apart(*[(1, 1)] * 25).index(False) == LEAST_COUNT - 1

    def test_few_bad_events_are_never_a_flood(self) -> None:
        """A quiet source may begin with bad ones."""
        assert all(told_apart(*[(1, 1)] * (LEAST_COUNT - 1)))

    def test_long_clean_past_does_not_excuse_a_flood(self) -> None:
        """What counts is what came last, not what came ever."""
        assert told_apart(*[CLEAN] * 1000, (500, 100))[-1] is False

    def test_stopped_batch_stays_stopped(self) -> None:
        """Asking again and again is not what lets it pass."""
        assert told_apart(*[(500, 500)] * 100) == [False] * 100

    def test_clean_batches_pass_after_a_flood(self) -> None:
        """With a reader that can read, everything goes on."""
        assert told_apart((500, 500), CLEAN, CLEAN) == [False, True, True]

    def test_ratio_of_one_never_stops(self) -> None:
        """The operator may say that everything is to be set aside."""
        limit = PoisonLimit(ratio=1.0)

        assert all(limit.allows(100, 100) for _ in range(100))

    @given(
        st.lists(st.integers(1, 500).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
    )
    def test_batch_without_poison_always_passes(self, batches: list[tuple[int, int]]) -> None:
        """Whatever came before, what can be read is read."""
        limit = PoisonLimit()
        for batch in batches:
            limit.allows(*batch)

        assert limit.allows(1, 0)


def unreadable(order_id: str) -> dict[str, object]:
    return cloud_event(order_row(order_id), data={"nonsense": True})


@pytest.mark.steered_time
class TestConsumer:
    async def test_flood_is_not_applied_at_all(self) -> None:
        """A batch over the limit parks nothing and moves no position; it is asked for again."""
        feed = FakeFeed()
        flood = an_answer(*(unreadable(f"o-{n}") for n in range(LEAST_COUNT)), cursor="x-20")
        feed.next_answers += [flood] * 3
        consuming = Consuming(feed)

        await consuming.run_for(0.15)

        assert {type(told.error) for told in consuming.told(SourceFailed)} == {PoisonFlood}
        assert not consuming.told(EventParked)
        assert not consuming.told(BatchApplied)
        assert await consuming.store.position(Partition(SOURCE)) is None

    async def test_source_goes_on_when_its_events_can_be_read(self) -> None:
        """After a better deployment the same events are applied, none lost."""
        feed = FakeFeed()
        flood = an_answer(*(unreadable(f"o-{n}") for n in range(LEAST_COUNT)), cursor="x-20")
        feed.next_answers.append(flood)
        feed.commit(*(order_row(f"o-{n}") for n in range(LEAST_COUNT)))
        consuming = Consuming(feed)

        await consuming.run_for(5)

        applied = sum(told.applied_count for told in consuming.told(BatchApplied))
        assert applied == LEAST_COUNT


def test_poison_keeps_the_event_as_it_came() -> None:
    """Who looks into a dead letter sees what was sent, byte by byte."""
    event = PoisonEvent(order_row().key, "data: not for us", raw=b'{"data": 1}')

    assert event.raw == b'{"data": 1}'
