"""Laws of pages: cursors go there and back, and a revised page is a page of the newer world."""

from collections.abc import Sequence
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


@st.composite
def changed_worlds(draw: st.DrawFn) -> tuple[list[OrderRow], list[OrderRow], list[OrderRow]]:
    """An old world, the orders that were placed or changed since, and the new world."""
    old = {order.id: order for order in draw(worlds)}
    known = []
    for order in draw(worlds):
        before = old.get(order.id)
        # Whose it is and when it was placed never changes.
        fixed = {} if before is None else {"customer_id": before.customer_id, "version": 2}
        known.append(msgspec.structs.replace(order, **fixed))
    new = {**old, **{order.id: order for order in known}}
    return list(old.values()), known, list(new.values())


@given(positions)
def test_a_cursor_goes_there_and_back(position: ListingPosition) -> None:
    """Whatever the place in a list, its cursor leads to it again."""
    assert parse_cursor(render_cursor(position)) == position


@given(st.text() | st.binary().map(lambda junk: junk.hex()) | positions.map(render_cursor))
def test_a_text_is_a_cursor_of_ours_or_bad_input(text: str) -> None:
    """There is no third outcome, and what is accepted is what would be rendered."""
    try:
        position = parse_cursor(text)
    except BadInput as refused:
        assert refused.field == "after"
    else:
        assert render_cursor(position) == text


@given(changed_worlds(), keys)
def test_a_revised_page_is_a_page_of_the_newer_world(
    change: tuple[list[OrderRow], list[OrderRow], list[OrderRow]], key: PageKey
) -> None:
    """It shows the newest orders of the new world without a gap; it may only end a little early."""
    old, known, new = change
    listed, has_more = page_of(old, key)
    expected, _ = page_of(new, key)

    shown, _ = revise(key, listed, known, has_more=has_more)

    assert list(shown) == [order.id for order in expected][: len(shown)]
    if not has_more:
        assert len(shown) == len(expected)


@given(changed_worlds(), keys)
def test_a_revised_page_never_hides_that_the_list_goes_on(
    change: tuple[list[OrderRow], list[OrderRow], list[OrderRow]], key: PageKey
) -> None:
    """Where orders of the new world follow the shown ones, the page says so."""
    old, known, new = change
    listed, had_more = page_of(old, key)
    every_order, _ = page_of(new, key._replace(first=100))

    shown, has_more = revise(key, listed, known, has_more=had_more)

    assert has_more or len(shown) == len(every_order)


@given(changed_worlds(), keys)
def test_revising_twice_is_revising_once(
    change: tuple[list[OrderRow], list[OrderRow], list[OrderRow]], key: PageKey
) -> None:
    """What is known already changes nothing when it is told again."""
    old, known, new = change
    by_id = {order.id: order for order in new}
    listed, had_more = page_of(old, key)
    once, has_more = revise(key, listed, known, has_more=had_more)

    twice, still_more = revise(key, [by_id[i] for i in once], known, has_more=has_more)

    assert (twice, still_more) == (once, has_more)
