"""Looks at an order for who follows it: the answer of a standing query, if it is news.

By far most looks find their rows at hand, and the bytes of the answer made for somebody else just
now (`answers_at_hand`): a thousand who follow one order in the same words cost one rendering. Where
the rows have to be read first, those who look at once share one read. What is not at hand then is
answered as any other query is, a few at a time.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

import orjson

from gateway.beside import Apart, outcome_of
from gateway.caller import Caller
from gateway.errors import Json
from gateway.execution.plan import Plan
from gateway.execution.standing import Standing
from gateway.live_options import LiveOptions
from gateway.operation import Operations
from gateway.subscriptions.follower import Follower
from gateway.subscriptions.just_shown import JustShown, Shown
from projections.selection import OrderRoot, OrdersRoot, PageSelection, Root, root_of
from projections.store import Cut
from projections.token import ConsistencyToken, raised, seen_places
from projections.token_shrinking import floor_from, shrunk
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import OrderRow
from projections.views.orders import ListingPosition
from resolvers.context import TokensAlone
from resolvers.ownership import visible_part
from resolvers.read_model import ReadModel
from resolvers.report import ConsistencyReport
from resolvers.tokens import TokenDesk
from resolvers.upstream.deadline import Deadline


@dataclass(frozen=True, slots=True)
class Update:
    """One answer, as JSON, and its token, which names the version that is shown."""

    body: bytes
    token: str | None


@dataclass(slots=True)
class Watch:
    """One subscription: what it asks, for whom, and what she has ``seen`` so far."""

    standing: Standing
    caller: Caller
    follower: Follower
    seen: ConsistencyToken


class Looks:
    """All looks of one process. Open with `open`."""

    def __init__(self, operations: Operations, model: ReadModel, options: LiveOptions) -> None:
        self._operations = operations
        self._model = model
        self._options = options
        self._places = asyncio.Semaphore(options.live_limit)
        self._just_shown = JustShown()
        self._flights: dict[tuple[Root, ...], asyncio.Task[Cut | Exception]] = {}
        self._reads = Apart("read what is followed")

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Let reads be shared while the context is open."""
        async with self._reads.open():
            yield

    async def next_of(self, watch: Watch) -> Update | None:
        """The next thing to show; None when there is none, until its follower is woken."""
        follower = watch.follower
        while True:
            order_id = follower.take()
            if order_id is None:
                if not follower.must_scan:
                    return None
                await self._scan(watch)
                continue
            update = await self._look(watch, AggregateKey(AggregateType.ORDER, order_id))
            if update is not None:
                return update

    async def _scan(self, watch: Watch) -> None:
        """Find out which of a customer's orders are news, a page of them."""
        follower = watch.follower
        page = PageSelection(self._options.list_limit, follower.scanned_to)
        follower.must_scan = False
        roots = [OrdersRoot(follower.customer_id or "", page)]
        async with self._places:
            read = await self._model.read(roots, seen=seen_places(watch.seen))
        cut = own_part_of(read, roots, watch)
        if not read.is_available:  # the next look at lists goes on here
            return
        last: ListingPosition | None = None
        for listed in cut.pages.values():
            for order_id in reversed(listed.order_ids):
                at = cut.version_of(AggregateKey(AggregateType.ORDER, order_id))
                if at is not None and follower.is_news(order_id, at):
                    follower.note(order_id)
            if follower.is_scan_whole and listed.has_more:
                last = _listed_at(cut, listed.order_ids)
        follower.has_scanned(last)

    async def _look(self, watch: Watch, key: AggregateKey) -> Update | None:
        variables = watch.standing.variables_of(key.id)
        plan = self._operations.documents.plan(watch.standing.document, None, variables)
        cut = self._own_order(watch, key)
        if cut is None and plan is not None:
            cut = await self._brought(plan, variables, watch, key)
        if cut is not None and not watch.follower.is_news(key.id, cut.version_of(key)):
            return None
        found = None if plan is None else self._at_hand(plan, variables, watch, key)
        if found is not None:
            return found
        async with self._places:
            return await self._ask(watch, variables, key)

    async def _brought(
        self, plan: Plan, variables: dict[str, object], watch: Watch, key: AggregateKey
    ) -> Cut | None:
        """The order as it is at hand, once it was read; None if it is not kept."""
        tokens = TokensAlone(self._desk(watch), ConsistencyReport(watch.seen), watch.seen)
        await self._read_once(tuple(one.root for one in plan.ask(variables, tokens).requests))
        return self._own_order(watch, key)

    def _own_order(self, watch: Watch, key: AggregateKey) -> Cut | None:
        """The order as it is at hand, and as this viewer may see it."""
        roots = [OrderRoot(key.id)]
        cut = self._model.at_hand(roots, seen=seen_places(watch.seen))
        if cut is None:
            return None
        # Who was shown it may know that it is gone.
        shown = () if watch.follower.told_of(key.id) is None else (key,)
        own = own_part_of(cut, roots, watch, *shown)
        if cut.version_of(key) is not None and own.version_of(key) is None:
            watch.follower.is_blind = True
        return own

    async def _read_once(self, roots: tuple[Root, ...]) -> None:
        """Read these with whoever reads them now: it makes them at hand, no more."""
        flight = self._flights.get(roots)
        if flight is None:
            flight = self._flights[roots] = self._reads.begin(self._model.read(roots))
            flight.add_done_callback(lambda _: self._flights.pop(roots, None))
        await outcome_of(flight)

    def _at_hand(
        self, plan: Plan, variables: dict[str, object], watch: Watch, key: AggregateKey
    ) -> Update | None:
        document, viewer, now_s = watch.standing.document, watch.caller.viewer, _now_s()
        shown = self._just_shown.find(document, viewer, variables, watch.seen, now_s)
        if shown is None or not self._is_as_it_was(shown.cut):
            shown = self._rendered(plan, variables, watch, key)
            if shown is None:
                return None
            self._just_shown.keep(document, viewer, shown)
        watch.seen = shown.after
        return self._news(watch, key, shown.at, shown.body, shown.token)

    def _is_as_it_was(self, cut: Cut) -> bool:
        """Would the store be read as it was then, its places included?"""
        now = self._model.still(cut)
        return now is not None and now.positions == cut.positions

    def _rendered(
        self, plan: Plan, variables: dict[str, object], watch: Watch, key: AggregateKey
    ) -> Shown | None:
        """The answer of rows at hand, and its token."""
        at_hand = self._operations.at_hand
        if at_hand is None:
            return None
        before, now_s = watch.seen, self._operations.wall_clock()
        watch.seen = self._settled(before, now_s)
        desk = self._desk(watch)
        found = at_hand.look(plan, variables, watch.caller.viewer, desk, watch.seen)
        if found is None:
            return None
        cut, types = found.seen
        at = cut.version_of(key)
        after = floor_from(cut, types, now_s)
        token = desk.seal(raised(after, {} if at is None else {key: at})) or found.token
        body = found.with_token(token)
        return Shown(body, token, at, cut, variables, before, after, _now_s())

    def _settled(self, seen: ConsistencyToken, now_s: float) -> ConsistencyToken:
        """What she has seen, in fewer words where the store holds it by now."""
        if not seen.entries:
            return seen
        cut = self._model.at_hand(_roots_of(seen), seen=seen_places(seen))
        return seen if cut is None else shrunk(seen, cut, now_s)

    async def _ask(
        self, watch: Watch, variables: dict[str, object], key: AggregateKey
    ) -> Update | None:
        """The answer by the long way, within the deadline of a request."""
        operations = self._operations
        deadline = Deadline.after(operations.request_timeout_s)
        response, report = await operations.again(
            watch.standing.document, variables, watch.caller, _shown_to(watch, key), deadline
        )
        watch.seen = report.token
        at = _version_in(report, watch.standing.key, key)
        body = cast("Json", response.body)
        entries = {} if at is None else {key: at}
        sealed = await self._desk(watch).seal_joined(raised(report.token, entries), self._model)
        cast("Json", cast("Json", body["extensions"])["consistency"])["token"] = sealed
        return self._news(watch, key, at, orjson.dumps(body), sealed)

    def _news(
        self, watch: Watch, key: AggregateKey, at: Version | None, body: bytes, token: str | None
    ) -> Update | None:
        if not watch.follower.is_news(key.id, at):
            return None
        watch.follower.tell(key.id, at)
        return Update(body, token)

    def _desk(self, watch: Watch) -> TokenDesk:
        operations = self._operations
        return TokenDesk(operations.codec, watch.caller.subject, operations.wall_clock)


