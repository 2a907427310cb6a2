"""The contract of a projection store: a customer's orders, newest first, page by page."""

from datetime import datetime, timedelta, timezone

import pytest

from projections.store import StoredPage
from projections.views import OrderStatus
from projections.views.orders import ListingPosition
from tests.builders.rows import (
    PLACED_AT,
    batch,
    change,
    customer_key,
    customer_row,
    order_key,
    order_row,
    poison,
    tombstone,
)
from tests.contracts.store_implementations import StoreUnderTest

PLACED, SHIPPED = OrderStatus.PLACED, OrderStatus.SHIPPED


def minute(number: int) -> datetime:
    return PLACED_AT + timedelta(minutes=number)


async def place(under_test: StoreUnderTest, *order_ids: str) -> None:
    """Place orders of one customer, the first the oldest, a minute apart."""
    rows = [order_row(id_, placed_at=minute(number)) for number, id_ in enumerate(order_ids)]
    await under_test.apply(batch(*map(change, rows)))


class TestOrderOfListing:
    async def test_newest_order_comes_first(self, under_test: StoreUnderTest) -> None:
        """A listing runs from the latest order back, however its events arrived."""
        await under_test.apply(
            batch(
                change(order_row("o-2", placed_at=minute(2))),
                change(order_row("o-3", placed_at=minute(3))),
                change(order_row("o-1", placed_at=minute(1))),
            )
        )

        assert await under_test.listed() == ["o-3", "o-2", "o-1"]

    async def test_orders_of_the_same_instant_are_listed_by_id(
        self, under_test: StoreUnderTest
    ) -> None:
        """A tie in time is broken by the greater id, so that every order has one place."""
        rows = [order_row(order_id) for order_id in ("o-b", "o-c", "o-a")]

        await under_test.apply(batch(*map(change, rows)))

        assert await under_test.listed() == ["o-c", "o-b", "o-a"]

    async def test_time_zones_are_the_same_time(self, under_test: StoreUnderTest) -> None:
        """Instants are compared, not their spelling."""
        later_by_name_only = minute(0).astimezone(timezone(timedelta(hours=9)))
        rows = [order_row("o-1", placed_at=minute(1)), order_row("o-2", placed_at=minute(0))]
        await under_test.apply(batch(*map(change, rows)))

        await under_test.apply(batch(change(order_row("o-2", 2, placed_at=later_by_name_only))))

        assert await under_test.listed() == ["o-1", "o-2"]

    async def test_every_customer_has_a_listing_of_her_own(
        self, under_test: StoreUnderTest
    ) -> None:
        """Nobody sees another's orders; one without orders sees an empty page."""
        await under_test.apply(
            batch(
                change(order_row("o-1", customer_id="c-1")),
                change(order_row("o-2", customer_id="c-2")),
                change(customer_row("c-3")),
            )
        )

        assert await under_test.listed("c-1") == ["o-1"]
        assert await under_test.listed("c-2") == ["o-2"]
        assert await under_test.page("c-3") == StoredPage((), has_more=False)

    async def test_status_narrows_the_listing(self, under_test: StoreUnderTest) -> None:
        """Asked for a status, a listing has the orders of that status alone, newest first."""
        statuses = [PLACED, SHIPPED, PLACED]
        rows = [
            order_row(f"o-{number}", status=status, placed_at=minute(number))
            for number, status in enumerate(statuses)
        ]

        await under_test.apply(batch(*map(change, rows)))

        assert await under_test.listed(status=PLACED) == ["o-2", "o-0"]
        assert await under_test.listed(status=SHIPPED) == ["o-1"]
        assert await under_test.listed(status=OrderStatus.CANCELLED) == []


class TestMoves:
    async def test_order_that_changes_status_moves(self, under_test: StoreUnderTest) -> None:
        """An order stands under its present status only, and once in the whole listing."""
        await place(under_test, "o-1", "o-2")

        await under_test.apply(batch(change(order_row("o-1", 2, status=SHIPPED))))

        assert await under_test.listed(status=PLACED) == ["o-2"]
        assert await under_test.listed(status=SHIPPED) == ["o-1"]
        assert await under_test.listed() == ["o-2", "o-1"]

    async def test_order_that_changes_hands_moves(self, under_test: StoreUnderTest) -> None:
        """An order given to another customer leaves the first one's listings."""
        await place(under_test, "o-1", "o-2")

        await under_test.apply(batch(change(order_row("o-1", 2, customer_id="c-2"))))

        assert await under_test.listed("c-1") == ["o-2"]
        assert await under_test.listed("c-1", status=PLACED) == ["o-2"]
        assert await under_test.listed("c-2") == ["o-1"]

    async def test_order_that_changes_its_time_moves(self, under_test: StoreUnderTest) -> None:
        """A corrected time is a new place, not a second one."""
        await place(under_test, "o-1", "o-2")

        await under_test.apply(batch(change(order_row("o-1", 2, placed_at=minute(5)))))

        assert await under_test.listed() == ["o-1", "o-2"]

    async def test_duplicate_is_listed_once(self, under_test: StoreUnderTest) -> None:
        """A repeated or late event moves nothing."""
        await place(under_test, "o-1", "o-2")
        await under_test.apply(batch(change(order_row("o-1", 2, status=SHIPPED))))

        await place(under_test, "o-1", "o-2")

        assert await under_test.listed(status=PLACED) == ["o-2"]
        assert await under_test.listed() == ["o-2", "o-1"]

    async def test_order_that_changes_twice_in_a_batch_is_listed_once(
        self, under_test: StoreUnderTest
    ) -> None:
        """Only where a batch leaves an order does it stand."""
        await under_test.apply(
            batch(change(order_row(version=1)), change(order_row(version=2, status=SHIPPED)))
        )

        assert await under_test.listed(status=PLACED) == []
        assert await under_test.listed(status=SHIPPED) == ["o-1"]
        assert await under_test.listed() == ["o-1"]

    async def test_deleted_order_leaves_the_listings(self, under_test: StoreUnderTest) -> None:
        """A tombstone is in no listing; the order that comes back is."""
        await place(under_test, "o-1", "o-2")

        await under_test.apply(batch(tombstone(order_key("o-1"), 2)))
        without_it = await under_test.listed(), await under_test.listed(status=PLACED)
        await under_test.apply(batch(change(order_row("o-1", 3))))

        assert without_it == (["o-2"], ["o-2"])
        assert await under_test.listed() == ["o-2", "o-1"]

    async def test_healed_order_is_listed(self, under_test: StoreUnderTest) -> None:
        """A row from a live answer moves between listings as one from the stream does."""
        await place(under_test, "o-1", "o-2")

        await under_test.store.heal([order_row("o-1", 2, status=SHIPPED), order_row("o-3")])

        assert await under_test.listed(status=SHIPPED) == ["o-1"]
        assert await under_test.listed(status=PLACED) == ["o-2", "o-3"]


