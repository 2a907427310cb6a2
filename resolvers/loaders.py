"""Live loads of one operation: what is asked in one turn of the loop goes out in one call.

One loader a kind, made for one operation and closed with it. Waiting is done on the shared futures
without owning them, so a caller that gives up never cancels another's load; closing cancels what
is still on the wire.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from strawberry.dataloader import DataLoader, DefaultCache

from projections.selection import PageKey
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import CustomerRow, ProductRow, Row
from resolvers.answer import Failed
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.customers import CustomersClient
from resolvers.upstream.errors import UpstreamError
from resolvers.upstream.orders import OrdersClient, OrdersPage
from resolvers.upstream.products import ProductsClient

K = TypeVar("K")
V = TypeVar("V")

LiveRow = Row | None | Failed
"""The owner's answer: the row, that there is none, or that it could not be had."""


@dataclass(frozen=True, slots=True)
class Clients:
    """The typed clients of the owning services."""

    orders: OrdersClient
    customers: CustomersClient
    products: ProductsClient


class Loader(Generic[K, V]):
    """A DataLoader whose callers are shielded from each other."""

    def __init__(self, load: Callable[[list[K]], Awaitable[Sequence[V]]]) -> None:
        self._cache: DefaultCache[K, V] = DefaultCache()
        self._loader: DataLoader[K, V] = DataLoader(load_fn=load, cache_map=self._cache)

    async def load(self, keys: Iterable[K]) -> dict[K, V]:
        futures = {key: asyncio.ensure_future(self._loader.load(key)) for key in keys}
        if futures:
            await asyncio.wait(futures.values())
        return {key: future.result() for key, future in futures.items()}

    def close(self) -> None:
        for future in self._cache.cache_map.values():
            future.cancel()


class LiveLoader:
    """Rows and pages of one operation from the services that own them."""

    def __init__(self, clients: Clients, context: CallContext) -> None:
        self._clients = clients
        self._context = context
        self._rows: dict[AggregateType, Loader[str, LiveRow]] = {
            AggregateType.ORDER: Loader(self._load_orders),
            AggregateType.CUSTOMER: Loader(self._load_customers),
            AggregateType.PRODUCT: Loader(self._load_products),
        }
        self._insisting: Loader[tuple[AggregateKey, Version], Row | None] = Loader(
            self._load_insisting
        )
        self._pages: Loader[PageKey, OrdersPage | Failed] = Loader(self._load_pages)

    async def load_rows(
        self, demanded: Mapping[AggregateKey, Version | None]
    ) -> dict[AggregateKey, LiveRow]:
        """One answer a key. Batched by type with everything else asked in this turn.

        An answer below its demanded version is asked for once more with ``Min-Version``; what is
        older even then is returned as it is, for the caller to tell.
        """
        answers: dict[AggregateKey, LiveRow] = {}
        async with asyncio.TaskGroup() as group:
            for aggregate_type in {key.type for key in demanded}:
                keys = [key for key in demanded if key.type is aggregate_type]
                group.create_task(self._load_type(aggregate_type, keys, answers))
        behind = {
            key: at_least
            for key, at_least in demanded.items()
            if at_least is not None and _is_behind(answers[key], at_least)
        }
        newer = await self._insisting.load(behind.items())
        answers.update({key: row for (key, _), row in newer.items() if row is not None})
        return answers

    async def load_pages(self, keys: Iterable[PageKey]) -> dict[PageKey, OrdersPage | Failed]:
        """One answer a page; each is one call."""
        return await self._pages.load(keys)

    def close(self) -> None:
        """Cancel every call that is still on the wire. Idempotent."""
        for loader in self._rows.values():
            loader.close()
        self._insisting.close()
        self._pages.close()

    async def _load_type(
        self,
        aggregate_type: AggregateType,
        keys: Sequence[AggregateKey],
        answers: dict[AggregateKey, LiveRow],
    ) -> None:
        rows = await self._rows[aggregate_type].load([key.id for key in keys])
        answers.update({key: rows[key.id] for key in keys})

    async def _load_insisting(self, asked: list[tuple[AggregateKey, Version]]) -> list[Row | None]:
        """The rows at these versions or newer; None where even this brought nothing newer."""

        async def load(wanted: tuple[AggregateKey, Version]) -> Row | None:
            key, at_least = wanted
            try:
                return await self._fetch(key, min_version=at_least.number)
            except UpstreamError:
                return None

        return await _all(load, asked)

    async def _fetch(self, key: AggregateKey, *, min_version: int | None = None) -> Row | None:
        match key.type:
            case AggregateType.ORDER:
                return await self._clients.orders.fetch(
                    key.id, self._context, min_version=min_version
                )
            case AggregateType.CUSTOMER:
                return await self._clients.customers.fetch(
                    key.id, self._context, min_version=min_version
                )
            case AggregateType.PRODUCT:
                return await self._clients.products.fetch(
                    key.id, self._context, min_version=min_version
                )

    async def _load_orders(self, ids: list[str]) -> list[LiveRow]:
        async def load(order_id: str) -> LiveRow:
            try:
                return await self._clients.orders.fetch(order_id, self._context)
            except UpstreamError as error:
                return Failed(error)

        return await _all(load, ids)

    async def _load_pages(self, keys: list[PageKey]) -> list[OrdersPage | Failed]:
        async def load(key: PageKey) -> OrdersPage | Failed:
            try:
                return await self._clients.orders.fetch_page(
                    key.customer_id,
                    self._context,
                    status=key.status,
                    limit=key.first,
                    after=key.after,
                )
            except UpstreamError as error:
                return Failed(error)

        return await _all(load, keys)

    async def _load_customers(self, ids: list[str]) -> list[LiveRow]:
        try:
            rows = await self._clients.customers.fetch_batch(ids, self._context)
        except UpstreamError as error:
            return [Failed(error)] * len(ids)
        return _in_order(ids, rows)

    async def _load_products(self, ids: list[str]) -> list[LiveRow]:
        try:
            rows = await self._clients.products.fetch_batch(ids, self._context)
        except UpstreamError as error:
            return [Failed(error)] * len(ids)
        return _in_order(ids, rows)


async def _all(load: Callable[[K], Awaitable[V]], keys: Sequence[K]) -> list[V]:
    """One answer a key, in their order, all in parallel."""
    answers: dict[K, V] = {}

    async def store(key: K) -> None:
        answers[key] = await load(key)

    async with asyncio.TaskGroup() as group:
        for key in keys:
            group.create_task(store(key))
    return [answers[key] for key in keys]


def _in_order(
    ids: Sequence[str], rows: Mapping[str, CustomerRow] | Mapping[str, ProductRow]
) -> list[LiveRow]:
    return [rows.get(row_id) for row_id in ids]


def _is_behind(row: LiveRow, at_least: Version) -> bool:
    match row:
        case Failed():
            return False
        case None:
            return True
        case _:
            return row.at < at_least
