"""What the operator's commands work on, made from the settings when a command needs it.

The rule: nothing here is in a hurry, and nothing is read from a cache: timeouts are an operator's
patience and not a request's, and rows come from the store itself. Nothing is logged either: what a
command has to say, it says.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Final

from gateway.feed_port import FeedPort
from gateway.operating.letters import LetterStore
from gateway.operating.rebuild import Leased
from gateway.operating.status import House
from gateway.projecting import kafka_options
from gateway.settings import Settings, SettingsError
from gateway.stores import redis_options
from projections.feed import EventSource, FeedOptions, FeedSource
from projections.kafka.log import open_kafka_log
from projections.kafka.signals import KafkaSignal
from projections.rebuild.lease import LeaseOptions, RebuildLease
from projections.rebuild.lease_record import RedisLeaseRecord
from projections.rebuild.rebuild import Rebuild, RebuildOptions, RebuildSignal
from projections.rebuild.replay import reached_by_asking, reached_by_offset
from projections.redis_store import RedisStore
from projections.redis_store.link import Link
from projections.redis_store.options import RedisOptions
from resolvers.drift_check import DriftCheck, DriftOptions, RowsCompared
from resolvers.loaders import Clients
from resolvers.upstream.call import Upstream
from resolvers.upstream.customers import CustomersClient
from resolvers.upstream.feed_http import FeedHttp
from resolvers.upstream.orders import OrdersClient
from resolvers.upstream.products import ProductsClient

STORE_PATIENCE_S: Final = 5.0
"""How long the store may take to answer an operator (s)."""

QUIET_WAIT_S: Final = 0.2
"""How long a log at its end is listened to (s): a rebuild wants its end, not its next event."""

BATCH_LIMIT: Final = 1000
"""Events of one batch (count): twice a projector's, since nobody waits for any one of them."""


class Openings:
    """Opens what each command needs. Every one may raise `SettingsError`."""

    def __init__(self, read_settings: Callable[[], Settings]) -> None:
        self._read_settings = read_settings

    @asynccontextmanager
    async def letters(self) -> AsyncIterator[LetterStore]:
        """The store that keeps the dead letters."""
        async with _open_store(self._read_settings()) as store:
            yield store

    @asynccontextmanager
    async def house(self) -> AsyncIterator[House]:
        """The shared store, if there is one, and where the configured gateway is."""
        settings = self._read_settings()
        url = f"http://{_in_url(settings.host)}:{settings.port}"
        sources = tuple(settings.service_urls)
        if settings.store == "memory" or settings.events == "none":
            yield House(None, sources, url, settings.staleness_budgets_s)
            return
        async with _open_store(settings) as store:
            yield House(store, sources, url, settings.staleness_budgets_s)

    @asynccontextmanager
    async def drift_check(
        self, observe: Callable[[RowsCompared], None]
    ) -> AsyncIterator[DriftCheck]:
        """A check between the shared store and the services."""
        settings = self._read_settings()
        async with _open_store(settings) as store, _open_clients(settings) as clients:
            yield DriftCheck(store, clients, DriftOptions(), observe)

    @asynccontextmanager
    async def rebuild(
        self,
        sources: Sequence[str],
        options: RebuildOptions,
        observe: Callable[[RebuildSignal], None],
    ) -> AsyncIterator[Rebuild]:
        """A rebuild of these sources from the logs that the settings name."""
        settings = self._read_settings()
        options = replace(options, consumer=settings.consumer_options())
        is_kafka = settings.events == "kafka"
        async with (
            _open_leased(settings) as leased,
            _open_logs(settings, sources) as logs,
        ):
            yield Rebuild(
                leased.store,
                logs,
                leased.lease,
                has_reached=reached_by_offset if is_kafka else reached_by_asking,
                options=options,
                observe=observe,
            )

    @asynccontextmanager
    async def leased(self) -> AsyncIterator[Leased]:
        """The store, and the lease on its generations."""
        async with _open_leased(self._read_settings()) as leased:
            yield leased


@asynccontextmanager
async def _open_store(settings: Settings) -> AsyncIterator[RedisStore]:
    async with RedisStore(_patient(settings)).open() as store:
        yield store


@asynccontextmanager
async def _open_leased(settings: Settings) -> AsyncIterator[Leased]:
    link = Link(_patient(settings))
    try:
        async with _open_store(settings) as store:
            yield Leased(store, RebuildLease(RedisLeaseRecord(link), LeaseOptions()))
    finally:
        await link.close()


def _patient(settings: Settings) -> RedisOptions:
    if settings.store == "memory":
        raise SettingsError(
            "BFF_STORE=memory: a projection in memory lives and dies with its gateway, and nobody "
            "else can look into it; this command needs BFF_STORE=redis"
        )
    return replace(
        redis_options(settings),
        read_timeout_s=STORE_PATIENCE_S,
        connect_timeout_s=STORE_PATIENCE_S,
        near_cache_rows=0,
    )


@asynccontextmanager
async def _open_clients(settings: Settings) -> AsyncIterator[Clients]:
    async with AsyncExitStack() as stack:
        upstreams = {
            service: Upstream.over_http(service, settings.upstream_options(url))
            for service, url in settings.service_urls.items()
        }
        for upstream in upstreams.values():
            stack.push_async_callback(upstream.aclose)
        yield Clients(
            OrdersClient(upstreams["orders"]),
            CustomersClient(upstreams["customers"]),
            ProductsClient(upstreams["products"]),
        )


@asynccontextmanager
async def _open_logs(
    settings: Settings, sources: Sequence[str]
) -> AsyncIterator[Sequence[EventSource]]:
    """Every partition of these sources, read by nobody else."""
    match settings.events:
        case "none":
            raise SettingsError("BFF_EVENTS=none: there are no logs to rebuild from")
        case "kafka":
            options = kafka_options(settings)
            options = replace(options, wait_s=QUIET_WAIT_S, batch_limit=BATCH_LIMIT)
            async with open_kafka_log(options, sources, _ignore) as partitions:
                yield partitions
        case "feed":
            async with _open_feeds(settings, sources) as feeds:
                yield feeds


@asynccontextmanager
async def _open_feeds(
    settings: Settings, sources: Sequence[str]
) -> AsyncIterator[Sequence[EventSource]]:
    options = FeedOptions(batch_limit=BATCH_LIMIT, wait_s=QUIET_WAIT_S)
    async with AsyncExitStack() as stack:
        wires = {source: FeedHttp(source, settings.service_urls[source]) for source in sources}
        for wire in wires.values():
            stack.push_async_callback(wire.aclose)
        yield [FeedSource(name, FeedPort(name, wire), options) for name, wire in wires.items()]


def _in_url(host: str) -> str:
    """The host as an address has it, and one that can be asked: `0.0.0.0` is everywhere."""
    if host in {"0.0.0.0", "::"}:  # noqa: S104 - asked, not listened on
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _ignore(_: KafkaSignal) -> None:
    """What matters of it comes as an error."""
