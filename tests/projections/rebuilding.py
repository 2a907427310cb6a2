"""What tests of the rebuild share: logs, a blue that stands somewhere in them, and a rebuild."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from projections.consumer import Consumer, ConsumerOptions
from projections.feed import FeedOptions, FeedSource
from projections.rebuild.lease import LeaseOptions, RebuildLease
from projections.rebuild.rebuild import Outcome, Rebuild, RebuildOptions, RebuildSignal
from projections.rebuild.replay import HasReached, ReplayOptions, reached_by_asking
from projections.views import Row
from tests.builders.rows import customer_row, order_row, product_row
from tests.generational_store import GenerationalMemoryStore
from tests.projections.fake_feed import FakeFeed

OPTIONS = RebuildOptions(replay=ReplayOptions(reach_limit_s=5.0, backoff_s=0.1))
FEED_OPTIONS = FeedOptions(batch_limit=2, wait_s=0.05)


@dataclass
class LeaseInMemory:
    """`projections.rebuild.lease.LeaseRecord` for the rebuilds of one test."""

    holder: str | None = None
    until_s: float = 0.0

    async def claim(self, holder: str, lease_s: float) -> bool:
        now_s = asyncio.get_running_loop().time()
        if self.holder not in {None, holder} and now_s < self.until_s:
            return False
        self.holder, self.until_s = holder, now_s + lease_s
        return True

    async def give_up(self, holder: str) -> None:
        if self.holder == holder:
            self.holder = None


@dataclass
class Rebuilding:
    """Logs by source, a store that projects them, and rebuilds of it."""

    logs: Mapping[str, FakeFeed]
    store: GenerationalMemoryStore = field(default_factory=GenerationalMemoryStore)
    record: LeaseInMemory = field(default_factory=LeaseInMemory)
    signals: list[RebuildSignal] = field(default_factory=list)

    async def project(self) -> None:
        """Let blue stand at the ends of the logs, as a projector keeps it."""
        for source, feed in self.logs.items():
            reading = FeedSource(source, feed, FEED_OPTIONS)
            consumer = Consumer(reading, self.store, lambda _: None, ConsumerOptions())
            while await consumer.step():
                pass

    def rebuild(
        self,
        options: RebuildOptions = OPTIONS,
        *,
        logs: Mapping[str, FakeFeed] | None = None,
        kind: type[Rebuild] = Rebuild,
        has_reached: HasReached = reached_by_asking,
        **changes: object,
    ) -> Rebuild:
        """A rebuild that reads ``logs``, or those that blue was projected from."""
        sources = [FeedSource(s, f, FEED_OPTIONS) for s, f in (logs or self.logs).items()]
        return kind(
            self.store,
            sources,
            RebuildLease(self.record, LeaseOptions()),
            has_reached=has_reached,
            options=replace(options, **changes),  # type: ignore[arg-type]  # fields of it
            observe=self.signals.append,
        )

    async def run(self, options: RebuildOptions = OPTIONS, **given: object) -> Outcome:
        return await self.rebuild(options, **given).run()  # type: ignore[arg-type]  # as above


def logs_of(*rows: Row) -> dict[str, FakeFeed]:
    """A log for each source, with these states in the order given."""
    by_source: dict[str, list[Row]] = {"orders": [], "customers": [], "products": []}
    for row in rows:
        by_source[row.aggregate_type.source].append(row)
    return {source: FakeFeed(*of) for source, of in by_source.items()}


WORLD: tuple[Row, ...] = (
    *(order_row(f"o-{number}") for number in range(1, 6)),
    order_row("o-1", 2),
    customer_row(),
    customer_row(version=2, name="Ada Byron"),
    product_row(),
)


async def a_world() -> Rebuilding:
    """A projection of the `WORLD` that stands at the ends of its logs."""
    rebuilding = Rebuilding(logs_of(*WORLD))
    await rebuilding.project()
    return rebuilding
