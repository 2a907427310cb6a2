"""What is at hand where an owner fails, and the part of an answer that is made of it.

The rule is in `ladder`; here is what it is told: the projection's rows and pages, whatever their
age, and what is kept of the owner's answers. A part that stands in says so: its reason is
`STALE_IF_ERROR`, and it names the failure. It is never older than the caller's tokens demand.
"""

import asyncio
from collections.abc import Callable, Mapping

from projections.projector import StoredRow
from projections.selection import PageKey, root_of
from projections.token import demand_for_keys, satisfies
from projections.token_shrinking import floor_from
from projections.versions import AggregateKey, AggregateType, Version
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
from resolvers.demand import Demand
from resolvers.ladder import Offer, Rung, choose_rung, may_stand_in
from resolvers.loaders import LiveLoader, LiveRow
from resolvers.read_path import Composition, row_age_s
from resolvers.shared_cut import SharedCut
from resolvers.upstream.errors import UpstreamError


class StandIns:
    """What one root field may be shown in place of failures, up to an age of ``limit_s``."""

    def __init__(
        self,
        demand: Demand,
        cut: SharedCut,
        live: LiveLoader,
        *,
        wall_clock: Callable[[], float],
        limit_s: float,
    ) -> None:
        self._demand = demand
        self._cut = cut
        self._live = live
        self._wall_clock = wall_clock
        self._limit_s = limit_s

    async def for_rows(
        self, rows: Mapping[AggregateKey, LiveRow], paths: Mapping[AggregateKey, Composition]
    ) -> dict[AggregateKey, Component]:
        """What is shown of each row that could not be had; the failure where nothing stands in."""
        failed = {key: row for key, row in rows.items() if isinstance(row, Failed)}
        if not failed:
            return {}
        await self._cover(failed)
        return {key: self._for_row(key, row, paths[key].at_least) for key, row in failed.items()}

    def put_page(self, key: PageKey, failed: Failed, answer: Answer) -> None:
        """Put the page at hand, or the failure; the page's orders stand in with it.

        Their owner is the one that has just failed: it need not fail once more for each of them.
        """
        page = self._for_page(key, failed)
        answer.pages[key] = page
        for order_id in page.order_ids if isinstance(page, FoundPage) else ():
            order = AggregateKey(AggregateType.ORDER, order_id)
            component = self._for_row(order, failed, None)
            if not isinstance(component, Failed):
                answer.components.setdefault(order, component)

    async def _cover(self, failed: Mapping[AggregateKey, Failed]) -> None:
        """Look at rows that nobody has looked at so far, if the store has answered at all."""
        uncovered = [
            root_of(key)
            for key, row in failed.items()
            if key not in self._cut.cut.rows and may_stand_in(self._demand, row.error)
        ]
        if self._cut.cut.is_available:
            await self._cut.widen(uncovered)

    def _for_row(self, key: AggregateKey, failed: Failed, at_least: Version | None) -> Component:
        """``at_least`` is what the owner's answer must have reached, besides the tokens."""
        failure = failed.error
        if not isinstance(failure, UpstreamError) or not may_stand_in(self._demand, failure):
            return failed
        stored = self._cut.cut.rows.get(key)
        projected = None if stored is None else self._offer(key, stored, at_least)
        kept = self._kept(key, failure)
        offered = None if kept is None else Offer(kept.provenance.age_s, kept.row.at)
        match choose_rung(projected, offered, limit_s=self._limit_s):
            case Rung.PROJECTED if stored is not None and projected is not None:
                return _component(stored, self._projected(projected.age_s, failure))
            case Rung.KEPT if kept is not None:
                return kept
            case _:
                return failed

    def _offer(self, key: AggregateKey, stored: StoredRow, at_least: Version | None) -> Offer:
        is_reached = satisfies(self._cut, demand_for_keys(self._demand.token, [key]))
        return Offer(
            self._age_s(key.type, stored),
            stored.at,
            is_new_enough=is_reached and (at_least is None or stored.at >= at_least),
            is_trusted=key not in self._cut.cut.suspects,
        )

    def _kept(self, key: AggregateKey, failure: UpstreamError) -> Found | None:
        """What is kept covers the demand, or it would not be offered (`shared_reads`)."""
        kept = self._live.kept(key)
        if kept is None:
            return None
        age_s = asyncio.get_running_loop().time() - kept.asked_at_s
        return Found(kept.row, Provenance(Source.LIVE, Reason.STALE_IF_ERROR, age_s, failure))

    def _for_page(self, key: PageKey, failed: Failed) -> FoundPage | Failed:
        """An order that is in doubt may belong on the page, or not any more: then none is shown."""
        failure, page = failed.error, self._cut.cut.pages.get(key)
        if page is None or not isinstance(failure, UpstreamError):
            return failed
        of = AggregateType.ORDER
        is_new_enough = satisfies(self._cut, demand_for_keys(self._demand.token, (), types=(of,)))
        age_s = self._age_s(of)
        offer = Offer(age_s, is_new_enough=is_new_enough, is_trusted=not page.is_suspect)
        is_shown = choose_rung(offer, None, limit_s=self._limit_s) is Rung.PROJECTED
        if not (is_shown and may_stand_in(self._demand, failure)):
            return failed
        return FoundPage.of(
            tuple(self._cut.orders_on(page)),
            self._projected(age_s, failure),
            has_more=page.has_more,
            seen=floor_from(self._cut, [of], self._wall_clock()),
        )

    def _age_s(self, of: AggregateType, stored: StoredRow | None = None) -> float:
        return row_age_s(self._cut.cut.positions.get(of.source), stored, self._wall_clock())

    def _projected(self, age_s: float, failure: UpstreamError) -> Provenance:
        return Provenance(Source.PROJECTION, Reason.STALE_IF_ERROR, age_s, failure)


def _component(stored: StoredRow, provenance: Provenance) -> Component:
    if stored.row is None:
        return Absent(provenance, stored.at)
    return Found(stored.row, provenance, stored.is_streamed)
