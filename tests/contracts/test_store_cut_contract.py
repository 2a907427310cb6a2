"""The contract of a projection store: a read is one cut, and positions tell how far it stands."""

import asyncio
from dataclasses import replace

from projections.positions import LogPlace, Partition
from projections.selection import (
    CustomerSelection,
    OrderRoot,
    OrderSelection,
    OrdersRoot,
    PageSelection,
    root_of,
)
from projections.versions import AggregateType, Version
from projections.views import OrderStatus
from tests.builders.applying import apply_next
from tests.builders.rows import (
    batch,
    change,
    customer_key,
    customer_row,
    order_key,
    order_row,
    poison,
    position,
    product_key,
    product_row,
)
from tests.contracts.store_implementations import StoreUnderTest

KEY = customer_key()


class TestCut:
    async def test_unknown_key_is_there_without_a_row(self, under_test: StoreUnderTest) -> None:
        """Whatever was asked is answered, if only by: no row."""
        cut = await under_test.store.read([OrderRoot("o-9"), root_of(product_key("p-9"))])

        assert cut.rows == {order_key("o-9"): None, product_key("p-9"): None}
        assert await under_test.store.versions([KEY, order_key("o-9")]) == {}

    async def test_cut_holds_everything_that_the_roots_reach(
        self, under_test: StoreUnderTest
    ) -> None:
        """Order, customer, products and her other orders come in one step."""
        page = PageSelection(20, node=OrderSelection(has_products=True))
        selection = OrderSelection(CustomerSelection((page,)))
        await under_test.apply(
            batch(
                change(order_row("o-1", product_ids=("p-1",))),
                change(order_row("o-2", product_ids=("p-2", "p-3"))),
                change(customer_row()),
                change(product_row("p-2")),
            )
        )

        cut = await under_test.store.read([OrderRoot("o-1", selection)])

        products = {product_key(f"p-{number}") for number in (1, 2, 3)}
        assert cut.rows.keys() == {order_key("o-1"), order_key("o-2"), KEY} | products
        assert {key for key, stored in cut.rows.items() if stored is None} == products - {
            product_key("p-2")
        }

    async def test_cut_is_one_moment(self, under_test: StoreUnderTest) -> None:
        """However reads and writes meet, row, listing and position are of the same batch."""
        store, is_written = under_test.store, asyncio.Event()
        statuses = [OrderStatus.PLACED, OrderStatus.SHIPPED]

        async def write() -> None:
            for version in range(1, 100):
                row = order_row(version=version, status=statuses[version % 2])
                await apply_next(store, batch(change(row), at=position(f"log-{version}")))
                await asyncio.sleep(0)
            is_written.set()

        async def read() -> int:
            read_count = 0
            while not is_written.is_set():
                roots = [OrdersRoot("c-1", PageSelection(9, status=s)) for s in statuses]
                cut = await store.read([*roots, OrderRoot("o-1")])
                stored = cut.rows[order_key()]
                version = 0 if stored is None else stored.at.number
                listed = {k.status for k, page in cut.pages.items() if page.order_ids}
                assert listed == ({statuses[version % 2]} if version else set())
                assert {p.cursor for p in cut.positions.values()} == (
                    {f"log-{version}"} if version else set()
                )
                read_count += 1
                await asyncio.sleep(0)
            return read_count

        async with asyncio.TaskGroup() as group:
            reading = group.create_task(read())
            group.create_task(write())

        assert reading.result() > 10

    async def test_cut_does_not_change_afterwards(self, under_test: StoreUnderTest) -> None:
        """A cut stays the moment it was taken at, whatever is written later."""
        await under_test.apply(batch(change(customer_row(version=1))))
        cut = await under_test.cut(KEY)

        await under_test.apply(batch(change(customer_row(version=2)), at=position("log-2")))

        assert cut.version_of(KEY) == Version(1, 1)
        assert cut.positions["orders"].cursor == "log-1"

    async def test_cut_is_as_far_in_the_log_as_its_rows(self, under_test: StoreUnderTest) -> None:
        """What the stream has brought lies before the place that is shown with it.

        However reads and writes meet, and whether or not rows are at hand: else somebody who has
        seen a row would accept a world without it.
        """
        store, is_written = under_test.store, asyncio.Event()
        keys = [product_key("p-1"), product_key("p-2")]

        async def write() -> None:
            for offset in range(1, 200):
                row = product_row(keys[offset % 2].id, offset)
                at = replace(position(f"log-{offset}"), places={0: LogPlace(7, offset)})
                await apply_next(store, batch(change(row), source="products", at=at))
                await asyncio.sleep(0)
            is_written.set()

        async def read() -> int:
            read_count = 0
            while not is_written.is_set():
                cut = await store.read([root_of(key) for key in keys])
                newest = max((row.at.number for row in cut.rows.values() if row), default=0)
                place = cut.place_of(AggregateType.PRODUCT, 0) or LogPlace(7, 0)
                assert place.offset >= newest
                read_count += 1
                await asyncio.sleep(0)
            return read_count

        async with asyncio.TaskGroup() as group:
            reading = [group.create_task(read()) for _ in range(3)]
            group.create_task(write())

        assert min(task.result() for task in reading) > 10

    async def test_reader_is_not_shown_less_than_she_has_seen(
        self, under_test: StoreUnderTest
    ) -> None:
        """Whoever tells a place that this store has reached is shown it, or a later one."""
        store = under_test.store
        key = product_key()
        for offset in range(1, 20):
            row = product_row(version=offset)
            at = replace(position(f"log-{offset}"), places={0: LogPlace(7, offset)})
            await under_test.apply(batch(change(row), source="products", at=at))

            cut = await store.read([root_of(key)], seen={("products", 0): LogPlace(7, offset)})

            assert cut.place_of(AggregateType.PRODUCT, 0) == LogPlace(7, offset)
            assert cut.version_of(key) == row.at

    async def test_place_that_is_not_reached_is_no_obstacle(
        self, under_test: StoreUnderTest
    ) -> None:
        """A store shows what it has; whether that will do is the reader's to judge."""
        await under_test.apply(batch(change(product_row()), source="products"))
        key = product_key()

        for place in (LogPlace(7, 10**6), LogPlace(8, 0)):
            cut = await under_test.store.read([root_of(key)], seen={("products", 0): place})
            assert cut.version_of(key) == Version(1, 1)


