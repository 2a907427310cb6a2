"""The composition root: everything concrete is made and wired here, read from top to bottom.

Made by constructors alone; what holds connections or tasks is opened in order and closed in reverse
by one lifespan. A test makes a second gateway beside the first.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.routing import Route

from gateway.admission.limits import DocumentLimits
from gateway.catch_up import CatchUp
from gateway.execution.documents import Documents
from gateway.execution.executor import Executor, graphql_schema_of
from gateway.feed_port import FeedPort
from gateway.graphql_http import GraphQLHttp, HttpOptions
from gateway.health import health_routes
from gateway.operation import Operations
from gateway.playground.routes import playground_routes
from gateway.playground.site import PlaygroundSite
from gateway.settings import Settings
from gateway.telemetry import Telemetry
from projections.consumer import Consumer, ConsumerOptions, ProjectionSignal
from projections.feed import FeedSource
from projections.memory_store import MemoryStore
from projections.token_codec import TokenCodec, TokenKeys
from projections.waiters import WaiterOptions, Waiters
from resolvers.loaders import Clients
from resolvers.read_model import ReadModel
from resolvers.schema import build_schema
from resolvers.upstream.call import Upstream
from resolvers.upstream.customers import CustomersClient
from resolvers.upstream.feed_http import FeedHttp
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.orders import OrdersClient
from resolvers.upstream.products import ProductsClient


@dataclass(frozen=True, slots=True)
class Wires:
    """How services, feeds and the wall clock (epoch s) are reached; tests put others in place."""

    upstream: Callable[[str, UpstreamOptions, Telemetry], Upstream] = lambda service, options, to: (
        Upstream.over_http(service, options, observe=to.circuit)
    )
    feed: Callable[[str, str], FeedHttp] = FeedHttp
    wall_clock: Callable[[], float] = time.time


class Gateway:
    """All parts of one gateway, wired and not yet open."""

    def __init__(self, settings: Settings, keys: TokenKeys, wires: Wires) -> None:
        self.settings = settings
        self.telemetry = Telemetry()
        urls = {
            "orders": settings.orders_url,
            "customers": settings.customers_url,
            "products": settings.products_url,
        }
        self.upstreams = {
            service: wires.upstream(service, settings.upstream_options(url), self.telemetry)
            for service, url in urls.items()
        }
        self.feeds = {
            service: wires.feed(service, str(url).rstrip("/"))
            for service, url in urls.items()
            if settings.events == "feed"
        }
        self.catch_up = CatchUp(tuple(self.feeds))
        self.wall_clock = wires.wall_clock
        self.store = MemoryStore(wall_clock=wires.wall_clock)
        self.waiters = Waiters(self.store, WaiterOptions())
        self.schema = build_schema()
        self.operations = self._operations(keys)

    @property
    def sources(self) -> tuple[str, ...]:
        """The event sources that are projected; none where events are switched off."""
        return tuple(self.feeds)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Consume the feeds while the context is open; afterwards close every connection."""
        async with AsyncExitStack() as stack:
            for upstream in self.upstreams.values():
                stack.push_async_callback(upstream.aclose)
            for feed in self.feeds.values():
                stack.push_async_callback(feed.aclose)
            await stack.enter_async_context(self.waiters.open())
            async with asyncio.TaskGroup() as group:
                consuming = [
                    group.create_task(self._consumer(source).run(), name=f"project {source}")
                    for source in self.sources
                ]
                try:
                    yield
                finally:
                    for task in consuming:
                        task.cancel()

    def _consumer(self, source: str) -> Consumer:
        port = FeedPort(source, self.feeds[source])
        options = self.settings.feed_options()
        feed = FeedSource(source, port, options, wall_clock=self.wall_clock)
        return Consumer(feed, self.store, self._observe, ConsumerOptions())

    def _observe(self, signal: ProjectionSignal) -> None:
        self.telemetry.projection(signal)
        self.catch_up.observe(signal)

    def _operations(self, keys: TokenKeys) -> Operations:
        settings = self.settings
        return Operations(
            documents=Documents(
                graphql_schema_of(self.schema),
                token_limit=settings.query_token_limit,
                limits=DocumentLimits(settings.query_depth_limit, settings.query_cost_limit),
                is_introspection_on=settings.introspection,
            ),
            executor=Executor(self.schema),
            clients=Clients(
                OrdersClient(self.upstreams["orders"]),
                CustomersClient(self.upstreams["customers"]),
                ProductsClient(self.upstreams["products"]),
            ),
            model=ReadModel(self.store, self.waiters) if self.sources else None,
            codec=TokenCodec(keys, lifetime_minutes=settings.token_lifetime_min),
            read_options=settings.read_options(),
            request_timeout_s=settings.request_timeout_s,
            telemetry=self.telemetry,
            wall_clock=self.wall_clock,
        )


def create_app(settings: Settings, keys: TokenKeys, *, wires: Wires | None = None) -> FastAPI:
    """The whole gateway as one ASGI application; its lifespan opens and closes it."""
    gateway = Gateway(settings, keys, wires or Wires())
    site = PlaygroundSite.load() if settings.playground else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with gateway.open():
            yield

    app = FastAPI(lifespan=lifespan, openapi_url=None)
    app.state.gateway = gateway
    http = HttpOptions(
        body_limit_bytes=settings.body_limit_bytes,
        subject_header=settings.subject_header,
        is_cookie_set=settings.token_cookie,
    )
    graphql = GraphQLHttp(gateway.operations, http, site)
    app.router.routes.append(Route("/graphql", graphql, methods=None))
    projection = gateway.store if gateway.sources else None
    app.include_router(health_routes(projection, gateway.sources, gateway.wall_clock))
    if site is not None:
        app.include_router(playground_routes(site))
    return app
