"""All reads of one operation: one cut, one wait, then each root field is completed.

Root fields that start in the same turn of the loop are read together. The demand is checked against
the cut; what is missing, and worth it, is waited for within the budget, and the cut is read again.
Whatever is missing even then is fetched live by `OrderDetails`, component by component.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from projections.positions import Floor
from projections.selection import Root
from projections.store import Cut
from projections.token import (
    ConsistencyToken,
    demand_for_keys,
    merge,
    raised,
    seen_places,
    unmet,
)
from projections.versions import AggregateKey, Version
from projections.views import Row
from projections.waiters import WaitEnd
from resolvers.answer import Answer, Found, Provenance, Reason, Source
from resolvers.causality import needed_by, needed_in
from resolvers.demand import Demand, Eventual, Live
from resolvers.live_pace import LivePace
from resolvers.loader import Loader
from resolvers.loaders import LiveLoader
from resolvers.order_details import OrderDetails
from resolvers.own_rows import model_for
from resolvers.ownership import require_asking
from resolvers.projected import Projected
from resolvers.read_model import ReadableModel, ReadModel
from resolvers.read_request import ReadOptions, ReadRequest
from resolvers.report import ConsistencyReport
from resolvers.shared_cut import SharedCut
from resolvers.stand_ins import StandIns
from resolvers.upstream.call_log import stretch
from resolvers.upstream.deadline import Deadline
from resolvers.upstream.task_group import TaskGroup
from resolvers.viewer import ANYBODY, Viewer
from resolvers.wait_choice import FieldWait, WaitChoice, choose_waits, end_of, wait_budget_s
from resolvers.waited_time import WaitedTime, noting_wait

_MAY_HAVE_COME: Final = frozenset({WaitEnd.REACHED, WaitEnd.TIMED_OUT})
"""The ends of a wait after which a part at least of what was waited for may be there."""


@dataclass(frozen=True, slots=True)
class SettledCut:
    """The cut after waiting, and the demanded entries that were waited for."""

    cut: SharedCut
    awaited: frozenset[AggregateKey] = frozenset()


class OperationReads:
    """The reads of one operation. ``model`` is None where there is no projection.

    ``pace`` is that of the process: it learns from these reads, and they keep their time to it.
    """

    def __init__(
        self,
        *,
        model: ReadModel | None,
        live: LiveLoader,
        report: ConsistencyReport,
        deadline: Deadline,
        viewer: Viewer = ANYBODY,
        options: ReadOptions,
        pace: LivePace | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._model = model_for(viewer, model, report)
        self._viewer = viewer
        self._live = live
        self._report = report
        self._deadline = deadline
        self._options = options
        self._pace = LivePace() if pace is None else pace
        self._wall_clock = wall_clock
        self._waited = WaitedTime()
        self._requests: Loader[ReadRequest, Answer] = Loader(self._answer_all)

    async def read(self, request: ReadRequest) -> Answer:
        """The completed answer of one root field, read in one cut with all fields of this turn.

        Raises `Forbidden`, and nothing for a service that fails: its components are `Failed`. Waits
        for the projection within the budget, and for services until the deadline.
        """
        require_asking(self._viewer, request.root)
        return (await self._requests.load([request]))[request]

    async def read_all(self, requests: Sequence[ReadRequest]) -> list[Answer]:
        """Obey `Reads.read_all`; as `read`, for whoever knows all of them beforehand."""
        for request in requests:
            require_asking(self._viewer, request.root)
        if len(requests) == 1:
            self._live.read_alone()
        return await self._answer_all(requests)

    def forget(self) -> None:
        """Let nothing that was asked before a write answer what is asked after it."""
        self._live.forget()

    def close(self) -> None:
        """Cancel whatever the operation still waits for. Idempotent."""
        self._requests.close()
        self._live.close()

    async def _answer_all(self, requests: Sequence[ReadRequest]) -> list[Answer]:
        settled = await self._settle(requests)
        answers = [Answer() for _ in requests]
        if len(requests) == 1:
            await self._complete(requests[0], answers[0], settled)
            return answers
        async with TaskGroup() as group:
            for request, answer in zip(requests, answers, strict=True):
                group.create_task(self._complete(request, answer, settled))
        return answers

    async def _complete(self, request: ReadRequest, answer: Answer, settled: SettledCut) -> None:
        if request.written is not None and _is_newest(request, request.written, settled.cut):
            provenance = Provenance(Source.LIVE, Reason.WRITE_RESULT)
            answer.components[request.written.key] = Found(request.written, provenance)
        projected = Projected(
            request.demand,
            self._model,
            settled.cut,
            awaited=settled.awaited,
            budgets_s=self._options.staleness_budgets_s,
            wall_clock=self._wall_clock,
        )
        stand_ins = StandIns(
            request.demand,
            settled.cut,
            self._live,
            wall_clock=self._wall_clock,
            limit_s=self._options.stale_if_error_s,
        )
        await self._find(request, projected, stand_ins, answer)
        missing = _missing(request.demand, answer, settled.cut)
        answer.shown = self._report.add(answer, missing, settled.cut, projected.now_s)

    async def _find(
        self, request: ReadRequest, projected: Projected, stand_ins: StandIns, answer: Answer
    ) -> None:
        """Complete the answer; if its owners had to tell, their pace is noted."""
        written = None if request.written is None else request.written.key
        started_at_s = self._now_s()
        details = OrderDetails(request.demand, projected, self._live, stand_ins)
        await details.complete(request.root, answer)
        if answer.has_told_live(besides=written):
            self._pace.note(self._now_s() - started_at_s)

    async def _settle(self, requests: Sequence[ReadRequest]) -> SettledCut:
        """Read the cut; while demanded entries are missing and there is time, wait and read again.

        A second round happens when what arrived leads to more: an order to its customer.
        """
        seen = seen_places(merge(*(request.demand.token for request in requests)))
        if self._model is None or all(isinstance(r.demand.mode, Live) for r in requests):
            return SettledCut(SharedCut(Cut(), self._model, seen=seen))
        roots = [root for request in requests for root in request.roots()]
        cut = await self._read(self._model, roots, seen)
        ends: dict[AggregateKey, WaitEnd] = {}
        awaited: set[AggregateKey] = set()
        ends_at_s = self._now_s() + self._budget_s(requests)
        while (choice := self._choose(requests, cut, ends_at_s - self._now_s())).entries:
            awaited |= choice.entries.keys()
            end = await self._wait(self._model, choice.entries, ends_at_s - self._now_s())
            if end in _MAY_HAVE_COME:
                cut = await self._read(self._model, roots, seen)
            ends.update({k: end_of(k, at, cut, end) for k, at in choice.entries.items()})
            if end is not WaitEnd.REACHED:
                break
        self._report.waits.extend((ends | choice.skipped).values())
        return SettledCut(SharedCut(cut, self._model, seen=seen), frozenset(awaited))

    async def _read(self, model: ReadableModel, roots: Sequence[Root], seen: Floor) -> Cut:
        with stretch(self._live.log, "store", "read"):
            return await model.read(roots, seen=seen)

    def _choose(self, requests: Sequence[ReadRequest], cut: Cut, left_s: float) -> WaitChoice:
        return choose_waits(
            [
                FieldWait(
                    raised(request.awaited, needed_in(request.demand, cut)),
                    self._wait_s(request.demand),
                )
                for request in requests
                if not isinstance(request.demand.mode, Eventual | Live)
            ],
            cut,
            now_s=self._wall_clock(),
            left_s=left_s,
            budgets_s=self._options.staleness_budgets_s,
        )

    async def _wait(
        self, model: ReadableModel, unmet: Mapping[AggregateKey, Version], timeout_s: float
    ) -> WaitEnd:
        try:
            with self._waited.running(), noting_wait(self._live.log, unmet):
                return await model.waiters.wait_for(
                    unmet, subject=self._viewer.subject, timeout_s=timeout_s
                )
        finally:
            self._report.waited_s = self._waited.total_s

    def _budget_s(self, requests: Sequence[ReadRequest]) -> float:
        """One budget for all waits of the operation: the shortest that any waiting field allows."""
        budgets = [self._wait_s(request.demand) for request in requests]
        return min((budget for budget in budgets if budget > 0), default=0.0)

    def _wait_s(self, demand: Demand) -> float:
        return wait_budget_s(
            demand,
            cap_s=max(0.0, self._options.wait_cap_s - self._waited.total_s),
            time_left_s=self._deadline.remaining_s(),
            reserve_s=self._pace.reserve_s(until_known_s=self._options.live_reserve_s),
        )

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()


def _is_newest(request: ReadRequest, written: Row, cut: SharedCut) -> bool:
    """Is the written state as new as anything its writer has seen?

    A write that was repeated with its key is answered with the state of then. What she has seen
    since is in the token as an entry, or under a floor or a mark: then the cut tells, if it has
    come as far.
    """
    stored_at = cut.version_of(written.key)
    if request.is_outdated or (stored_at is not None and stored_at > written.at):
        return False
    unseen = unmet(cut, demand_for_keys(request.demand.token, [written.key]))
    return not (unseen.floor or unseen.marks or unseen.uncertain)


def _missing(demand: Demand, answer: Answer, cut: SharedCut) -> dict[AggregateKey, Version]:
    """The demanded versions that the answer touches but does not show that new."""
    entries = {key: demand.at_least(key, cut) for key in demand.token.entries}
    held = {key: at for key, at in entries.items() if at is not None}
    demanded = raised(ConsistencyToken(held), needed_by(demand, answer)).entries
    return {
        key: at_least
        for key, at_least in demanded.items()
        if key in answer.components
        and ((shown := answer.version_of(key)) is None or shown < at_least)
    }