def own_part_of(cut: Cut, roots: Sequence[Root], watch: Watch, *shown: AggregateKey) -> Cut:
    """What of this cut she may see who watches, and was ``shown`` these before."""
    known = watch.seen.entries.keys() | watch.seen.uncertain | {*shown}
    return visible_part(watch.caller.viewer, cut, roots, known)


def _shown_to(watch: Watch, key: AggregateKey) -> ConsistencyToken:
    """What she has seen, the version of this order included that she was told of last."""
    told_at, known_at = watch.follower.told_of(key.id), watch.seen.entries.get(key)
    is_new = told_at is not None and (known_at is None or known_at < told_at)
    return raised(watch.seen, {key: told_at}) if is_new and told_at else watch.seen


def _listed_at(cut: Cut, order_ids: Sequence[str]) -> ListingPosition | None:
    """Where the last of these orders stands in its list."""
    for order_id in reversed(order_ids):
        stored = cut.rows.get(AggregateKey(AggregateType.ORDER, order_id))
        if stored is not None and isinstance(stored.row, OrderRow):
            return stored.row.listed_at
    return None


def _roots_of(seen: ConsistencyToken) -> Sequence[Root]:
    return [root_of(key) for key in seen.entries]


def _version_in(report: ConsistencyReport, path: str, key: AggregateKey) -> Version | None:
    """The version of the order that is shown at the root; None where none is."""
    return next(
        (shown.version for shown in report.shown if shown.path == path and shown.key == key), None
    )


def _now_s() -> float:
    return asyncio.get_running_loop().time()
