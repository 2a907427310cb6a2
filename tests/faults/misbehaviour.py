"""Ways in which a service lets us down, ready to be put in place of a twin's route."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import cast

import httpx
import respx

from projections.views import Row
from tests.contracts.twin_rendering import rendered, rendered_row
from tests.contracts.twins import UpstreamTwins
from tests.resolvers.rows import a_customer, a_product, an_order

Behaviour = Callable[[httpx.Request], Awaitable[httpx.Response]]
DelayOf = Callable[[httpx.Request], float]

ANOTHER_ROW: dict[str, Row] = {
    "orders": an_order("o-2"),
    "customers": a_customer("c-2"),
    "products": a_product("p-3"),
}


def route_of(twins: UpstreamTwins, service: str) -> respx.Route:
    routes = {"orders": twins.orders, "customers": twins.customers, "products": twins.products}
    return routes[service]


def misbehave(twins: UpstreamTwins, service: str, behaviour: Behaviour) -> None:
    """From now on the service does nothing else."""
    route_of(twins, service).mock(side_effect=behaviour)


@contextmanager
def misbehaving(twins: UpstreamTwins, service: str, behaviour: Behaviour) -> Iterator[None]:
    """The service does nothing else while the context is open."""
    route = route_of(twins, service)
    before = route.side_effect
    route.mock(side_effect=behaviour)
    try:
        yield
    finally:
        route.mock(side_effect=before)


def slow_down(twins: UpstreamTwins, service: str, delay_s: float | DelayOf) -> None:
    """The service answers as ever, only later."""
    route = route_of(twins, service)
    answer = cast("Callable[[httpx.Request], httpx.Response]", route.side_effect)

    async def late(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(delay_s(request) if callable(delay_s) else delay_s)
        return answer(request)

    route.mock(side_effect=late)


def answering(response: httpx.Response) -> Behaviour:
    async def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(
            response.status_code, headers=response.headers, content=response.content
        )

    return answer


def failing(error: type[httpx.TransportError]) -> Behaviour:
    async def fail(request: httpx.Request) -> httpx.Response:
        raise error("made by a test", request=request)

    return fail


async def hanging(_: httpx.Request) -> httpx.Response:
    """Accept the request and never answer."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable: nobody sets the event")


def about_another_row(service: str) -> httpx.Response:
    """An answer that is well-formed and not about what was asked."""
    row = ANOTHER_ROW[service]
    return rendered_row(row) if service == "orders" else rendered({"items": [row]})
