"""Writing: one script a batch, whole or not at all, refused where it does not follow."""

import random
from collections.abc import Callable, Iterable, Sequence

from projections.dead_letters import LETTER_LIMIT
from projections.errors import PositionMoved, StoreUnavailable
from projections.events import StateChange
from projections.positions import Partition
from projections.projector import Verdict
from projections.redis_store.link import Link
from projections.redis_store.options import RedisOptions
from projections.redis_store.reads import ACTIVE, Target
from projections.redis_store.scripts import APPLY, FORGET, HEAL, REPLAY
from projections.redis_store.values import TYPES, PackedPosition, pack
from projections.redis_store.verdicts import PackedEvents, PackedHealing
from projections.store import EventBatch
from projections.views import Row

SOURCES = frozenset(aggregate_type.source for aggregate_type in TYPES)


class RedisWrites:
    """Writes to the active generations, or unseen to those that ``target`` names."""

    def __init__(
        self,
        link: Link,
        options: RedisOptions,
        *,
        wall_clock: Callable[[], float],
        target: Target = ACTIVE,
    ) -> None:
        self._link = link
        self._timeout_s = options.write_timeout_s
        self._healing_timeout_s = options.read_timeout_s
        self._wall_clock = wall_clock
        self._target = target or False

    async def apply(self, batch: EventBatch) -> Sequence[Verdict]:
        partition = batch.partition
        _require_source(partition.source)
        packed = PackedEvents(batch.events)
        argument = pack(
            (
                self._target,
                new_incarnation(),
                partition.source,
                str(partition.index),
                False if batch.after is None else batch.after,
                PackedPosition.of(partition, batch.position),
                self._wall_clock(),
                str(partition),
                LETTER_LIMIT,
                packed.events,
            )
        )
        reply = await self._link.write(APPLY, argument, *packed.values, timeout_s=self._timeout_s)
        if reply is None:
            raise PositionMoved(partition)
        return packed.verdicts(reply)

    async def heal(self, rows: Iterable[Row], *, age_s: float) -> None:
        packed = PackedHealing(rows, self._wall_clock() - age_s)
        if not packed.events:
            return
        argument = pack((self._target, new_incarnation(), packed.events))
        # A reader waits for it, so it is given up as soon as a read; the gate makes repeats safe.
        timeout_s = self._healing_timeout_s
        reply = await self._link.read(HEAL, argument, *packed.values, timeout_s=timeout_s)
        if reply is None:
            raise StoreUnavailable("this generation is not the one being built any more")

    async def forget(self, partition: Partition, cursor: str) -> None:
        _require_source(partition.source)
        fence = partition.source, str(partition.index), cursor
        argument = pack((self._target, new_incarnation(), *fence))
        await self._link.write(FORGET, argument, timeout_s=self._timeout_s)

    async def replay(self, letter_id: str, change: StateChange) -> Verdict:
        packed = PackedEvents([change])
        argument = pack((new_incarnation(), letter_id, packed.events[0]))
        reply = await self._link.write(REPLAY, argument, *packed.values, timeout_s=self._timeout_s)
        [verdict] = packed.verdicts(reply)
        return verdict


def new_incarnation() -> str:
    """A name for a server's life, used if this is the first write of it."""
    return f"{random.getrandbits(64):016x}"


def _require_source(source: str) -> None:
    if source not in SOURCES:
        raise ValueError(f"no read model is made of {source!r}")
