"""The three stubs in one process, through their real ASGI applications: no port, no child."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx

from upstream_stubs.opening import open_customers, open_orders, open_products
from upstream_stubs.outbox import utc_now
from upstream_stubs.seed import DemoSize
from upstream_stubs.service import Stub, StubOptions

SMALL_DEMO = DemoSize(customer_count=10, product_count=8, order_count=60)


@dataclass(frozen=True, slots=True)
class Services:
    """A client for each service: all that the contract is about."""

    orders: httpx.AsyncClient
    customers: httpx.AsyncClient
    products: httpx.AsyncClient


@dataclass(frozen=True, slots=True)
class Shop:
    """The services and, behind their doors, the stubs themselves."""

    services: Services
    orders: Stub
    customers: Stub
    products: Stub


class InProcessTransport(httpx.ASGITransport):
    """Calls the application directly; a dropped connection looks as it does over a network."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except ConnectionResetError as error:
            raise httpx.ReadError(str(error), request=request) from error


def client_of(stub: Stub) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=InProcessTransport(stub.app), base_url="http://stub")


@asynccontextmanager
async def open_shop(
    data_dir: Path, demo: DemoSize = SMALL_DEMO, *, now: Callable[[], datetime] = utc_now
) -> AsyncIterator[Shop]:
    """The whole shop; the order service has caught up with the others when this yields.

    ``now`` is the clock of its feeds.
    """
    options = StubOptions(data_dir=data_dir, demo=demo, now=now)
    async with AsyncExitStack() as stack:
        customers = await stack.enter_async_context(open_customers(options))
        products = await stack.enter_async_context(open_products(options))
        sources = {"customers": client_of(customers), "products": client_of(products)}
        orders = await stack.enter_async_context(open_orders(options, sources))
        async with asyncio.timeout(5):
            await orders.ready.wait()
        services = Services(client_of(orders), sources["customers"], sources["products"])
        yield Shop(services, orders, customers, products)


@asynccontextmanager
async def open_services(data_dir: Path) -> AsyncIterator[Services]:
    """The stubs as an implementation of the contract."""
    async with open_shop(data_dir) as shop:
        yield shop.services
