"""What keeps a projection current: a consumer for each feed, or for each partition of Kafka."""

import asyncio
import time
from collections.abc import Callable, Mapping

from gateway.feed_port import FeedPort
from gateway.settings import Settings
from gateway.telemetry import Telemetry
from projections.consumer import Consumer, Observer
from projections.feed import EventSource, FeedSource
from projections.kafka.group import KafkaGroup
from projections.kafka.options import KafkaOptions, KafkaSecurity
from projections.positions import Partition
from projections.store import Store
from resolvers.upstream.feed_http import FeedHttp

MakeFeed = Callable[[str, str], FeedHttp]
"""A feed's wire, of a service and its address."""


class FeedProjecting:
    """Consumes the services' own feeds, each by a consumer of its own."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        observe: Observer,
        *,
        make_feed: MakeFeed = FeedHttp,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.feeds: Mapping[str, FeedHttp] = {
            service: make_feed(service, url) for service, url in settings.service_urls.items()
        }
        self._settings = settings
        self._store = store
        self._observe = observe
        self._wall_clock = wall_clock

    async def run(self) -> None:
        """Consume until cancelled."""
        async with asyncio.TaskGroup() as group:
            for service, feed in self.feeds.items():
                group.create_task(self._consumer(service, feed).run(), name=f"project {service}")

    async def aclose(self) -> None:
        """Close every connection."""
        for feed in self.feeds.values():
            await feed.aclose()

    def _consumer(self, service: str, feed: FeedHttp) -> Consumer:
        port = FeedPort(service, feed)
        options = self._settings.feed_options()
        source = FeedSource(service, port, options, wall_clock=self._wall_clock)
        return Consumer(source, self._store, self._observe, self._settings.consumer_options())


class KafkaProjecting:
    """Consumes the partitions that are this process's share, each by a consumer of its own.

    ``leave`` is told when somebody else consumes a partition from then on.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        telemetry: Telemetry,
        observe: Observer,
        leave: Callable[[Partition], None],
    ) -> None:
        self._options = settings.consumer_options()
        self._store = store
        self._observe = observe
        self._leave = leave
        self._group = KafkaGroup(kafka_options(settings), telemetry.kafka)

    async def run(self) -> None:
        """Consume until cancelled. Raises `SourceRefused` where the brokers do not let us in."""
        await self._group.run(self._consume)

    async def aclose(self) -> None:
        """Nothing is kept open beyond `run`."""

    async def _consume(self, source: EventSource) -> None:
        try:
            await Consumer(source, self._store, self._observe, self._options).run()
        finally:
            self._leave(source.partition)


def kafka_options(settings: Settings) -> KafkaOptions:
    """How events come from Kafka."""
    password = settings.kafka_password
    return KafkaOptions(
        bootstrap_servers=settings.kafka_bootstrap_servers,
        topics={
            source: f"{source}{settings.kafka_topic_suffix}" for source in settings.service_urls
        },
        group_id=settings.kafka_group,
        has_heartbeats=settings.kafka_heartbeats,
        record_limit_bytes=settings.kafka_record_limit_bytes,
        security=KafkaSecurity(
            protocol=settings.kafka_security,
            mechanism=settings.kafka_sasl_mechanism,
            username=settings.kafka_user,
            password=None if password is None else password.get_secret_value(),
        ),
    )
