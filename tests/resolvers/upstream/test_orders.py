"""The order client speaks the order service's contract."""

from datetime import UTC, datetime, timedelta, timezone

import httpx
import msgspec
import pytest

from projections.views import OrderRow, OrderStatus
from projections.views.orders import ListingPosition
from resolvers.upstream.errors import InvalidAnswer, Rejected, VersionBehind
from resolvers.upstream.orders import OrderLine, PlaceOrder, render_cursor
from tests.resolvers.upstream.builders import a_context, a_customer, a_product, an_order
from tests.resolvers.upstream.clients import clients_of

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def a_wish(*, product_id: str = "p-1", key: str = "key-1", quantity: int = 2) -> PlaceOrder:
    return PlaceOrder(
        customer_id="c-1",
        items=(OrderLine(product_id=product_id, quantity=quantity),),
        note="ring twice",
        idempotency_key=key,
    )


def orders_of_a_day(count: int) -> list[OrderRow]:
    """Return orders placed a minute apart, oldest first."""
    return [
        an_order(f"o-{number}", placed_at=NOON + timedelta(minutes=number))
        for number in range(1, count + 1)
    ]


async def test_known_order_is_fetched_as_its_row() -> None:
    """A fetched order is the very row that the service owns."""
    order = an_order("o-1")

    async with clients_of(orders=[order]) as clients:
        fetched = await clients.orders.fetch("o-1", a_context())

    assert fetched == order


async def test_unknown_order_is_none() -> None:
    """A 404 of a read is no error but the absence of an order."""
    async with clients_of() as clients:
        fetched = await clients.orders.fetch("o-404", a_context())

    assert fetched is None


@pytest.mark.parametrize("order_id", ["", "..", "../customers/c-1", "a,b", "o-1\n", "x" * 65, "ö"])
async def test_id_that_nobody_can_have_given_is_unknown_without_a_call(order_id: str) -> None:
    """An impossible id asks nobody, so it can neither reach another path nor split a batch."""
    async with clients_of() as clients:
        fetched = await clients.orders.fetch(order_id, a_context())
        page = await clients.orders.fetch_page(order_id, a_context(), limit=5)
        with pytest.raises(Rejected) as caught:
            await clients.orders.cancel(order_id, None, a_context())

    assert (fetched, page.items) == (None, ())
    assert (caught.value.status, caught.value.problem_code) == (404, "not-found")
    assert not clients.twins.orders.called


async def test_demanded_version_is_demanded_of_the_service() -> None:
    """A replica below the demanded version says so, with the version that it has."""
    async with clients_of(orders=[an_order(version=5)]) as clients:
        reached = await clients.orders.fetch("o-1", a_context(), min_version=5)
        with pytest.raises(VersionBehind) as caught:
            await clients.orders.fetch("o-1", a_context(), min_version=6)

    assert reached is not None
    assert caught.value.current_version == 5


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"null",
        b"[]",
        msgspec.json.encode(an_order("o-2")),
        msgspec.json.encode(an_order()).replace(b'"PLACED"', b'"LOST"'),
        msgspec.json.encode(an_order()).replace(b'"25.00"', b"true"),
        b'{"x":' * 100_000,
    ],
)
async def test_answer_that_is_not_the_asked_order_is_invalid(body: bytes) -> None:
    """No JSON, another schema or another order is never shown as the asked one."""
    async with clients_of() as clients:
        clients.twins.orders.mock(return_value=httpx.Response(200, content=body))

        with pytest.raises(InvalidAnswer):
            await clients.orders.fetch("o-1", a_context())


async def test_pages_go_on_where_the_last_one_ended() -> None:
    """Walking page by page by position shows every order once, newest first."""
    orders = orders_of_a_day(5)
    seen: list[str] = []
    after: ListingPosition | None = None
    has_more = True

    async with clients_of(orders=orders) as clients:
        while has_more:
            page = await clients.orders.fetch_page("c-1", a_context(), limit=2, after=after)
            seen += [order.id for order in page.items]
            after, has_more = page.items[-1].listed_at, page.has_more

    assert seen == ["o-5", "o-4", "o-3", "o-2", "o-1"]
    assert clients.twins.orders.call_count == 3


async def test_page_shows_only_the_asked_status_of_the_asked_customer() -> None:
    """Customer and status are asked of the service."""
    orders = [
        an_order("o-1"),
        an_order("o-2", status=OrderStatus.SHIPPED),
        an_order("o-3", customer_id="c-2"),
    ]

    async with clients_of(orders=orders) as clients:
        page = await clients.orders.fetch_page(
            "c-1", a_context(), status=OrderStatus.SHIPPED, limit=10
        )

    assert [order.id for order in page.items] == ["o-2"]
    assert not page.has_more


@pytest.mark.parametrize(
    "stranger", [an_order(customer_id="c-2"), an_order(status=OrderStatus.SHIPPED)]
)
async def test_page_with_a_strangers_order_is_invalid(stranger: OrderRow) -> None:
    """An order of somebody else, or of another status, makes the whole page no answer."""
    page = msgspec.json.encode({"items": [stranger], "nextCursor": None})
    async with clients_of() as clients:
        clients.twins.orders.mock(return_value=httpx.Response(200, content=page))

        with pytest.raises(InvalidAnswer):
            await clients.orders.fetch_page("c-1", a_context(), status=OrderStatus.PLACED, limit=10)


async def test_page_longer_than_asked_for_is_invalid() -> None:
    """How much is asked of everybody else follows from the page, so its bound is ours to keep."""
    page = msgspec.json.encode({"items": orders_of_a_day(3), "nextCursor": None})
    async with clients_of() as clients:
        clients.twins.orders.mock(return_value=httpx.Response(200, content=page))

        with pytest.raises(InvalidAnswer):
            await clients.orders.fetch_page("c-1", a_context(), limit=2)