class TestPages:
    @pytest.mark.parametrize(
        ("first", "expected"),
        [
            (2, StoredPage(("o-3", "o-2"), has_more=True)),
            (3, StoredPage(("o-3", "o-2", "o-1"), has_more=False)),
            (4, StoredPage(("o-3", "o-2", "o-1"), has_more=False)),
            (0, StoredPage((), has_more=True)),
        ],
    )
    async def test_page_tells_whether_the_listing_goes_on(
        self, under_test: StoreUnderTest, first: int, expected: StoredPage
    ) -> None:
        """A full page at the end of the listing is the last one."""
        await place(under_test, "o-1", "o-2", "o-3")

        assert await under_test.page(first=first) == expected

    async def test_page_begins_after_its_cursor(self, under_test: StoreUnderTest) -> None:
        """The order that a cursor names is not shown again."""
        await place(under_test, "o-1", "o-2", "o-3")

        page = await under_test.page(first=1, after=ListingPosition(minute(2), "o-3"))

        assert page == StoredPage(("o-2",), has_more=True)

    async def test_cursor_tells_orders_of_the_same_instant_apart(
        self, under_test: StoreUnderTest
    ) -> None:
        """In a tie, the next page begins with the next id."""
        rows = [order_row(order_id) for order_id in ("o-a", "o-b", "o-c")]
        await under_test.apply(batch(*map(change, rows)))

        page = await under_test.page(after=ListingPosition(PLACED_AT, "o-b"))

        assert page == StoredPage(("o-a",), has_more=False)

    async def test_cursor_of_an_order_that_left_is_still_a_place(
        self, under_test: StoreUnderTest
    ) -> None:
        """A cursor is a position in the listing, whether or not an order stands there."""
        await place(under_test, "o-1", "o-2", "o-3")
        await under_test.apply(batch(change(order_row("o-2", 2, status=SHIPPED))))

        page = await under_test.page(status=PLACED, after=ListingPosition(minute(1), "o-2"))

        assert page == StoredPage(("o-1",), has_more=False)

    async def test_cursor_beyond_the_end_is_an_empty_page(self, under_test: StoreUnderTest) -> None:
        """After the oldest order nothing comes."""
        await place(under_test, "o-1")

        page = await under_test.page(after=ListingPosition(minute(0), "o-1"))

        assert page == StoredPage((), has_more=False)

    async def test_pages_show_every_order_once_while_others_are_placed(
        self, under_test: StoreUnderTest
    ) -> None:
        """Newer orders push nobody onto a page that was read before, or off the next."""
        await place(under_test, *(f"o-{number}" for number in range(7)))
        seen: list[str] = []
        after: ListingPosition | None = None
        has_more = True

        while has_more:
            page = await under_test.page(first=2, after=after)
            seen += page.order_ids
            has_more = page.has_more
            after = ListingPosition(minute(int(seen[-1].removeprefix("o-"))), seen[-1])
            newer = order_row(f"o-{len(seen)}-newer", placed_at=minute(90 + len(seen)))
            await under_test.apply(batch(change(newer)))

        assert seen == [f"o-{number}" for number in reversed(range(7))]


class TestSuspectListing:
    async def test_order_without_a_row_makes_every_list_suspect(
        self, under_test: StoreUnderTest
    ) -> None:
        """Whose it is stands in the event that nobody could read; a state that comes heals it."""
        await place(under_test, "o-1")
        await under_test.apply(batch(poison(order_key("o-9"), 1)))
        parked = [(await under_test.page(customer)).is_suspect for customer in ("c-1", "c-2")]
        await under_test.apply(batch(change(order_row("o-9", version=2, customer_id="c-2"))))
        healed = [(await under_test.page(customer)).is_suspect for customer in ("c-1", "c-2")]

        assert parked == [True, True]
        assert healed == [False, False]

    async def test_suspect_order_makes_the_lists_of_its_customer_suspect(
        self, under_test: StoreUnderTest
    ) -> None:
        """It may have changed its status, or be gone; other customers' lists cannot show it."""
        await place(under_test, "o-1")
        await under_test.apply(batch(poison(order_key("o-1"), 2)))

        assert (await under_test.page("c-1")).is_suspect
        assert not (await under_test.page("c-2")).is_suspect

    async def test_suspects_of_other_types_leave_lists_alone(
        self, under_test: StoreUnderTest
    ) -> None:
        """A list shows orders; its customers and products are components of their own."""
        await place(under_test, "o-1")
        await under_test.apply(batch(poison(customer_key("c-1"), 2), source="customers"))

        assert not (await under_test.page("c-1")).is_suspect
