"""The composition root: everything concrete is made and wired here, read from top to bottom.

Made by constructors alone; one lifespan opens what holds connections or tasks, and closes it again.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.routing import Route, WebSocketRoute

from gateway.admission.door import Door
from gateway.beside import running
from gateway.budget_sharing import BudgetSharing
from gateway.catch_up import CatchUp
from gateway.circuit_hints import CircuitHints
from gateway.execution.documents import DocumentRefused
from gateway.execution.standing import StandingQueries
from gateway.freshness import FreshnessGauge
from gateway.garbage import GarbageOptions, GarbageRounds
from gateway.graphql_http import PATH, GraphQLHttp, HttpOptions
from gateway.health import Health, health_routes
from gateway.identifying import KeySource, make_identity
from gateway.identity import development
from gateway.making import make_entry, make_operations
from gateway.metrics.collecting import Metered
from gateway.metrics.fellows import Fellows
from gateway.metrics.page import metrics_route, telling
from gateway.playground.routes import playground_routes
from gateway.playground.site import PlaygroundSite
from gateway.projecting import FeedProjecting, MakeFeed
from gateway.settings import Settings
from gateway.stores import MakeStore, make_store, opened
from gateway.subscriptions.live import Live
from gateway.telemetry import Telemetry
from gateway.watcher import StoreWatcher
from gateway.watching import Watching
from projections.consumer import ProjectionSignal
from projections.redis_store import RedisStore
from projections.token_codec import TokenKeys
from projections.waiters import WaiterOptions, Waiters
from resolvers.loaders import Clients
from resolvers.read_model import ReadModel
from resolvers.schema import build_schema
from resolvers.speculation import Guesses
from resolvers.upstream.call import Upstream
from resolvers.upstream.customers import CustomersClient
from resolvers.upstream.feed_http import FeedHttp
from resolvers.upstream.key_set_http import KeySetHttp
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.orders import OrdersClient
from resolvers.upstream.owners import Owners
from resolvers.upstream.products import ProductsClient
from resolvers.upstream.published_circuit import name_of
from resolvers.upstream.shared_reads import SharedReads


@dataclass(frozen=True, slots=True)
class Wires:
    """How services, feeds and the wall clock (epoch s) are reached; tests put others in place."""

    upstream: Callable[[str, UpstreamOptions, Telemetry], Upstream] = lambda service, options, to: (
        Upstream.over_http(service, options, observe=to.circuit)
    )
    feed: MakeFeed = FeedHttp
    store: MakeStore = make_store
    key_source: Callable[[str], KeySource] = KeySetHttp
    wall_clock: Callable[[], float] = time.time
    watching: Callable[[Settings], Watching] = Watching.of


class Gateway:
    """All parts of one gateway, wired and not yet open."""

    def __init__(self, settings: Settings, keys: TokenKeys, wires: Wires) -> None:
        self.settings = settings
        self.watcher, self.hints = StoreWatcher(), CircuitHints()
        observers = self.watcher.observe, self.hints.observe
        self.telemetry = Telemetry(watch_redis=observers[0], watch_circuits=observers[1])
        self.watching = wires.watching(settings)
        self.wall_clock = wires.wall_clock
        self.identity = make_identity(
            settings,
            key_source=wires.key_source,
            wall_clock=wires.wall_clock,
            observe=self.telemetry.identity_keys,
        )
        self.limits = settings.client_limits()
        self.door = Door(settings.admission_options(), observe=self.telemetry.shedding)
        self.upstreams = {
            service: wires.upstream(service, settings.upstream_options(url), self.telemetry)
            for service, url in settings.service_urls.items()
        }
        self.sources = () if settings.events == "none" else tuple(self.upstreams)
        self.catch_up = CatchUp(self.sources)
        self.store = wires.store(settings, self.telemetry, wires.wall_clock)
        self.projecting = self._projecting(wires) if self.is_projecting else None
        self.gauge = self._gauge() if self.sources else None
        self.model = self._model() if self.sources else None
        self.clients = self._clients()
        self.schema = build_schema()
        self.operations = make_operations(
            settings,
            self.schema,
            keys,
            clients=self.clients,
            model=self.model,
            telemetry=self.telemetry,
            wall_clock=self.wall_clock,
        )
        self.entry = make_entry(
            settings,
            self.operations,
            door=self.door,
            identity=self.identity.desk,
            limits=self.limits,
            watching=self.watching,
        )
        live = settings.live_options()
        self.live = Live(self.entry, StandingQueries(self.schema), live, self.store, self.model)
        self.garbage = GarbageRounds(
            GarbageOptions(), crowd=lambda: self.door.crowd, loaded=self._loaded
        )

    @property
    def is_projecting(self) -> bool:
        """Whether this process keeps its own projection, and keeps it current."""
        return bool(self.sources) and self.settings.store == "memory"

    @property
    def health(self) -> Health:
        """What `/readyz` tells."""
        guesses = self.clients.guesses
        return Health(
            gauge=self.gauge,
            is_shared=not self.is_projecting,
            circuits=self._circuits,
            crowd=lambda: self.door.crowd,
            guesses=None if guesses is None else guesses.counts,
            collected=lambda: self.garbage.collected,
        )

    @property
    def metered(self) -> Metered:
        """What `/metrics` tells."""
        guesses, model, operations = self.clients.guesses, self.model, self.operations
        return Metered(
            counts=operations.counts,
            budgets=self.limits.budgets,
            crowd=lambda: self.door.crowd,
            documents=operations.documents,
            executor=operations.executor,
            at_hand=operations.at_hand,
            upstreams=self.upstreams,
            shared=self.clients.shared,
            guesses=None if guesses is None else guesses.counts,
            gauge=self.gauge,
            letters=self.store,
            store_circuit=None if model is None else lambda: model.circuit_state,
            collected=lambda: self.garbage.collected,
            watching=self.watching,
            live=self.live.counts,
        )

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Keep the projection current while the context is open; then close every connection."""
        self._warm()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.watching.aclose)
            await stack.enter_async_context(self.identity.open())
            for upstream in self.upstreams.values():
                stack.push_async_callback(upstream.aclose)
            if self.clients.shared is not None:
                await stack.enter_async_context(self.clients.shared.open())
            if isinstance(self.store, RedisStore):
                stack.enter_context(self.store.following(self.watcher.follow))
            await stack.enter_async_context(opened(self.store))
            if isinstance(self.store, RedisStore):
                hinting = self.hints.run(self.store.words("circuits"), self.upstreams)
                await stack.enter_async_context(running(hinting))
                if self.limits.is_on:
                    sharing = BudgetSharing(self.limits.budgets).run(self.store.debts("spent"))
                    await stack.enter_async_context(running(sharing))
            if self.model is not None:
                await stack.enter_async_context(self.model.waiters.open())
            if self.projecting is not None:
                stack.push_async_callback(self.projecting.aclose)
                await stack.enter_async_context(running(self.projecting.run()))
            if self.gauge is not None:
                await stack.enter_async_context(running(self.gauge.run()))
            await stack.enter_async_context(self.live.open())
            yield

    async def _loaded(self) -> None:
        """Return when this process holds the projection, if it is to hold it."""
        if self.is_projecting:
            async for _ in self.catch_up.follow():
                pass

    def _warm(self) -> None:
        """Make the documents ready that clients are known to send."""
        for document_id, text in self.entry.known.manifest.items():
            try:
                self.operations.documents.warm(text)
            except DocumentRefused as refused:
                self.telemetry.document_refused(document_id, refused.errors[0].message)

    def _clients(self) -> Clients:
        orders = OrdersClient(self.upstreams["orders"])
        customers = CustomersClient(self.upstreams["customers"])
        products = ProductsClient(self.upstreams["products"])
        owners = Owners(orders, customers, products)
        shared = SharedReads(owners.ask, self.settings.sharing_options(), refuses=owners.refuses)
        guesses = Guesses() if self.settings.guess_ahead else None
        return Clients(orders, customers, products, shared, guesses)

    def _projecting(self, wires: Wires) -> FeedProjecting:
        return FeedProjecting(
            self.settings,
            self.store,
            self._observe,
            make_feed=wires.feed,
            wall_clock=wires.wall_clock,
        )

    def _gauge(self) -> FreshnessGauge:
        return FreshnessGauge(
            store=self.store,
            budgets_s={of.source: s for of, s in self.settings.staleness_budgets_s.items()},
            wall_clock=self.wall_clock,
            watcher=self.watcher if isinstance(self.store, RedisStore) else None,
            observe=self.telemetry.freshness,
            hear=self.telemetry.hearing,
        )

    def _model(self) -> ReadModel:
        waiters = Waiters(self.store, WaiterOptions())
        return ReadModel(self.store, waiters, observe=self.telemetry.store_reach)

    def _observe(self, signal: ProjectionSignal) -> None:
        self.telemetry.projection(signal)
        self.catch_up.observe(signal)

    def _circuits(self) -> dict[str, str]:
        states = {
            name_of(service, kind): state.value
            for service, upstream in self.upstreams.items()
            for kind, state in upstream.circuit_states.items()
        }
        return states if self.model is None else {**states, "store": self.model.circuit_state}


