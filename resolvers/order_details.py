"""Order details put together: order first, then customer and products in parallel.

The rule: every wave asks only for what the query needs and nobody has told yet, all of it at once.
Each component comes from the projection where that is new enough, and from its owner where it is
not; with no usable projection this is plain API composition, in as many waves as the query is deep.
A live answer is written back to the projection under its version gate.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from projections.selection import PageKey, Root, reach
from projections.versions import AggregateKey, AggregateType
from projections.views import OrderRow
from resolvers.answer import Absent, Answer, Failed, Found, FoundPage, Provenance, Reason, Source
from resolvers.demand import Demand
from resolvers.loaders import LiveLoader, LiveRow
from resolvers.pages import revise
from resolvers.projected import Projected
from resolvers.read_path import Composition
from resolvers.upstream.orders import OrdersPage


@dataclass(frozen=True, slots=True)
class Wave:
    """What one step has to find out."""

    keys: tuple[AggregateKey, ...]
    pages: tuple[PageKey, ...]


def next_wave(root: Root, demand: Demand, answer: Answer) -> Wave | None:
    """What ``root`` needs that ``answer`` does not have; None when it is complete. Pure.

    A list may show any order of the caller's tokens, so with a page come all of those.
    """
    reached = reach(root, answer.row_of, answer.page_of)
    keys = dict(reached.keys)
    if reached.pages:
        keys.update((k, None) for k in demand.token.entries if k.type is AggregateType.ORDER)
    wave = Wave(
        tuple(key for key in keys if key not in answer.components),
        tuple(page for page in reached.pages if page not in answer.pages),
    )
    return wave if wave.keys or wave.pages else None


class OrderDetails:
    """Fills the answer of one root field."""

    def __init__(self, demand: Demand, projected: Projected, live: LiveLoader) -> None:
        self._demand = demand
        self._projected = projected
        self._live = live

    async def complete(self, root: Root, answer: Answer) -> None:
        """Find everything ``root`` needs. Failures become components; nothing is raised for them.

        Waits no longer than the calls' deadline.
        """
        while (wave := next_wave(root, self._demand, answer)) is not None:
            await self._find(wave, answer)

    async def _find(self, wave: Wave, answer: Answer) -> None:
        rows_to_fetch = await self._projected.take_rows(wave.keys, answer)
        pages_to_fetch = await self._projected.take_pages(wave.pages, answer)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._fetch_rows(rows_to_fetch, answer))
            group.create_task(self._fetch_pages(pages_to_fetch, answer))
        for key in wave.pages:
            self._revise(key, answer)

    async def _fetch_rows(self, paths: Mapping[AggregateKey, Composition], answer: Answer) -> None:
        if not paths:
            return
        rows = await self._live.load_rows({key: path.at_least for key, path in paths.items()})
        for key, row in rows.items():
            _put_newer(answer, key, row, paths[key].reason)
        await self._projected.heal(
            row for row in rows.values() if row is not None and not isinstance(row, Failed)
        )

    async def _fetch_pages(self, paths: Mapping[PageKey, Composition], answer: Answer) -> None:
        for key, page in (await self._live.load_pages(paths)).items():
            match page:
                case Failed():
                    answer.pages[key] = page
                case OrdersPage(orders, has_more):
                    reason = paths[key].reason
                    for order in orders:
                        _put_newer(answer, order.key, order, reason)
                    provenance = Provenance(Source.LIVE, reason)
                    answer.pages[key] = FoundPage.of(orders, provenance, has_more=has_more)
                    await self._projected.heal(orders)

    def _revise(self, key: PageKey, answer: Answer) -> None:
        """Let the page show no older world than the demanded orders; fail it if one is unknown."""
        page = answer.pages[key]
        demanded = [
            answer.components[k]
            for k in self._demand.token.entries
            if k.type is AggregateType.ORDER
        ]
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
            page, order_ids=order_ids, has_more=has_more, listed_at=listed_at
        )

    def _listed(self, page: FoundPage, answer: Answer) -> Iterator[OrderRow]:
        for order_id in page.order_ids:
            key = AggregateKey(AggregateType.ORDER, order_id)
            row = answer.row_of(key) if key in answer.components else self._projected.row_of(key)
            if isinstance(row, OrderRow):
                yield row


def _put_live(answer: Answer, key: AggregateKey, row: LiveRow, reason: Reason) -> None:
    match row:
        case Failed():
            answer.components[key] = row
        case None:
            answer.components[key] = Absent(Provenance(Source.LIVE, reason))
        case _:
            answer.components[key] = Found(row, Provenance(Source.LIVE, reason))


def _put_newer(answer: Answer, key: AggregateKey, row: LiveRow, reason: Reason) -> None:
    """Put a live answer, unless a newer one has come meanwhile with a page or a row."""
    known = answer.row_of(key)
    if known is None or (row is not None and not isinstance(row, Failed) and row.at > known.at):
        _put_live(answer, key, row, reason)
