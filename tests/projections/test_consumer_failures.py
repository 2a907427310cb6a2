"""Failures of a source or a store: backed off from, told, and lost nothing by."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest

from projections.consumer import BatchApplied, SourceFailed
from projections.errors import SourceUnavailable
from projections.memory_store import MemoryStore
from projections.projector import Verdict
from projections.store import EventBatch
from projections.versions import Version
from tests.builders.rows import order_key, order_row
from tests.projections.consuming import OPTIONS, SOURCE, Consuming
from tests.projections.fake_feed import GONE, Answer, FakeFeed, an_answer

pytestmark = pytest.mark.steered_time

KEY = order_key()
REFUSED = SourceUnavailable(SOURCE, "refused")


def a_failing_feed(failure_count: int) -> FakeFeed:
    feed = FakeFeed(order_row())
    feed.next_answers += [REFUSED] * failure_count
    return feed


class FailingStore(MemoryStore):
    """Cannot apply the next batches."""

    def __init__(self, *errors: Exception) -> None:
        super().__init__()
        self._errors = list(errors)

    async def apply(self, batch: EventBatch) -> Sequence[Verdict]:
        if self._errors:
            raise self._errors.pop(0)
        return await super().apply(batch)


class TestBackOff:
    async def test_pauses_stay_within_a_bound_that_doubles(self) -> None:
        """Of the n-th failure in a row the pause is at most 0.1 s · 2ⁿ⁻¹, and never above 2 s."""
        consuming = Consuming(a_failing_feed(200))

        await consuming.run_for(500)

        pauses_s = [failure.retry_after_s for failure in consuming.told(SourceFailed)]
        bounds_s = [min(OPTIONS.longest_backoff_s, 0.1 * 2**n) for n in range(200)]
        assert len(pauses_s) == 200
        assert all(0 <= s <= bound_s for s, bound_s in zip(pauses_s, bounds_s, strict=True))

    async def test_pauses_are_jittered_over_the_whole_bound(self) -> None:
        """Gateways that lost the same service come back one by one."""
        consuming = Consuming(a_failing_feed(200))

        await consuming.run_for(500)

        pauses_s = [failure.retry_after_s for failure in consuming.told(SourceFailed)][10:]
        assert min(pauses_s) < 0.5
        assert max(pauses_s) > 1.5
        assert len(set(pauses_s)) > 100

    async def test_told_pause_is_the_pause(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Between two attempts lies what was told, no more and no less."""
        loop = asyncio.get_running_loop()
        feed = a_failing_feed(8)
        consuming = Consuming(feed)
        asked_at_s: list[float] = []
        answer = feed.get

        async def get(params: dict[str, str], *, timeout_s: float) -> tuple[int, bytes]:
            asked_at_s.append(loop.time())
            return await answer(params, timeout_s=timeout_s)

        monkeypatch.setattr(feed, "get", get)
        await consuming.run_for(20)

        pauses_s = [failure.retry_after_s for failure in consuming.told(SourceFailed)]
        waited_s = [later - earlier for earlier, later in pairwise(asked_at_s)]
        assert waited_s[:8] == pytest.approx(pauses_s, abs=1e-6)

    async def test_success_ends_the_row_of_failures(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """After one good answer a failure is again the first."""
        monkeypatch.setattr("projections.consumer.random.uniform", lambda _, ceiling_s: ceiling_s)
        consuming = Consuming(a_failing_feed(3))

        async with consuming.running():
            await asyncio.sleep(2)
            consuming.feed.next_answers += [REFUSED] * 2
            await asyncio.sleep(3)

        pauses_s = [failure.retry_after_s for failure in consuming.told(SourceFailed)]
        assert pauses_s == pytest.approx([0.1, 0.2, 0.4, 0.1, 0.2])

    async def test_longest_outage_is_recovered_from(self) -> None:
        """A service that is away for hours finds the loop still asking."""
        consuming = Consuming(a_failing_feed(3_000))

        await consuming.run_for(6_500)

        assert len(consuming.told(SourceFailed)) == 3_000
        assert await consuming.store.versions([KEY]) == {KEY: Version(1, 1)}


class TestCrashes:
    async def test_batch_that_was_not_stored_is_fetched_again(self) -> None:
        """A crash between fetch and apply loses nothing: the position did not move."""
        rows = [order_row(version=version) for version in (1, 2, 3)]
        consuming = Consuming(FakeFeed(*rows), FailingStore(OSError("disk full")))

        await consuming.run_for(5)

        assert consuming.feed.cursors_asked[:3] == [None, None, consuming.feed.cursor_at(2)]
        assert [told.gap_count for told in consuming.told(BatchApplied)][:2] == [0, 0]
        assert await consuming.store.versions([KEY]) == {KEY: Version(1, 3)}

    async def test_mistake_of_ours_does_not_end_the_loop(self) -> None:
        """Whatever apply raises is told and tried again, like a service that is away."""
        errors = [ZeroDivisionError("ours"), TypeError("ours too"), RecursionError("deep")]
        consuming = Consuming(FakeFeed(order_row()), FailingStore(*errors))

        await consuming.run_for(5)

        assert [failure.error for failure in consuming.told(SourceFailed)] == errors
        assert await consuming.store.versions([KEY]) == {KEY: Version(1, 1)}

    async def test_consumer_killed_in_the_middle_is_taken_over(self) -> None:
        """Cancelled while a batch is on its way into the store, the next one repeats it."""

        class HangingStore(FailingStore):
            async def apply(self, batch: EventBatch) -> Sequence[Verdict]:
                await asyncio.sleep(10)
                return await super().apply(batch)

        consuming = Consuming(FakeFeed(order_row()), HangingStore())

        await consuming.run_for(5)
        after_the_kill = await consuming.store.versions([KEY])
        await consuming.run_for(15)

        assert after_the_kill == {}
        assert consuming.feed.cursors_asked[:2] == [None, None]
        assert await consuming.store.versions([KEY]) == {KEY: Version(1, 1)}


class TestStopping:
    @pytest.mark.parametrize("failure_count", [0, 1_000], ids=["polling", "backing off"])
    async def test_cancelled_consumer_stops_at_once(self, failure_count: int) -> None:
        """Cancellation is not swallowed, whatever the loop was doing."""
        loop = asyncio.get_running_loop()
        consuming = Consuming(a_failing_feed(failure_count))

        async with consuming.running() as task:
            await asyncio.sleep(10.5)
            task.cancel()
            await asyncio.wait([task])
            stopped_at_s = loop.time()

        assert task.cancelled()
        assert stopped_at_s == 10.5


class TestPace:
    @pytest.mark.parametrize("answer", [an_answer(), GONE], ids=["empty", "gone"])
    async def test_source_that_holds_no_polls_is_not_asked_without_a_pause(
        self, answer: Answer
    ) -> None:
        """A service that answers at once, with nothing, is asked twenty times a second at most."""
        feed = FakeFeed()
        feed.next_answers += [answer] * 1000
        consuming = Consuming(feed)

        await consuming.run_for(1.0)

        assert len(feed.asked) <= 21

    async def test_backlog_is_read_without_a_pause(self) -> None:
        """The control: where there is more to come, nothing is waited for."""
        consuming = Consuming(FakeFeed(*(order_row(f"o-{n}") for n in range(40))))

        await consuming.run_for(0.001)

        assert len(consuming.feed.asked) > 20
