"""The contract of a projection store: a batch is written where the one before it ended, only there.

So whoever lost his partition without having noticed, or was not told that the store lost writes,
does no harm: he is refused, and reads the position again.
"""

from dataclasses import replace

import pytest

from projections.errors import PositionMoved
from projections.positions import Partition
from projections.selection import OrderRoot, OrdersRoot, PageSelection, Root, root_of
from projections.store import EventBatch
from projections.versions import Version
from projections.views import OrderStatus
from tests.builders.rows import (
    batch,
    change,
    customer_key,
    customer_row,
    order_key,
    order_row,
    poison,
    position,
)
from tests.contracts.store_implementations import StoreUnderTest

FIRST, SECOND = Partition("orders", 0, 2), Partition("orders", 1, 2)

EVERYTHING: list[Root] = [
    OrderRoot("o-1"),
    OrderRoot("o-2"),
    root_of(customer_key()),
    OrdersRoot("c-1", PageSelection(20)),
    OrdersRoot("c-1", PageSelection(20, status=OrderStatus.SHIPPED)),
]


def on(partition: Partition, content: EventBatch) -> EventBatch:
    return replace(content, partition=partition)


class TestFence:
    @pytest.mark.parametrize("after", [None, "log-0", "log-2"], ids=["start", "before", "beyond"])
    async def test_batch_from_elsewhere_changes_nothing(
        self, under_test: StoreUnderTest, after: str | None
    ) -> None:
        """Neither row nor listing, mark, letter nor position moves when a batch does not follow."""
        store = under_test.store
        await store.apply(batch(change(order_row()), at=position("log-1")))
        before = await store.read(EVERYTHING)

        with pytest.raises(PositionMoved) as refused:
            await store.apply(
                batch(
                    change(order_row("o-1", 2, status=OrderStatus.SHIPPED)),
                    change(order_row("o-2")),
                    poison(customer_key(), 1),
                    at=position("log-3"),
                    after=after,
                )
            )

        assert refused.value.partition == Partition("orders")
        assert await store.read(EVERYTHING) == before
        assert await store.position(Partition("orders")) == position("log-1")
        assert await store.dead_letter_count() == 0

    async def test_batch_that_follows_nothing_needs_an_empty_place(
        self, under_test: StoreUnderTest
    ) -> None:
        """In a store that has lost its position, nobody goes on as if nothing had happened."""
        with pytest.raises(PositionMoved):
            await under_test.store.apply(batch(change(order_row()), after="log-7"))

        assert await under_test.row(order_key()) is None
        assert await under_test.store.position(Partition("orders")) is None

    async def test_of_two_writers_one_is_refused(self, under_test: StoreUnderTest) -> None:
        """Whoever comes second with the same batch has been overtaken, and is told so."""
        await under_test.store.apply(batch(at=position("log-1")))
        contested = batch(change(order_row()), at=position("log-2"), after="log-1")

        await under_test.store.apply(contested)
        with pytest.raises(PositionMoved):
            await under_test.store.apply(contested)

        assert await under_test.store.position(Partition("orders")) == position("log-2")

    async def test_batches_that_follow_each_other_are_written(
        self, under_test: StoreUnderTest
    ) -> None:
        """From the start, each after the one before; a proof of the same place follows as well."""
        chain = [
            batch(change(order_row(version=1)), at=position("log-1")),
            batch(at=position("log-1", proven_at_s=2_000.0), after="log-1"),
            batch(change(order_row(version=2)), at=position("log-2"), after="log-1"),
        ]

        for link in chain:
            await under_test.store.apply(link)

        assert await under_test.store.versions([order_key()]) == {order_key(): Version(1, 2)}

    async def test_every_partition_has_a_fence_of_its_own(self, under_test: StoreUnderTest) -> None:
        """What moves one partition of a source leaves its others where they stand."""
        store = under_test.store
        await store.apply(on(FIRST, batch(change(order_row("o-1")), at=position("a-1"))))

        await store.apply(on(SECOND, batch(change(order_row("o-2")), at=position("b-1"))))
        with pytest.raises(PositionMoved):
            await store.apply(on(SECOND, batch(at=position("b-2"), after="a-1")))

        assert await store.position(FIRST) == position("a-1")
        assert await store.position(SECOND) == position("b-1")


