"""How each service is put together: its file, its demo data, its routes, its relay."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, TypeVar, assert_never

import httpx

from upstream_stubs import idempotency, listing, order_desk, outbox, replica, seed
from upstream_stubs.customers import customer_router
from upstream_stubs.database import Database, open_database
from upstream_stubs.idempotency import AnswerBook
from upstream_stubs.order_desk import OrderDesk
from upstream_stubs.orders import order_router
from upstream_stubs.outbox import Outbox
from upstream_stubs.products import product_router
from upstream_stubs.records import Records
from upstream_stubs.relay.kafka import TopicOptions, open_topic
from upstream_stubs.relay.relay import Relay, topic_of
from upstream_stubs.replica import Replica
from upstream_stubs.resources import Customer, Order, Product, Resource
from upstream_stubs.service import Stub, StubOptions, assemble

ServiceName = Literal["orders", "customers", "products"]

TABLES: Final = (*outbox.TABLES, idempotency.TABLE)
"""What every service's database holds."""

ORDER_TABLES: Final = (*TABLES, *listing.INDEXES, *replica.TABLES, order_desk.TABLE)

R = TypeVar("R", bound=Resource)


@dataclass(frozen=True, slots=True)
class PeerUrls:
    """Where the order service reads the others' events."""

    customers: str
    products: str


def filling(
    shape: type[R], seeded: Callable[[Outbox[R], int, seed.DemoSize], None], options: StubOptions
) -> Callable[[Database], None]:
    """What writes the demo data into a new database."""
    return lambda database: seeded(Outbox(database, shape), options.seed, options.demo)


@asynccontextmanager
async def publishing(
    name: ServiceName, database: Database, stub: Stub, options: StubOptions
) -> AsyncIterator[Stub]:
    """The service with its relay at work, if it is told where Kafka is."""
    if options.kafka is None:
        yield stub
        return
    connect = partial(open_topic, topic_of(name), TopicOptions(bootstrap_servers=options.kafka))
    relay = Relay(name, database, connect, stub.relay_faults)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(relay.run(), name="relay")
        try:
            yield stub
        finally:
            running.cancel()


@asynccontextmanager
async def open_customers(options: StubOptions) -> AsyncIterator[Stub]:
    """The customer service over its own file."""
    fill = filling(Customer, seed.seed_customers, options)
    with open_database(options.file_of("customers"), tables=TABLES, fill=fill) as database:
        customers = Records(Outbox(database, Customer), AnswerBook(database))
        stub = assemble("customers", database, customer_router(customers), options)
        async with publishing("customers", database, stub, options):
            yield stub


@asynccontextmanager
async def open_products(options: StubOptions) -> AsyncIterator[Stub]:
    """The product service over its own file."""
    fill = filling(Product, seed.seed_products, options)
    with open_database(options.file_of("products"), tables=TABLES, fill=fill) as database:
        products = Records(Outbox(database, Product), AnswerBook(database))
        stub = assemble("products", database, product_router(products), options)
        async with publishing("products", database, stub, options):
            yield stub


@asynccontextmanager
async def open_orders(
    options: StubOptions, sources: Mapping[str, httpx.AsyncClient]
) -> AsyncIterator[Stub]:
    """The order service over its own file, following ``customers`` and ``products``."""
    fill = filling(Order, seed.seed_orders, options)
    with open_database(options.file_of("orders"), tables=ORDER_TABLES, fill=fill) as database:
        orders, answers = Outbox(database, Order), AnswerBook(database)
        copy = Replica(database, sources)
        desk = OrderDesk(orders, answers, copy)
        router = order_router(Records(orders, answers), desk, database)
        stub = assemble("orders", database, router, options, copy.ready)
        async with asyncio.TaskGroup() as group:
            following = group.create_task(copy.follow(), name="follow feeds")
            try:
                async with publishing("orders", database, stub, options):
                    yield stub
            finally:
                following.cancel()


@asynccontextmanager
async def open_service(
    name: ServiceName, options: StubOptions, peers: PeerUrls
) -> AsyncIterator[Stub]:
    """The service of this name, as a process runs it."""
    match name:
        case "customers":
            async with open_customers(options) as stub:
                yield stub
        case "products":
            async with open_products(options) as stub:
                yield stub
        case "orders":
            async with (
                httpx.AsyncClient(base_url=peers.customers, trust_env=False) as customers,
                httpx.AsyncClient(base_url=peers.products, trust_env=False) as products,
                open_orders(options, {"customers": customers, "products": products}) as stub,
            ):
                yield stub
        case _:
            assert_never(name)
