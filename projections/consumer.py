"""The loop of one partition: fetch → verdicts → store → announce, then again from there.

The position lives in the store with the rows, so a crash anywhere repeats a batch and never skips
one. Back-pressure is the loop itself: the next fetch starts when the last batch is stored. What the
loop remembers of the position is only ever confirmed by the store, which refuses a batch that does
not follow what it holds; the loop then reads the position again.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from projections.dead_letters import PoisonLimit
from projections.errors import CursorUnknown, PoisonFlood, PositionMoved, SourceRefused
from projections.events import PoisonEvent
from projections.feed import EventSource
from projections.positions import Partition, SourcePosition
from projections.projector import Applied, Parked, Verdict
from projections.store import EventBatch, Store


@dataclass(frozen=True, slots=True)
class BatchApplied:
    """Signal: a batch is stored. Counts are of events; ``gap_count`` jumps were legal."""

    partition: Partition
    position: SourcePosition
    event_count: int
    applied_count: int
    gap_count: int


@dataclass(frozen=True, slots=True)
class EventParked:
    """Signal: an event cannot be read and is set aside."""

    partition: Partition
    parked: Parked


@dataclass(frozen=True, slots=True)
class SourceFailed:
    """Signal: no batch could be read or stored; it is tried again after ``retry_after_s``.

    ``error`` is a `ProjectionError`, or a mistake of ours, which stops this partition alone.
    """

    partition: Partition
    error: Exception
    retry_after_s: float


@dataclass(frozen=True, slots=True)
class SourceRestarted:
    """Signal: the source's log is another one now and is read from its start."""

    partition: Partition
    error: CursorUnknown


@dataclass(frozen=True, slots=True)
class PositionLost:
    """Signal: the store stands elsewhere than this loop had left it; it goes on from there."""

    partition: Partition


LONGEST_DOUBLING_COUNT = 30
"""Beyond every longest back-off; 2 to the power of a long outage's failures fits no float."""

ProjectionSignal = BatchApplied | EventParked | SourceFailed | SourceRestarted | PositionLost
Observer = Callable[[ProjectionSignal], None]


@dataclass(frozen=True, slots=True)
class ConsumerOptions:
    """The pace of the loop, in seconds.

    Back-off after a failing fetch: full jitter, doubling (defaults 0.1 to 2.0). ``shortest_poll_s``
    (default 0.05): a poll that brings nothing takes at least so long, whatever the source does.
    ``poison_limit_ratio`` (default 0.05, 0 to 1): a larger share of unreadable events stops the
    partition; 1 never does.
    """

    first_backoff_s: float = 0.1
    longest_backoff_s: float = 2.0
    shortest_poll_s: float = 0.05
    poison_limit_ratio: float = 0.05


class Consumer:
    """Keeps one partition's part of the read models current until cancelled."""

    def __init__(
        self, source: EventSource, store: Store, observe: Observer, options: ConsumerOptions
    ) -> None:
        self._source = source
        self._partition = source.partition
        self._store = store
        self._observe = observe
        self._options = options
        self._poison_limit = PoisonLimit(ratio=options.poison_limit_ratio)
        self._position: SourcePosition | None = None
        self._is_position_known = False

    async def run(self) -> None:
        """Consume for ever. Failures are signalled and retried.

        Only cancellation ends it, or `SourceRefused`, which it raises: waiting mends nothing there.
        """
        failure_count = 0
        while True:
            started_at_s = asyncio.get_running_loop().time()
            try:
                has_brought = await self.step()
                failure_count = 0
                if not has_brought:
                    await self._pace(started_at_s)
            except SourceRefused:
                raise
            except Exception as error:  # noqa: BLE001 - the loop's edge: one batch, not the process
                self._is_position_known = False
                failure_count += 1
                await self._back_off(error, failure_count)

    async def step(self) -> bool:
        """Fetch and apply one batch, or find out that the position is not what it was.

        True if there was anything in it. Raises a `ProjectionError` with nothing written.
        """
        position = await self._position_now()
        try:
            batch = await self._source.fetch(None if position is None else position.cursor)
            self._refuse_flood(batch)
            batch = replace(batch, position=batch.position.following(position))
            verdicts = await self._store.apply(batch)
        except CursorUnknown as error:
            await self._start_over(position, error)
            return False
        except PositionMoved:
            self._is_position_known = False
            self._observe(PositionLost(self._partition))
            return False
        self._position = batch.position
        self._report(batch, verdicts)
        return bool(batch.events)

    async def _position_now(self) -> SourcePosition | None:
        if not self._is_position_known:
            self._position = await self._store.position(self._partition)
            self._is_position_known = True
        return self._position

    async def _start_over(self, position: SourcePosition | None, error: CursorUnknown) -> None:
        self._is_position_known = False
        if position is not None:
            await self._store.forget(self._partition, position.cursor)
        self._observe(SourceRestarted(self._partition, error))

    def _refuse_flood(self, batch: EventBatch) -> None:
        poison_count = sum(isinstance(event, PoisonEvent) for event in batch.events)
        if not self._poison_limit.allows(len(batch.events), poison_count):
            reason = f"{poison_count} of {len(batch.events)} events cannot be read; none is applied"
            raise PoisonFlood(self._partition.source, reason)

    def _report(self, batch: EventBatch, verdicts: Sequence[Verdict]) -> None:
        applied = [verdict for verdict in verdicts if isinstance(verdict, Applied)]
        for verdict in verdicts:
            if isinstance(verdict, Parked):
                self._observe(EventParked(batch.partition, verdict))
        gap_count = sum(verdict.has_gap for verdict in applied)
        self._observe(
            BatchApplied(
                batch.partition, batch.position, len(batch.events), len(applied), gap_count
            )
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
        self._observe(SourceFailed(self._partition, error, retry_after_s))
        await asyncio.sleep(retry_after_s)
