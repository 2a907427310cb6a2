"""The contract of a projection store: what is at hand is what a read would bring, or nothing is.

A store that is asked over a network may have nothing at hand, ever. The one in memory always has.
"""

import asyncio
from dataclasses import replace

import pytest

from projections.events import ParsedEvent
from projections.memory_store import MemoryStore
from projections.positions import LogPlace, Partition, SourcePosition
from projections.selection import (
    CustomerSelection,
    OrderRoot,
    OrderSelection,
    OrdersRoot,
    PageSelection,
    ProductRoot,
    Root,
)
from projections.store import Cut
from projections.versions import Version
from projections.views import Row
from tests.builders.rows import (
    batch,
    change,
    customer_key,
    customer_row,
    order_row,
    poison,
    position,
    product_key,
    product_row,
    tombstone,
)
from tests.contracts.store_implementations import StoreUnderTest

ORDER: Root = OrderRoot("o-1", OrderSelection(CustomerSelection(), has_products=True))
PAGE: Root = OrdersRoot("c-1", PageSelection(20))
UNKNOWN: Root = ProductRoot("p-9")
OF_PRODUCTS = Partition("products")


async def opened(under_test: StoreUnderTest) -> None:
    """A shop of one of each is in the store."""
    await under_test.apply(batch(change(order_row()), at=standing(1)))
    await under_test.apply(batch(change(customer_row()), source="customers", at=standing(1)))
    await under_test.apply(batch(change(product_row()), source="products", at=standing(1)))
    await under_test.all_heard()


def standing(offset: int, log: int = 7) -> SourcePosition:
    return replace(position(f"log-{log}-{offset}"), places={0: LogPlace(log, offset)})


async def brought_to_hand(under_test: StoreUnderTest, *roots: Root) -> Cut | None:
    """What has just been read, from where it is at hand; and been looked at once more since."""
    await under_test.store.read(roots)
    cut = under_test.store.at_hand(roots)
    return None if cut is None else under_test.store.still(cut) or cut


class TestAtHand:
    @pytest.mark.parametrize("roots", [(ORDER,), (PAGE,), (UNKNOWN,), (ORDER, PAGE, UNKNOWN)])
    async def test_it_is_what_a_read_brings(
        self, under_test: StoreUnderTest, roots: tuple[Root, ...]
    ) -> None:
        """Rows, pages, marks and positions, whatever is asked for."""
        await opened(under_test)

        at_hand = await brought_to_hand(under_test, *roots)

        if at_hand is not None:
            assert at_hand == await under_test.store.read(roots)

    async def test_a_store_in_memory_has_everything_at_hand(
        self, under_test: StoreUnderTest
    ) -> None:
        """There a read takes nobody's time, and what is not there is known as well."""
        await opened(under_test)

        at_hand = await brought_to_hand(under_test, ORDER, PAGE, UNKNOWN)

        assert (at_hand is not None) >= isinstance(under_test.store, MemoryStore)

    async def test_it_is_one_cut_with_its_positions(self, under_test: StoreUnderTest) -> None:
        """However writes come, a row at hand is never later than the place shown with it."""
        store = under_test.store
        for offset in range(1, 60):
            row = product_row(version=offset)
            await under_test.apply(batch(change(row), source="products", at=standing(offset)))
            if offset % 3 == 0:
                await asyncio.sleep(0)
            await store.read([ProductRoot("p-1")])
            cut = store.at_hand([ProductRoot("p-1")])
            if cut is not None:
                stored = cut.rows[product_key()]
                assert stored is not None
                assert cut.positions["products"].places[0].offset >= stored.at.number

    async def test_who_has_seen_more_is_not_shown_less(self, under_test: StoreUnderTest) -> None:
        """A place that is not reached by what is at hand is looked for in the store."""
        await opened(under_test)
        cut = await brought_to_hand(under_test, ORDER)

        seen = {("products", 0): LogPlace(7, 2)}
        later = under_test.store.at_hand([ORDER], seen=seen)

        if isinstance(under_test.store, MemoryStore):
            assert later == cut  # it has no later moment to show
        else:
            assert later is None


