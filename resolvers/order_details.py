"""Order details put together: order first, then customer and products in parallel.

The rule: every wave asks only for what the query needs and nobody has told yet, all of it at once.
Each component comes from the projection where that is new enough, and from its owner where it is
not; with no usable projection this is plain API composition, in as many waves as the query is deep.
A live answer is written back to the projection under its version gate. Where an owner fails,
something at hand may stand in (`stand_ins`).
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from projections.selection import PageKey, Root
from projections.token import ConsistencyToken, mark_at
from projections.versions import AggregateKey, AggregateType
from projections.views import OrderRow, Row
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
from resolvers.causality import broken_by
from resolvers.demand import Demand
from resolvers.guessing import Guessing
from resolvers.loaders import LiveLoader
from resolvers.pages import Listed, revise
from resolvers.projected import Projected
from resolvers.read_path import Composition
from resolvers.stand_ins import StandIns
from resolvers.upstream.live_demand import LiveDemand
from resolvers.upstream.orders import OrdersPage
from resolvers.upstream.task_group import TaskGroup
from resolvers.waves import Wave, next_wave, unshown


class OrderDetails:
    """Fills the answer of one root field."""

    def __init__(
        self, demand: Demand, projected: Projected, live: LiveLoader, stand_ins: StandIns
    ) -> None:
        self._demand = demand
        self._projected = projected
        self._live = live
        self._stand_ins = stand_ins
        self._guessing = Guessing(projected, live)

    async def complete(self, root: Root, answer: Answer) -> None:
        """Find everything ``root`` needs. Failures become components; nothing is raised for them.

        Waits no longer than the calls' deadline.
        """
        with self._guessing.judged_by(answer):
            while (wave := next_wave(root, self._demand, answer)) is not None:
                await self._find(root, wave, answer)
                if wave.is_last:
                    break
        if broken := broken_by(self._demand, answer):
            paths = {key: Composition(Reason.CAUSE_NOT_REACHED, at) for key, at in broken.items()}
            await self._fetch_rows(paths, answer)
        answer.unshown = unshown(root, self._demand, answer)

    async def _find(self, root: Root, wave: Wave, answer: Answer) -> None:
        rows_to_fetch = await self._projected.take_rows(wave.keys, answer)
        pages_to_fetch = await self._projected.take_pages(wave.pages, answer)
        looking = self._guessing.begin(root, rows_to_fetch, pages_to_fetch, answer)
        if looking is None:
            await self._fetch(rows_to_fetch, pages_to_fetch, answer)
        else:
            async with TaskGroup() as group:
                task = group.create_task(looking)
                try:
                    await self._fetch(rows_to_fetch, pages_to_fetch, answer)
                finally:
                    task.cancel()
        for key in wave.pages:
            self._revise(key, answer)

    async def _fetch(
        self,
        rows: Mapping[AggregateKey, Composition],
        pages: Mapping[PageKey, Composition],
        answer: Answer,
    ) -> None:
        """Ask for all of it at once."""
        if not rows or not pages:  # most waves, which then cost no task
            await self._fetch_rows(rows, answer)
            await self._fetch_pages(pages, answer)
            return
        async with TaskGroup() as group:
            group.create_task(self._fetch_rows(rows, answer))
            group.create_task(self._fetch_pages(pages, answer))

    async def _fetch_rows(self, paths: Mapping[AggregateKey, Composition], answer: Answer) -> None:
        if not paths:
            return
        started_at_s = _now_s()
        rows = await self._live.load_rows(
            {key: LiveDemand(path.at_least, path.may_share) for key, path in paths.items()}
        )
        instead = await self._stand_ins.for_rows(rows, paths)
        healing: list[Row] = []
        now_s = heard_since_s = _now_s()
        for key, row in rows.items():
            match row:
                case Failed():
                    _put_instead(answer, key, instead[key])
                case None:
                    self._put_absent(answer, key, paths[key], now_s)
                case _:
                    asked_at_s = self._live.asked_at_s(key)
                    age_s = now_s - asked_at_s
                    _put_newer(answer, key, row, Provenance(Source.LIVE, paths[key].reason, age_s))
                    # What others had asked for is healed by them.
                    if asked_at_s >= self._guessing.asked_at_s(key, else_s=started_at_s):
                        healing.append(row)
                        heard_since_s = min(heard_since_s, asked_at_s)
        await self._projected.heal(healing, age_s=now_s - heard_since_s)

    async def _fetch_pages(self, paths: Mapping[PageKey, Composition], answer: Answer) -> None:
        if not paths:
            return
        # Listed before they are asked for: what is listed later may be newer than the answer.
        listed = {key: await self._projected.listed(key) for key in paths}
        started_at_s = _now_s()
        for key, page in (await self._live.load_pages(paths)).items():
            match page:
                case Failed():
                    self._stand_ins.put_page(key, page, answer)
                case OrdersPage(orders, has_more):
                    age_s = _now_s() - started_at_s
                    provenance = Provenance(Source.LIVE, paths[key].reason, age_s)
                    for order in orders:
                        _put_newer(answer, order.key, order, provenance)
                    live = FoundPage.of(
                        orders, provenance, has_more=has_more, seen=self._now_mark()
                    )
                    answer.pages[key] = self._checked(live, listed[key])
                    await self._projected.heal(orders, age_s=age_s)
                    await self._press(orders, paths[key].reason, answer)

    async def _press(self, orders: Sequence[OrderRow], reason: Reason, answer: Answer) -> None:
        """Ask again for what a live page shows older than the projection has it."""
        paths = {
            order.key: Composition(reason, row.at)
            for order in orders
            if (row := self._projected.row_of(order.key)) is not None and row.at > order.at
        }
        await self._fetch_rows(paths, answer)

    def _checked(self, live: FoundPage, listed: Listed | None) -> FoundPage:
        """The live page, knowing whether it lacks what the projection may still list."""
        if listed is None:
            return replace(live, lacks_listed=not self._projected.is_off)
        ends_at = live.ends_at if live.has_more else None
        return replace(live, lacks_listed=not listed.is_within(live.listed_at, ends_at))

    def _now_mark(self) -> ConsistencyToken:
        """What the page after a live one must not fall behind."""
        return ConsistencyToken(marks={AggregateType.ORDER: mark_at(self._projected.now_s)})

    def _put_absent(
        self, answer: Answer, key: AggregateKey, path: Composition, now_s: float
    ) -> None:
        """Put a live absence, unless a page has brought a row."""
        if answer.row_of(key) is None:
            answer.components[key] = Absent(
                Provenance(Source.LIVE, path.reason, now_s - self._live.asked_at_s(key)),
                at_least=self._projected.tombstone_at(key),
                may_come_back=self._projected.may_show(key),
            )

    def _revise(self, key: PageKey, answer: Answer) -> None:
        """Let the page show no older world than the demanded orders; fail it if one is unknown."""
        page = answer.pages[key]
        demanded = [answer.components[key] for key in self._demand.orders]
        if isinstance(page, Failed) or not demanded:
            return
        for component in demanded:
            if isinstance(component, Failed):
                answer.pages[key] = component
                return
        known = [c.row for c in demanded if isinstance(c, Found) and isinstance(c.row, OrderRow)]
        listed = self._listed(page, answer)
        order_ids, has_more = revise(
            key, listed, known, has_more=page.has_more, ends_at=page.ends_at
        )
        listed_at = {**page.listed_at, **{order.id: order.listed_at for order in known}}
        answer.pages[key] = replace(
            page,
            order_ids=order_ids,
            has_more=has_more,
            listed_at=listed_at,
            provenance=_resting_on(page.provenance, self._passed_over(key, order_ids, answer)),
        )

    def _passed_over(
        self, key: PageKey, order_ids: Collection[str], answer: Answer
    ) -> Iterator[Provenance]:
        """Where the demanded orders come from that the page might show, and does not."""
        for order in self._demand.orders:
            match answer.components[order]:
                case Found(row=OrderRow(customer_id=customer_id), provenance=provenance):
                    if customer_id == key.customer_id and order.id not in order_ids:
                        yield provenance
                case Absent(provenance=provenance):
                    yield provenance

    def _listed(self, page: FoundPage, answer: Answer) -> Iterator[OrderRow]:
        for order_id in page.order_ids:
            key = AggregateKey(AggregateType.ORDER, order_id)
            row = answer.row_of(key) if key in answer.components else self._projected.row_of(key)
            if isinstance(row, OrderRow):
                yield row


def _resting_on(page: Provenance, others: Iterable[Provenance]) -> Provenance:
    """A page that passes over an order because of what stands in for it stands in as well."""
    if page.is_stale:
        return page
    for other in others:
        if other.instead_of is not None:
            return replace(page, reason=other.reason, instead_of=other.instead_of)
    return page


def _put_newer(answer: Answer, key: AggregateKey, row: Row, provenance: Provenance) -> None:
    """Put a live row, unless a newer one has come meanwhile with a page or a row."""
    known = answer.row_of(key)
    if known is None or row.at > known.at:
        answer.components[key] = Found(row, provenance)


def _put_instead(answer: Answer, key: AggregateKey, instead: Component) -> None:
    """Put what stands in, or the failure, unless what has come with a page or a row is as new."""
    match answer.components.get(key), instead:
        case None, _:
            answer.components[key] = instead
        case Found(row=known), Found(row=row) if row.at > known.at:
            answer.components[key] = instead
        case _:
            pass


def _now_s() -> float:
    return asyncio.get_running_loop().time()
