"""The same schema over a projection as it is usually begun: dicts in the process."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter

from fastapi import FastAPI, Request
from strawberry.fastapi import GraphQLRouter

from benchmarks.naive.schema import Context, Json, schema


class ProjectedSource:
    """Looks everything up; one a process."""

    def __init__(
        self, orders: Iterable[Json], customers: Iterable[Json], products: Iterable[Json]
    ) -> None:
        self._orders = by_id(orders)
        self._customers = by_id(customers)
        self._products = by_id(products)
        self._lists: defaultdict[str, list[Json]] = defaultdict(list)
        for order in sorted(self._orders.values(), key=itemgetter("placedAt", "id"), reverse=True):
            self._lists[order["customerId"]].append(order)

    async def order(self, order_id: str) -> Json | None:
        return self._orders.get(order_id)

    async def orders(self, customer_id: str, first: int) -> Sequence[Json]:
        return self._lists[customer_id][:first]

    async def customer(self, customer_id: str) -> Json | None:
        return self._customers.get(customer_id)

    async def product(self, product_id: str) -> Json | None:
        return self._products.get(product_id)


def by_id(states: Iterable[Json]) -> Mapping[str, Json]:
    """The states by the ids in them."""
    return {state["id"]: state for state in states}


def create_app(source: ProjectedSource) -> FastAPI:
    """The application over this projection."""

    async def context(_: Request) -> Context:
        return Context(source)

    app = FastAPI()
    app.include_router(GraphQLRouter(schema, context_getter=context), prefix="/graphql")
    return app