def create_app(
    settings: Settings,
    keys: TokenKeys,
    *,
    wires: Wires | None = None,
    dev_secret: str | None = None,
    fellows: Fellows | None = None,
) -> FastAPI:
    """The whole gateway as one ASGI application; its lifespan opens and closes it.

    ``dev_secret`` signs the identities of `bff dev`. A worker beside others has ``fellows``.
    """
    gateway = Gateway(settings, keys, wires or Wires())
    identities = "" if dev_secret is None else development.PATH
    site = PlaygroundSite.load(identities=identities) if settings.playground else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with gateway.open(), telling(gateway.metered, fellows):
            yield

    # No redirects to paths without a slash: they would name whatever host the client has named.
    app = FastAPI(lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    app.state.gateway = gateway
    http = HttpOptions(
        body_limit_bytes=settings.body_limit_bytes,
        is_cookie_set=settings.token_cookie,
        is_metered=settings.metrics,
        batch=settings.batch_options(),
    )
    streams = gateway.live.streams
    app.state.graphql = graphql = GraphQLHttp(gateway.entry, http, playground=site, streams=streams)
    app.state.connections = settings.connection_options()
    app.router.routes.append(Route(PATH.decode(), graphql, methods=None))
    app.router.routes.append(WebSocketRoute(PATH.decode(), gateway.live.sockets))
    app.include_router(health_routes(app, gateway.health))
    if settings.metrics:
        app.include_router(metrics_route(gateway.metered, fellows))
    if dev_secret is not None:  # before the files, whose names are any
        app.include_router(development.identity_routes(dev_secret))
    if site is not None:
        app.include_router(playground_routes(site))
    return app
