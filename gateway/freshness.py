"""How fresh each read model is beside its staleness budget, measured from commit to row.

The rule: it is looked at by the clock and not by readers, so a part that has died is told also
where nobody reads. What is measured is the age of the last proof, which is all that a reader has.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from gateway.watcher import Hearing, StoreWatcher
from projections.errors import StoreUnavailable
from projections.positions import NEVER_S, SourcePosition
from projections.redis_store import RedisStore
from projections.store import Cut, Store

LOOK_EVERY_S: Final = 0.25
"""Between two looks (s): a tenth of the usual budget, and one small read of the store."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far one source has been applied. ``age_s`` is that of its proof, None before the first.

    ``budget_s``: the staleness budget of its read model.
    """

    is_caught_up: bool
    remaining_count: int | None
    age_s: float | None
    budget_s: float

    @property
    def is_spent(self) -> bool:
        """Whether plain reads go live because the proof is too old.

        Before its log has been read to the end once a read model is not old but unknown.
        """
        return self.is_caught_up and (self.age_s is None or self.age_s > self.budget_s)


def freshness_of(position: SourcePosition | None, budget_s: float, now_s: float) -> Freshness:
    """The freshness of a source that stands there; ``now_s``: epoch s, as proofs are told."""
    if position is None:
        return Freshness(False, None, None, budget_s)
    is_proven = position.proven_at_s > NEVER_S
    age_s = max(0.0, now_s - position.proven_at_s) if is_proven else None
    return Freshness(position.is_caught_up, position.remaining_count, age_s, budget_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class FreshnessGauge:
    """Measures the sources of one store. ``budgets_s`` are those of the sources by name.

    ``watcher`` is None where the store's news are a call in this process, which cannot be lost.
    ``observe`` is told the freshness of a source at each look, ``hear`` how the watcher is.
    """

    store: Store
    budgets_s: Mapping[str, float]
    wall_clock: Callable[[], float]
    watcher: StoreWatcher | None
    observe: Callable[[str, Freshness], None]
    hear: Callable[[Hearing], None]

    async def run(self) -> None:
        """Look until cancelled, whatever becomes of the store."""
        while True:
            await self._look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def measure(self) -> dict[str, Freshness]:
        """The freshness of every source now. Raises `StoreUnavailable`."""
        positions = (await self._read()).positions
        now_s = self.wall_clock()
        return {
            source: freshness_of(positions.get(source), budget_s, now_s)
            for source, budget_s in self.budgets_s.items()
        }

    async def _look(self) -> None:
        try:
            measured = await self.measure()
        except StoreUnavailable:
            measured = {}  # that the store is out of reach is told already, and by those who read
        for source, freshness in measured.items():
            self.observe(source, freshness)
        if self.watcher is not None:
            self.hear(self.watcher.hearing)

    async def _read(self) -> Cut:
        """The positions; of a shared store also how far it has been written."""
        if self.watcher is None or not isinstance(self.store, RedisStore):
            return await self.store.read(())
        stamped = await self.store.read_stamped(())
        self.watcher.compare(stamped.stamp)
        return stamped.cut
