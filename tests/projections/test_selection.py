"""How far a query reaches: `reach` names what an answer needs, all of it and nothing else."""

from collections.abc import Sequence

import pytest

from projections.selection import (
    CustomerRoot,
    CustomerSelection,
    OrderRoot,
    OrderSelection,
    OrdersRoot,
    PageKey,
    PageSelection,
    ProductRoot,
    Reach,
    Root,
    has_pages,
    reach,
    root_of,
)
from projections.versions import AggregateKey
from projections.views import OrderStatus, Row
from projections.views.orders import ListingPosition
from tests.builders.rows import (
    PLACED_AT,
    customer_key,
    customer_row,
    order_key,
    order_row,
    product_key,
    product_row,
)

PAGE = PageSelection(20)
WITH_PRODUCTS = OrderSelection(has_products=True)
WITH_CUSTOMER = OrderSelection(CustomerSelection())


class Known:
    """Rows and pages that are known so far, and how often somebody looked at them."""

    def __init__(self, *rows: Row, pages: dict[PageKey, Sequence[str]] | None = None) -> None:
        self.rows = {row.key: row for row in rows}
        self.pages = pages or {}
        self.look_count = 0

    def row_of(self, key: AggregateKey) -> Row | None:
        self.look_count += 1
        return self.rows.get(key)

    def page_of(self, key: PageKey) -> Sequence[str] | None:
        self.look_count += 1
        return self.pages.get(key)

    def reach(self, root: Root) -> Reach:
        return reach(root, self.row_of, self.page_of)


NOTHING = Known()


class TestNothingKnown:
    @pytest.mark.parametrize(
        ("root", "named"),
        [
            (OrderRoot("o-1", OrderSelection(CustomerSelection((PAGE,)), True)), order_key()),
            (CustomerRoot("c-1"), customer_key()),
            (ProductRoot("p-1"), product_key()),
        ],
    )
    def test_root_itself_is_named(self, root: Root, named: AggregateKey) -> None:
        """An unknown row is needed, and ends its branch: nobody can say what it leads to."""
        assert list(NOTHING.reach(root).keys) == [named]
        assert not NOTHING.reach(root).pages

    def test_unknown_page_is_named(self) -> None:
        """A listing leads to its page, and to no row before the page is known."""
        page = PageSelection(5, status=OrderStatus.PLACED)

        reached = NOTHING.reach(OrdersRoot("c-1", page))

        assert list(reached.pages) == [PageKey("c-1", OrderStatus.PLACED, 5, None)]
        assert not reached.keys

    def test_pages_of_an_unknown_customer_are_named(self) -> None:
        """A listing needs the customer's id only, so it does not wait for her row."""
        reached = NOTHING.reach(CustomerRoot("c-1", CustomerSelection((PAGE,))))

        assert list(reached.keys) == [customer_key()]
        assert list(reached.pages) == [PageKey.of("c-1", PAGE)]


class TestOrder:
    ORDER = order_row(customer_id="c-7", product_ids=("p-1", "p-2", "p-1"))

    @pytest.mark.parametrize(
        ("selection", "named"),
        [
            (OrderSelection(), []),
            (WITH_CUSTOMER, [customer_key("c-7")]),
            (WITH_PRODUCTS, [product_key("p-1"), product_key("p-2")]),
            (
                OrderSelection(CustomerSelection(), has_products=True),
                [customer_key("c-7"), product_key("p-1"), product_key("p-2")],
            ),
        ],
        ids=["nothing else", "customer", "products", "both"],
    )
    def test_order_leads_to_what_is_asked_of_it(
        self, selection: OrderSelection, named: list[AggregateKey]
    ) -> None:
        """Each thing once, in the order of first need; what is not asked for is not named."""
        reached = Known(self.ORDER).reach(OrderRoot("o-1", selection))

        assert list(reached.keys) == [order_key(), *named]
        assert not reached.pages

    def test_tombstone_leads_nowhere(self) -> None:
        """An order without a row has neither customer nor products."""
        deleted = OrderRoot("o-2", OrderSelection(CustomerSelection(), has_products=True))

        assert list(Known(self.ORDER).reach(deleted).keys) == [order_key("o-2")]


