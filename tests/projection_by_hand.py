"""The projection moved by hand: events arrive when a test says so, and at no other time."""

import asyncio
import itertools
from collections.abc import Sequence

from projections.events import ParsedEvent, PoisonEvent, StateChange
from projections.positions import LogPlace, Partition, SourcePosition
from projections.store import EventBatch, Store
from projections.versions import AggregateKey, AggregateType
from projections.views import Row
from tests.builders.applying import apply_next
from tests.builders.rows import change, poison, tombstone

LOOP_STARTED_AT_S = 1_800_000_000.0
"""The wall clock (epoch s) when the steered loop's clock shows 0: a full minute."""

LOGS = itertools.count(1)
SOURCES = tuple(aggregate_type.source for aggregate_type in AggregateType)


def wall_clock_s() -> float:
    """The wall clock of a test on steered time (epoch s)."""
    return LOOP_STARTED_AT_S + asyncio.get_running_loop().time()


class ProjectionByHand:
    """Plays the event sources of one store. Every batch proves its source current, now.

    Its logs are its own: what was seen of them says nothing of those of another one.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._log = next(LOGS)
        self._offsets = dict.fromkeys(SOURCES, 0)

    async def empty(self) -> None:
        """The store comes back with nothing; the same logs are to be read from their starts."""
        for source in SOURCES:
            partition = Partition(source)
            if position := await self._store.position(partition):
                await self._store.forget(partition, position.cursor)
            self._offsets[source] = 0

    async def apply(self, *rows: Row) -> None:
        """The events of these states arrive; the sources that have none prove themselves too."""
        await self._deliver([change(row) for row in rows])

    async def prove(self) -> None:
        """All sources are read to their ends: nothing has been committed up to now."""
        await self._deliver([])

    async def bury(self, key: AggregateKey, version: int) -> None:
        """The event of a deletion arrives."""
        await self._deliver([tombstone(key, version)])

    async def park(self, key: AggregateKey) -> None:
        """An event of this aggregate arrives that nobody can read."""
        await self._deliver([poison(key)])

    async def fall_behind(self, aggregate_type: AggregateType) -> None:
        """The source turns out to have more events than were read: its projection is building."""
        await self._apply(aggregate_type.source, (), is_caught_up=False)

    async def _deliver(self, events: Sequence[StateChange | PoisonEvent]) -> None:
        by_source: dict[str, list[ParsedEvent]] = {source: [] for source in SOURCES}
        for event in events:
            by_source[event.key.type.source].append(event)
        for source, batch in by_source.items():
            await self._apply(source, tuple(batch), is_caught_up=True)

    async def _apply(
        self, source: str, events: tuple[ParsedEvent, ...], *, is_caught_up: bool
    ) -> None:
        self._offsets[source] += len(events)
        place = LogPlace(self._log, self._offsets[source])
        cursor = "the end" if is_caught_up else "far from the end"
        position = SourcePosition(cursor, wall_clock_s(), is_caught_up, places={0: place})
        await apply_next(self._store, EventBatch(Partition(source), None, events, position))
