"""The contract every projection store obeys (`tests/contracts/test_store_contract.py`).

The rule: rows, indexes, tombstones and the source's position move together in one atomic `apply`,
announced only after they can be read; and a `read` is one cut, no write falls between two of its
rows. A batch is applied only where the one before it ended: whoever writes from elsewhere (a
process that lost its partition, or has not heard that the store lost writes) changes nothing.

Every method of a shared store may raise `StoreUnavailable`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct, field

from projections.events import ParsedEvent
from projections.positions import NOTHING_SEEN, Floor, LogPlace, Partition, SourcePosition
from projections.projector import Applied, Duplicate, Parked, StoredRow, Verdict
from projections.selection import PageKey, Root
from projections.token import FloorKey
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import Row


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Consecutive events of one partition and the position reached with them.

    They come right after the cursor ``after`` (None: they are the log's first). A batch without
    events is a later proof of the same place.
    """

    partition: Partition
    after: str | None
    events: tuple[ParsedEvent, ...]
    position: SourcePosition


@dataclass(frozen=True, slots=True)
class StoredPage:
    """The orders of one page, newest first, and whether the list goes on after it.

    ``is_suspect``: an event could not be read of an order of this customer, or of one whose
    customer nobody knows. It may belong here, or not any more.
    """

    order_ids: tuple[str, ...]
    has_more: bool
    is_suspect: bool = False


class Cut(Struct, frozen=True):  # noqa: PLW1641 - mappings have no hash
    """What one operation needs, read at one moment.

    ``rows`` has a key for everything asked: None where the store has no row (which proves nothing).
    ``suspects`` are those keys whose newest event was parked. ``positions`` are those of whole
    sources, no older than their streamed rows. ``is_available`` is False where the store could not
    be asked, and nothing is known. ``moment`` is the store's own mark of when the cut was looked at
    last, if it makes such marks. A cut is a `projections.token_shrinking.StreamedView`.
    """

    rows: Mapping[AggregateKey, StoredRow | None] = field(default_factory=dict)
    pages: Mapping[PageKey, StoredPage] = field(default_factory=dict)
    suspects: frozenset[AggregateKey] = frozenset()
    positions: Mapping[str, SourcePosition] = field(default_factory=dict)
    is_available: bool = True
    moment: object = None

    def __eq__(self, other: object) -> bool:
        """Is the same seen in both? When they were looked at last makes no difference."""
        if not isinstance(other, Cut):
            return NotImplemented
        return self._told == other._told

    @property
    def _told(self) -> tuple[object, ...]:
        return self.rows, self.pages, self.suspects, self.positions, self.is_available

    def version_of(self, key: AggregateKey, /) -> Version | None:
        stored = self.rows.get(key)
        return None if stored is None else stored.at

    def is_sure_of(self, key: AggregateKey, /) -> bool:
        return key in self.rows and key not in self.suspects

    def place_of(self, aggregate_type: AggregateType, partition: int, /) -> LogPlace | None:
        position = self.positions.get(aggregate_type.source)
        return None if position is None else position.places.get(partition)

    def proven_at_s(self, aggregate_type: AggregateType, /) -> float | None:
        position = self.positions.get(aggregate_type.source)
        return position.proven_at_s if position is not None and position.is_caught_up else None

    def is_streamed(self, key: AggregateKey, at: Version, /) -> bool:
        stored = self.rows.get(key)
        return (
            stored is not None
            and stored.is_streamed
            and stored.at >= at
            and key not in self.suspects
        )

    def floor_of(self, aggregate_type: AggregateType, /) -> dict[FloorKey, int]:
        position = self.positions.get(aggregate_type.source)
        if position is None or not position.is_caught_up:
            return {}
        return {
            FloorKey(aggregate_type, partition, place.log): place.offset
            for partition, place in position.places.items()
        }


Announcement = Mapping[AggregateKey, Version] | None
"""The new version of every row a write changed, once it can be read.

A parked version is told too: it will not come again, so whoever waits for it is to look and see.
None: something may not have been told; whoever relies on announcements is to look for himself.
"""

Listener = Callable[[Announcement], None]
"""Is told every announcement. Must not raise."""


def newest_of(verdicts: Iterable[Verdict]) -> dict[AggregateKey, Version]:
    """What a batch with these verdicts announces: by aggregate, the newest version it brought."""
    news: dict[AggregateKey, Version] = {}
    for verdict in verdicts:
        match verdict:
            case Applied(key=key, stored=StoredRow(at=at)) | Parked(key=key, until=at):
                if key not in news or at > news[key]:
                    news[key] = at
            case Duplicate():
                pass
    return news


class Store(Protocol):
    """Read models and the positions they stand at."""

    async def read(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut:
        """Everything ``roots`` reach and all source positions, in one cut.

        The positions are as late as every row in it that the stream has brought. A store that may
        show an earlier moment than its last shows none that has not reached ``seen``; what the
        store itself has lost, or not come to, it cannot show.
        """
        ...

    def at_hand(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut | None:
        """What `read` would return, if that is at hand; None if it has to be asked for.

        Never waits, and raises nothing.
        """
        ...

    def still(self, cut: Cut, *, seen: Floor = NOTHING_SEEN) -> Cut | None:
        """``cut`` as it would be read now, if all its rows and pages are what they were then.

        Only its positions may be others. None if anything has changed, or that is not at hand.
        """
        ...

    async def versions(self, keys: Iterable[AggregateKey]) -> Mapping[AggregateKey, Version]:
        """The versions held now; keys without a row are left out."""
        ...

    async def apply(self, batch: EventBatch) -> Sequence[Verdict]:
        """Apply a batch under the version gate, whole or not at all.

        One verdict for each event that was a change or was poison, in order. A parked event marks
        its aggregate suspect until a state at least as new as it would have brought is there, and
        is kept as a dead letter.

        Raises `PositionMoved`, with nothing written, when the partition does not stand at
        ``batch.after``: read its position and go on from there.
        """
        ...

    async def heal(self, rows: Iterable[Row], *, age_s: float = 0.0) -> None:
        """Write verified live answers back under the same gate; they stay *ahead* of the stream.

        ``age_s``: how long ago, at most, they were their owners' newest.
        """
        ...

    async def position(self, partition: Partition) -> SourcePosition | None:
        """Where ``partition`` goes on from; None: from its start."""
        ...

    async def forget(self, partition: Partition, cursor: str) -> None:
        """The log in which ``partition`` stood at ``cursor`` is another one now.

        Drops every position of its source and every row the source brought: a log made anew may
        start again at lower versions, and the gate would hold the old world against it for ever.
        Until the source has been read again its rows are taken live. Nothing is dropped when the
        partition stands elsewhere by now, because somebody has done it before.
        """
        ...

    def listening(self, listener: Listener) -> AbstractContextManager[None]:
        """Announce changes to ``listener`` while the context is open."""
        ...
