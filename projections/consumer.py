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
    """The pace of the loop, in seconds.

    Back-off after a failing fetch: full jitter, doubling (defaults 0.1 to 2.0). ``shortest_poll_s``
    (default 0.05): a poll that brings nothing takes at least so long, whatever the source does.
    """

    first_backoff_s: float = 0.1
    longest_backoff_s: float = 2.0
    shortest_poll_s: float = 0.05


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
            started_at_s = asyncio.get_running_loop().time()
            try:
                has_brought = await self.step()
                failure_count = 0
                if not has_brought:
                    await self._pace(started_at_s)
            except Exception as error:  # noqa: BLE001 - the loop's edge: one batch, not the gateway
                failure_count += 1
                await self._back_off(error, failure_count)

    async def step(self) -> bool:
        """Fetch and apply one batch, or start the source over when its log is another one now.

        True if there was anything in it.
        """
        position = await self._store.position(self._source.name)
        try:
            batch = await self._source.fetch(None if position is None else position.cursor)
        except CursorUnknown as error:
            await self._store.forget(error.source)
            self._observe(SourceRestarted(error.source))
            return False
        batch = replace(batch, position=batch.position.following(position))
        verdicts = await self._store.apply(batch)
        self._report(batch, verdicts)
        return bool(batch.events)

    def _report(self, batch: EventBatch, verdicts: Sequence[Verdict]) -> None:
        applied = [verdict for verdict in verdicts if isinstance(verdict, Applied)]
        for verdict in verdicts:
            if isinstance(verdict, Parked):
                self._observe(EventParked(batch.source, verdict))
        gap_count = sum(verdict.has_gap for verdict in applied)
        self._observe(
            BatchApplied(batch.source, batch.position, len(batch.events), len(applied), gap_count)
        )

    async def _pace(self, started_at_s: float) -> None:
        """Take a breath if the source holds no polls, or it would be asked without a pause."""
        elapsed_s = asyncio.get_running_loop().time() - started_at_s
        await asyncio.sleep(max(0.0, self._options.shortest_poll_s - elapsed_s))

    async def _back_off(self, error: Exception, failure_count: int) -> None:
        doubling_count = min(failure_count - 1, LONGEST_DOUBLING_COUNT)
        ceiling_s = min(
            self._options.longest_backoff_s, self._options.first_backoff_s * 2**doubling_count
        )
        retry_after_s = random.uniform(0, ceiling_s)
        self._observe(SourceFailed(self._source.name, error, retry_after_s))
        await asyncio.sleep(retry_after_s)
