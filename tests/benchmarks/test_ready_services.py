"""The ready services answer as docs/contract.md says, to reads and to feeds."""

import orjson
import pytest

from benchmarks.speed.ready_answers import Held, Service, services_of
from benchmarks.speed.world import LIST_LENGTH, Json, World
from projections.events import StateChange, parse_event
from projections.feed import _answers
from projections.views import OrderRow

WORLD = World(order_count=10, customer_count=4, product_count=110, list_count=1, filler_count=3)


@pytest.fixture(scope="module")
def orders() -> Service:
    return services_of(WORLD)["orders"]


@pytest.fixture(scope="module")
def products() -> Service:
    return services_of(WORLD)["products"]


def body_of(answer: bytes | Held) -> bytes:
    """The body of a good answer, after checking its length."""
    whole = answer.answer if isinstance(answer, Held) else answer
    head, _, body = whole.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert b"content-length: %d" % len(body) in head
    return body


def asked(service: Service, target: bytes) -> Json:
    answer: Json = orjson.loads(body_of(service.answer(target)))
    return answer


def test_one_resource_is_answered_with_its_version(orders: Service) -> None:
    """A resource carries its quoted version, and what is unknown is a 404."""
    answer = orders.answer(b"/orders/o-3")

    assert isinstance(answer, bytes)
    assert b'\r\netag: "1"\r\n' in answer
    assert orjson.loads(body_of(answer)) == WORLD.order(3)
    unknown = orders.answer(b"/orders/o-999")
    assert isinstance(unknown, bytes)
    assert unknown.startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize("comma", [b",", b"%2C"])
def test_a_batch_is_answered_in_the_order_asked(products: Service, comma: bytes) -> None:
    """Unknown ids are left out, however the commas travel."""
    answer = asked(products, b"/products?ids=" + comma.join((b"p-7", b"p-999", b"p-2")))

    assert [item["id"] for item in answer["items"]] == ["p-7", "p-2"]


def test_a_list_goes_on_at_its_cursor(orders: Service) -> None:
    """Newest first, and nothing twice or never."""
    first = asked(orders, b"/orders?customerId=l-1&limit=60")
    rest = asked(orders, b"/orders?customerId=l-1&limit=60&cursor=" + first["nextCursor"].encode())

    shown = [item["placedAt"] for item in [*first["items"], *rest["items"]]]
    assert shown == sorted(shown, reverse=True)
    assert len(set(shown)) == LIST_LENGTH
    assert rest["nextCursor"] is None


def test_the_feed_tells_every_order_and_the_filler(orders: Service) -> None:
    """Each event can be read, those of filler too, and at the end the poll is held."""
    page = _answers.decode(body_of(orders.answer(b"/events?limit=1000&wait_s=1.0")))
    changes = [parse_event(raw) for raw in page.events]
    held = orders.answer(b"/events?limit=1000&wait_s=1.0&after=" + page.cursor.encode())

    assert len(changes) == 10 + LIST_LENGTH + 3
    assert all(isinstance(one, StateChange) and isinstance(one.row, OrderRow) for one in changes)
    assert page.remaining == 0
    assert isinstance(held, Held)
    assert held.after_s == 1.0
    assert _answers.decode(body_of(held)).events == []


def test_lines_of_an_order_are_of_different_products() -> None:
    """An order has five products, and its total is the sum of its lines."""
    order = WORLD.order(9)

    ids = [item["productId"] for item in order["items"]]
    total = sum(item["quantity"] * round(float(item["unitPrice"]) * 100) for item in order["items"])
    assert len(set(ids)) == 5
    assert round(float(order["total"]) * 100) == total
