"""The contract of a projection store: the version gate, tombstones, and batches that are atomic."""

from dataclasses import replace
from typing import cast

import pytest

from projections.events import StateChange, UnknownEvent
from projections.projector import Applied, Duplicate, Parked, StoredRow
from projections.selection import OrderRoot, OrdersRoot, PageSelection, Root, root_of
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
    tombstone,
)
from tests.contracts.store_implementations import StoreUnderTest

KEY = customer_key()


class TestVersionGate:
    async def test_first_state_is_stored_as_streamed(self, under_test: StoreUnderTest) -> None:
        """What the stream brought is a row at its version."""
        [verdict] = await under_test.apply(batch(change(customer_row(version=3))))

        stored = StoredRow(customer_row(version=3), Version(1, 3), is_streamed=True)
        assert await under_test.row(KEY) == stored
        assert isinstance(verdict, Applied)
        assert verdict.stored == stored

    async def test_newer_state_replaces_the_row(self, under_test: StoreUnderTest) -> None:
        """The greater number wins."""
        await under_test.apply(batch(change(customer_row(version=1, name="Old"))))

        await under_test.apply(batch(change(customer_row(version=2, name="New"))))

        stored = await under_test.row(KEY)
        assert stored == StoredRow(customer_row(version=2, name="New"), Version(1, 2))

    @pytest.mark.parametrize("version", [1, 2])
    async def test_state_that_is_not_newer_is_a_duplicate(
        self, under_test: StoreUnderTest, version: int
    ) -> None:
        """An older state and the same state again leave the row alone."""
        await under_test.apply(batch(change(customer_row(version=2, name="Present"))))

        [verdict] = await under_test.apply(
            batch(change(customer_row(version=version, name="Late")))
        )

        assert verdict == Duplicate(KEY)
        stored = await under_test.row(KEY)
        assert stored == StoredRow(customer_row(version=2, name="Present"), Version(1, 2))

    async def test_greater_epoch_wins_over_a_greater_number(
        self, under_test: StoreUnderTest
    ) -> None:
        """A service that lost history is believed, though it counts from a lower number."""
        await under_test.apply(batch(change(customer_row(version=9, epoch=1))))

        await under_test.apply(batch(change(customer_row(version=2, epoch=2))))

        assert await under_test.store.versions([KEY]) == {KEY: Version(2, 2)}

    async def test_lower_epoch_loses_whatever_its_number(self, under_test: StoreUnderTest) -> None:
        """Nothing of the lost world passes for news."""
        await under_test.apply(batch(change(customer_row(version=2, epoch=2))))

        [verdict] = await under_test.apply(batch(change(customer_row(version=9, epoch=1))))

        assert verdict == Duplicate(KEY)
        assert await under_test.store.versions([KEY]) == {KEY: Version(2, 2)}

    @pytest.mark.parametrize(
        ("event", "has_gap"),
        [
            (change(customer_row(version=3)), False),
            (change(customer_row(version=5)), True),
            (change(customer_row(version=1, epoch=2)), False),
            (change(customer_row("c-2", version=1)), False),
            (change(customer_row("c-2", version=4)), True),
            (tombstone(KEY, 3), False),
            (tombstone(KEY, 7), True),
        ],
    )
    async def test_jump_is_applied_and_told(
        self, under_test: StoreUnderTest, event: StateChange, *, has_gap: bool
    ) -> None:
        """Events carry full state, so a missing version is no reason to wait; it is only told."""
        await under_test.apply(batch(change(customer_row(version=2))))

        [verdict] = await under_test.apply(batch(event))

        assert isinstance(verdict, Applied)
        assert verdict.has_gap is has_gap
        assert await under_test.store.versions([event.key]) == {event.key: event.at}


