"""The cut of one operation, widened where live answers lead further.

What a live answer leads to (the customer of an order that was not projected) is read as a further
cut, shared by all root fields like the first, so that no row is shown in two states. It is later,
so not older than the first, unless the store has fallen back between the two: then what it says is
left out, for it would be shown by the positions of the first.
"""

from collections.abc import Iterator, Sequence

from projections.positions import NOTHING_SEEN, Floor, LogPlace
from projections.selection import Root
from projections.store import Cut, StoredPage
from projections.token import FloorKey
from projections.versions import ORDER, AggregateKey, AggregateType, Version
from projections.views import OrderRow, Row
from resolvers.read_model import ReadableModel


class SharedCut:
    """What is covered stays as it was read first. A `projections.token_shrinking.StreamedView`.

    ``seen`` is what its reader has seen already: no cut is older than that, if the store can help.
    """

    def __init__(
        self, cut: Cut, model: ReadableModel | None, *, seen: Floor = NOTHING_SEEN
    ) -> None:
        self.cut = cut
        self._model = model
        self._seen = seen
        self._floors = [cut]

    async def widen(self, roots: Sequence[Root]) -> None:
        """Cover what ``roots`` reach too, if the store answers; what is covered stays as it is."""
        if not roots or self._model is None:
            return
        later = await self._model.read(roots, seen=self._seen)
        usable = {of for of in AggregateType if _goes_on(self.cut, later, of)}
        self._floors.append(later)
        self.cut = Cut(
            {**{k: row for k, row in later.rows.items() if k.type in usable}, **self.cut.rows},
            {**(later.pages if ORDER in usable else {}), **self.cut.pages},
            self.cut.suspects | later.suspects,
            self.cut.positions or later.positions,  # a live read looks here for the first time
            self.cut.is_available,
        )

    def row_of(self, key: AggregateKey, /) -> Row | None:
        """The row that is covered, whatever may be demanded of it."""
        stored = self.cut.rows.get(key)
        return None if stored is None else stored.row

    def orders_on(self, page: StoredPage) -> Iterator[OrderRow]:
        """The orders of a page that is covered, in its order."""
        for order_id in page.order_ids:
            row = self.row_of(AggregateKey(ORDER, order_id))
            if isinstance(row, OrderRow):
                yield row

    def version_of(self, key: AggregateKey, /) -> Version | None:
        return self.cut.version_of(key)

    def is_sure_of(self, key: AggregateKey, /) -> bool:
        return self.cut.is_sure_of(key)

    def place_of(self, aggregate_type: AggregateType, partition: int, /) -> LogPlace | None:
        return self.cut.place_of(aggregate_type, partition)

    def proven_at_s(self, aggregate_type: AggregateType, /) -> float | None:
        return self.cut.proven_at_s(aggregate_type)

    def is_streamed(self, key: AggregateKey, at: Version, /) -> bool:
        return self.cut.is_streamed(key, at)

    def floor_of(self, aggregate_type: AggregateType, /) -> dict[FloorKey, int]:
        """The floor under all rows here, those of the later cuts included."""
        floor: dict[FloorKey, int] = {}
        for cut in self._floors:
            for log, offset in cut.floor_of(aggregate_type).items():
                floor[log] = max(offset, floor.get(log, offset))
        return floor


def _goes_on(first: Cut, later: Cut, aggregate_type: AggregateType) -> bool:
    """Does the later cut hold all that the first did of this type?"""
    reached = later.floor_of(aggregate_type)
    return all(
        reached.get(log, -1) >= offset for log, offset in first.floor_of(aggregate_type).items()
    )
