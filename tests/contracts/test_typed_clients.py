"""The gateway's typed clients and the services mean the same contract, service by service.

The same calls go to the stubs, through their real applications, and to the twins that stand for
them in other tests: what the clients make of the answers must not differ.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
import respx

from projections.versions import AggregateKey, AggregateType, Version
from projections.views import OrderStatus
from resolvers.upstream.call import Upstream
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.customers import CustomerChange, CustomersClient
from resolvers.upstream.deadline import Deadline
from resolvers.upstream.errors import Rejected, VersionBehind
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.orders import OrderLine, OrdersClient, PlaceOrder
from resolvers.upstream.products import ProductChange, ProductsClient
from tests.contracts.twin_services import demo_twins
from tests.upstream_stubs.in_process import open_shop


@dataclass(frozen=True)
class Clients:
    orders: OrdersClient
    customers: CustomersClient
    products: ProductsClient


@dataclass(frozen=True)
class Networks:
    orders: httpx.AsyncBaseTransport
    customers: httpx.AsyncBaseTransport
    products: httpx.AsyncBaseTransport


@asynccontextmanager
async def stub_networks(data_dir: Path) -> AsyncIterator[Networks]:
    async with open_shop(data_dir) as shop:
        yield Networks(
            httpx.ASGITransport(shop.orders.app),
            httpx.ASGITransport(shop.customers.app),
            httpx.ASGITransport(shop.products.app),
        )


@asynccontextmanager
async def twin_networks(_: Path) -> AsyncIterator[Networks]:
    network = demo_twins(respx.Router(assert_all_called=False)).network
    yield Networks(network, network, network)


Opening = Callable[[Path], AbstractAsyncContextManager[Networks]]


@pytest.fixture(params=[stub_networks, twin_networks], ids=["stubs", "twins"])
async def clients(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Clients]:
    opening: Opening = request.param
    async with opening(tmp_path) as networks:
        upstreams = [
            Upstream.over_http(
                name,
                UpstreamOptions(base_url=f"http://{name}.test"),
                innermost=getattr(networks, name),
            )
            for name in ("orders", "customers", "products")
        ]
        yield Clients(
            OrdersClient(upstreams[0]), CustomersClient(upstreams[1]), ProductsClient(upstreams[2])
        )
        for upstream in upstreams:
            await upstream.aclose()


def a_context() -> CallContext:
    return CallContext(Deadline.after(10.0), request_id="r-1")


def a_wish(*, key: str = "key-1", product_id: str = "p-1") -> PlaceOrder:
    items = (OrderLine(product_id=product_id, quantity=2),)
    return PlaceOrder(customer_id="c-1", items=items, note="Ring twice", idempotency_key=key)


async def test_rows_are_read_alone_and_in_batches(clients: Clients) -> None:
    """One row and a batch of rows agree, and unknown ids are absent from both."""
    customer = await clients.customers.fetch("c-1", a_context())
    batch = await clients.customers.fetch_batch(["c-2", "c-none", "c-1"], a_context())
    products = await clients.products.fetch_batch(["p-1", "p-8"], a_context())

    assert batch["c-1"] == customer
    assert set(batch) == {"c-1", "c-2"}
    assert set(products) == {"p-1", "p-8"}
    assert await clients.orders.fetch("o-none", a_context()) is None


async def test_pages_by_position_are_the_whole_list(clients: Clients) -> None:
    """A customer's orders page by page are her orders, newest first."""
    whole = await clients.orders.fetch_page("c-1", a_context(), limit=100)
    first = await clients.orders.fetch_page("c-1", a_context(), limit=2)
    rest = await clients.orders.fetch_page(
        "c-1", a_context(), limit=100, after=first.items[-1].listed_at
    )

    assert first.items + rest.items == whole.items
    assert (first.has_more, rest.has_more) == (True, False)


async def test_order_is_placed_once_noted_and_cancelled(clients: Clients) -> None:
    """An order's life through the client raises its version by one at each step."""
    placed = await clients.orders.place(a_wish(), a_context())
    again = await clients.orders.place(a_wish(), a_context())
    noted = await clients.orders.update_note(placed.id, None, a_context(), expected_version=1)
    cancelled = await clients.orders.cancel(placed.id, "too slow", a_context(), expected_version=2)

    assert again == placed
    assert (noted.note, noted.version) == (None, 2)
    assert (cancelled.status, cancelled.version) == (OrderStatus.CANCELLED, 3)
    assert await clients.orders.fetch(placed.id, a_context(), min_version=3) == cancelled


async def test_order_carries_what_its_writers_saw(clients: Clients) -> None:
    """What is given along with each write is read again, of each aggregate the greatest version."""
    customer = AggregateKey(AggregateType.CUSTOMER, "c-1")
    product = AggregateKey(AggregateType.PRODUCT, "p-1")
    orders = clients.orders

    placed = await orders.place(a_wish(), a_context(), causal_deps={customer: Version(1, 3)})
    seen = {customer: Version(1, 2), product: Version(1, 9)}
    noted = await orders.update_note(placed.id, "Twice", a_context(), causal_deps=seen)
    seen = {customer: Version(2, 1)}
    cancelled = await orders.cancel(placed.id, None, a_context(), causal_deps=seen)

    assert placed.depends_on == {customer: Version(1, 3)}
    assert noted.depends_on == {customer: Version(1, 3), product: Version(1, 9)}
    assert cancelled.depends_on == {customer: Version(2, 1), product: Version(1, 9)}
    assert await orders.fetch(placed.id, a_context()) == cancelled


async def test_order_of_a_writer_who_saw_nothing_depends_on_nothing(clients: Clients) -> None:
    """Without dependencies none are sent, and none are carried."""
    placed = await clients.orders.place(a_wish(), a_context())

    assert placed.causal_deps == ()


async def test_refusals_carry_their_codes(clients: Clients) -> None:
    """Unknown product, outdated version and missing order are told by the contract's codes."""
    change = CustomerChange(name="Ada Lovelace")

    with pytest.raises(Rejected) as unknown:
        await clients.orders.place(a_wish(product_id="p-none"), a_context())
    with pytest.raises(Rejected) as outdated:
        await clients.customers.update("c-1", change, a_context(), expected_version=9)
    with pytest.raises(Rejected) as missing:
        await clients.orders.update_note("o-none", "x", a_context())

    assert (unknown.value.problem_code, unknown.value.field) == (
        "unknown-product",
        "items.0.productId",
    )
    assert (outdated.value.problem_code, outdated.value.current_version) == ("version-conflict", 1)
    assert missing.value.problem_code == "not-found"


async def test_service_that_is_behind_tells_its_version(clients: Clients) -> None:
    """A demanded version ahead of the service is answered with the service's own."""
    with pytest.raises(VersionBehind) as caught:
        await clients.products.fetch("p-1", a_context(), min_version=2)

    assert caught.value.current_version == 1


async def test_price_and_stock_are_changed(clients: Clients) -> None:
    """Money goes out and comes back as the same amount, however the decimal was made."""
    change = ProductChange(price=Decimal("1E+2"), stock=0)

    product = await clients.products.update("p-1", change, a_context(), expected_version=1)

    assert (product.price, product.stock, product.version) == (Decimal(100), 0, 2)
