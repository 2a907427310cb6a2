"""The order service's own copy of customers and products: complete, current, and enough."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.contracts.rest_implementations import place, problem_of
from tests.upstream_stubs.in_process import SMALL_DEMO, Shop, client_of, open_shop
from upstream_stubs.database import Database, open_database
from upstream_stubs.opening import open_customers, open_orders, open_products
from upstream_stubs.replica import TABLES, Replica, ReplicaOptions
from upstream_stubs.service import Stub, StubOptions

ORDER = {"customerId": "c-1", "items": [{"productId": "p-1", "quantity": 1}]}


def unreachable() -> httpx.AsyncClient:
    """A service that is down."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    return httpx.AsyncClient(transport=httpx.MockTransport(refuse), base_url="http://down")


def feed_of(*answers: httpx.Response) -> httpx.AsyncClient:
    """A service whose feed gives these answers, one after the other."""
    script = iter(answers)
    transport = httpx.MockTransport(lambda _: next(script))
    return httpx.AsyncClient(transport=transport, base_url="http://feed")


def page(cursor: str, *events: Mapping[str, object], **members: object) -> httpx.Response:
    return httpx.Response(200, json={"events": list(events), "cursor": cursor, **members})


def product_event(id_: str, price: str, **members: object) -> dict[str, object]:
    return {"subject": id_, "data": {"price": price, "currency": "EUR"}, **members}


def fill_nothing(database: Database) -> None:
    """A copy that has not read anything."""


@asynccontextmanager
async def orders_following(
    data_dir: Path, customers: httpx.AsyncClient, products: httpx.AsyncClient
) -> AsyncIterator[tuple[Stub, httpx.AsyncClient]]:
    options = StubOptions(data_dir=data_dir, demo=SMALL_DEMO)
    async with open_orders(options, {"customers": customers, "products": products}) as stub:
        yield stub, client_of(stub)


async def post(orders: httpx.AsyncClient, key: str) -> httpx.Response:
    return await orders.post("/orders", json=ORDER, headers={"Idempotency-Key": key})


async def test_orders_wait_until_the_copy_is_complete(tmp_path: Path) -> None:
    """Before it has read the feeds once, the order service takes no order and says when to come."""
    async with orders_following(tmp_path, unreachable(), unreachable()) as (_, orders):
        response = await post(orders, "key-1")
        readiness = await orders.get("/readyz")
        read = await orders.get("/orders/o-1")

    assert (response.status_code, problem_of(response)["code"]) == (503, "not-ready")
    assert response.headers["Retry-After"] == "1"
    assert readiness.status_code == 503
    assert read.status_code == 200


async def test_readiness_can_be_awaited(tmp_path: Path) -> None:
    """``/readyz?wait_s=`` is answered as soon as the copy is complete."""
    options = StubOptions(data_dir=tmp_path, demo=SMALL_DEMO)
    async with (
        asyncio.timeout(5),
        open_customers(options) as customers,
        open_products(options) as products,
        orders_following(tmp_path, client_of(customers), client_of(products)) as (_, orders),
    ):
        readiness = await orders.get("/readyz", params={"wait_s": "30"})
        response = await post(orders, "key-1")

    assert readiness.json() == {"service": "orders", "status": "ready"}
    assert response.status_code == 201


async def test_orders_are_placed_while_the_others_are_down(tmp_path: Path) -> None:
    """A complete copy survives a restart, and then needs nobody."""
    async with open_shop(tmp_path):
        pass

    async with orders_following(tmp_path, unreachable(), unreachable()) as (_, orders):
        response = await post(orders, "key-1")

    assert response.status_code == 201


@pytest.mark.steered_time
async def test_new_price_reaches_new_orders_through_events(shop: Shop) -> None:
    """A changed price holds for the next order; what was placed before keeps its own."""
    before = await place(shop.services, "key-1")
    await shop.services.products.patch("/products/p-1", json={"price": "77.70"})
    await asyncio.sleep(0.1)

    after = await place(shop.services, "key-2")

    assert after["total"] == "155.40"
    assert (await shop.services.orders.get(f"/orders/{before['id']}")).json() == before


