"""The cut of one operation, where the store falls back between its first look and a further one."""

from collections.abc import Sequence
from typing import cast

import pytest

from projections.positions import LogPlace, SourcePosition
from projections.projector import StoredRow
from projections.selection import CustomerRoot, Root
from projections.store import Cut
from resolvers.read_model import ReadModel
from resolvers.shared_cut import SharedCut
from tests.resolvers.rows import CUSTOMER


class FurtherLook:
    """A read model that has one answer."""

    def __init__(self, cut: Cut) -> None:
        self._cut = cut

    async def read(self, roots: Sequence[Root], *, seen: object) -> Cut:
        del roots, seen
        return self._cut


def cut_at(offset: int, *, log: int = 7, rows: Sequence[StoredRow] = ()) -> Cut:
    """A cut that stands at this offset of a log of customers."""
    position = SourcePosition("", 0.0, is_caught_up=True, places={0: LogPlace(log, offset)})
    held = {row.row.key: row for row in rows if row.row is not None}
    return Cut(rows=held, positions={"customers": position})


@pytest.mark.parametrize(
    ("offset", "log", "is_used"), [(5, 7, True), (9, 7, True), (4, 7, False), (9, 8, False)]
)
async def test_a_further_look_counts_only_if_the_store_has_not_fallen_back(
    offset: int, log: int, *, is_used: bool
) -> None:
    """Rows of a store that lost its last writes would be shown by the positions of before."""
    further = cut_at(offset, log=log, rows=[StoredRow(CUSTOMER, CUSTOMER.at)])
    shared = SharedCut(cut_at(5), cast("ReadModel", FurtherLook(further)))

    await shared.widen([CustomerRoot(CUSTOMER.id)])

    assert (CUSTOMER.key in shared.cut.rows) is is_used
