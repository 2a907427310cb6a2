"""The gateway's front door, with twins of the services behind it and one shop of one of each.

    async with open_door(token_cookie=True) as door:
        response = await door.ask("{ __typename }")

Two ways in: `door.client`, an httpx client for what a client may do, and `Exchange`, which speaks
ASGI itself for what only a connection can do: trickle, pause, leave. There is no projection unless
a test asks for ``events="feed"``, so every read of a service is a hit on the wire (`door.wire`).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI

from gateway.app import Gateway, Wires, create_app
from gateway.settings import Settings
from gateway.watching import Watching
from projections.token import ConsistencyToken
from projections.token_codec import TokenCodec
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import Row
from resolvers.upstream.call import Upstream
from tests.contracts.twins import CUSTOMERS_URL, ORDERS_URL, PRODUCTS_URL, UpstreamTwins
from tests.gateway_in_process import KEYS, twins_of
from tests.noted_wires import SilentFeed, Wire
from tests.projection_by_hand import wall_clock_s
from tests.resolvers.upstream.builders import a_customer, a_product, an_order

Json = Any
Message = MutableMapping[str, Any]

ENDPOINT = "/graphql"
TYPENAME = b'{"query":"{ __typename }"}'
A_QUERY = '{ order(id: "o-1") { id } }'
A_MUTATION = 'mutation { updateOrder(input: {id: "o-1", note: "gift"}) { order { note } } }'
JSON_TYPE = {"content-type": "application/json"}
URLS = {"orders_url": ORDERS_URL, "customers_url": CUSTOMERS_URL, "products_url": PRODUCTS_URL}


@dataclass(frozen=True, slots=True)
class Door:
    """An open gateway: the application, a client in front, the services behind."""

    app: FastAPI
    client: httpx.AsyncClient
    twins: UpstreamTwins
    wire: Wire

    @property
    def gateway(self) -> Gateway:
        gateway: Gateway = self.app.state.gateway
        return gateway

    async def post(
        self, body: bytes = TYPENAME, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Send these bytes, as JSON unless the headers say otherwise."""
        return await self.client.post(
            ENDPOINT, content=body, headers={**JSON_TYPE, **(headers or {})}
        )

    async def ask(
        self,
        query: str,
        variables: Mapping[str, Json] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        body = json.dumps({"query": query, "variables": variables}).encode()
        return await self.post(body, headers)

    async def get(
        self, params: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        return await self.client.get(ENDPOINT, params=params, headers=headers)

    @property
    def calls(self) -> list[str]:
        """What reached a service: ``PATCH /orders/o-1``."""
        return [f"{hit.method} {hit.path}" for hit in self.wire.hits]


@asynccontextmanager
async def open_door(*rows: Row, **settings: object) -> AsyncIterator[Door]:
    """A gateway with these settings before services that own these rows, or o-1, c-1 and p-1."""
    async with door_with(settings, *rows) as door:
        yield door


@asynccontextmanager
async def door_with(
    settings: Mapping[str, object],
    *rows: Row,
    watching: Callable[[Settings], Watching] = Watching.of,
) -> AsyncIterator[Door]:
    """The same, with lines and spans of another kind."""
    twins = twins_of(*(rows or (an_order(), a_customer(), a_product())))
    wire = Wire(twins)
    wires = Wires(
        upstream=lambda service, options, to: Upstream.over_http(
            service, options, innermost=wire, observe=to.circuit
        ),
        feed=lambda service, url: SilentFeed(service, url, innermost=wire),
        wall_clock=wall_clock_s,
        watching=watching,
    )
    usual = {"events": "none", "request_log": "none", "anonymous": "everything"}
    given = Settings.model_validate({**usual, **URLS, **settings})
    app = create_app(given, KEYS, wires=wires)
    network = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=network, base_url="http://gateway.test") as client,
    ):
        yield Door(app, client, twins, wire)


def a_token(
    order_id: str = "o-1", *, version: int = 1, subject: str = "anonymous", age_min: int = 0
) -> str:
    """A genuine token that demands one order."""
    key = AggregateKey(AggregateType.ORDER, order_id)
    token = ConsistencyToken({key: Version(1, version)})
    return TokenCodec(KEYS).seal(token, subject, int(wall_clock_s() // 60) - age_min)


def only_error(response: httpx.Response) -> Json:
    """The only error of a response that brings no data."""
    body = response.json()
    [error] = body["errors"]
    assert "data" not in body
    return error


def code_of(response: httpx.Response) -> str:
    code: str = only_error(response)["extensions"]["code"]
    return code


@dataclass
class Exchange:
    """One HTTP exchange by hand: the test is the server's connection.

    ``receive`` gives out ``parts`` and then waits; `leave` closes the connection.
    """

    parts: Sequence[Message] = ()
    method: str = "POST"
    path: str = ENDPOINT
    query_string: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: JSON_TYPE)
    sent: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._waiting: asyncio.Queue[Message] = asyncio.Queue()
        for part in self.parts:
            self._waiting.put_nowait(part)

    def leave(self) -> None:
        self._waiting.put_nowait({"type": "http.disconnect"})

    async def receive(self) -> Message:
        return await self._waiting.get()

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def run(self, app: Callable[..., Awaitable[None]] | FastAPI) -> None:
        """Let the application handle this request to its end."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": self.path,
            "raw_path": self.path.encode(),
            "root_path": "",
            "query_string": self.query_string,
            "headers": [(k.encode(), v.encode()) for k, v in self.headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
        }
        await app(scope, self.receive, self.send)

    @property
    def status(self) -> int:
        status: int = self.sent[0]["status"]
        return status

    @property
    def body(self) -> Json:
        return json.loads(b"".join(message.get("body", b"") for message in self.sent))


def part(body: bytes, *, more: bool = False) -> Message:
    """One piece of a request's body as a server hands it on."""
    return {"type": "http.request", "body": body, "more_body": more}
