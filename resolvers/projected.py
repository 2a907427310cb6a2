"""What the projection may contribute to one answer, and why the rest must be fetched.

Starts from the operation's cut (`SharedCut`), and widens it where live answers lead further.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from projections.projector import StoredRow
from projections.selection import OrdersRoot, PageKey, PageSelection, Root, root_of
from projections.store import Cut
from projections.token import EMPTY_TOKEN
from projections.token_shrinking import floor_from
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import STALENESS_BUDGETS_S, Row
from resolvers.answer import (
    Absent,
    Answer,
    Component,
    Failed,
    Found,
    FoundPage,
    Provenance,
    Reason,
    Source,
)
from resolvers.causality import needed_by
from resolvers.demand import AtLeast, Demand, Eventual, Live
from resolvers.errors import ConsistencyTimeout
from resolvers.pages import Listed
from resolvers.read_model import ReadableModel
from resolvers.read_path import (
    Composition,
    Projection,
    ReadPath,
    Refused,
    age_s,
    choose_for_row,
    choose_for_type,
    row_age_s,
)
from resolvers.shared_cut import SharedCut

OUT_OF_REACH = Composition(Reason.PROJECTION_UNAVAILABLE)


class Projected:
    """The projection as one root field may see it; ``model`` is None where there is none.

    ``awaited`` are the token entries that had to be waited for, whether they came or not.
    """

    def __init__(
        self,
        demand: Demand,
        model: ReadableModel | None,
        cut: SharedCut,
        *,
        awaited: frozenset[AggregateKey],
        budgets_s: Mapping[AggregateType, float] = STALENESS_BUDGETS_S,
        wall_clock: Callable[[], float],
    ) -> None:
        self._demand = demand
        self._is_shareable = isinstance(demand.mode, AtLeast | Eventual)
        self._model = model
        self._cut = cut
        self._awaited = awaited
        self._budgets_s = budgets_s
        self._wall_clock = wall_clock
        self._now_s = wall_clock()

    @property
    def now_s(self) -> float:
        """The wall clock (Unix s)."""
        return self._wall_clock()

    def row_of(self, key: AggregateKey) -> Row | None:
        """The row in the cut, whatever may be demanded of it."""
        return self._cut.row_of(key)

    @property
    def cut(self) -> Cut:
        """What of the projection this operation has read by now, whatever may be shown of it."""
        return self._cut.cut

    async def look(self, root: Root) -> Cut:
        """What the projection has of ``root`` now, however old: to guess from, not to show."""
        if self._model is None or not self._cut.cut.is_available:
            return Cut()
        return await self._model.read([root])

    def look_at_hand(self, root: Root) -> Cut | None:
        """The same, if it is at hand."""
        if self._model is None or not self._cut.cut.is_available:
            return Cut()
        return self._model.at_hand([root])

    @property
    def is_off(self) -> bool:
        """Is there no projection at all?"""
        return self._model is None

    def tombstone_at(self, key: AggregateKey) -> Version | None:
        """The version at which the projection knows that it was deleted."""
        stored = self._cut.cut.rows.get(key)
        return stored.at if stored is not None and stored.row is None else None

    def may_show(self, key: AggregateKey) -> bool:
        """May a projection show it to this caller although its owner says that there is none?"""
        entry, tombstone_at = self._demand.token.entries.get(key), self.tombstone_at(key)
        if entry is not None:
            return tombstone_at is None or tombstone_at < entry
        is_looked_up = key in self._cut.cut.rows
        return not self.is_off and (not is_looked_up or self.row_of(key) is not None)

    async def listed(self, key: PageKey) -> Listed | None:
        """The page as the projection has it by now; None where nobody can tell."""
        if key not in self._cut.cut.pages:
            await self._cut.widen([_page_root_of(key)])
        page = self._cut.cut.pages.get(key)
        if page is None or self._cut.proven_at_s(AggregateType.ORDER) is None:
            return None
        return Listed(tuple(self._cut.orders_on(page)), has_more=page.has_more)

    async def take_rows(
        self, keys: Sequence[AggregateKey], answer: Answer
    ) -> dict[AggregateKey, Composition]:
        """Put the rows that are new enough into ``answer``; return what to fetch, and why."""
        paths = {of: self._path_of_type(of) for of in {key.type for key in keys}}
        by_type = {key: paths[key.type] for key in keys}
        uncovered = [
            k for k in keys if k not in self._cut.cut.rows and isinstance(by_type[k], Projection)
        ]
        if uncovered:
            await self._cut.widen([root_of(key) for key in uncovered])
            missed = (key for key in uncovered if key not in self._cut.cut.rows)
            by_type.update(dict.fromkeys(missed, OUT_OF_REACH))
        needed = needed_by(self._demand, answer)
        to_fetch: dict[AggregateKey, Composition] = {}
        for key, type_path in by_type.items():
            match self._path_of_row(key, type_path, needed.get(key)):
                case Composition() as path:
                    to_fetch[key] = path
                case Projection(reason=reason):
                    answer.components[key] = self._component(key, reason)
                case Refused():
                    answer.components[key] = Failed(self._timeout([key]))
        return to_fetch

    def paths_ahead(
        self, keys: Collection[AggregateKey], answer: Answer
    ) -> dict[AggregateKey, Composition]:
        """How `take_rows` would have these fetched, of those that it would not take itself.

        Left out is what the cut does not cover yet, and what orders yet to come may demand newer
        of an owner who is asked for this reader alone: that would be asked for twice.
        """
        needed = needed_by(self._demand, answer)
        of_type = {of: self._path_of_type(of) for of in {key.type for key in keys}}
        paths: dict[AggregateKey, Composition] = {}
        for key in keys:
            type_path = of_type[key.type]
            if isinstance(type_path, Projection) and key not in self._cut.cut.rows:
                continue
            path = self._path_of_row(key, type_path, needed.get(key))
            if isinstance(path, Composition) and (path.may_share or not self._demand.is_causal):
                paths[key] = path
        return paths

    async def take_pages(
        self, keys: Sequence[PageKey], answer: Answer
    ) -> dict[PageKey, Composition]:
        """Likewise for pages; which of their orders are new enough is asked of each row later."""
        if not keys:
            return {}
        path = self._path_of_type(AggregateType.ORDER)
        if isinstance(path, Composition):
            return dict.fromkeys(keys, path)
        if isinstance(path, Refused):
            answer.pages.update((key, Failed(self._timeout([]))) for key in keys)
            return {}
        uncovered = [key for key in keys if key not in self._cut.cut.pages]
        await self._cut.widen([_page_root_of(key) for key in uncovered])
        provenance = self._provenance(AggregateType.ORDER, path.reason)
        seen = floor_from(self._cut, [AggregateType.ORDER], self._now_s)
        to_fetch: dict[PageKey, Composition] = {}
        for key in keys:
            page = self._cut.cut.pages.get(key)
            if page is None:
                to_fetch[key] = OUT_OF_REACH
            elif page.is_suspect:
                to_fetch[key] = Composition(Reason.PARKED)
            else:
                rows = self._cut.orders_on(page)
                answer.pages[key] = FoundPage.of(
                    rows, provenance, has_more=page.has_more, seen=seen
                )
        return to_fetch

    async def heal(self, rows: Iterable[Row], *, age_s: float) -> None:
        """Write live answers back under the version gate, where there is a projection to write to.

        One that did not answer the operation's read is not tried again for this.
        """
        if self._model is not None and self._cut.cut.is_available:
            await self._model.heal(rows, age_s=age_s)

    def _path_of_type(self, aggregate_type: AggregateType) -> ReadPath:
        if not isinstance(self._demand.mode, Live):
            if self._model is None:
                return Composition(Reason.PROJECTION_OFF)
            if not self._cut.cut.is_available:
                return OUT_OF_REACH
        return choose_for_type(
            self._demand,
            aggregate_type,
            self._cut.cut,
            now_s=self._now_s,
            budget_s=self._budgets_s[aggregate_type],
        )

    def _may_share(self, key: AggregateKey) -> bool:
        """May an answer of somebody else's question be shown? Only where its version can tell.

        What was seen under a floor or dropped under a mark has no version to compare.
        """
        token = self._demand.token
        if not self._is_shareable or token is EMPTY_TOKEN:
            return self._is_shareable
        is_seen_in_a_log = any(log.type is key.type for log in token.floor)
        return not (is_seen_in_a_log or key.type in token.marks or key in token.uncertain)

    def _path_of_row(
        self, key: AggregateKey, type_path: ReadPath, needed: Version | None
    ) -> ReadPath:
        """``needed``: the version that other components of the answer need this one to have."""
        cut, demand = self._cut.cut, self._demand
        stored = cut.rows.get(key)
        at_least = needed
        if demand.token.entries:  # a page asks this of hundreds of rows
            at_least = _later(demand.at_least(key, self._cut), needed)
        path = type_path
        if isinstance(path, Projection):
            is_suspect, is_uncertain = key in cut.suspects, key in demand.token.uncertain
            path = choose_for_row(
                demand, path, stored, at_least, is_suspect=is_suspect, is_uncertain=is_uncertain
            )
        if not isinstance(path, Composition):
            return path
        # The row at hand is not shown: it may be in doubt, or stand in a log of which nothing is
        # known any more. But its owner has told it once, and a copy that lags has not yet.
        told = None if stored is None or stored.row is None else stored.at
        return Composition(path.reason, _later(at_least, told), self._may_share(key))

    def _component(self, key: AggregateKey, reason: Reason) -> Component:
        if reason is Reason.TOKEN_REACHED and key in self._awaited:
            reason = Reason.TOKEN_REACHED_AFTER_WAIT
        stored = self._cut.cut.rows[key]
        provenance = self._provenance(key.type, reason, stored)
        match stored:
            case StoredRow(row=None, at=at):
                return Absent(provenance, at)
            case StoredRow(row=row, is_streamed=is_streamed) if row is not None:
                return Found(row, provenance, is_streamed)
            case _:
                return Absent(provenance)

    def _provenance(
        self, aggregate_type: AggregateType, reason: Reason, stored: StoredRow | None = None
    ) -> Provenance:
        position = self._cut.cut.positions[aggregate_type.source]
        return Provenance(Source.PROJECTION, reason, row_age_s(position, stored, self._now_s))

    def _timeout(self, keys: Sequence[AggregateKey]) -> ConsistencyTimeout:
        entries = self._demand.token.entries
        missing = {key: entries[key] for key in keys if key in entries}
        types = {key.type for key in keys} or {AggregateType.ORDER}
        positions = [self._cut.cut.positions.get(of.source) for of in types]
        ages = [age_s(position, self._now_s) for position in positions if position is not None]
        return ConsistencyTimeout(missing, max(ages, default=None))


def _later(one: Version | None, other: Version | None) -> Version | None:
    """The later of two versions that may not be known."""
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def _page_root_of(key: PageKey) -> Root:
    return OrdersRoot(key.customer_id, PageSelection(key.first, key.after, key.status))
