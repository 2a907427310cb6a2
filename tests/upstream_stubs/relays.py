"""A relay at work in a test: an outbox to write to, a topic made by hand, and what arrived."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from upstream_stubs import outbox
from upstream_stubs.database import Bell, Database, open_database
from upstream_stubs.outbox import Outbox
from upstream_stubs.relay.batches import HEARTBEAT_KEY, Record
from upstream_stubs.relay.faults import RelayFaults
from upstream_stubs.relay.progress import Acknowledged
from upstream_stubs.relay.relay import Relay, RelayOptions
from upstream_stubs.resources import Customer

BEGINNING = datetime(2025, 1, 6, tzinfo=UTC)
WITHOUT_HEARTBEATS = RelayOptions(heartbeat_s=None)


class Killed(Exception):
    """The relay's process ended here."""


class HandMadeTopic:
    """A topic in memory, in three partitions, that outlives every relay.

    ``on_step`` is called before a relay does anything that can be seen from outside, with the name
    of the step; what it raises, the relay meets. It may wait.
    """

    def __init__(self) -> None:
        self.logs: dict[int, list[Record]] = {0: [], 1: [], 2: []}
        self.grown = Bell()
        self.steps: list[str] = []
        self.on_step: Callable[[str], None] = lambda step: None
        self.gate = asyncio.Event()
        self.gate.set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["HandMadeTopic"]:
        await self._step("open")
        yield self

    def partitions(self) -> Collection[int]:
        return list(self.logs)

    async def end_offsets(self) -> Mapping[int, int]:
        await self._step("look")
        return {partition: len(log) for partition, log in self.logs.items()}

    async def publish(self, records: Sequence[Record]) -> Sequence[Acknowledged]:
        acknowledged = []
        for record in records:
            await self._step("send")
            partition = sum(record.key.encode()) % len(self.logs)
            place = partition if record.partition is None else record.partition
            self.logs[place].append(record)
            self.grown.ring()
            acknowledged.append(Acknowledged(place, len(self.logs[place]) - 1))
        await self._step("acknowledge")
        return acknowledged

    async def _step(self, step: str) -> None:
        self.steps.append(step)
        self.on_step(step)
        await self.gate.wait()

    async def wait_for_events(self, event_count: int) -> None:
        """Return once that many events, repeats included, have arrived."""
        await self.wait_for(lambda: len(self.events()) >= event_count)

    def seen_by_another(self) -> "HandMadeTopic":
        """The same topic, for a relay whose steps are to be told from those of the first."""
        other = HandMadeTopic()
        other.logs, other.grown = self.logs, self.grown
        return other

    def recreate(self) -> None:
        """Delete the topic with its records, and make it again."""
        self.logs = {partition: [] for partition in self.logs}

    def records(self) -> list[Record]:
        """All that arrived, partition by partition."""
        return [record for log in self.logs.values() for record in log]

    def events(self) -> list[str]:
        """The events among them."""
        return [record.value for record in self.records() if record.key != HEARTBEAT_KEY]

    def versions(self) -> dict[str, list[int]]:
        """The versions of each aggregate as a reader meets them."""
        return versions_of(self.events())

    async def wait_for(self, is_reached: Callable[[], bool]) -> None:
        """Return once the topic's content is so."""
        async with asyncio.timeout(120):
            while not is_reached():
                await self.grown.next_ring().wait()


def versions_of(events: Sequence[str | bytes]) -> dict[str, list[int]]:
    """The versions of each aggregate, in the order of these events."""
    versions: dict[str, list[int]] = defaultdict(list)
    for event in map(json.loads, events):
        versions[event["subject"]].append(event["aggregateversion"])
    return dict(versions)


def assert_at_least_once_in_order(
    told: Mapping[str, list[int]], committed: Mapping[str, int]
) -> None:
    """Every version came, none before the one before it; after a repeat, all that follow it again.

    So the last that came is the latest there is: what a compacted topic keeps is the present.
    """
    assert told.keys() == {key for key, version in committed.items() if version}
    for key, versions in told.items():
        assert set(versions) == set(range(1, committed[key] + 1))
        assert versions[0] == 1
        assert versions[-1] == committed[key]
        assert all(after <= before + 1 for before, after in pairwise(versions))


class Shopkeeper:
    """Commits changes of customers, and knows how far each has come."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.committed: dict[str, int] = defaultdict(int)
        self._outbox = Outbox(database, Customer)

    def change(self, *ids: str) -> None:
        """One more version of each of these, in one transaction."""
        with self.database.transaction():
            for id_ in ids:
                self.committed[id_] += 1
                self._outbox.commit(self._customer(id_), "customer.updated")

    def _customer(self, id_: str) -> Customer:
        version = self.committed[id_]
        return Customer(id=id_, version=version, epoch=1, name=f"v{version}", email="a@example.com")


@contextmanager
def open_outbox(path: Path) -> Iterator[Database]:
    """A service's file, without demo data."""
    with open_database(path, tables=outbox.TABLES, fill=lambda database: None) as database:
        yield database


def loop_clock() -> datetime:
    """The time of day by the clock of the loop, which tests may steer."""
    return BEGINNING + timedelta(seconds=asyncio.get_running_loop().time())


def new_relay(
    database: Database,
    topic: HandMadeTopic,
    *,
    faults: RelayFaults | None = None,
    options: RelayOptions = WITHOUT_HEARTBEATS,
) -> Relay:
    """A relay of the customer service to this topic."""
    faults = faults or RelayFaults(database)
    return Relay("customers", database, topic.open, faults, options=options, now=loop_clock)


@asynccontextmanager
async def at_work(*relays: Relay) -> AsyncIterator[list["asyncio.Task[None]"]]:
    """The relays run inside the block, and end in order after it."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(relay.run()) for relay in relays]
        yield tasks
        for task in tasks:
            task.cancel()
