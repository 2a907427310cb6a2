from collections.abc import Iterable

from projections.projector import StoredRow
from projections.rebuild.comparison import ListedUnlike, Older, Unlike, compare_cuts
from projections.selection import PageKey
from projections.store import Cut, StoredPage
from projections.versions import Version
from projections.views import OrderRow, Row
from tests.builders.rows import order_key, order_row, product_key, product_row

PAGE = PageKey("c-1", None, 3, None)


def cut_of(*rows: Row, page: Iterable[OrderRow] = (), has_more: bool = False) -> Cut:
    """A cut with these rows, and a page of these orders."""
    listed = StoredPage(tuple(row.id for row in page), has_more)
    stored = {row.key: StoredRow(row, row.at) for row in (*rows, *page)}
    return Cut(stored, {PAGE: listed})


def orders(*ids: str, version: int = 1) -> list[OrderRow]:
    return [order_row(order_id, version) for order_id in ids]


def test_the_same_world_is_agreed_on() -> None:
    """Equal rows and lists speak for green, and so do rows that blue has never had."""
    blue = cut_of(product_row(), page=orders("o-3", "o-2"))
    green = cut_of(product_row(), product_row("p-2"), page=orders("o-3", "o-2"))

    assert compare_cuts(blue, green) == ()


def test_green_may_be_newer() -> None:
    """Green was read later; what changed meanwhile is no disagreement."""
    assert compare_cuts(cut_of(product_row()), cut_of(product_row(version=2))) == ()


def test_green_is_never_older() -> None:
    """A row that green lacks, or has at a lesser version, would take readers back in time."""
    blue = cut_of(product_row(version=3), order_row())

    assert compare_cuts(blue, cut_of(product_row(version=2))) == (
        Older(product_key(), Version(1, 3), Version(1, 2)),
        Older(order_key(), Version(1, 1), None),
    )


def test_greater_epoch_is_newer() -> None:
    """After an owner lost history its new world is not older, however small its numbers."""
    assert compare_cuts(cut_of(product_row(version=9)), cut_of(product_row(epoch=2))) == ()


def test_tombstone_counts_like_a_row() -> None:
    """That something is gone has a version too, and is not forgotten by green."""
    buried = StoredRow(None, Version(1, 2))
    blue = Cut({product_key(): buried})

    assert compare_cuts(blue, Cut({product_key(): buried})) == ()
    assert compare_cuts(blue, Cut({product_key(): None})) == (
        Older(product_key(), Version(1, 2), None),
    )
    assert compare_cuts(blue, cut_of(product_row(version=2))) == (
        Unlike(product_key(), Version(1, 2)),
    )


def test_rows_from_live_answers_are_no_measure() -> None:
    """What the stream has not brought to blue need not be in the log."""
    healed = StoredRow(product_row(version=5), Version(1, 5), is_streamed=False)

    assert compare_cuts(Cut({product_key(): healed}), Cut({product_key(): None})) == ()


def test_same_version_is_word_for_word_the_same() -> None:
    """Other content at the same version is told."""
    assert compare_cuts(cut_of(product_row()), cut_of(product_row(name="Else"))) == (
        Unlike(product_key(), Version(1, 1)),
    )


def test_lists_agree_up_to_orders_that_changed_meanwhile() -> None:
    """An order that came, left or moved since is passed over; the others keep their places."""
    blue = cut_of(page=orders("o-4", "o-3", "o-2"))
    green = cut_of(page=[*orders("o-9", "o-4"), order_row("o-3", 2), *orders("o-2")])

    assert compare_cuts(blue, green) == ()


def test_page_that_was_pushed_down_is_compared_as_far_as_it_reaches() -> None:
    """New orders push old ones off a page; what both pages show has to be the same."""
    blue = cut_of(page=orders("o-4", "o-3", "o-2"), has_more=True)
    green = cut_of(order_row("o-2"), page=orders("o-9", "o-4", "o-3"), has_more=True)

    assert compare_cuts(blue, green) == ()


def test_order_that_is_listed_by_one_only_is_found() -> None:
    """The same order, unchanged, has to be in both lists and in the same place."""
    rows = orders("o-4", "o-3", "o-2")
    shorter = cut_of(*rows, page=[rows[0], rows[2]])
    turned = cut_of(*rows, page=[rows[1], rows[0], rows[2]], has_more=True)

    assert compare_cuts(cut_of(page=rows), shorter) == (ListedUnlike(PAGE),)
    assert compare_cuts(shorter, cut_of(page=rows)) == (ListedUnlike(PAGE),)
    assert compare_cuts(cut_of(page=rows), turned) == (ListedUnlike(PAGE),)
