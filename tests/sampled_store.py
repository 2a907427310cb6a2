"""A memory store that can be asked for some of what it holds, as a shared one can."""

from collections.abc import Sequence

from projections.memory_store import MemoryStore
from projections.versions import AggregateKey


class SampledMemoryStore(MemoryStore):
    """Gives its first rows as the sample."""

    async def sample(self, source: str, count: int) -> Sequence[AggregateKey]:
        return [key for key in self._rows if key.type.source == source][:count]
