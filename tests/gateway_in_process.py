"""The whole gateway in this process: every layer from HTTP to the wire is the real one.

    async with open_gateway(twins) as bff:
        answer = await bff.ask('{ order(id: "o-1") { note } }')

Innermost are the twins of the services (a respx router), so nothing is sent anywhere and every
request to a service is noted. The event feeds bring nothing: the projection moves only by the
hand of the test (`bff.projection`). Time is steered, the wall clock goes with the loop's, and
both start anew with each test: mark it `steered_time`. No answer gets past `ask` that is not true
(see `tests/answer_truth.py`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import respx

from gateway.app import Gateway, Wires, create_app
from gateway.settings import Settings
from projections.token import ConsistencyToken
from projections.token_codec import Opened, TokenCodec, TokenKey, TokenKeys
from projections.versions import AggregateKey, Version
from projections.views import CustomerRow, OrderRow, ProductRow, Row
from resolvers.upstream.call import Upstream
from tests.answer_truth import Examination
from tests.contracts.twins import (
    CUSTOMERS_URL,
    ORDERS_URL,
    PRODUCTS_URL,
    UpstreamTwins,
    upstream_twins,
)
from tests.fickle_store import FickleStore
from tests.graphql_answers import Answer, Json
from tests.noted_wires import Hit, SilentFeed, Wire
from tests.projection_by_hand import LOOP_STARTED_AT_S, ProjectionByHand, wall_clock_s
from tests.truth.cases import Happened
from tests.truth.noting import NotedStore, note_owners
from tests.truth.sent import MS, Request, opening
from tests.truth.world import Stretch, World

KEYS = TokenKeys(TokenKey(1, b"a secret of these tests alone".ljust(32)))
GATEWAY_URL = "http://gateway.test"
SUBJECT = "anonymous"
URLS = {"orders_url": ORDERS_URL, "customers_url": CUSTOMERS_URL, "products_url": PRODUCTS_URL}


class GatewayInProcess:
    """A gateway that is open, the services behind it, and a client in front.

    ``world`` knows what has happened so far.
    """

    def __init__(
        self,
        gateway: Gateway,
        client: httpx.AsyncClient,
        twins: UpstreamTwins,
        wire: Wire,
        world: World,
    ) -> None:
        self.gateway = gateway
        self.world = world
        self._examined: Examination | None = None
        self.twins = twins
        self.projection = ProjectionByHand(gateway.store)
        self._client = client
        self._wire = wire
        lifetime = gateway.settings.token_lifetime_min
        self._codec = TokenCodec(KEYS, lifetime_minutes=lifetime)

    @property
    def store(self) -> FickleStore:
        """The store behind the projection; a test may put it out of reach."""
        assert isinstance(self.gateway.store, FickleStore)
        return self.gateway.store

    async def ask(
        self,
        query: str,
        variables: Mapping[str, Json] | None = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """POST one operation; ``token`` goes as header. The answer has been found to be true."""
        began = self.world.now()
        sent = {} if token is None else {"X-Consistency-Token": token}
        response = await self._client.post(
            "/graphql",
            json={"query": query, "variables": variables or {}},
            headers={**sent, **(headers or {})},
        )
        stretch = Stretch(began, self.world.now())
        elapsed_s = round(stretch.ended.at_s - began.at_s, 6)
        request = Request(query, variables or {})
        open_text = opening(
            self._codec, self._subject_of(response.request), int(wall_clock_s() // 60)
        )
        happened = Happened(self.world, stretch)
        self._examined = Examination.of(response, request, elapsed_s, open_text, happened)
        self._examined.require_truth()
        return Answer(response, elapsed_s)

    async def get(self, query: str, *, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """GET one query, as a browser does. The answer is not examined."""
        return await self._client.get("/graphql", params={"query": query}, headers=headers)

    @property
    def examined(self) -> Examination:
        """The last answer of `ask`, with all that is known of it."""
        assert self._examined is not None
        return self._examined

    def _subject_of(self, request: httpx.Request) -> str:
        header = self.gateway.settings.subject_header
        return SUBJECT if header is None else request.headers.get(header, SUBJECT)

    def seal(self, *rows: Row) -> str:
        """The token of a client that has seen these rows."""
        return self.seal_versions({row.key: row.at for row in rows})

    def seal_versions(
        self, entries: Mapping[AggregateKey, Version], *, issued_minutes_ago: int = 0
    ) -> str:
        return self.seal_token(ConsistencyToken(entries), issued_minutes_ago=issued_minutes_ago)

    def seal_token(self, token: ConsistencyToken, *, issued_minutes_ago: int = 0) -> str:
        minute = int(wall_clock_s() // 60) - issued_minutes_ago
        return self._codec.seal(token, SUBJECT, minute)

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
        return [str(hit) for hit in self.hits]

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
    usual = {"request_log": "none", "anonymous": "everything"}
    given = Settings.model_validate({**usual, **URLS, **settings})
    world = World(
        now_s,
        LOOP_STARTED_AT_S,
        has_projection=given.events != "none",
        wait_cap_s=given.wait_cap_ms / MS,
        fresh_s=given.sharing_options().shown_s,
        budgets_s=dict(given.staleness_budgets_s),
    )
    note_owners(twins, world)
    wire = Wire(twins, world)
    wires = Wires(
        upstream=lambda service, options, to: Upstream.over_http(
            service, options, innermost=wire, observe=to.circuit, draw=lambda: 0.0
        ),
        # The wire of a feed is never used, but making a real one reads certificates from the disk.
        feed=lambda service, url: SilentFeed(service, url, innermost=wire),
        store=lambda *_: NotedStore(world),
        wall_clock=wall_clock_s,
    )
    app = create_app(given, KEYS, wires=wires)
    network = httpx.ASGITransport(app=app)
    failure: BaseException | None = None
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=network, base_url=GATEWAY_URL) as client,
    ):
        try:
            yield GatewayInProcess(app.state.gateway, client, twins, wire, world)
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
