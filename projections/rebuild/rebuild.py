"""A read model made again from its logs, beside the one that is read: blue serves, green is built.

    read the logs to their ends into green › compare a sample › catch up with blue › flip

The rule: nothing goes back for any reader. Green takes blue's place only where it holds all that
blue holds, at that very moment: blue's cursors are read, green is brought to them, and the flip
happens only if blue still stands at them. Whatever ends a rebuild before, a crash too, leaves blue
as it is. Green's places are of blue's logs, so what a reader has seen compares before and after.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from projections.consumer import ConsumerOptions, ProjectionSignal
from projections.errors import LogReplaced, PositionMoved, StoreUnavailable
from projections.feed import EventSource
from projections.generations import Building, Generations
from projections.positions import Partition, SourcePosition
from projections.rebuild.comparison import Disagreement, Older, compare_cuts
from projections.rebuild.lease import RebuildLease
from projections.rebuild.replay import HasReached, Replay, ReplayOptions
from projections.selection import (
    CustomerRoot,
    CustomerSelection,
    PageSelection,
    Root,
    root_of,
)
from projections.store import Cut, Store
from projections.versions import AggregateKey, AggregateType


class GenerationalStore(Store, Generations, Protocol):
    """A store of rows in generations."""


@dataclass(frozen=True, slots=True)
class SampleCompared:
    """Signal: so many rows and lists of both generations have been compared."""

    row_count: int
    page_count: int
    disagreements: tuple[Disagreement, ...]


@dataclass(frozen=True, slots=True)
class BlueMoved:
    """Signal: blue has moved on between looking and flipping; it is tried again."""

    attempt: int


RebuildSignal = ProjectionSignal | SampleCompared | BlueMoved


@dataclass(frozen=True, slots=True)
class Flipped:
    """Green serves; blue is kept, for rolling back."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """Green was fit to serve, and is dropped, as was asked."""


@dataclass(frozen=True, slots=True)
class Disagreed:
    """Green says otherwise than blue, and is dropped. Blue serves."""

    disagreements: tuple[Disagreement, ...]

    @property
    def has_lost_events(self) -> bool:
        """Whether readers would have gone back in time, which cannot be accepted."""
        return any(isinstance(disagreement, Older) for disagreement in self.disagreements)


@dataclass(frozen=True, slots=True)
class NothingToReplace:
    """Of these sources nothing has ever been projected, so there is no blue."""

    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outrun:
    """Blue moved on each time in between, and green is dropped. Blue serves."""

    attempt_count: int


Outcome = Flipped | Rehearsed | Disagreed | NothingToReplace | Outrun


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildOptions:
    """How much is compared, and how often the flip is tried.

    ``sample_count`` (default 500): rows of each source. ``page_size`` (default 10): orders of each
    sampled customer. ``root_count_at_once`` (default 32): of one read, about 10 ms for the server.
    ``flip_limit`` (default 200): attempts, of some milliseconds each; between two of them a busy
    projector writes once or twice.
    """

    sample_count: int = 500
    page_size: int = 10
    root_count_at_once: int = 32
    flip_limit: int = 200
    is_dry_run: bool = False
    accepts_differences: bool = False
    replay: ReplayOptions = field(default_factory=ReplayOptions)
    consumer: ConsumerOptions = field(default_factory=ConsumerOptions)


class Rebuild:
    """One rebuild of some sources. ``logs`` are all their partitions, read by nobody else."""

    def __init__(
        self,
        store: GenerationalStore,
        logs: Sequence[EventSource],
        lease: RebuildLease,
        *,
        has_reached: HasReached,
        options: RebuildOptions,
        observe: Callable[[RebuildSignal], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._logs = logs
        self._sources = tuple(dict.fromkeys(log.partition.source for log in logs))
        self._lease = lease
        self._has_reached = has_reached
        self._options = options
        self._observe = observe

    async def run(self) -> Outcome:
        """Rebuild, compare, flip.

        Raises a `ProjectionError` when logs or store give out, `RebuildRunning` for one, and then
        blue serves as before. Cancelled at any time, it leaves blue as it is.
        """
        return await self._lease.hold_during(self._run)

    async def _run(self) -> Outcome:
        begun_at = await self._positions()
        projected = {partition.source for partition in begun_at}
        if missing := tuple(source for source in self._sources if source not in projected):
            return NothingToReplace(missing)
        async with self._building() as green:
            replay = self._replay(green)
            replay.recognise(_cursors_of(begun_at))
            await replay.to_ends()
            disagreed = Disagreed(await self._compare(replay, green))
            if not self._is_accepted(disagreed):
                return disagreed
            return Rehearsed() if self._options.is_dry_run else await self._flip(replay, begun_at)

    @asynccontextmanager
    async def _building(self) -> AsyncIterator[Building]:
        """An empty green, dropped at the end unless it is the active generation by then.

        What somebody left behind is not gone on from: it may be what was rolled back, or have been
        read by the code that is to be mended.
        """
        await self._store.drop_building(self._sources)
        try:
            yield await self._store.building(self._sources)
        finally:
            with suppress(StoreUnavailable):  # the next rebuild drops it
                await self._store.drop_building(self._sources)

    def _replay(self, green: Store) -> Replay:
        return Replay(
            self._logs,
            green,
            self._observe,
            has_reached=self._has_reached,
            options=self._options.replay,
            consumer_options=self._options.consumer,
        )

    async def _positions(self) -> Mapping[Partition, SourcePosition]:
        """Where blue stands."""
        return {
            partition: position
            for source in self._sources
            for partition, position in (await self._store.positions(source)).items()
        }

    async def _compare(self, replay: Replay, green: Store) -> tuple[Disagreement, ...]:
        """What blue says first, then what green says when it holds at least as much."""
        chunks = list(_chunks(await self._sampled_roots(), self._options.root_count_at_once))
        blue_cuts = [await self._store.read(chunk) for chunk in chunks]
        await replay.reach(_cursors_of(await self._positions()))
        found: dict[Disagreement, None] = {}
        for chunk, blue in zip(chunks, blue_cuts, strict=True):
            own = self._own(blue)
            # By name too: green's page may have newer orders, and these pushed off its end.
            cut = await green.read([*chunk, *map(root_of, own.rows)])
            found.update((what, None) for what in compare_cuts(own, cut))
        row_count = len({key for cut in blue_cuts for key in cut.rows})
        page_count = len({page for cut in blue_cuts for page in cut.pages})
        self._observe(SampleCompared(row_count, page_count, tuple(found)))
        return tuple(found)

    async def _sampled_roots(self) -> Sequence[Root]:
        count = self._options.sample_count
        keys = [key for of in self._sources for key in await self._store.sample(of, count)]
        customers = AggregateType.CUSTOMER.source
        if AggregateType.ORDER.source in self._sources and customers not in self._sources:
            keys += await self._store.sample(customers, count)
        return [self._root_of(key) for key in keys]

    def _root_of(self, key: AggregateKey) -> Root:
        """The row, and of a customer the newest of her orders."""
        if key.type is AggregateType.CUSTOMER and AggregateType.ORDER.source in self._sources:
            page = PageSelection(self._options.page_size)
            return CustomerRoot(key.id, CustomerSelection((page,)))
        return root_of(key)

    def _own(self, cut: Cut) -> Cut:
        """What of the cut is being rebuilt."""
        rows = {key: row for key, row in cut.rows.items() if key.type.source in self._sources}
        return Cut(rows, cut.pages, cut.suspects, cut.positions)

    def _is_accepted(self, disagreed: Disagreed) -> bool:
        if disagreed.has_lost_events:
            return False
        return self._options.accepts_differences or not disagreed.disagreements

    async def _flip(self, replay: Replay, begun_at: Mapping[Partition, SourcePosition]) -> Outcome:
        """Bring green to where blue stands, and flip if blue is still there; again if not.

        Raises `LogReplaced` when blue has been started over since it stood at ``begun_at``.
        """
        before = await self._active_generation()
        for attempt in range(1, self._options.flip_limit + 1):
            standing = await self._positions()
            _require_same_logs(begun_at, standing)
            expected = _cursors_of(standing)
            await replay.reach(expected)
            try:
                await self._store.flip(expected)
            except PositionMoved:
                self._observe(BlueMoved(attempt))
            except StoreUnavailable:
                # It may have happened all the same.
                if await self._active_generation() != before:
                    return Flipped()
                raise
            else:
                return Flipped()
        return Outrun(self._options.flip_limit)

    async def _active_generation(self) -> int:
        return (await self._store.counts(self._sources[0])).generation


def _cursors_of(positions: Mapping[Partition, SourcePosition]) -> Mapping[Partition, str]:
    return {partition: position.cursor for partition, position in positions.items()}


def _require_same_logs(
    before: Mapping[Partition, SourcePosition], now: Mapping[Partition, SourcePosition]
) -> None:
    """Raise when blue stands in another log now.

    Green was read as the log before, and may hold the beginning of that one and the end of this.
    """
    logs = {(p.source, i): place.log for p, at in now.items() for i, place in at.places.items()}
    for partition, position in before.items():
        for index, place in position.places.items():
            if logs.get((partition.source, index)) != place.log:
                reason = f"the log of {partition} was started over while it was read for a rebuild"
                raise LogReplaced(partition.source, reason)


def _chunks(roots: Sequence[Root], count: int) -> Iterator[Sequence[Root]]:
    return (roots[start : start + count] for start in range(0, len(roots), count))
