"""The whole gateway in this process: every layer from HTTP to the wire is the real one.

    async with open_gateway(twins) as bff:
        answer = await bff.ask('{ order(id: "o-1") { note } }')

Innermost are the twins of the services (a respx router), so nothing is sent anywhere and every
request to a service is noted. The event feeds bring nothing: the projection moves only by the
hand of the test (`bff.projection`). Time is steered, the wall clock goes with the loop's, and
both start anew with each test: mark it `steered_time`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import respx

from gateway.app import Gateway, Wires, create_app
from gateway.settings import Settings
from projections.token import ConsistencyToken
from projections.token_codec import Opened, TokenCodec, TokenKey, TokenKeys
from projections.versions import AggregateKey, Version
from projections.views import CustomerRow, OrderRow, ProductRow, Row
from resolvers.upstream.call import Upstream
from resolvers.upstream.feed_http import FeedAnswer, FeedHttp
from tests.contracts.twins import (
    CUSTOMERS_URL,
    ORDERS_URL,
    PRODUCTS_URL,
    UpstreamTwins,
    upstream_twins,
)
from tests.projection_by_hand import ProjectionByHand, wall_clock_s

KEYS = TokenKeys(TokenKey(1, b"a secret of these tests alone".ljust(32)))
GATEWAY_URL = "http://gateway.test"
SUBJECT = "anonymous"

Json = Any
"""What came over HTTP: a test may look wherever it likes."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One request that reached a service, and when (s of the loop)."""

    service: str
    method: str
    path: str
    params: Mapping[str, str]
    headers: httpx.Headers
    body: bytes
    at_s: float


class Wire(httpx.AsyncBaseTransport):
    """The innermost transport: notes what goes to the services and lets the twins answer."""

    def __init__(self, twins: UpstreamTwins) -> None:
        self._network = twins.network
        self.hits: list[Hit] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        service = url.host.removesuffix(".test")
        params = dict(url.params)
        at_s = round(now_s(), 6)
        self.hits.append(
            Hit(service, request.method, url.path, params, request.headers, request.content, at_s)
        )
        return await self._network.handle_async_request(request)


