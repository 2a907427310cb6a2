"""Rows at hand: never a mixture of two moments, never older than what was shown before."""

import pytest

from projections.redis_store.cuts import Stamp, StampedCut
from projections.redis_store.near_cache import POSITIONS_KEPT_S
from projections.redis_store.news import News
from projections.selection import (
    CustomerRoot,
    CustomerSelection,
    ProductRoot,
)
from projections.selection import PageSelection as Page
from projections.store import Cut
from projections.versions import Version
from tests.builders.rows import (
    customer_key,
    customer_row,
    order_key,
    order_row,
    product_key,
    product_row,
)
from tests.projections.near_cache_kept import ORDER, OURS, SHOP, Kept, news, standing_at


@pytest.fixture
def kept() -> Kept:
    return Kept()


class TestShowing:
    def test_what_was_read_is_at_hand(self, kept: Kept) -> None:
        """The second read of an order, its customer and its products asks nobody."""
        kept.read(1, *SHOP)

        cut = kept.cache.find([ORDER])

        assert cut is not None
        assert cut.rows.keys() == {order_key(), customer_key(), product_key()}
        assert cut.positions == {"orders": standing_at(1)}

    def test_a_part_that_is_missing_asks_the_store_for_all(self, kept: Kept) -> None:
        """A cut is never put together from two reads at two moments."""
        kept.read(1, SHOP[0], SHOP[1])

        assert kept.shown() is None

    def test_lists_are_asked_of_the_store(self, kept: Kept) -> None:
        """What is not in a list yet cannot be told from rows."""
        kept.read(1, *SHOP)

        assert kept.shown(CustomerRoot("c-1", CustomerSelection((Page(20),)))) is None
        assert kept.shown(CustomerRoot("c-1")) is not None

    def test_absence_is_asked_of_the_store(self, kept: Kept) -> None:
        """That a row was missing once is not remembered."""
        cut = Cut({product_key(): None}, {}, frozenset(), {})
        kept.cache.keep(StampedCut(cut, Stamp(OURS, 1)))

        assert kept.shown(ProductRoot("p-1")) is None

    def test_parked_aggregates_are_asked_of_the_store(self, kept: Kept) -> None:
        """A row that is not to be trusted is not kept."""
        kept.read(1, product_row(), suspects=frozenset({product_key()}))

        assert kept.shown(ProductRoot("p-1")) is None

    def test_positions_are_read_again_after_a_second(self, kept: Kept) -> None:
        """How current the sources are is not shown from memory for long."""
        kept.read(1, *SHOP)

        kept.clock_s = POSITIONS_KEPT_S
        at_the_end = kept.shown()
        kept.clock_s = POSITIONS_KEPT_S + 0.01

        assert at_the_end is not None
        assert kept.shown() is None

    def test_nothing_is_asked_for_nothing(self, kept: Kept) -> None:
        """A read without roots is about positions, and those are the store's to tell."""
        kept.read(1, *SHOP)

        assert kept.cache.find([]) is None


