"""The store of one process: plain dictionaries, rebuilt from the sources at every start.

Atomic because nothing in a write or a read awaits: on one event loop no reader can run between two
of its lines. Verdicts are formed before the first line is changed, so a failing batch changes
nothing.
"""

import time
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from msgspec.structs import replace

from projections.dead_letters import LETTER_LIMIT, DeadLetter
from projections.errors import PositionMoved
from projections.events import Heartbeat, ParsedEvent, PoisonEvent, StateChange, UnknownEvent
from projections.positions import (
    NOTHING_SEEN,
    Floor,
    Partition,
    SourcePosition,
    join_positions,
)
from projections.projector import (
    Applied,
    Duplicate,
    Parked,
    StoredRow,
    Verdict,
    judge,
    judge_healing,
    park,
)
from projections.selection import PageKey, Root, reach
from projections.store import Cut, EventBatch, Listener, StoredPage, newest_of
from projections.versions import ORDER, AggregateKey, AggregateType, Version
from projections.views import OrderRow, OrderStatus, Row
from projections.views.orders import ListingPosition

Listing = tuple[str, OrderStatus | None]
"""Whose orders, of which status (None: of any)."""


class MemoryStore:
    """`projections.store.Store` in the memory of this process. ``wall_clock``: epoch seconds."""

    def __init__(self, *, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self._rows: dict[AggregateKey, StoredRow] = {}
        self._suspect_until: dict[AggregateKey, Version] = {}
        self._listings: dict[Listing, list[ListingPosition]] = {}
        self._positions: dict[Partition, SourcePosition] = {}
        self._joined: Mapping[str, SourcePosition] | None = None
        self._letters: dict[str, DeadLetter] = {}
        self._listeners: list[Listener] = []
        self._moment = object()
        """Another one after each change of what is stored, positions apart: a cut of this moment
        need not be looked at row by row."""

    async def read(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut:
        return self.at_hand(roots, seen=seen)

    def at_hand(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut:  # noqa: ARG002 - it shows the last moment
        rows: dict[AggregateKey, StoredRow | None] = {}
        pages: dict[PageKey, StoredPage] = {}
        for root in roots:
            reached = reach(root, self._row_of, self._page_ids)
            for key in reached.keys:
                rows[key] = self._rows.get(key)
            for page in reached.pages:
                pages[page] = self._page(page)
        return Cut(rows, pages, self._suspects_of(rows), self._joined_positions())

    def still(self, cut: Cut, *, seen: Floor = NOTHING_SEEN) -> Cut | None:  # noqa: ARG002 - as above
        positions, moment = self._joined_positions(), self._moment
        if cut.moment is not moment:
            if not self._holds(cut):
                return None
        elif cut.positions is positions:
            return cut
        return replace(cut, positions=positions, moment=moment)

    async def versions(self, keys: Iterable[AggregateKey]) -> Mapping[AggregateKey, Version]:
        return {key: stored.at for key in keys if (stored := self._rows.get(key)) is not None}

    async def apply(self, batch: EventBatch) -> Sequence[Verdict]:
        if self._cursor_of(batch.partition) != batch.after:
            raise PositionMoved(batch.partition)
        verdicts = self._judge_all(batch.events)
        self._commit(verdicts)
        self._positions.pop(self._same_as(batch.partition), None)
        self._positions[batch.partition] = batch.position
        self._joined = None
        self._keep_letters(batch, verdicts)
        self._announce(verdicts)
        return verdicts

    async def heal(self, rows: Iterable[Row], *, age_s: float = 0.0) -> None:
        heard_at_s = self._wall_clock() - age_s
        newest: dict[AggregateKey, Row] = {}
        for row in rows:
            key = row.key
            if key not in newest or row.at >= newest[key].at:
                newest[key] = row
        verdicts = [
            judge_healing(self._rows.get(key), row, healed_at_s=heard_at_s)
            for key, row in newest.items()
        ]
        self._commit(verdicts)
        self._announce(verdicts)

    async def position(self, partition: Partition) -> SourcePosition | None:
        return self._positions.get(self._same_as(partition))

    async def forget(self, partition: Partition, cursor: str) -> None:
        if self._cursor_of(partition) != cursor:
            return
        source, self._moment = partition.source, object()
        self._positions = {p: at for p, at in self._positions.items() if p.source != source}
        self._joined = None
        self._rows = {k: row for k, row in self._rows.items() if k.type.source != source}
        self._suspect_until = {
            k: until for k, until in self._suspect_until.items() if k.type.source != source
        }
        if source == AggregateType.ORDER.source:
            self._listings.clear()

    async def dead_letters(self, limit: int) -> Sequence[DeadLetter]:
        return list(reversed(self._letters.values()))[:limit]

    async def dead_letter_count(self) -> int:
        return len(self._letters)

    async def dead_letter(self, letter_id: str) -> DeadLetter | None:
        return self._letters.get(letter_id)

    async def replay(self, letter: DeadLetter, change: StateChange) -> Verdict:
        [verdict] = self._judge_all([change])
        self._commit([verdict])
        self._letters.pop(letter.id, None)
        self._announce([verdict])
        return verdict

    async def discard(self, letter: DeadLetter) -> bool:
        return self._letters.pop(letter.id, None) is not None

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def _judge_all(self, events: Iterable[ParsedEvent]) -> list[Verdict]:
        """Judge in order; a later event of the batch sees what an earlier one would have stored."""
        pending: dict[AggregateKey, StoredRow] = {}
        verdicts: list[Verdict] = []
        for event in events:
            match event:
                case StateChange(key=key):
                    verdict = judge(pending.get(key, self._rows.get(key)), event)
                    if verdict.stored is not None:
                        pending[key] = verdict.stored
                    verdicts.append(verdict)
                case PoisonEvent(key=key):
                    verdicts.append(park(pending.get(key, self._rows.get(key)), event))
                case UnknownEvent() | Heartbeat():
                    pass
        return verdicts

    def _holds(self, cut: Cut) -> bool:
        """Are all rows and pages what they were in this cut?"""
        rows = self._rows
        return (
            all(rows.get(key) is stored for key, stored in cut.rows.items())
            and all(self._page(key) == page for key, page in cut.pages.items())
            and self._suspects_of(cut.rows) == cut.suspects
        )

    def _commit(self, verdicts: Sequence[Verdict]) -> None:
        for verdict in verdicts:
            match verdict:
                case Applied(key=key, stored=stored):
                    if key.type is ORDER:
                        self._list(self._rows.get(key), stored)
                    self._rows[key] = stored
                case Duplicate(key=key, stored=StoredRow() as stored):
                    self._rows[key] = stored
                case Duplicate():
                    continue
                case Parked(key=key, until=until):
                    self._suspect_until[key] = max(until, self._suspect_until.get(key, until))
            self._moment = object()

    def _keep_letters(self, batch: EventBatch, verdicts: Sequence[Verdict]) -> None:
        now_s, partition, cursor = self._wall_clock(), str(batch.partition), batch.position.cursor
        for verdict in verdicts:
            if isinstance(verdict, Parked) and self._is_suspect(verdict.key):
                letter = DeadLetter.of(verdict, partition, cursor, now_s)
                self._letters.setdefault(letter.id, letter)
        for letter_id in list(self._letters)[: max(0, len(self._letters) - LETTER_LIMIT)]:
            del self._letters[letter_id]

    def _announce(self, verdicts: Sequence[Verdict]) -> None:
        news = newest_of(verdicts)
        if news:
            for listener in tuple(self._listeners):
                listener(news)

    def _list(self, old: StoredRow | None, new: StoredRow) -> None:
        """Move an order between the listings of its customer."""
        before = _listings_of(old)
        after = _listings_of(new)
        for listing, listed_at in before.items() - after.items():
            listed = self._listings[listing]
            del listed[bisect_left(listed, listed_at)]
        for listing, listed_at in after.items() - before.items():
            insort(self._listings.setdefault(listing, []), listed_at)

    def _joined_positions(self) -> Mapping[str, SourcePosition]:
        """The positions of whole sources: the same object until one of them moves."""
        if self._joined is None:
            self._joined = join_positions(self._positions)
        return self._joined

    def _suspects_of(self, keys: Iterable[AggregateKey]) -> frozenset[AggregateKey]:
        if not self._suspect_until:
            return frozenset()
        return frozenset(key for key in keys if self._is_suspect(key))

    def _is_suspect(self, key: AggregateKey) -> bool:
        until = self._suspect_until.get(key)
        stored = self._rows.get(key)
        return until is not None and (stored is None or stored.at < until)

    def _cursor_of(self, partition: Partition) -> str | None:
        position = self._positions.get(self._same_as(partition))
        return None if position is None else position.cursor

    def _same_as(self, partition: Partition) -> Partition:
        """The partition as it was known before others were added beside it."""
        place = partition.source, partition.index
        return next((p for p in self._positions if (p.source, p.index) == place), partition)

    def _row_of(self, key: AggregateKey) -> Row | None:
        stored = self._rows.get(key)
        return None if stored is None else stored.row

    def _page_ids(self, key: PageKey) -> Sequence[str]:
        return self._page(key).order_ids

    def _page(self, key: PageKey) -> StoredPage:
        listed = self._listings.get((key.customer_id, key.status), [])
        end = len(listed) if key.after is None else bisect_left(listed, key.after)
        start = max(0, end - key.first)
        order_ids = tuple([at.id for at in reversed(listed[start:end])])
        return StoredPage(order_ids, start > 0, self._is_list_suspect(key.customer_id))

    def _is_list_suspect(self, customer_id: str) -> bool:
        suspects = (k for k in self._suspect_until if k.type is ORDER)
        rows = (self._row_of(key) for key in suspects if self._is_suspect(key))
        return any(not isinstance(row, OrderRow) or row.customer_id == customer_id for row in rows)


def _listings_of(stored: StoredRow | None) -> dict[Listing, ListingPosition]:
    if stored is None or not isinstance(stored.row, OrderRow):
        return {}
    order = stored.row
    listings: tuple[Listing, ...] = ((order.customer_id, None), (order.customer_id, order.status))
    return dict.fromkeys(listings, order.listed_at)