class SilentFeed(FeedHttp):
    """A feed that holds every poll for ever."""

    async def get_json_bytes(
        self, path: str, params: Mapping[str, str], timeout_s: float
    ) -> FeedAnswer:
        await asyncio.Event().wait()
        raise AssertionError("unreachable: nobody sets the event")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client gets to see, and how long (s) she waited for it."""

    response: httpx.Response
    elapsed_s: float

    @property
    def body(self) -> Json:
        return self.response.json()

    @property
    def data(self) -> Json:
        """The data of an answer that is complete."""
        assert self.errors == []
        return self.body["data"]

    @property
    def partial_data(self) -> Json:
        """The data beside errors; None where nothing was run."""
        return self.body.get("data")

    @property
    def errors(self) -> list[Json]:
        errors: list[Json] = self.body.get("errors", [])
        return errors

    @property
    def error(self) -> Json:
        """The only error."""
        [error] = self.errors
        return error

    @property
    def codes(self) -> dict[str, str]:
        """The code of each error by its path."""
        return {
            ".".join(map(str, error.get("path", ()))): error["extensions"]["code"]
            for error in self.errors
        }

    @property
    def consistency(self) -> Json:
        return self.body["extensions"]["consistency"]

    @property
    def token(self) -> str:
        token: str = self.consistency["token"]
        return token

    def component(self, path: str) -> Json:
        """The only component told at a path."""
        [component] = [c for c in self.consistency["components"] if c["path"] == path]
        return component

    def origin(self, path: str) -> tuple[str, str]:
        """Where the component at a path came from, and why."""
        component = self.component(path)
        return component["source"], component["reason"]


class GatewayInProcess:
    """A gateway that is open, the services behind it, and a client in front."""

    def __init__(
        self, gateway: Gateway, client: httpx.AsyncClient, twins: UpstreamTwins, wire: Wire
    ) -> None:
        self.gateway = gateway
        self.twins = twins
        self.projection = ProjectionByHand(gateway.store)
        self._client = client
        self._wire = wire
        self._codec = TokenCodec(KEYS)

    async def ask(
        self,
        query: str,
        variables: Mapping[str, Json] | None = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """POST one operation; ``token`` goes as header."""
        started_at_s = now_s()
        sent = {} if token is None else {"X-Consistency-Token": token}
        response = await self._client.post(
            "/graphql",
            json={"query": query, "variables": variables or {}},
            headers={**sent, **(headers or {})},
        )
        return Answer(response, round(now_s() - started_at_s, 6))

    def seal(self, *rows: Row) -> str:
        """The token of a client that has seen these rows."""
        return self.seal_versions({row.key: row.at for row in rows})

    def seal_versions(
        self, entries: Mapping[AggregateKey, Version], *, issued_minutes_ago: int = 0
    ) -> str:
        minute = int(wall_clock_s() // 60) - issued_minutes_ago
        return self._codec.seal(ConsistencyToken(entries), SUBJECT, minute)

    def opened(self, token: str) -> ConsistencyToken:
        """What a token promises."""
        verdict = self._codec.open_token(token, SUBJECT, int(wall_clock_s() // 60))
        assert isinstance(verdict, Opened)
        return verdict.token

    @property
    def hits(self) -> list[Hit]:
        """Every request that has reached a service since the last `forget_hits`."""
        return self._wire.hits

    def hits_of(self, service: str) -> list[Hit]:
        return [hit for hit in self.hits if hit.service == service]

    @property
    def calls(self) -> list[str]:
        """The requests as lines: ``GET /orders/o-1``, ``GET /products?ids=p-1,p-2``."""
        return [_line(hit) for hit in self.hits]

    def forget_hits(self) -> None:
        self._wire.hits.clear()


Opening = Callable[..., AbstractAsyncContextManager[GatewayInProcess]]
"""`open_gateway` or `open_composing_gateway`."""


def twins_of(*rows: Row) -> UpstreamTwins:
    """Services that own these rows."""
    return upstream_twins(
        respx.Router(assert_all_called=False),
        orders=[row for row in rows if isinstance(row, OrderRow)],
        customers=[row for row in rows if isinstance(row, CustomerRow)],
        products=[row for row in rows if isinstance(row, ProductRow)],
    )


def own(twins: UpstreamTwins, *rows: Row) -> None:
    """Let the services own these rows from now on; no event has told anybody."""
    for row in rows:
        match row:
            case OrderRow():
                twins.order_shelf.rows[row.id] = row
            case CustomerRow():
                twins.customer_shelf.rows[row.id] = row
            case ProductRow():
                twins.product_shelf.rows[row.id] = row


@asynccontextmanager
async def open_gateway(twins: UpstreamTwins, **settings: object) -> AsyncIterator[GatewayInProcess]:
    """A gateway whose projection holds everything that the services own by now."""
    async with _open(twins, {"events": "feed", **settings}) as bff:
        await bff.projection.apply(
            *twins.order_shelf.rows.values(),
            *twins.customer_shelf.rows.values(),
            *twins.product_shelf.rows.values(),
        )
        yield bff


@asynccontextmanager
async def open_composing_gateway(
    twins: UpstreamTwins, **settings: object
) -> AsyncIterator[GatewayInProcess]:
    """A gateway without a projection: every read is composed."""
    async with _open(twins, {"events": "none", **settings}) as bff:
        yield bff


@asynccontextmanager
async def _open(
    twins: UpstreamTwins, settings: Mapping[str, object]
) -> AsyncIterator[GatewayInProcess]:
    wire = Wire(twins)
    wires = Wires(
        upstream=lambda service, options, to: Upstream.over_http(
            service, options, innermost=wire, observe=to.circuit
        ),
        # The wire of a feed is never used, but making a real one reads certificates from the disk.
        feed=lambda service, url: SilentFeed(service, url, innermost=wire),
        wall_clock=wall_clock_s,
    )
    urls = {"orders_url": ORDERS_URL, "customers_url": CUSTOMERS_URL, "products_url": PRODUCTS_URL}
    app = create_app(Settings.model_validate({**urls, **settings}), KEYS, wires=wires)
    network = httpx.ASGITransport(app=app)
    failure: BaseException | None = None
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=network, base_url=GATEWAY_URL) as client,
    ):
        try:
            yield GatewayInProcess(app.state.gateway, client, twins, wire)
        except BaseException as error:  # noqa: BLE001 - raised again below
            # Inside, the task group of the lifespan would wrap a failed assertion in a group.
            failure = error
    if failure is not None:
        raise failure


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def pass_time(duration_s: float) -> None:
    """Steer both clocks ahead; whatever is due happens on the way."""
    await asyncio.sleep(duration_s)


def _line(hit: Hit) -> str:
    params = "&".join(f"{name}={value}" for name, value in hit.params.items())
    return f"{hit.method} {hit.path}{'?' if params else ''}{params}"
