"""What tests of rows at hand share: a cache that is read into, with news that are told by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from projections.positions import LogPlace, SourcePosition
from projections.projector import StoredRow
from projections.redis_store.cuts import Stamp, StampedCut
from projections.redis_store.near_cache import NearCache
from projections.redis_store.news import News
from projections.selection import (
    CustomerSelection,
    OrderRoot,
    OrderSelection,
    Root,
)
from projections.store import Cut
from projections.versions import AggregateKey, Version
from projections.views import Row
from tests.builders.rows import (
    customer_row,
    order_row,
    position,
    product_row,
)

ORDER: Root = OrderRoot("o-1", OrderSelection(CustomerSelection(), has_products=True))
SHOP: tuple[Row, ...] = (order_row(), customer_row(), product_row())
OURS = "this server"
LOG = 7


def news(
    sequence: int,
    *changed: Row,
    incarnation: str = OURS,
    voided: frozenset[str] = frozenset(),
    parked: Mapping[AggregateKey, Version] | None = None,
) -> News:
    versions = {row.key: row.at for row in changed} | dict(parked or {})
    return News(Stamp(incarnation, sequence), versions, frozenset(), {}, voided)


def standing_at(offset: int) -> SourcePosition:
    """A position at this place of the one log there is."""
    return replace(position(), places={0: LogPlace(LOG, offset)})


@dataclass
class Kept:
    """A cache of ten rows with a clock that is set by hand; it has heard the news up to 1."""

    row_limit: int = 10
    clock_s: float = 0.0
    cache: NearCache = field(init=False)

    def __post_init__(self) -> None:
        self.cache = NearCache(self.row_limit, now_s=lambda: self.clock_s)
        self.cache.follow(news(1))

    def read(
        self,
        sequence: int,
        *rows: Row,
        suspects: frozenset[AggregateKey] = frozenset(),
        incarnation: str = OURS,
    ) -> None:
        """The store was read at this moment and answered these rows.

        Its source had been read as often as the store had been written to.
        """
        stored = {row.key: StoredRow(row, row.at) for row in rows}
        cut = Cut(stored, {}, suspects, {"orders": standing_at(sequence)})
        self.cache.keep(StampedCut(cut, Stamp(incarnation, sequence)))

    def shown(self, root: Root = ORDER) -> dict[AggregateKey, Version] | None:
        """The versions at hand for this root."""
        cut = self.cache.find([root])
        return None if cut is None else {key: row.at for key, row in cut.rows.items() if row}