@pytest.mark.steered_time
async def test_held_events_leave_the_old_price_in_force(shop: Shop) -> None:
    """While the product feed stands still, orders are placed at the price last heard of."""
    products = shop.services.products
    old_price = (await products.get("/products/p-1")).json()["price"]
    rules = [{"path": "/events", "holdEvents": True}]
    await products.put("/admin/faults", json={"rules": rules})
    await products.patch("/products/p-1", json={"price": "77.70"})
    await asyncio.sleep(60)

    order = await place(shop.services, "key-1")

    [item] = order["items"]
    assert item["unitPrice"] == old_price


@pytest.mark.steered_time
async def test_feed_that_failed_is_followed_again(shop: Shop) -> None:
    """Errors, nonsense and silence of a feed are outlived; the next good answer is applied."""
    products = shop.services.products
    for stock, fault in enumerate(("malformed", "refuse")):
        await products.put("/admin/faults", json={"rules": [{"path": "/events", fault: True}]})
        await products.patch("/products/p-1", json={"stock": stock})
        await asyncio.sleep(30)
    await products.patch("/products/p-1", json={"price": "77.70"})
    await products.delete("/admin/faults")
    await asyncio.sleep(30)

    order = await place(shop.services, "key-1")

    assert order["total"] == "155.40"


async def test_page_and_position_are_kept_together(tmp_path: Path) -> None:
    """Rows and cursor are committed at once: a page that fails half-way leaves neither."""
    path = tmp_path / "copy.sqlite3"
    good, poisoned = product_event("p-1", "1.00"), {"subject": "no id", "data": None}

    with open_database(path, tables=TABLES, fill=fill_nothing) as database:
        client = feed_of(page("a", good), page("b", product_event("p-1", "2.00"), poisoned))
        copy = Replica(database, {"products": client})
        await copy.advance("products", client)
        with pytest.raises(ValueError, match="subject"):
            await copy.advance("products", client)

        assert database.rows("SELECT cursor FROM followed") == [("a",)]
        assert str(copy.prices_of(["p-1"])["p-1"].amount) == "1.00"


async def test_log_made_anew_is_read_from_its_start(tmp_path: Path) -> None:
    """After 410 the copy of that service is forgotten, and complete only when read again."""
    path = tmp_path / "copy.sqlite3"

    with open_database(path, tables=TABLES, fill=fill_nothing) as database:
        client = feed_of(
            page("a", product_event("p-1", "1.00"), product_event("p-2", "2.00"), remaining=0),
            httpx.Response(410),
            page("b", product_event("p-2", "3.00"), remaining=0),
        )
        copy = Replica(database, {"products": client})
        readiness = []
        for _ in range(3):
            await copy.advance("products", client)
            readiness.append(copy.ready.is_set())

        assert readiness == [True, False, True]
        assert set(copy.prices_of(["p-1", "p-2"])) == {"p-2"}


async def test_copy_is_complete_at_the_end_of_the_feed(tmp_path: Path) -> None:
    """``remaining`` tells the end; a feed without it ends with a page that is not full."""
    path = tmp_path / "copy.sqlite3"
    full = [product_event(f"p-{n}", "1.00") for n in range(2)]

    with open_database(path, tables=TABLES, fill=fill_nothing) as database:
        client = feed_of(page("a", *full, remaining=1), page("b", *full), page("c", full[0]))
        copy = Replica(database, {"products": client}, ReplicaOptions(event_count=2))
        readiness = []
        for _ in range(3):
            await copy.advance("products", client)
            readiness.append(copy.ready.is_set())

    assert readiness == [False, False, True]


async def test_tombstone_ends_a_product(tmp_path: Path) -> None:
    """A product whose end was told cannot be ordered any more."""
    path = tmp_path / "copy.sqlite3"

    with open_database(path, tables=TABLES, fill=fill_nothing) as database:
        gone = {"subject": "p-1", "tombstone": True, "data": None}
        client = feed_of(page("a", product_event("p-1", "1.00"), gone))
        copy = Replica(database, {"products": client})
        await copy.advance("products", client)

        assert copy.prices_of(["p-1"]) == {}
