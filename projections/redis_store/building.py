"""The store of generations that are being built: unseen by readers, and by their listeners."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from projections.events import PoisonEvent, StateChange
from projections.generations import GenerationCounts
from projections.positions import NOTHING_SEEN, Floor, Partition, SourcePosition
from projections.projector import Verdict
from projections.redis_store.generations import RedisGeneration
from projections.redis_store.link import Link
from projections.redis_store.options import RedisOptions
from projections.redis_store.reads import RedisReads, Target
from projections.redis_store.turns import Tasks
from projections.redis_store.writes import RedisWrites
from projections.selection import Root
from projections.store import Cut, EventBatch, Listener
from projections.versions import AggregateKey, Version
from projections.views import Row


class RedisBuilding:
    """`projections.generations.Building`: reads and writes ``target``, and the rest as it is."""

    def __init__(
        self,
        link: Link,
        options: RedisOptions,
        tasks: Tasks,
        *,
        wall_clock: Callable[[], float],
        target: Target,
    ) -> None:
        self._target = target
        self._reads = RedisReads(link, options, tasks, target)
        self._writes = RedisWrites(link, options, wall_clock=wall_clock, target=target)
        self._generation = RedisGeneration(link, options, target)

    async def read(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut:  # noqa: ARG002 - nothing is at hand here
        return (await self._reads.read(roots)).cut

    def at_hand(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut | None:  # noqa: ARG002 - as above
        return None

    def still(self, cut: Cut, *, seen: Floor = NOTHING_SEEN) -> Cut | None:  # noqa: ARG002 - as above
        return None

    async def versions(self, keys: Iterable[AggregateKey]) -> Mapping[AggregateKey, Version]:
        return await self._reads.versions(keys)

    async def apply(self, batch: EventBatch) -> Sequence[Verdict]:
        changes = (e for e in batch.events if isinstance(e, StateChange | PoisonEvent))
        self._require_own({batch.partition.source} | {change.key.type.source for change in changes})
        return await self._writes.apply(batch)

    async def heal(self, rows: Iterable[Row], *, age_s: float = 0.0) -> None:
        answers = list(rows)
        self._require_own({row.aggregate_type.source for row in answers})
        await self._writes.heal(answers, age_s=age_s)

    async def position(self, partition: Partition) -> SourcePosition | None:
        return await self._reads.position(partition)

    async def forget(self, partition: Partition, cursor: str) -> None:
        self._require_own({partition.source})
        await self._writes.forget(partition, cursor)

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:  # noqa: ARG002 - the contract's
        """Nothing of a generation that nobody reads is announced."""
        yield

    async def positions(self, source: str) -> Mapping[Partition, SourcePosition]:
        return await self._reads.positions(source)

    async def counts(self, source: str) -> GenerationCounts:
        return await self._generation.counts(source)

    async def sample(self, source: str, count: int) -> Sequence[AggregateKey]:
        return await self._generation.sample(source, count)

    def _require_own(self, sources: set[str]) -> None:
        """Refuse what would go to an active generation, past its own projectors."""
        if strangers := sources - self._target.keys():
            raise ValueError(f"not being built here: {', '.join(sorted(strangers))}")
