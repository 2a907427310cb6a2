"""Cursors, page sizes, and a page brought up to what is known of its orders."""

import base64
from datetime import datetime, timedelta, timezone

import pytest

from projections.selection import PageKey
from projections.views import OrderRow, OrderStatus
from projections.views.orders import ListingPosition
from resolvers.errors import BadInput
from resolvers.pages import check_page_size, parse_cursor, render_cursor, revise
from tests.resolvers.rows import an_order, changed

WHOLE = PageKey("c-1", None, 10, None)
PLACED = PageKey("c-1", OrderStatus.PLACED, 10, None)
OLD, NEW = an_order("o-1", minute=1), an_order("o-2", minute=2)


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_a_cursor_is_the_same_from_every_source() -> None:
    """One instant spelt in two time zones is one place in the list."""
    here = OLD.listed_at
    there = ListingPosition(here.placed_at.astimezone(timezone(timedelta(hours=2))), here.id)

    assert render_cursor(there) == render_cursor(here)


@pytest.mark.parametrize(
    "cursor",
    {
        "nothing": "",
        "not base64": "%",
        "not text": "_w",
        "no id": encoded("2026-01-31T09:00:00+00:00"),
        "an empty id": encoded("2026-01-31T09:00:00+00:00_"),
        "an id that cannot be": encoded("2026-01-31T09:00:00+00:00_../customers"),
        "no time": encoded("_o-1"),
        "a time without a zone": encoded("2026-01-31T09:00:00_o-1"),
        "another spelling of the time": encoded("20260131T090000Z_o-1"),
        "another zone": encoded("2026-01-31T11:00:00+02:00_o-1"),
        "before all time": encoded("0001-01-01T00:00:00+23:59_o-1"),
        "padded": encoded("2026-01-31T09:00:00+00:00_o-1") + "=",
    }.items(),
    ids=lambda case: case[0],
)
def test_what_was_not_rendered_here_is_no_cursor(cursor: tuple[str, str]) -> None:
    """Refused as bad input that names the argument."""
    with pytest.raises(BadInput) as refused:
        parse_cursor(cursor[1])

    assert refused.value.field == "after"


@pytest.mark.parametrize(
    ("first", "is_possible"), [(0, False), (1, True), (100, True), (101, False)]
)
def test_page_sizes(first: int, *, is_possible: bool) -> None:
    """From one order to a hundred."""
    if is_possible:
        assert check_page_size(first) == first
    else:
        with pytest.raises(BadInput):
            check_page_size(first)


def revised(
    listed: list[OrderRow], known: list[OrderRow], *, key: PageKey = WHOLE, has_more: bool = False
) -> tuple[tuple[str, ...], bool]:
    """The page that was read as ``listed``, brought up to what is known."""
    return revise(key, listed, known, has_more=has_more, ends_at=listed[-1].listed_at)


def test_nothing_known_changes_nothing() -> None:
    """A page is shown as it was read, newest first."""
    assert revised([NEW, OLD], [], has_more=True) == (("o-2", "o-1"), True)


def test_a_known_order_joins_where_it_belongs() -> None:
    """Between its neighbours, not at an end."""
    between = an_order("o-x", minute=1, version=2)

    assert revised([NEW, OLD], [between]) == (("o-2", "o-x", "o-1"), False)


def test_a_known_order_that_left_is_not_listed() -> None:
    """It was listed as placed, and is known to be cancelled."""
    cancelled = changed(NEW, status=OrderStatus.CANCELLED)

    assert revised([NEW, OLD], [cancelled], key=PLACED) == (("o-1",), False)


def test_a_known_order_before_the_cursor_belongs_to_an_earlier_page() -> None:
    """A page begins after its cursor, whatever has been placed since."""
    key = PageKey("c-1", None, 10, NEW.listed_at)

    assert revised([OLD], [NEW, an_order("o-9", minute=9)], key=key) == (("o-1",), False)


def test_at_the_end_of_a_list_an_older_order_joins() -> None:
    """Nothing follows, so there is no later page it could belong to."""
    older = an_order("o-0", minute=0)

    assert revised([NEW, OLD], [older]) == (("o-2", "o-1", "o-0"), False)
    assert revised([NEW, OLD], [older], has_more=True) == (("o-2", "o-1"), True)


def test_the_list_goes_on_after_a_page_that_grew_too_long() -> None:
    """What was pushed off is the beginning of the next page."""
    key = PageKey("c-1", None, 2, None)

    page = revised([NEW, OLD], [an_order("o-9", minute=9)], key=key)

    assert page == (("o-9", "o-2"), True)


def test_a_time_is_read_back_to_the_microsecond() -> None:
    """Two orders of one millisecond are two places in the list."""
    moment = datetime.fromisoformat("2026-01-31T09:00:00.000001+00:00")
    position = ListingPosition(moment, "o-1")

    assert parse_cursor(render_cursor(position)) == position
