"""Rows at hand are shown with positions as late as they are, to whoever has not seen more."""

import pytest

from projections.positions import LogPlace
from projections.versions import Version
from tests.builders.rows import (
    customer_key,
    customer_row,
    order_row,
    product_row,
)
from tests.projections.near_cache_kept import LOG, ORDER, SHOP, Kept, news, standing_at


@pytest.fixture
def kept() -> Kept:
    return Kept()


class TestAge:
    def test_positions_are_as_late_as_the_latest_row(self, kept: Kept) -> None:
        """An answer that was overtaken brings rows, and does not take the positions back."""
        kept.read(3, customer_row(version=2))
        kept.read(2, order_row(), product_row())

        kept.cache.follow(news(2))
        kept.cache.follow(news(3, customer_row(version=2)))
        cut = kept.cache.find([ORDER])

        assert cut is not None
        assert cut.version_of(customer_key()) == Version(1, 2)
        assert cut.positions == {"orders": standing_at(3)}

    def test_positions_of_a_server_that_is_gone_are_not_kept(self, kept: Kept) -> None:
        """A server that took over with fewer writes tells its own, however early they are."""
        kept.read(7, *SHOP)
        kept.cache.follow(None)
        kept.cache.follow(news(5))

        kept.read(5, *SHOP)
        cut = kept.cache.find([ORDER])

        assert cut is not None
        assert cut.positions == {"orders": standing_at(5)}


class TestSeen:
    @pytest.mark.parametrize("offset", [0, 1])
    def test_who_has_seen_as_much_is_shown_what_is_at_hand(self, kept: Kept, offset: int) -> None:
        """The positions of the rows at hand have reached the reader's."""
        kept.read(1, *SHOP)

        assert kept.cache.find([ORDER], seen={("orders", 0): LogPlace(LOG, offset)}) is not None

    @pytest.mark.parametrize(
        ("partition", "place"),
        [
            (("orders", 0), LogPlace(LOG, 2)),
            (("orders", 0), LogPlace(LOG + 1, 0)),
            (("orders", 1), LogPlace(LOG, 0)),
            (("products", 0), LogPlace(LOG, 0)),
        ],
    )
    def test_who_has_seen_more_elsewhere_asks_the_store(
        self, kept: Kept, partition: tuple[str, int], place: LogPlace
    ) -> None:
        """Another gateway has shown a later moment, or one that cannot be compared."""
        kept.read(1, *SHOP)

        assert kept.cache.find([ORDER], seen={partition: place}) is None
