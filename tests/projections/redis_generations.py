"""What tests of generations share: a store with one order, and orders that are built anew."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from projections.positions import Partition
from projections.redis_store import RedisStore
from projections.redis_store.building import RedisBuilding
from projections.selection import OrdersRoot, PageSelection, Root, root_of
from projections.store import Cut, Store
from projections.versions import Version
from tests.builders.applying import apply_next
from tests.builders.rows import batch, change, customer_key, order_key, order_row, position
from tests.projections.redis_watched import hearing, listening_store

KEY: Final = order_key()
ORDERS: Final = Partition("orders")
SHOWN: Final[list[Root]] = [
    root_of(KEY),
    root_of(customer_key()),
    OrdersRoot("c-1", PageSelection(9)),
]


@asynccontextmanager
async def store_with_an_order(url: str) -> AsyncIterator[RedisStore]:
    """A store whose one order stands at log-5, in its second version."""
    async with listening_store(url) as store:
        with hearing(store) as heard:
            await store.apply(batch(change(order_row(version=2)), at=position("log-5")))
            await heard.until_told({KEY: Version(1, 2)})
        yield store


async def built(store: RedisStore, version: int, cursor: str) -> RedisBuilding:
    """Orders built anew up to this version and cursor."""
    green = await store.building(["orders"])
    await apply_next(green, batch(change(order_row(version=version)), at=position(cursor)))
    return green


async def version_in(store: Store) -> Version | None:
    return (await store.read([root_of(KEY)])).version_of(KEY)


async def shown(store: Store) -> Cut:
    return await store.read(SHOWN)