class TestListing:
    def test_known_page_leads_to_its_orders(self) -> None:
        """The orders of a page, and what is asked of each; the unknown one ends its branch."""
        page = PageSelection(20, node=WITH_PRODUCTS)
        known = Known(
            order_row("o-1", product_ids=("p-1",)),
            order_row("o-2", product_ids=("p-2",)),
            pages={PageKey.of("c-1", page): ["o-2", "o-9", "o-1"]},
        )

        reached = known.reach(OrdersRoot("c-1", page))

        assert list(reached.keys) == [
            order_key("o-2"),
            product_key("p-2"),
            order_key("o-9"),
            order_key("o-1"),
            product_key("p-1"),
        ]

    def test_two_pages_of_one_customer_are_two(self) -> None:
        """Pages are told apart by length, status and cursor."""
        after = order_row().listed_at
        pages = (
            PageSelection(20),
            PageSelection(10),
            PageSelection(20, status=OrderStatus.PLACED),
            PageSelection(20, after=after),
        )

        reached = NOTHING.reach(CustomerRoot("c-1", CustomerSelection(pages)))

        assert list(reached.pages) == [
            PageKey("c-1", None, 20, None),
            PageKey("c-1", None, 10, None),
            PageKey("c-1", OrderStatus.PLACED, 20, None),
            PageKey("c-1", None, 20, after),
        ]
        assert after == ListingPosition(PLACED_AT, "o-1")

    def test_one_page_asked_for_in_two_ways_needs_both(self) -> None:
        """The same page may be shown twice with different fields; each has its needs."""
        pages = (PageSelection(20, node=WITH_CUSTOMER), PageSelection(20, node=WITH_PRODUCTS))
        known = Known(order_row(), pages={PageKey.of("c-1", PAGE): ["o-1"]})

        reached = known.reach(CustomerRoot("c-1", CustomerSelection(pages)))

        assert list(reached.pages) == [PageKey.of("c-1", PAGE)]
        assert reached.keys.keys() == {order_key(), customer_key(), product_key()}


def nested(depth: int) -> OrderSelection:
    """Order → customer → her orders → each one's customer → …, ``depth`` times."""
    selection = WITH_PRODUCTS
    for _ in range(depth):
        selection = OrderSelection(CustomerSelection((PageSelection(20, node=selection),)))
    return selection


class TestCircles:
    ORDER_IDS = tuple(f"o-{number}" for number in range(20))

    def known(self) -> Known:
        rows = [order_row(order_id, product_ids=(f"p-{order_id}",)) for order_id in self.ORDER_IDS]
        return Known(customer_row(), *rows, pages={PageKey.of("c-1", PAGE): self.ORDER_IDS})

    def test_circle_ends_where_the_selection_ends(self) -> None:
        """Orders lead to customers and customers to orders, as deep as asked and no deeper."""
        shallow = self.known().reach(OrderRoot("o-0", nested(1)))
        not_at_all = self.known().reach(OrderRoot("o-0", WITH_CUSTOMER))

        orders = {order_key(order_id) for order_id in self.ORDER_IDS}
        products = {product_key(f"p-{order_id}") for order_id in self.ORDER_IDS}
        assert shallow.keys.keys() == {customer_key()} | orders | products
        assert not_at_all.keys.keys() == {order_key("o-0"), customer_key()}

    def test_cost_grows_with_rows_times_selections(self) -> None:
        """Every level looks at each row once: 20 orders nested 4 deep are 85 looks, not 20⁴."""
        looks = []
        for depth in (2, 4):
            known = self.known()
            known.reach(OrderRoot("o-0", nested(depth)))
            looks.append(known.look_count)

        per_level = len(self.ORDER_IDS) + 1
        assert looks == [1 + 2 * per_level, 1 + 4 * per_level]

    def test_selection_that_leads_back_to_itself_ends(self) -> None:
        """A walk in a ring of rows meets each row once a selection."""
        selection = nested(1)
        ring = Known(
            order_row("o-1", customer_id="c-1"),
            order_row("o-2", customer_id="c-2"),
            pages={PageKey.of("c-1", PAGE): ["o-2"], PageKey.of("c-2", PAGE): ["o-1"]},
        )

        reached = ring.reach(OrderRoot("o-1", selection))

        assert reached.keys.keys() == {
            order_key("o-1"),
            customer_key("c-1"),
            order_key("o-2"),
            product_key("p-1"),
        }


@pytest.mark.parametrize("row", [order_row(), customer_row(), product_row()])
def test_root_of_a_key_reads_just_that_row(row: Row) -> None:
    """Whatever a row leads to, asking for its key asks for it alone."""
    reached = Known(order_row(), customer_row(), product_row()).reach(root_of(row.key))

    assert list(reached.keys) == [row.key]
    assert not reached.pages


@pytest.mark.parametrize(
    ("root", "shows_a_list"),
    [
        (OrdersRoot("c-1", PAGE), True),
        (CustomerRoot("c-1", CustomerSelection((PAGE,))), True),
        (CustomerRoot("c-1"), False),
        (OrderRoot("o-1", OrderSelection(CustomerSelection((PAGE,)))), True),
        (OrderRoot("o-1", WITH_CUSTOMER), False),
        (OrderRoot("o-1"), False),
        (ProductRoot("p-1"), False),
    ],
)
def test_lists_are_found_at_any_depth(root: Root, *, shows_a_list: bool) -> None:
    """Whether an answer shows a list of orders is known before anything is read."""
    assert has_pages(root) is shows_a_list
