"""The loop of one event source: fetch → verdicts → store → announce, then again from there.

The position lives in the store with the rows, so a crash anywhere repeats a batch and never skips
one. Back-pressure is the loop itself: the next fetch starts when the last batch is stored.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from projections.errors import CursorUnknown
from projections.feed import EventSource
from projections.projector import Applied, Parked, Verdict
from projections.store import EventBatch, SourcePosition, Store


@dataclass(frozen=True, slots=True)
class BatchApplied:
    """Signal: a batch is stored. Counts are of events; ``gap_count`` jumps were legal."""

    source: str
    position: SourcePosition
    event_count: int
    applied_count: int
    gap_count: int


@dataclass(frozen=True, slots=True)
class EventParked:
    """Signal: an event will never be readable and is set aside."""

    source: str
    parked: Parked


@dataclass(frozen=True, slots=True)
class SourceFailed:
    """Signal: no batch could be read or stored; it is tried again after ``retry_after_s``.

    ``error`` is a `ProjectionError`, or a mistake of ours, which stops this source alone.
    """

    source: str
    error: Exception
    retry_after_s: float


@dataclass(frozen=True, slots=True)
class SourceRestarted:
    """Signal: the source's log is another one now and is read from its start."""

    source: str


LONGEST_DOUBLING_COUNT = 30
"""Beyond every longest back-off; 2 to the power of a long outage's failures fits no float."""

ProjectionSignal = BatchApplied | EventParked | SourceFailed | SourceRestarted
Observer = Callable[[ProjectionSignal], None]


@dataclass(frozen=True, slots=True)
class ConsumerOptions:
    """Back-off after a failing fetch: full jitter, doubling (s, defaults 0.1 to 2.0)."""

    first_backoff_s: float = 0.1
    longest_backoff_s: float = 2.0


class Consumer:
    """Keeps one source's read models current until cancelled."""

    def __init__(
        self, source: EventSource, store: Store, observe: Observer, options: ConsumerOptions
    ) -> None:
        self._source = source
        self._store = store
        self._observe = observe
        self._options = options

    async def run(self) -> None:
        """Consume for ever. Failures are signalled and retried; only cancellation ends it."""
        failure_count = 0
        while True:
            try:
                await self.step()
                failure_count = 0
            except Exception as error:  # noqa: BLE001 - the loop's edge: one batch, not the gateway
                failure_count += 1
                await self._back_off(error, failure_count)

    async def step(self) -> None:
        """Fetch and apply one batch, or start the source over when its log is another one now."""
        position = await self._store.position(self._source.name)
        try:
            batch = await self._source.fetch(None if position is None else position.cursor)
        except CursorUnknown as error:
            await self._store.forget(error.source)
            self._observe(SourceRestarted(error.source))
            return
        batch = replace(batch, position=batch.position.following(position))
        verdicts = await self._store.apply(batch)
        self._report(batch, verdicts)

    def _report(self, batch: EventBatch, verdicts: Sequence[Verdict]) -> None:
        applied = [verdict for verdict in verdicts if isinstance(verdict, Applied)]
        for verdict in verdicts:
            if isinstance(verdict, Parked):
                self._observe(EventParked(batch.source, verdict))
        gap_count = sum(verdict.has_gap for verdict in applied)
        self._observe(
            BatchApplied(batch.source, batch.position, len(batch.events), len(applied), gap_count)
        )

    async def _back_off(self, error: Exception, failure_count: int) -> None:
        doubling_count = min(failure_count - 1, LONGEST_DOUBLING_COUNT)
        ceiling_s = min(
            self._options.longest_backoff_s, self._options.first_backoff_s * 2**doubling_count
        )
        retry_after_s = random.uniform(0, ceiling_s)
        self._observe(SourceFailed(self._source.name, error, retry_after_s))
        await asyncio.sleep(retry_after_s)