class TestPartitions:
    async def test_source_is_as_far_as_the_last_of_its_partitions(
        self, under_test: StoreUnderTest
    ) -> None:
        """Of all its partitions' proofs a source has the oldest, and of their lags the sum."""
        early = position("a-1", proven_at_s=120.0, remaining_count=2)
        late = position("b-1", proven_at_s=300.0, remaining_count=3)

        await under_test.store.apply(on(SECOND, batch(at=late)))
        await under_test.store.apply(on(FIRST, batch(at=early)))

        joined = (await under_test.cut(order_key())).positions
        assert joined == {"orders": position("a-1 b-1", proven_at_s=120.0, remaining_count=5)}

    async def test_source_with_an_unread_partition_is_not_caught_up(
        self, under_test: StoreUnderTest
    ) -> None:
        """Whatever lies on a partition that nobody has read yet may be missing."""
        await under_test.store.apply(on(FIRST, batch(at=position("a-1"))))

        cut = await under_test.cut(order_key())
        assert not cut.positions["orders"].is_caught_up
        assert cut.proven_at_s(order_key().type) is None

    async def test_source_that_has_grown_is_caught_up_with_its_new_partitions(
        self, under_test: StoreUnderTest
    ) -> None:
        """Partitions keep their positions when others are added, and those have to be read too."""
        store, grown = under_test.store, Partition("orders", 0, 3)
        await store.apply(on(FIRST, batch(at=position("a-1"))))
        await store.apply(on(SECOND, batch(at=position("b-1"))))

        await store.apply(on(grown, batch(at=position("a-2"), after="a-1")))
        meanwhile = (await under_test.cut(order_key())).positions["orders"]
        await store.apply(on(Partition("orders", 2, 3), batch(at=position("c-1"))))

        assert not meanwhile.is_caught_up
        assert (await under_test.cut(order_key())).positions["orders"].is_caught_up

    async def test_lag_that_is_not_told_stays_untold(self, under_test: StoreUnderTest) -> None:
        """A source that does not say how much is left has no lag, rather than none left."""
        await under_test.store.apply(batch(at=position(remaining_count=None)))
        untold = await under_test.store.position(Partition("orders"))
        await under_test.store.apply(batch(at=position(remaining_count=0), after="log-1"))
        told = await under_test.store.position(Partition("orders"))

        assert untold is not None
        assert told is not None
        assert (untold.remaining_count, told.remaining_count) == (None, 0)


class TestForgetting:
    async def test_log_that_was_forgotten_before_is_left_alone(
        self, under_test: StoreUnderTest
    ) -> None:
        """Whoever finds out second drops nothing of what has been read of the new log."""
        store = under_test.store
        await store.apply(batch(change(order_row(version=9)), at=position("old-9")))
        await store.forget(Partition("orders"), "old-9")
        await store.apply(batch(change(order_row(version=1)), at=position("new-1")))

        await store.forget(Partition("orders"), "old-9")

        assert await store.versions([order_key()]) == {order_key(): Version(1, 1)}
        assert await store.position(Partition("orders")) == position("new-1")

    async def test_all_partitions_are_forgotten_together(self, under_test: StoreUnderTest) -> None:
        """A log made anew is another one in each of its partitions."""
        store = under_test.store
        await store.apply(on(FIRST, batch(change(order_row("o-1")), at=position("a-1"))))
        await store.apply(on(SECOND, batch(change(order_row("o-2")), at=position("b-1"))))
        await store.apply(batch(change(customer_row()), source="customers"))

        await store.forget(SECOND, "b-1")

        assert [await store.position(partition) for partition in (FIRST, SECOND)] == [None, None]
        assert await store.versions([order_key("o-1"), order_key("o-2")]) == {}
        assert (await under_test.cut(customer_key())).positions.keys() == {"customers"}
