"""The projection as reads need it: one that cannot be asked just now is empty, and says so.

A shared store can be slow or gone. Its own timeout is short, and after some failures in a row it is
left alone for a moment, so that not every request pays that timeout before it goes live.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from projections.errors import StoreUnavailable
from projections.selection import Root
from projections.store import Cut, Store
from projections.views import Row
from projections.waiters import Waiters
from resolvers.upstream.circuit import Circuit, NoPermit, Vote
from resolvers.upstream.options import BreakerOptions

OUT_OF_REACH = Cut(is_available=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadModelOptions:
    """When the store is left alone.

    ``breaker``: half of at least 10 reads of the last 5 s failing; for 0.5 s, because it is near
    and comes back quickly, and one probe costs a read no more than the store's own timeout.
    ``probe_limit_s`` (s): the longest such a probe can last.
    """

    breaker: BreakerOptions = field(
        default_factory=lambda: BreakerOptions(window_s=5.0, min_call_count=10, break_s=0.5)
    )
    probe_limit_s: float = 1.0


class ReadModel:
    """A store behind a circuit, and who waits for it.

    ``observe`` is told once when the store is out of reach (True) and once when it is back.
    """

    def __init__(
        self,
        store: Store,
        waiters: Waiters,
        *,
        options: ReadModelOptions | None = None,
        observe: Callable[[bool], None] = lambda _: None,
    ) -> None:
        options = options or ReadModelOptions()
        self.waiters = waiters
        self._store = store
        self._circuit = Circuit(options.breaker, probe_limit_s=options.probe_limit_s)
        self._observe = observe
        self._is_lost = False

    @property
    def circuit_state(self) -> str:
        """``closed``, ``open`` or ``half-open``."""
        return self._circuit.state.value

    async def read(self, roots: Sequence[Root]) -> Cut:
        """One cut of what ``roots`` reach; `OUT_OF_REACH` where the store does not answer."""
        permit = self._circuit.admit(_now_s())
        if isinstance(permit, NoPermit):
            return OUT_OF_REACH
        vote = Vote.NEUTRAL
        try:
            cut = await self._store.read(roots)
            vote = Vote.SUCCESS
            return cut
        except StoreUnavailable:
            vote = Vote.FAILURE
            return OUT_OF_REACH
        finally:
            self._circuit.settle(permit, vote, _now_s())
            self._tell(vote)

    async def heal(self, rows: Iterable[Row]) -> None:
        """Write live answers back. A store that is out of reach misses a healing, no more."""
        try:
            await self._store.heal(rows)
        except StoreUnavailable:
            self._tell(Vote.FAILURE)

    def _tell(self, vote: Vote) -> None:
        is_lost = self._is_lost if vote is Vote.NEUTRAL else vote is Vote.FAILURE
        if is_lost != self._is_lost:
            self._is_lost = is_lost
            self._observe(is_lost)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
