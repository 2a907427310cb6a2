"""The twins as an implementation of the REST contract, loaded with the stubs' demo data.

Only the part of the contract that a gateway relies on when it asks properly: a twin checks no
input, because nothing that a typed client sends needs checking; and it has no feed.
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import httpx
import msgspec
import respx

from projections.views import CustomerRow, OrderRow, ProductRow, Row
from tests.contracts.twins import (
    CUSTOMERS_URL,
    ORDERS_URL,
    PRODUCTS_URL,
    UpstreamTwins,
    upstream_twins,
)
from tests.upstream_stubs.in_process import SMALL_DEMO, Services
from upstream_stubs.resources import Resource
from upstream_stubs.seed import demo_customers, demo_order_history, demo_products

SEED = 1

RowT = TypeVar("RowT", bound=Row)


def rows_of(resources: Iterable[Resource], row_type: type[RowT]) -> list[RowT]:
    """Read published resources as rows, the way the gateway does."""
    return [msgspec.json.decode(resource.render(), type=row_type) for resource in resources]


def demo_twins(router: respx.Router) -> UpstreamTwins:
    """Let `router` answer as services that own the demo data."""
    history = demo_order_history(SEED, SMALL_DEMO)
    return upstream_twins(
        router,
        orders=rows_of((change.resource for change in history), OrderRow),
        customers=rows_of(demo_customers(SEED, SMALL_DEMO), CustomerRow),
        products=rows_of(demo_products(SEED, SMALL_DEMO), ProductRow),
    )


@asynccontextmanager
async def open_twins(_: Path) -> AsyncIterator[Services]:
    """Open clients of twins that own the demo data; they keep nothing on disk."""
    network = demo_twins(respx.Router(assert_all_called=False)).network
    async with (
        httpx.AsyncClient(transport=network, base_url=ORDERS_URL) as orders,
        httpx.AsyncClient(transport=network, base_url=CUSTOMERS_URL) as customers,
        httpx.AsyncClient(transport=network, base_url=PRODUCTS_URL) as products,
    ):
        yield Services(orders, customers, products)
