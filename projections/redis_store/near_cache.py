"""Rows at hand: what this process has read of the store, as long as the news keep it honest.

The rule: a cut from here is one moment of the store, though not always the last. Rows are dropped
when the news tell of a newer version, and all of them when news may have been lost. Rows read at a
later moment than the one up to which the news have been heard are kept, but nothing is shown until
the news have come as far: so two moments never mix, and nobody who has seen a later one is shown an
earlier one by this process. Who has seen a later one elsewhere says so. Positions are shown of the
latest moment that was read, so they are never older than a row that the stream has brought.

Only whole rows are kept that are to be trusted; listings, absence and parked aggregates are always
asked of the store. So is everything once a second, for how current the sources are.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from projections.positions import NOTHING_SEEN, Floor, SourcePosition, have_reached
from projections.projector import StoredRow
from projections.redis_store.cuts import Stamp, StampedCut
from projections.redis_store.news import News
from projections.selection import PageKey, Root, reach
from projections.store import Cut
from projections.versions import AggregateKey, Version
from projections.views import Row

POSITIONS_KEPT_S = 1.0
"""How long positions are shown that were read with some cut: as long as a heartbeat takes."""


class _NotAtHand(Exception):
    """Something that a read needs is not kept here."""


class NearCache:
    """At most ``row_limit`` rows, those used last. ``now_s`` is a monotonic clock."""

    def __init__(self, row_limit: int, *, now_s: Callable[[], float]) -> None:
        self._row_limit = row_limit
        self._now_s = now_s
        self._rows: OrderedDict[AggregateKey, StoredRow] = OrderedDict()
        self._positions: Mapping[str, SourcePosition] = {}
        self._positions_until_s = float("-inf")
        self._heard: Stamp | None = None
        self._read_up_to = 0

    def follow(self, news: News | None) -> None:
        """Take in one write of the store; None: some may have been missed."""
        if news is None or news.voided or self._heard is None:
            # Before the first news nobody knows what was missed while there was no subscription.
            self.drop()
        self._heard = None if news is None else news.stamp
        if news is not None:
            self.outdate(news.changed)

    def drop(self) -> None:
        """Drop every row: any of them may be another one now."""
        self._rows.clear()
        self._read_up_to = 0

    def outdate(self, versions: Mapping[AggregateKey, Version]) -> None:
        """Drop rows that are older than these, wherever that is known from."""
        for key, at in versions.items():
            known = self._rows.get(key)
            if known is not None and known.at < at:
                del self._rows[key]

    def keep(self, stamped: StampedCut) -> None:
        """Keep the rows of a cut, unless the news are past it already."""
        stamp, heard = stamped.stamp, self._heard
        if stamp is None or heard is None or stamp.incarnation != heard.incarnation:
            return
        if self._row_limit == 0 or stamp.sequence < heard.sequence:
            return
        cut = stamped.cut
        for key, stored in cut.rows.items():
            if stored is not None and key not in cut.suspects:
                self._rows[key] = stored
                self._rows.move_to_end(key)
        while len(self._rows) > self._row_limit:
            self._rows.popitem(last=False)
        if stamp.sequence >= self._read_up_to:
            # Answers overtake each other; positions of an earlier one would be older than rows.
            self._read_up_to = stamp.sequence
            self._positions = cut.positions
            self._positions_until_s = self._now_s() + POSITIONS_KEPT_S

    def find(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut | None:
        """Everything ``roots`` reach, at one moment; None if the store has to be asked.

        So it has to be where the positions of that moment have not reached ``seen``.
        """
        if not roots or not self._may_show(seen):
            return None
        try:
            reached = [key for root in roots for key in reach(root, self._row_of, _page_of).keys]
            rows = {key: self._rows[key] for key in reached}
        except (_NotAtHand, KeyError):
            return None
        for key in rows:
            self._rows.move_to_end(key)
        return Cut(rows, {}, frozenset(), self._positions)

    def still(self, cut: Cut, *, seen: Floor = NOTHING_SEEN) -> Cut | None:
        """The cut with the positions of now, if all its rows are at hand as they were then."""
        if cut.pages or cut.suspects or not self._may_show(seen):
            return None
        for key, stored in cut.rows.items():
            if self._rows.get(key) is not stored:
                return None
        for key in cut.rows:
            self._rows.move_to_end(key)
        return cut if cut.positions is self._positions else replace(cut, positions=self._positions)

    def _may_show(self, seen: Floor) -> bool:
        """Have the news come as far as the rows, are positions known, and as far as ``seen``?"""
        if self._heard is None or self._heard.sequence < self._read_up_to:
            return False
        if not self._rows or self._now_s() > self._positions_until_s:
            return False
        return have_reached(self._positions, seen)

    def _row_of(self, key: AggregateKey) -> Row | None:
        return self._rows[key].row


def _page_of(_: PageKey) -> Sequence[str]:
    raise _NotAtHand
