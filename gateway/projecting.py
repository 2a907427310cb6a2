"""What keeps a projection current: a consumer for each feed, or for each partition of Kafka."""

import asyncio
import time
from collections.abc import Callable, Mapping

from gateway.feed_port import FeedPort
from gateway.settings import Settings
from projections.consumer import Consumer, Observer
from projections.feed import EventSource, FeedSource
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
                source = self._source(service, feed)
                group.create_task(self.consume(source), name=f"project {service}")

    async def consume(self, source: EventSource) -> None:
        """Consume one source until cancelled."""
        options = self._settings.consumer_options()
        await Consumer(source, self._store, self._observe, options).run()

    async def aclose(self) -> None:
        """Close every connection."""
        for feed in self.feeds.values():
            await feed.aclose()

    def _source(self, service: str, feed: FeedHttp) -> EventSource:
        port = FeedPort(service, feed)
        options = self._settings.feed_options()
        return FeedSource(service, port, options, wall_clock=self._wall_clock)
