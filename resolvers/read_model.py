"""The projection as reads need it: one that cannot be asked just now is empty, and says so.

A shared store can be slow or gone. Its own timeout is short, and after some failures in a row it is
left alone for a moment, so that not every request pays that timeout before it goes live.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeVar

from projections.errors import StoreUnavailable
from projections.positions import NOTHING_SEEN, Floor
from projections.selection import Root
from projections.store import Cut, Store
from projections.views import Row
from projections.waiters import Waiters
from resolvers.upstream.circuit import Circuit, CircuitState, NoPermit, Vote
from resolvers.upstream.options import BreakerOptions

T = TypeVar("T")

OUT_OF_REACH = Cut(is_available=False)


class Reach(StrEnum):
    """Whether the store answers reads."""

    LOST = "lost"
    FOUND = "found"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadModelOptions:
    """When the store is left alone.

    ``breaker``: half of at least 10 reads of the last 5 s failing; for 0.5 s and never longer,
    because it is near and comes back quickly, and one probe costs a read no more than the store's
    own timeout.
    ``probe_limit_s`` (s): the longest such a probe can last.
    """

    breaker: BreakerOptions = field(
        default_factory=lambda: BreakerOptions(
            window_s=5.0, min_call_count=10, break_s=0.5, break_cap_s=0.5
        )
    )
    probe_limit_s: float = 1.0


class ReadableModel(Protocol):
    """The projection as one operation reads it: all of it, or what its viewer may see."""

    @property
    def waiters(self) -> Waiters:
        """Who waits for it."""
        ...

    async def read(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut:
        """See `ReadModel.read`."""
        ...

    def at_hand(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut | None:
        """See `ReadModel.at_hand`."""
        ...

    async def heal(self, rows: Iterable[Row], *, age_s: float) -> None:
        """See `ReadModel.heal`."""
        ...


class ReadModel:
    """A store behind a circuit, and who waits for it.

    ``observe`` is told when the store is out of reach, and when it is back.
    """

    def __init__(
        self,
        store: Store,
        waiters: Waiters,
        *,
        options: ReadModelOptions | None = None,
        observe: Callable[[Reach], None] = lambda _: None,
    ) -> None:
        options = options or ReadModelOptions()
        self.waiters = waiters
        self._store = store
        self._circuit = Circuit(options.breaker, probe_limit_s=options.probe_limit_s)
        self._observe = observe
        self._reach = Reach.FOUND

    @property
    def circuit_state(self) -> str:
        """``closed``, ``open`` or ``half-open``."""
        return self._circuit.state.value

    @property
    def _is_asked(self) -> bool:
        """Would every read ask the store now?

        Reads overlap: one that succeeds late says that it is back, and the circuit has just opened.
        """
        return self._reach is Reach.FOUND and self._circuit.state is CircuitState.CLOSED

    async def read(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut:
        """One cut of what ``roots`` reach; `OUT_OF_REACH` where the store does not answer.

        ``seen``: rows at hand that are older than this are not used.
        """
        cut = await self._guard(lambda: self._store.read(roots, seen=seen))
        return OUT_OF_REACH if cut is None else cut

    def at_hand(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut | None:
        """The same cut, if it is at hand; None if the store has to be asked, or is left alone."""
        return self._store.at_hand(roots, seen=seen) if self._is_asked else None

    def still(self, cut: Cut, *, seen: Floor = NOTHING_SEEN) -> Cut | None:
        """The cut with its positions of now, if it would be read again; None if that is unsure."""
        return self._store.still(cut, seen=seen) if self._is_asked else None

    async def heal(self, rows: Iterable[Row], *, age_s: float) -> None:
        """Write live answers back. A store that is out of reach misses a healing, no more."""
        await self._guard(lambda: self._store.heal(rows, age_s=age_s))

    async def _guard(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """What the store answers; None if it does not, or is left alone.

        A caller that leaves is no failure of the store.
        """
        permit = self._circuit.admit(_now_s())
        if isinstance(permit, NoPermit):
            return None
        vote = Vote.NEUTRAL
        try:
            answer = await ask()
            vote = Vote.SUCCESS
            return answer
        except StoreUnavailable:
            vote = Vote.FAILURE
            return None
        finally:
            self._circuit.settle(permit, vote, _now_s())
            self._tell(vote)

    def _tell(self, vote: Vote) -> None:
        if vote is Vote.NEUTRAL:
            return
        reach = Reach.LOST if vote is Vote.FAILURE else Reach.FOUND
        if reach is not self._reach:
            self._reach = reach
            self._observe(reach)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
