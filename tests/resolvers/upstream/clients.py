"""The three typed clients on top of the twins, with every layer in between running for real."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import respx

from projections.views import CustomerRow, OrderRow, ProductRow
from resolvers.upstream.call import Upstream
from resolvers.upstream.customers import CustomersClient
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.orders import OrdersClient
from resolvers.upstream.products import ProductsClient
from tests.contracts.twins import (
    CUSTOMERS_URL,
    ORDERS_URL,
    PRODUCTS_URL,
    UpstreamTwins,
    upstream_twins,
)


@dataclass(frozen=True)
class Clients:
    twins: UpstreamTwins
    orders: OrdersClient
    customers: CustomersClient
    products: ProductsClient


@asynccontextmanager
async def clients_of(
    *,
    orders: Iterable[OrderRow] = (),
    customers: Iterable[CustomerRow] = (),
    products: Iterable[ProductRow] = (),
) -> AsyncIterator[Clients]:
    """Give clients of services that own these rows; close them afterwards."""
    router = respx.Router(assert_all_called=False)
    twins = upstream_twins(router, orders=orders, customers=customers, products=products)
    upstreams = [
        Upstream.over_http(name, UpstreamOptions(base_url=url), innermost=twins.network)
        for name, url in [
            ("orders", ORDERS_URL),
            ("customers", CUSTOMERS_URL),
            ("products", PRODUCTS_URL),
        ]
    ]
    try:
        yield Clients(
            twins,
            OrdersClient(upstreams[0]),
            CustomersClient(upstreams[1]),
            ProductsClient(upstreams[2]),
        )
    finally:
        for upstream in upstreams:
            await upstream.aclose()
