"""Ways in which a service lets us down, ready to be put in place of a twin's route."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import cast

import httpx
import respx

from projections.views import Row
from tests.contracts.twin_rendering import rendered, rendered_row
from tests.contracts.twins import UpstreamTwins
from tests.resolvers.rows import a_customer, a_product, an_order

Behaviour = Callable[[httpx.Request], Awaitable[httpx.Response]]
Healthy = Callable[[httpx.Request], httpx.Response]
DelayOf = Callable[[httpx.Request], float]

ANOTHER_ROW: dict[str, Row] = {
    "orders": an_order("o-2"),
    "customers": a_customer("c-2"),
    "products": a_product("p-3"),
}


def route_of(twins: UpstreamTwins, service: str) -> respx.Route:
    routes = {"orders": twins.orders, "customers": twins.customers, "products": twins.products}
    return routes[service]


def shelf_of(twins: UpstreamTwins, service: str) -> MutableMapping[str, Row]:
    """What the service owns, by id; a row that is taken from it does not exist any more."""
    shelves = {
        "orders": twins.order_shelf.rows,
        "customers": twins.customer_shelf.rows,
        "products": twins.product_shelf.rows,
    }
    return cast("MutableMapping[str, Row]", shelves[service])


def healthy_answer_of(twins: UpstreamTwins, service: str) -> Healthy:
    """What the service says while it is well."""
    return cast("Healthy", route_of(twins, service).side_effect)


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
    answer = healthy_answer_of(twins, service)

    async def late(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(delay_s(request) if callable(delay_s) else delay_s)
        return answer(request)

    misbehave(twins, service, late)


class Body(httpx.AsyncByteStream):
    """A body that comes in pieces, each so long (s) after the one before, and then breaks off."""

    def __init__(
        self,
        pieces: Sequence[bytes],
        *,
        pause_s: float = 0.0,
        breaks_off: httpx.TransportError | None = None,
    ) -> None:
        self._pieces = pieces
        self._pause_s = pause_s
        self._breaks_off = breaks_off

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            await asyncio.sleep(self._pause_s)
            yield piece
        if self._breaks_off is not None:
            raise self._breaks_off


def with_late_body(answer: Healthy, late_s: float) -> Behaviour:
    """The head of what would be answered at once, its body so much later (s)."""

    async def answer_late(request: httpx.Request) -> httpx.Response:
        response = answer(request)
        return with_body(response, Body([response.content], pause_s=late_s))

    return answer_late


def trickling(answer: Healthy, pause_s: float) -> Behaviour:
    """The head at once, then byte after byte, each so long (s) after the one before."""

    async def trickle(request: httpx.Request) -> httpx.Response:
        response = answer(request)
        return with_body(response, Body([bytes([b]) for b in response.content], pause_s=pause_s))

    return trickle


def breaking_off(answer: Healthy) -> Behaviour:
    """The head and half of the body, and then the connection is gone."""

    async def break_off(request: httpx.Request) -> httpx.Response:
        response = answer(request)
        half = response.content[: len(response.content) // 2]
        return with_body(response, Body([half], breaks_off=httpx.ReadError("broken off")))

    return break_off


def with_body(response: httpx.Response, body: Body) -> httpx.Response:
    return httpx.Response(response.status_code, headers=response.headers, stream=body)


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