class TestNews:
    def test_newer_version_drops_the_row(self, kept: Kept) -> None:
        """From the announcement on the old state is not shown any more."""
        kept.read(1, *SHOP)

        kept.cache.follow(news(2, customer_row(version=2)))

        assert kept.shown() is None
        assert kept.shown(ProductRoot("p-1")) is not None

    def test_parked_version_drops_the_row(self, kept: Kept) -> None:
        """A row that has become suspect is announced with the version it lacks."""
        kept.read(1, *SHOP)

        kept.cache.follow(news(2, parked={product_key(): Version(1, 2)}))

        assert kept.shown(ProductRoot("p-1")) is None

    def test_news_of_what_is_kept_already_drop_nothing(self, kept: Kept) -> None:
        """A row read after a write is not lost to the late news of that write."""
        kept.read(2, customer_row(version=2))

        kept.cache.follow(news(2, customer_row(version=2)))

        assert kept.shown(CustomerRoot("c-1")) == {customer_key(): Version(1, 2)}

    def test_version_known_from_elsewhere_drops_the_row(self, kept: Kept) -> None:
        """Who has asked the store for versions is not shown an older row afterwards."""
        kept.read(1, *SHOP)

        kept.cache.outdate({customer_key(): Version(1, 2), product_key(): Version(1, 1)})

        assert kept.shown(CustomerRoot("c-1")) is None
        assert kept.shown(ProductRoot("p-1")) is not None

    @pytest.mark.parametrize("loss", [None, news(2, voided=frozenset({"products"}))])
    def test_lost_news_drop_everything(self, kept: Kept, loss: News | None) -> None:
        """What may have changed unheard is not shown."""
        kept.read(1, *SHOP)

        kept.cache.follow(loss)

        assert kept.shown() is None

    def test_nothing_is_kept_while_there_is_no_subscription(self, kept: Kept) -> None:
        """Without news nobody would ever drop it."""
        kept.cache.follow(None)
        kept.read(2, *SHOP)
        kept.cache.follow(news(3))

        assert kept.shown() is None

    def test_another_server_is_another_world(self, kept: Kept) -> None:
        """A cut of a server that was replaced is not mixed with the news of the present one."""
        kept.read(7, *SHOP, incarnation="another server")

        assert kept.shown() is None

    def test_new_server_that_has_seen_few_writes_is_used(self, kept: Kept) -> None:
        """Its sequence begins anew, and is not measured by the old one's."""
        kept.read(7, *SHOP)

        kept.cache.follow(None)
        kept.cache.follow(news(1, incarnation="another server"))
        kept.read(1, *SHOP, incarnation="another server")

        assert kept.shown() is not None


class TestOneMoment:
    def test_cut_that_is_older_than_the_news_is_not_kept(self, kept: Kept) -> None:
        """A slow answer does not undo what was announced meanwhile."""
        kept.cache.follow(news(2, customer_row(version=2)))

        kept.read(1, customer_row(version=1))

        assert kept.shown(CustomerRoot("c-1")) is None

    def test_rows_of_a_later_moment_wait_for_the_news_to_come_as_far(self, kept: Kept) -> None:
        """Two rows of two moments are shown together only when nothing lies between them."""
        kept.read(1, order_row(), product_row())
        kept.read(3, customer_row(version=2))

        before_the_news = kept.shown()
        kept.cache.follow(news(2, product_row(stock=1)))
        half_way = kept.shown()
        kept.cache.follow(news(3, customer_row(version=2)))

        assert (before_the_news, half_way) == (None, None)
        assert kept.shown() is not None

    def test_change_between_two_moments_shows(self, kept: Kept) -> None:
        """What changed between them is dropped on the way, so the mixture never comes about."""
        kept.read(1, order_row(), product_row())
        kept.read(3, customer_row(version=2))

        kept.cache.follow(news(2, product_row(version=2)))
        kept.cache.follow(news(3, customer_row(version=2)))

        assert kept.shown() is None

    def test_who_has_seen_a_later_moment_is_not_shown_an_earlier_one(self, kept: Kept) -> None:
        """A read of anything at all moves this process's clock of the store forward."""
        kept.read(1, *SHOP)

        kept.read(5, product_row("p-2"))

        assert kept.shown() is None


class TestBounds:
    def test_rows_used_last_are_kept(self) -> None:
        """Over the limit, what was not asked for the longest gives way."""
        kept = Kept(row_limit=2)
        kept.read(1, product_row("p-1"), product_row("p-2"))
        assert kept.shown(ProductRoot("p-1")) is not None

        kept.read(1, product_row("p-3"))

        at_hand = [kept.shown(ProductRoot(f"p-{n}")) is not None for n in (1, 2, 3)]
        assert at_hand == [True, False, True]

    def test_limit_of_nothing_keeps_nothing(self) -> None:
        """Zero switches it off."""
        kept = Kept(row_limit=0)

        kept.read(1, *SHOP)

        assert kept.shown() is None
