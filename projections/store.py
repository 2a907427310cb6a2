"""The contract every projection store obeys (`tests/contracts/test_store_contract.py`).

The rule: rows, indexes, tombstones and the source's position move together in one atomic `apply`,
announced only after they can be read; and a `read` is one cut, no write falls between two of its
rows. Memory is the first store; a shared one follows the same suite.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Protocol

from projections.events import ParsedEvent
from projections.projector import StoredRow, Verdict
from projections.selection import PageKey, Root
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import Row

SECONDS_A_MINUTE = 60


@dataclass(frozen=True, slots=True)
class SourcePosition:
    """How far one event source has been applied.

    ``cursor`` is the source's own opaque place to go on from. ``is_caught_up``: the source has been
    read to its end once; before that, readers should not trust absence. Every change committed
    before the wall-clock instant ``proven_at_s`` (seconds) has been applied, once it is caught up.
    ``remaining_count`` is the lag in events, where the source tells.
    """

    cursor: str
    proven_at_s: float
    is_caught_up: bool
    remaining_count: int | None = None

    def following(self, previous: "SourcePosition | None") -> "SourcePosition":
        """This position as the successor of ``previous``.

        A source that falls behind after it had caught up stays caught up, with its old proof: its
        projection is old, which readers can weigh, and not unknown.
        """
        if self.is_caught_up or previous is None or not previous.is_caught_up:
            return self
        return replace(self, is_caught_up=True, proven_at_s=previous.proven_at_s)

    @property
    def current_since_minute(self) -> int | None:
        """The minute since the Unix epoch of the proof; None while there is none."""
        return int(self.proven_at_s // SECONDS_A_MINUTE) if self.is_caught_up else None


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Consecutive events of one source and the position reached with them (no events: a proof)."""

    source: str
    events: tuple[ParsedEvent, ...]
    position: SourcePosition


@dataclass(frozen=True, slots=True)
class StoredPage:
    """The orders of one page, newest first, and whether the list goes on after it."""

    order_ids: tuple[str, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Cut:
    """What one operation needs, read at one moment.

    ``rows`` has a key for everything asked: None where the store has no row (which proves nothing).
    ``suspects`` are those keys whose newest event was parked. A cut is a `projections.token.View`.
    """

    rows: Mapping[AggregateKey, StoredRow | None] = field(default_factory=dict)
    pages: Mapping[PageKey, StoredPage] = field(default_factory=dict)
    suspects: frozenset[AggregateKey] = frozenset()
    positions: Mapping[str, SourcePosition] = field(default_factory=dict)

    def version_of(self, key: AggregateKey, /) -> Version | None:
        stored = self.rows.get(key)
        return None if stored is None else stored.at

    def current_since_minute(self, aggregate_type: AggregateType, /) -> int | None:
        position = self.positions.get(aggregate_type.source)
        return None if position is None else position.current_since_minute


Listener = Callable[[Mapping[AggregateKey, Version]], None]
"""Told the new version of every row a write changed, once it can be read. Must not raise.

A parked version is told too: it will not come again, so whoever waits for it is to look and see.
"""


class Store(Protocol):
    """Read models and the positions they stand at."""

    async def read(self, roots: Sequence[Root]) -> Cut:
        """Everything ``roots`` reach and all source positions, in one cut."""
        ...

    async def versions(self, keys: Iterable[AggregateKey]) -> Mapping[AggregateKey, Version]:
        """The versions held now; keys without a row are left out."""
        ...

    async def apply(self, batch: EventBatch) -> Sequence[Verdict]:
        """Apply a batch under the version gate, whole or not at all; idempotent.

        One verdict for each event that was a change or was poison, in order. A parked event marks
        its aggregate suspect until a state at least as new as it would have brought is there.
        """
        ...

    async def heal(self, rows: Iterable[Row]) -> None:
        """Write verified live answers back under the same gate; they stay *ahead* of the stream."""
        ...

    async def position(self, source: str) -> SourcePosition | None:
        """Where ``source`` goes on from; None: from its start."""
        ...

    async def forget(self, source: str) -> None:
        """The source's log is another one now: drop its position and every row it brought.

        A log made anew may start again at lower versions, and the gate would hold the old world
        against it for ever. Until the source has been read again its rows are taken live.
        """
        ...

    def listening(self, listener: Listener) -> AbstractContextManager[None]:
        """Announce changes to ``listener`` while the context is open."""
        ...