@pytest.mark.parametrize(
    ("placed_at", "cursor"),
    [
        (NOON, "2026-01-31T12:00:00Z_o-7"),
        (NOON.replace(microsecond=250_000), "2026-01-31T12:00:00.250000Z_o-7"),
        (NOON.astimezone(timezone(timedelta(hours=5, minutes=30))), "2026-01-31T12:00:00Z_o-7"),
    ],
)
def test_cursor_is_the_public_one(placed_at: datetime, cursor: str) -> None:
    """A position's cursor is its time in UTC, with microseconds only if it has some, and its id."""
    assert render_cursor(ListingPosition(placed_at, "o-7")) == cursor


async def test_placed_order_comes_back_with_id_version_and_prices() -> None:
    """Placing answers the order as the service made it."""
    async with clients_of(customers=[a_customer()], products=[a_product()]) as clients:
        placed = await clients.orders.place(a_wish(), a_context())
        fetched = await clients.orders.fetch(placed.id, a_context())

    assert (placed.note, str(placed.total), placed.version) == ("ring twice", "25.00", 1)
    assert fetched == placed


async def test_same_key_places_once() -> None:
    """Placing again under the same key answers the first order and makes no second one."""
    async with clients_of(customers=[a_customer()], products=[a_product()]) as clients:
        first = await clients.orders.place(a_wish(), a_context())
        second = await clients.orders.place(a_wish(), a_context())

    assert second == first
    assert list(clients.twins.order_shelf.rows) == [first.id]


async def test_key_reaches_the_service_letter_by_letter() -> None:
    """Who repeats a write at the service itself, under the same key, still writes once."""
    async with clients_of(customers=[a_customer()], products=[a_product()]) as clients:
        await clients.orders.place(a_wish(key="{a%2Fb}~!"), a_context())

    sent = clients.twins.orders.calls.last.request.headers["Idempotency-Key"]
    assert sent == "{a%2Fb}~!"


@pytest.mark.parametrize(
    ("wish", "code", "field"),
    [
        (a_wish(product_id="p-404"), "unknown-product", "items.0.productId"),
        (a_wish(quantity=9), "idempotency-key-reused", "Idempotency-Key"),
    ],
)
async def test_refused_order_names_code_and_field(wish: PlaceOrder, code: str, field: str) -> None:
    """What the client can mend comes back as a code and the field at fault."""
    async with clients_of(customers=[a_customer()], products=[a_product()]) as clients:
        if wish.items[0].quantity == 9:
            await clients.orders.place(a_wish(), a_context())

        with pytest.raises(Rejected) as caught:
            await clients.orders.place(wish, a_context())

    assert (caught.value.problem_code, caught.value.field) == (code, field)


async def test_order_placed_for_somebody_else_is_invalid() -> None:
    """An answer about another customer's order is no answer; what happened is unknown."""
    body = msgspec.json.encode(an_order(customer_id="c-2"))
    async with clients_of() as clients:
        clients.twins.orders.mock(return_value=httpx.Response(201, content=body))

        with pytest.raises(InvalidAnswer) as caught:
            await clients.orders.place(a_wish(), a_context())

    assert caught.value.is_outcome_unknown


async def test_note_is_changed_and_taken_away() -> None:
    """A note is set by text and removed by None; each change is one version."""
    async with clients_of(orders=[an_order()]) as clients:
        noted = await clients.orders.update_note("o-1", "ring twice", a_context())
        cleared = await clients.orders.update_note("o-1", None, a_context())

    assert (noted.note, noted.version) == ("ring twice", 2)
    assert (cleared.note, cleared.version) == (None, 3)


async def test_change_of_an_outdated_version_is_refused_with_the_present_one() -> None:
    """A guarded change of an order that has moved on changes nothing."""
    async with clients_of(orders=[an_order(version=3)]) as clients:
        with pytest.raises(Rejected) as caught:
            await clients.orders.update_note("o-1", "late", a_context(), expected_version=2)
        noted = await clients.orders.update_note("o-1", "now", a_context(), expected_version=3)

    refusal = caught.value
    assert (refusal.status, refusal.problem_code) == (412, "version-conflict")
    assert refusal.current_version == 3
    assert noted.version == 4


async def test_cancelled_order_says_so() -> None:
    """Cancelling answers the order as cancelled, with reason and guards sent along."""
    async with clients_of(orders=[an_order()]) as clients:
        order = await clients.orders.cancel(
            "o-1", "changed my mind", a_context(), expected_version=1, idempotency_key="k"
        )

    sent = clients.twins.orders.calls.last.request
    assert order.status is OrderStatus.CANCELLED
    assert sent.content == b'{"reason":"changed my mind"}'
    assert (sent.headers["If-Match"], sent.headers["Idempotency-Key"]) == ('"1"', "k")


async def test_shipped_order_cannot_be_cancelled() -> None:
    """A parcel that left is refused with its own code."""
    async with clients_of(orders=[an_order(status=OrderStatus.SHIPPED)]) as clients:
        with pytest.raises(Rejected) as caught:
            await clients.orders.cancel("o-1", None, a_context())

    assert (caught.value.status, caught.value.problem_code) == (409, "too-late-to-cancel")


async def test_unknown_order_cannot_be_changed() -> None:
    """A 404 of a mutation is a refusal, not an absence."""
    async with clients_of() as clients:
        with pytest.raises(Rejected) as caught:
            await clients.orders.update_note("o-404", "hello", a_context())

    assert (caught.value.status, caught.value.problem_code) == (404, "not-found")
