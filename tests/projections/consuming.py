"""What tests of the consumer share: one that runs, and what it tells meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from projections.consumer import Consumer, ConsumerOptions, ProjectionSignal
from projections.feed import FeedOptions, FeedSource
from projections.memory_store import MemoryStore
from projections.store import Store
from tests.projections.fake_feed import FakeFeed

SOURCE = "orders"
FEED_OPTIONS = FeedOptions(batch_limit=2, wait_s=1.0)
OPTIONS = ConsumerOptions(first_backoff_s=0.1, longest_backoff_s=2.0)

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Consuming:
    """A consumer between a feed and a store, with all its signals."""

    feed: FakeFeed
    store: Store = field(default_factory=MemoryStore)
    signals: list[ProjectionSignal] = field(default_factory=list)

    def consumer(self) -> Consumer:
        loop = asyncio.get_running_loop()
        source = FeedSource(SOURCE, self.feed, FEED_OPTIONS, wall_clock=loop.time)
        return Consumer(source, self.store, self.signals.append, OPTIONS)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["asyncio.Task[None]"]:
        """The loop as a task; cancelled in the end, if it has not ended by itself."""
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.consumer().run())
            yield task
            task.cancel()

    async def run_for(self, duration_s: float) -> None:
        async with self.running():
            await asyncio.sleep(duration_s)

    def told(self, kind: type[S]) -> list[S]:
        """The signals of this kind, in order."""
        return [signal for signal in self.signals if isinstance(signal, kind)]
