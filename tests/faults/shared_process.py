"""The part of a gateway below its operations: loaders, shared reads, tower, over twins."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from projections.versions import AggregateKey
from projections.views import Row
from resolvers.loaders import Clients, LiveLoader, LiveRow
from resolvers.upstream.call import Upstream
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.customers import CustomersClient
from resolvers.upstream.deadline import Deadline
from resolvers.upstream.live_demand import LiveDemand
from resolvers.upstream.options import RetryOptions, SharingOptions, UpstreamOptions
from resolvers.upstream.orders import OrdersClient
from resolvers.upstream.owners import Owners
from resolvers.upstream.products import ProductsClient
from resolvers.upstream.shared_reads import SharedReads
from tests.contracts.twins import CUSTOMERS_URL, ORDERS_URL, PRODUCTS_URL, UpstreamTwins
from tests.gateway_in_process import twins_of
from tests.noted_wires import Wire

URLS = {"orders": ORDERS_URL, "customers": CUSTOMERS_URL, "products": PRODUCTS_URL}
SHARING = LiveDemand(may_share=True)


@dataclass
class Process:
    """The part of a gateway below its operations, and what reaches the services."""

    clients: Clients
    upstreams: dict[str, Upstream]
    twins: UpstreamTwins
    wire: Wire
    group: asyncio.TaskGroup

    @property
    def calls(self) -> list[str]:
        return [str(hit) for hit in self.wire.hits]

    def operation(self, *, timeout_s: float = 2.0) -> LiveLoader:
        """The loader of one request."""
        return LiveLoader(self.clients, CallContext(Deadline.after(timeout_s), "r-1"))

    async def read(self, *keys: AggregateKey, demand: LiveDemand = SHARING) -> list[LiveRow]:
        """What one operation is told of these rows."""
        loader = self.operation()
        try:
            rows = await loader.load_rows(dict.fromkeys(keys, demand))
        finally:
            loader.close()
        return [rows[key] for key in keys]

    def reader(
        self, *keys: AggregateKey, demand: LiveDemand = SHARING
    ) -> "asyncio.Task[list[LiveRow]]":
        return self.group.create_task(self.read(*keys, demand=demand))

    async def read_at_once(self, count: int, *keys: AggregateKey) -> list[list[LiveRow]]:
        """What so many operations are told that ask in the same instant."""
        readers = [self.reader(*keys) for _ in range(count)]
        return [await reader for reader in readers]


@asynccontextmanager
async def open_process(
    *rows: Row,
    is_shared: bool = True,
    in_flight_limit: int = 16,
    sharing: SharingOptions | None = None,
) -> AsyncIterator[Process]:
    """A process before services that own these rows; its readers share, unless they may not.

    A call that fails is not made once more: the laws are about who hears of it.
    """
    twins = twins_of(*rows)
    wire = Wire(twins)
    upstreams = {
        service: Upstream.over_http(
            service,
            UpstreamOptions(
                base_url=url,
                in_flight_limit=in_flight_limit,
                retry=RetryOptions(limit_count=0),
            ),
            innermost=wire,
        )
        for service, url in URLS.items()
    }
    orders = OrdersClient(upstreams["orders"])
    customers = CustomersClient(upstreams["customers"])
    products = ProductsClient(upstreams["products"])
    owners = Owners(orders, customers, products)
    shared = SharedReads(owners.ask, sharing or SharingOptions(), refuses=owners.refuses)
    clients = Clients(orders, customers, products, shared=shared if is_shared else None)
    async with shared.open(), asyncio.TaskGroup() as group:
        yield Process(clients, upstreams, twins, wire, group)
    for upstream in upstreams.values():
        await upstream.aclose()