class TestStill:
    async def test_a_cut_stands_while_nothing_happens(self, under_test: StoreUnderTest) -> None:
        """It is given again as it is."""
        await opened(under_test)
        cut = await brought_to_hand(under_test, ORDER)

        if cut is not None:
            assert under_test.store.still(cut) == cut

    async def test_only_its_positions_may_be_others(self, under_test: StoreUnderTest) -> None:
        """A proof that has come since is told; what it proves has not changed."""
        await opened(under_test)
        cut = await brought_to_hand(under_test, ORDER)
        proven = replace(standing(1), proven_at_s=2_000.0)
        await under_test.apply(batch(source="products", at=proven))

        read = await under_test.store.read([ORDER])

        if cut is not None and isinstance(under_test.store, MemoryStore):
            assert under_test.store.still(cut) == read
            assert read.positions["products"].proven_at_s == 2_000.0

    @pytest.mark.parametrize(
        "event",
        [
            change(product_row(version=2)),
            change(product_row(version=1, epoch=2)),
            tombstone(product_key(), 2),
            poison(product_key(), 2),
            poison(product_key()),
        ],
        ids=["newer", "another epoch", "deleted", "parked", "parked blindly"],
    )
    async def test_it_falls_with_any_of_its_rows(
        self, under_test: StoreUnderTest, event: ParsedEvent
    ) -> None:
        """A row that is newer, gone or in doubt: the cut would be read otherwise."""
        await opened(under_test)
        cut = await brought_to_hand(under_test, ORDER)

        await under_test.apply(batch(event, source="products", at=standing(2)))
        await under_test.all_heard()

        assert cut is None or under_test.store.still(cut) is None

    async def test_it_outlives_what_happens_to_others(self, under_test: StoreUnderTest) -> None:
        """An event of another aggregate moves its positions alone."""
        await opened(under_test)
        cut = await brought_to_hand(under_test, ORDER)

        await under_test.apply(batch(change(product_row("p-2")), source="products", at=standing(2)))
        await under_test.all_heard()
        still = None if cut is None else under_test.store.still(cut)

        if cut is not None and isinstance(under_test.store, MemoryStore):
            assert still is not None
            assert still.rows == cut.rows
            assert still.positions["products"] == standing(2)

    async def test_a_healed_row_is_another_row(self, under_test: StoreUnderTest) -> None:
        """What is ahead of the stream is told otherwise."""
        await opened(under_test)
        cut = await brought_to_hand(under_test, ORDER)

        await under_test.store.heal([product_row(version=2)])
        await under_test.all_heard()

        assert cut is None or under_test.store.still(cut) is None

    @pytest.mark.parametrize("under_test", ["memory"], indirect=True)
    async def test_a_row_that_the_stream_has_reached_is_another_one(
        self, under_test: StoreUnderTest
    ) -> None:
        """It is the same state, and needs no entry in a token any more.

        A store elsewhere tells no news of that: who has the row at hand may go on as before.
        """
        await opened(under_test)
        row = product_row(version=2)
        await under_test.store.heal([row])
        cut = await brought_to_hand(under_test, ORDER)

        await under_test.apply(batch(change(row), source="products", at=standing(2)))

        assert cut is not None
        assert under_test.store.still(cut) is None

    @pytest.mark.parametrize(
        "row",
        [
            order_row("o-2"),
            order_row("o-1", 2, customer_id="c-2"),
        ],
        ids=["another", "one less"],
    )
    async def test_it_falls_with_any_of_its_lists(
        self, under_test: StoreUnderTest, row: Row
    ) -> None:
        """A list that has another order, or one less, is another list."""
        await opened(under_test)
        cut = await brought_to_hand(under_test, PAGE)

        await under_test.apply(batch(change(row), at=standing(2)))
        await under_test.all_heard()

        assert cut is None or under_test.store.still(cut) is None

    async def test_it_falls_where_a_list_is_in_doubt(self, under_test: StoreUnderTest) -> None:
        """An order nobody knows was parked: it may be on any list."""
        await opened(under_test)
        cut = await brought_to_hand(under_test, PAGE)

        await under_test.apply(batch(poison(order_row("o-9").key, 1), at=standing(2)))
        await under_test.all_heard()

        assert cut is None or under_test.store.still(cut) is None

    async def test_a_forgotten_log_takes_all_cuts_along(self, under_test: StoreUnderTest) -> None:
        """Rows that come again, be they the same, are of another world."""
        await opened(under_test)
        cut = await brought_to_hand(under_test, ORDER)

        await under_test.store.forget(OF_PRODUCTS, standing(1).cursor)
        gone = None if cut is None else under_test.store.still(cut)
        await under_test.apply(batch(change(product_row()), source="products", at=standing(1, 8)))
        await under_test.all_heard()

        assert gone is None
        assert cut is None or under_test.store.still(cut) is None

    async def test_a_replayed_event_is_a_change(self, under_test: StoreUnderTest) -> None:
        """What was parked and can be read now is as new as anything."""
        await opened(under_test)
        await under_test.apply(batch(poison(customer_key(), 2), source="customers", at=standing(2)))
        [letter] = await under_test.store.dead_letters(1)
        cut = await brought_to_hand(under_test, ORDER)

        await under_test.store.replay(letter, change(customer_row(version=2)))
        await under_test.all_heard()

        assert cut is None or under_test.store.still(cut) is None
        assert (await under_test.cut(customer_key())).version_of(customer_key()) == Version(1, 2)

    async def test_who_has_seen_more_is_not_shown_it_again(
        self, under_test: StoreUnderTest
    ) -> None:
        """As with what is at hand."""
        await opened(under_test)
        cut = await brought_to_hand(under_test, ORDER)

        if cut is not None and not isinstance(under_test.store, MemoryStore):
            seen = {("products", 0): LogPlace(7, 2)}
            assert under_test.store.still(cut, seen=seen) is None


class TestNearCache:
    """Where the tests above would pass with nothing at hand: what has been read is at hand."""

    @pytest.mark.parametrize("under_test", ["memory", "near cache"], indirect=True)
    async def test_what_was_read_is_at_hand_and_stands(self, under_test: StoreUnderTest) -> None:
        """Of a shared store too, once its news have come as far."""
        await opened(under_test)

        cut = await brought_to_hand(under_test, ORDER)

        assert cut is not None
        assert under_test.store.still(cut) == cut
        assert set(cut.rows) == {order_row().key, customer_key(), product_key()}

    @pytest.mark.parametrize("under_test", ["redis"], indirect=True)
    async def test_nothing_is_at_hand_without_a_near_cache(
        self, under_test: StoreUnderTest
    ) -> None:
        """Who keeps nothing has to ask."""
        await opened(under_test)

        assert await brought_to_hand(under_test, ORDER) is None
