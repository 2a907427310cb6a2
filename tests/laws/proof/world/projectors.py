"""Who applies the events: a real consumer for each partition, moved on by hand, that may die.

It may die before its batch is stored or after, and one that was thought dead may store the batch it
still holds when another one has long gone on: a zombie.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from enum import StrEnum

from projections.consumer import Consumer, ConsumerOptions
from projections.errors import PositionMoved, ProjectionError
from projections.positions import NOTHING_SEEN, Floor, Partition, SourcePosition
from projections.projector import Verdict
from projections.rebuild.lease import LeaseOptions, RebuildLease
from projections.rebuild.rebuild import Rebuild, RebuildOptions
from projections.rebuild.replay import ReplayOptions
from projections.selection import Root
from projections.store import Cut, EventBatch, Listener
from projections.versions import AggregateKey, Version
from projections.views import Row
from tests.laws.proof.world.logs import EVERYTHING, LogReader, Topic, has_reached
from tests.laws.proof.world.shared_store import SharedStore


class Crash(StrEnum):
    """How a consumer ends."""

    BEFORE = "before it stores"
    AFTER = "after it has stored"
    UNDEAD = "with the batch in its hand"


class _Died(Exception):
    """The consumer is no more."""


class _Hand:
    """The store as a consumer reaches it; the next `apply` may be its last."""

    def __init__(self, store: SharedStore) -> None:
        self.crash: Crash | None = None
        self.held: EventBatch | None = None
        self._store = store

    async def apply(self, batch: EventBatch) -> Sequence[Verdict]:
        match self.crash:
            case None:
                return await self._store.apply(batch)
            case Crash.AFTER:
                await self._store.apply(batch)
            case Crash.UNDEAD:
                self.held = batch
            case Crash.BEFORE:
                pass
        raise _Died

    async def position(self, partition: Partition) -> SourcePosition | None:
        return await self._store.position(partition)

    async def forget(self, partition: Partition, cursor: str) -> None:
        await self._store.forget(partition, cursor)

    async def read(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut:
        return await self._store.read(roots, seen=seen)

    def at_hand(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut | None:
        return self._store.at_hand(roots, seen=seen)

    def still(self, cut: Cut, *, seen: Floor = NOTHING_SEEN) -> Cut | None:
        return self._store.still(cut, seen=seen)

    async def versions(self, keys: Iterable[AggregateKey]) -> Mapping[AggregateKey, Version]:
        return await self._store.versions(keys)

    async def heal(self, rows: Iterable[Row], *, age_s: float = 0.0) -> None:
        await self._store.heal(rows, age_s=age_s)

    def listening(self, listener: Listener) -> AbstractContextManager[None]:
        return self._store.listening(listener)


class Projector:
    """The consumer of one partition, and its successors."""

    def __init__(self, topic: Topic, partition: Partition, store: SharedStore) -> None:
        self.partition = partition
        self._topic = topic
        self._store = store
        self._undead: list[EventBatch] = []
        self._start()

    def _start(self) -> None:
        self._hand = _Hand(self._store)
        self._reader = LogReader(self._topic, self.partition)
        self._consumer = Consumer(self._reader, self._hand, lambda _: None, ConsumerOptions())

    async def step(self, limit: int = EVERYTHING) -> None:
        """Apply one batch of at most so many events."""
        self._reader.limit = limit
        await self._consumer.step()

    async def crash(self, how: Crash, limit: int) -> None:
        """Die on the next batch; a successor takes over."""
        self._hand.crash = how
        try:
            await self.step(limit)
        except _Died:
            if self._hand.held is not None:
                self._undead.append(self._hand.held)
        self._start()

    async def haunt(self) -> None:
        """Let the zombie try to store what it holds."""
        with suppress(PositionMoved):
            await self._store.apply(self._undead.pop())

    @property
    def has_zombie(self) -> bool:
        """Is there one that was thought dead?"""
        return bool(self._undead)

    async def catch_up(self) -> None:
        """Apply all that there is in the log."""
        while not await self._is_at_end():
            await self.step()

    async def _is_at_end(self) -> bool:
        position = await self._store.position(self.partition)
        log = self._topic.partitions[self.partition.index]
        return position is not None and position.cursor == f"{log.log}-{len(log.records)}"


class LeaseBook:
    """Who rebuilds; a lease that is held is held until it is given up."""

    def __init__(self) -> None:
        self._holder: str | None = None

    async def claim(self, holder: str, lease_s: float) -> bool:  # noqa: ARG002 - nobody dies here
        self._holder = self._holder or holder
        return self._holder == holder

    async def give_up(self, holder: str) -> None:
        if self._holder == holder:
            self._holder = None


async def rebuild(store: SharedStore, topic: Topic, book: LeaseBook) -> str:
    """Rebuild one source beside what is read, and flip; what became of it."""
    logs = [LogReader(topic, partition, wait_s=0.05) for partition in topic.partition_names()]
    options = RebuildOptions(flip_limit=5, replay=ReplayOptions(reach_limit_s=1.0))
    lease = RebuildLease(book, LeaseOptions())
    work = Rebuild(store, logs, lease, has_reached=has_reached, options=options)
    try:
        return type(await work.run()).__name__
    except ProjectionError as error:
        return type(error).__name__