class TestTombstones:
    async def test_deleted_aggregate_keeps_its_version(self, under_test: StoreUnderTest) -> None:
        """A deletion is known, and since when, unlike an absence."""
        await under_test.apply(batch(change(customer_row(version=1))))

        await under_test.apply(batch(tombstone(KEY, 2)))

        assert await under_test.row(KEY) == StoredRow(None, Version(1, 2))
        assert await under_test.store.versions([KEY]) == {KEY: Version(1, 2)}

    async def test_old_state_does_not_bring_back_the_deleted(
        self, under_test: StoreUnderTest
    ) -> None:
        """A late event cannot undo a deletion."""
        await under_test.apply(batch(tombstone(KEY, 3)))

        await under_test.apply(batch(change(customer_row(version=2))))

        assert await under_test.row(KEY) == StoredRow(None, Version(1, 3))

    async def test_newer_state_brings_back_the_deleted(self, under_test: StoreUnderTest) -> None:
        """An owner may give an id again, at the next version."""
        await under_test.apply(batch(tombstone(KEY, 3)))

        await under_test.apply(batch(change(customer_row(version=4))))

        assert await under_test.row(KEY) == StoredRow(customer_row(version=4), Version(1, 4))


class TestBatches:
    async def test_events_of_a_batch_are_judged_in_order(self, under_test: StoreUnderTest) -> None:
        """Each event meets the row that the events before it have left."""
        verdicts = await under_test.apply(
            batch(
                change(customer_row(version=2)),
                change(customer_row(version=2)),
                change(customer_row(version=1)),
                change(customer_row(version=3)),
            )
        )

        kinds = [type(verdict) for verdict in verdicts]
        assert kinds == [Applied, Duplicate, Duplicate, Applied]
        assert await under_test.store.versions([KEY]) == {KEY: Version(1, 3)}

    async def test_verdicts_are_of_changes_and_poison(self, under_test: StoreUnderTest) -> None:
        """One verdict an event, in order; of unknown events there is nothing to say."""
        verdicts = await under_test.apply(
            batch(
                UnknownEvent("invoice.sent"),
                change(order_row()),
                poison(KEY, 4),
                change(order_row()),
                UnknownEvent("invoice.paid"),
            )
        )

        assert [type(verdict) for verdict in verdicts] == [Applied, Parked, Duplicate]
        assert [verdict.key for verdict in verdicts] == [order_key(), KEY, order_key()]

    async def test_repeated_batch_changes_nothing(self, under_test: StoreUnderTest) -> None:
        """A batch that comes again after a crash leaves everything as it was."""
        repeated = batch(
            change(order_row(version=1)),
            poison(order_key(), 2),
            change(order_row(version=3, status=OrderStatus.SHIPPED)),
            tombstone(order_key("o-2"), 2),
            poison(order_key("o-3"), 1),
        )
        everything: list[Root] = [OrdersRoot("c-1", PageSelection(20))]
        everything += [root_of(order_key(f"o-{number}")) for number in (1, 2, 3)]
        await under_test.apply(repeated)
        once = await under_test.store.read(everything)

        await under_test.apply(repeated)

        assert await under_test.store.read(everything) == once

    async def test_failing_batch_changes_nothing(self, under_test: StoreUnderTest) -> None:
        """Rows, listings, marks and position move together or not at all."""
        incomparable = cast("Version", "no version")
        broken = batch(
            change(order_row("o-2")),
            poison(order_key("o-1"), 2),
            change(order_row("o-1", version=2, status=OrderStatus.SHIPPED)),
            replace(change(order_row("o-1", version=3)), at=incomparable),
            at=position("log-4"),
        )
        everything: list[Root] = [
            OrderRoot("o-1"),
            OrderRoot("o-2"),
            OrdersRoot("c-1", PageSelection(20)),
            OrdersRoot("c-1", PageSelection(20, status=OrderStatus.SHIPPED)),
        ]
        await under_test.apply(batch(change(order_row("o-1")), at=position("log-1")))
        before = await under_test.store.read(everything)

        with pytest.raises(TypeError):
            await under_test.apply(broken)

        assert await under_test.store.read(everything) == before
