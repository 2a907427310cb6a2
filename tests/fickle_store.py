"""A store that can be out of reach: as a shared one is, after its timeout and for a while."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from projections.errors import StoreUnavailable
from projections.memory_store import MemoryStore
from projections.positions import NOTHING_SEEN, Floor
from projections.selection import Root
from projections.store import Cut
from projections.versions import AggregateKey, Version
from projections.views import Row

TIMEOUT_S = 0.1


class FickleStore(MemoryStore):
    """A memory store. While ``is_gone``, whoever asks it fails after `TIMEOUT_S`.

    ``gone_after`` more reads it goes by itself; ``asked_count`` counts them.
    """

    is_gone = False
    gone_after: int | None = None
    asked_count = 0

    async def read(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut:
        self.asked_count += 1
        if self.gone_after is not None:
            self.is_gone = self.gone_after <= 0
            self.gone_after -= 1
        await self._answer()
        return super().at_hand(roots, seen=seen)

    def at_hand(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut | None:  # type: ignore[override]  # a memory store has always an answer
        if self.is_gone or self.gone_after is not None:
            return None
        self.asked_count += 1
        return super().at_hand(roots, seen=seen)

    def still(self, cut: Cut, *, seen: Floor = NOTHING_SEEN) -> Cut | None:
        if self.is_gone or self.gone_after is not None:
            return None
        return super().still(cut, seen=seen)

    async def versions(self, keys: Iterable[AggregateKey]) -> Mapping[AggregateKey, Version]:
        await self._answer()
        return await super().versions(keys)

    async def heal(self, rows: Iterable[Row], *, age_s: float = 0.0) -> None:
        await self._answer()
        await super().heal(rows, age_s=age_s)

    async def _answer(self) -> None:
        if self.is_gone:
            await asyncio.sleep(TIMEOUT_S)
            raise StoreUnavailable("no answer in time")
