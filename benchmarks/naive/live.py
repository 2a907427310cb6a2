"""Composition as it is usually written: httpx, and a DataLoader for what would be N+1 calls."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus

import httpx
from fastapi import FastAPI, Request
from strawberry.dataloader import DataLoader
from strawberry.fastapi import GraphQLRouter

from benchmarks.naive.schema import Context, Json, schema

BATCH_LIMIT = 100
"""Ids that a service takes in one call."""


class LiveSource:
    """Asks the services; one a request, because its loaders remember what they have loaded."""

    def __init__(self, clients: Mapping[str, httpx.AsyncClient]) -> None:
        self._clients = clients
        self._customers: DataLoader[str, Json | None] = DataLoader(
            load_fn=self._load_customers, max_batch_size=BATCH_LIMIT
        )
        self._products: DataLoader[str, Json | None] = DataLoader(
            load_fn=self._load_products, max_batch_size=BATCH_LIMIT
        )

    async def order(self, order_id: str) -> Json | None:
        response = await self._clients["orders"].get(f"/orders/{order_id}")
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None
        state: Json = response.raise_for_status().json()
        return state

    async def orders(self, customer_id: str, first: int) -> Sequence[Json]:
        asked: Mapping[str, str | int] = {"customerId": customer_id, "limit": first}
        response = await self._clients["orders"].get("/orders", params=asked)
        states: Sequence[Json] = response.raise_for_status().json()["items"]
        return states

    async def customer(self, customer_id: str) -> Json | None:
        return await self._customers.load(customer_id)

    async def product(self, product_id: str) -> Json | None:
        return await self._products.load(product_id)

    async def _load_customers(self, ids: list[str]) -> list[Json | None]:
        return await self._load("customers", ids)

    async def _load_products(self, ids: list[str]) -> list[Json | None]:
        return await self._load("products", ids)

    async def _load(self, service: str, ids: list[str]) -> list[Json | None]:
        response = await self._clients[service].get(f"/{service}", params={"ids": ",".join(ids)})
        items: Sequence[Json] = response.raise_for_status().json()["items"]
        found = {state["id"]: state for state in items}
        return [found.get(id_) for id_ in ids]


def create_app(urls: Mapping[str, str]) -> FastAPI:
    """The application before services at these addresses."""
    clients: dict[str, httpx.AsyncClient] = {}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        clients.update({name: httpx.AsyncClient(base_url=url) for name, url in urls.items()})
        yield
        for client in clients.values():
            await client.aclose()

    async def context(_: Request) -> Context:
        return Context(LiveSource(clients))

    app = FastAPI(lifespan=lifespan)
    app.include_router(GraphQLRouter(schema, context_getter=context), prefix="/graphql")
    return app