class TestPositions:
    async def test_source_starts_without_a_position(self, under_test: StoreUnderTest) -> None:
        """A source that was never read is read from its start."""
        assert await under_test.store.position(Partition("orders")) is None
        assert (await under_test.cut(KEY)).positions == {}

    async def test_position_comes_with_the_batch(self, under_test: StoreUnderTest) -> None:
        """Each source has a position of its own, and readers see all of them."""
        of_orders = replace(position("orders-1"), places={0: LogPlace(2**32 - 1, 2**53 - 1)})
        of_products = position("products-7")

        await under_test.apply(batch(source="orders", at=of_orders))
        await under_test.apply(batch(change(product_row()), source="products", at=of_products))

        assert await under_test.store.position(Partition("orders")) == of_orders
        assert await under_test.store.position(Partition("products")) == of_products
        positions = (await under_test.cut(KEY)).positions
        assert positions == {"orders": of_orders, "products": of_products}

    async def test_empty_batch_moves_the_proof(self, under_test: StoreUnderTest) -> None:
        """That nothing happened is news too: the projection is current as of later."""
        await under_test.apply(batch(change(order_row()), at=position(proven_at_s=60.0)))

        await under_test.apply(batch(at=position(proven_at_s=180.0)))

        cut = await under_test.cut(order_key())
        assert cut.proven_at_s(order_key().type) == 180.0
        assert cut.version_of(order_key()) == Version(1, 1)

    async def test_forgotten_source_takes_its_rows_along(self, under_test: StoreUnderTest) -> None:
        """Of a log that is another one now, neither position, rows, listings nor marks stay."""
        store = under_test.store
        await apply_next(
            store, batch(change(order_row()), poison(order_key("o-9"), 1), source="orders")
        )
        await store.heal([order_row("o-2")])
        await apply_next(
            store, batch(change(customer_row()), poison(product_key()), source="customers")
        )

        await store.forget(Partition("orders"), "log-1")
        await store.forget(Partition("orders"), "log-1")

        orders = [order_key("o-1"), order_key("o-2"), order_key("o-9")]
        cut = await store.read([*map(root_of, orders), root_of(KEY), root_of(product_key())])
        assert [cut.version_of(key) for key in orders] == [None, None, None]
        assert await under_test.listed() == []
        assert cut.proven_at_s(order_key().type) is None
        assert cut.positions.keys() == {"customers"}
        assert cut.version_of(KEY) == Version(1, 1)
        assert cut.suspects == {product_key()}

    async def test_forgotten_source_may_start_at_lower_versions(
        self, under_test: StoreUnderTest
    ) -> None:
        """The old world is not held against a log that begins anew."""
        await under_test.apply(batch(change(order_row(version=9))))

        await under_test.store.forget(Partition("orders"), "log-1")
        await under_test.apply(batch(change(order_row(version=1))))

        assert await under_test.store.versions([order_key()]) == {order_key(): Version(1, 1)}
        assert await under_test.listed() == ["o-1"]

    async def test_forgotten_catalogue_leaves_the_listings(
        self, under_test: StoreUnderTest
    ) -> None:
        """Listings are of orders; another source that starts over does not touch them."""
        await under_test.apply(batch(change(order_row()), source="orders"))
        await under_test.apply(batch(change(product_row()), source="products"))

        await under_test.store.forget(Partition("products"), "log-1")

        assert await under_test.row(product_key()) is None
        assert await under_test.listed() == ["o-1"]
