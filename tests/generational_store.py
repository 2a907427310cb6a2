"""A store of generations in memory: the contract of rebuilding, with nothing to install.

Each source has its parts (rows, marks, positions, listing) in the active store; a building store
has its own, and a flip exchanges them in one step that does not await.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from projections.errors import GenerationMissing, PositionMoved
from projections.generations import GenerationCounts
from projections.memory_store import Listing, MemoryStore
from projections.positions import Partition, SourcePosition
from projections.projector import StoredRow, Verdict
from projections.store import EventBatch
from projections.versions import AggregateKey, AggregateType, Version
from projections.views.orders import ListingPosition
from tests.sampled_store import SampledMemoryStore


@dataclass(frozen=True, slots=True)
class Part:
    """All that one generation of one source is made of."""

    rows: dict[AggregateKey, StoredRow]
    suspects: dict[AggregateKey, Version]
    positions: dict[Partition, SourcePosition]
    listings: dict[Listing, list[ListingPosition]]


def part_of(store: MemoryStore, source: str) -> Part:
    """The source's part of a store."""
    return Part(
        {key: row for key, row in store._rows.items() if key.type.source == source},
        {key: at for key, at in store._suspect_until.items() if key.type.source == source},
        {p: at for p, at in store._positions.items() if p.source == source},
        store._listings if source == AggregateType.ORDER.source else {},
    )


def put(store: MemoryStore, source: str, part: Part) -> None:
    """Let the source's part of a store be this one."""
    others = [s for s in ("orders", "customers", "products") if s != source]
    kept = [part_of(store, other) for other in others] + [part]
    store._rows = {key: row for p in kept for key, row in p.rows.items()}
    store._suspect_until = {key: at for p in kept for key, at in p.suspects.items()}
    store._positions = {key: at for p in kept for key, at in p.positions.items()}
    store._joined = None
    if source == AggregateType.ORDER.source:
        store._listings = part.listings


class Generational(SampledMemoryStore):
    """A memory store that can be counted and asked where it stands."""

    generation_of: dict[str, int]

    async def positions(self, source: str) -> Mapping[Partition, SourcePosition]:
        return part_of(self, source).positions

    async def counts(self, source: str) -> GenerationCounts:
        part = part_of(self, source)
        number = self.generation_of.get(source, 1)
        return GenerationCounts(number, len(part.rows), len(part.suspects))


class BuildingMemoryStore(Generational):
    """`projections.generations.Building`. ``is_over``: it is not the one being built any more."""

    def __init__(self, generation_of: dict[str, int]) -> None:
        super().__init__()
        self.generation_of = generation_of
        self.is_over = False

    async def apply(self, batch: EventBatch) -> Sequence[Verdict]:
        if self.is_over:
            raise PositionMoved(batch.partition)
        return await super().apply(batch)


class GenerationalMemoryStore(Generational):
    """`projections.generations.Generations` in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.generation_of = {}
        self.built: BuildingMemoryStore | None = None
        self.previous: dict[str, Part] = {}
        self.flip_count = 0

    async def building(self, sources: Collection[str]) -> BuildingMemoryStore:
        if self.built is None:
            numbers = {source: self.generation_of.get(source, 1) + 1 for source in sources}
            self.built = BuildingMemoryStore(numbers)
        return self.built

    async def flip(self, expected: Mapping[Partition, str]) -> None:
        for partition, cursor in expected.items():
            if self._cursor_of(partition) != cursor:
                raise PositionMoved(partition)
        if self.built is None:
            raise GenerationMissing(next(iter(expected)).source)
        for source in {partition.source for partition in expected}:
            self.previous[source] = part_of(self, source)
            put(self, source, part_of(self.built, source))
            self.generation_of[source] = self.generation_of.get(source, 1) + 1
        self.built.is_over = True
        self.built = None
        self.flip_count += 1

    async def roll_back(self, sources: Collection[str]) -> None:
        for source in sources:
            if source not in self.previous:
                raise GenerationMissing(source)
        for source in sources:
            put(self, source, self.previous.pop(source))
            self.generation_of[source] -= 1

    async def drop_building(self, sources: Collection[str]) -> None:
        if self.built is not None and self.built.generation_of.keys() <= set(sources):
            self.built.is_over = True
            self.built = None

    async def drop_previous(self, sources: Collection[str]) -> None:
        for source in sources:
            self.previous.pop(source, None)
