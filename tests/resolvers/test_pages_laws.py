"""Laws of pages: cursors go there and back, and a revised page is a page of the newer world."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from projections.selection import PageKey
from projections.views import OrderRow, OrderStatus
from projections.views.aggregate import ID_PATTERN
from projections.views.orders import ListingPosition
from resolvers.errors import BadInput
from resolvers.pages import parse_cursor, render_cursor, revise
from tests.builders.rows import PLACED_AT
from tests.resolvers.rows import an_order

positions = st.builds(
    ListingPosition,
    st.datetimes(timezones=st.just(UTC)),
    st.from_regex(ID_PATTERN, fullmatch=True),
)
statuses = st.sampled_from([OrderStatus.PLACED, OrderStatus.CANCELLED])
customers = st.sampled_from(["c-1", "c-2"])


@st.composite
def orders(draw: st.DrawFn) -> OrderRow:
    number = draw(st.integers(0, 11))
    # Three orders a minute: the id decides among equals.
    return an_order(
        f"o-{number}",
        customer_id=draw(customers),
        status=draw(statuses),
        minute=number // 3,
    )


worlds = st.lists(orders(), unique_by=lambda order: order.id, max_size=12)
keys = st.builds(
    PageKey,
    st.just("c-1"),
    st.none() | statuses,
    st.integers(1, 6),
    st.none()
    | st.builds(
        ListingPosition,
        st.builds(lambda minute: PLACED_AT + timedelta(minutes=minute), st.integers(0, 4)),
        st.builds("o-{}".format, st.integers(0, 11)),
    ),
)


def page_of(world: Sequence[OrderRow], key: PageKey) -> tuple[list[OrderRow], bool]:
    """The page as whoever knows the whole world lists it."""
    belonging = [
        order
        for order in world
        if order.customer_id == key.customer_id
        and key.status in (None, order.status)
        and (key.after is None or order.listed_at < key.after)
    ]
    belonging.sort(key=lambda order: order.listed_at, reverse=True)
    return belonging[: key.first], len(belonging) > key.first


@dataclass(frozen=True)
class Change:
    """An old world, and what somebody knows to have happened since."""

    old_world: list[OrderRow]
    known: list[OrderRow]
    deleted: set[str]

    @property
    def new_world(self) -> list[OrderRow]:
        by_id = {order.id: order for order in (*self.old_world, *self.known)}
        return [order for order in by_id.values() if order.id not in self.deleted]


@st.composite
def changes_of_worlds(draw: st.DrawFn) -> Change:
    old = {order.id: order for order in draw(worlds)}
    known = [
        # Whose an order is never changes.
        msgspec.structs.replace(order, customer_id=old.get(order.id, order).customer_id)
        for order in draw(worlds)
    ]
    deleted = draw(st.sets(st.sampled_from(sorted(old)))) if old else set()
    return Change(list(old.values()), [o for o in known if o.id not in deleted], deleted)


changes = changes_of_worlds()


def revised_page(change: Change, key: PageKey) -> tuple[tuple[str, ...], bool]:
    """The page as it was read from the old world, brought up to what is known."""
    read, has_more = page_of(change.old_world, key)
    ends_at = read[-1].listed_at if read else None
    listed = [order for order in read if order.id not in change.deleted]
    return revise(key, listed, change.known, has_more=has_more, ends_at=ends_at)


def parsed(text: str) -> ListingPosition | None:
    try:
        return parse_cursor(text)
    except BadInput:
        return None


@given(positions)
def test_a_cursor_goes_there_and_back(position: ListingPosition) -> None:
    """Whatever the place in a list, its cursor leads to it again."""
    assert parse_cursor(render_cursor(position)) == position


@given(st.text() | st.binary().map(lambda junk: junk.hex()) | positions.map(render_cursor))
def test_a_text_is_a_cursor_of_ours_or_bad_input(text: str) -> None:
    """There is no third outcome, and what is accepted is what would be rendered."""
    position = parsed(text)

    assert position is None or render_cursor(position) == text


@given(changes, keys)
def test_a_revised_page_is_a_page_of_the_newer_world(change: Change, key: PageKey) -> None:
    """It shows the newest orders of the new world without a gap; it may only end a little early."""
    expected, _ = page_of(change.new_world, key)

    shown, has_more = revised_page(change, key)

    assert list(shown) == [order.id for order in expected][: len(shown)]
    assert has_more or len(shown) == len(expected)


@given(changes, keys)
def test_a_revised_page_never_hides_that_the_list_goes_on(change: Change, key: PageKey) -> None:
    """Where orders of the new world follow, the page says so; at the end, that it is the end."""
    every_order, _ = page_of(change.new_world, msgspec.structs.replace(key, first=100))
    _, had_more = page_of(change.old_world, key)

    shown, has_more = revised_page(change, key)

    assert has_more or len(shown) == len(every_order)
    assert had_more or not has_more or len(shown) < len(every_order)
