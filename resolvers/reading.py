"""All reads of one operation: one cut, one wait, then each root field is completed.

Root fields that start in the same turn of the loop are read together. The demand is checked against
the cut; what is missing is waited for within the budget, and the cut is read again. Whatever is
missing even then is fetched live by `OrderDetails`, component by component.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from projections.selection import OrderRoot, Root, has_pages
from projections.store import Cut
from projections.token import ConsistencyToken, demand_for_keys, demand_for_type
from projections.token import unmet as unmet_in
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import Row
from projections.waiters import Waiters
from resolvers.answer import Answer, Found, Provenance, Reason, Source
from resolvers.demand import Demand, Live
from resolvers.loaders import LiveLoader, Loader
from resolvers.order_details import OrderDetails
from resolvers.projected import Projected, SharedCut
from resolvers.read_model import ReadModel
from resolvers.read_path import may_catch_up, wait_budget_s
from resolvers.report import ConsistencyReport
from resolvers.upstream.deadline import Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How long reads wait for the projection; all in seconds.

    ``wait_cap_s`` (default 0.25, 0–5): the longest wait a client can ask for; the projection is
    usually milliseconds behind, and what takes longer is sooner had live.
    ``live_reserve_s`` (default 0.5, 0–10): kept of the deadline for going live after a wait.
    ``stalled_after_s`` (default 3.0, 1–300): a source not proven current for so long is not waited
    for; three times the long poll of a quiet feed.
    """

    wait_cap_s: float = 0.25
    live_reserve_s: float = 0.5
    stalled_after_s: float = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class ReadRequest:
    """One root field. ``written`` is the owner's answer to the mutation that this read follows."""

    root: Root
    demand: Demand
    written: Row | None = None

    def roots(self) -> list[Root]:
        """What the cut must hold; a list may show any demanded order, so those come along."""
        if not has_pages(self.root):
            return [self.root]
        demanded = demand_for_type(self.demand.token, AggregateType.ORDER).entries
        return [self.root, *(OrderRoot(key.id) for key in demanded)]

    @property
    def is_outdated(self) -> bool:
        """Is the written state older than demanded, as when a write was repeated with its key?"""
        if self.written is None:
            return False
        return self.written.at < self.demand.token.entries.get(self.written.key, self.written.at)

    @property
    def awaited(self) -> ConsistencyToken:
        """What the projection has to reach: the tokens, less the write that is already at hand."""
        if self.written is None or self.is_outdated:
            return self.demand.token
        others = {k: v for k, v in self.demand.token.entries.items() if k != self.written.key}
        return ConsistencyToken(others)


@dataclass(frozen=True, slots=True)
class SettledCut:
    """The cut after waiting, and the demanded entries that were waited for."""

    cut: SharedCut
    awaited: frozenset[AggregateKey] = frozenset()


class OperationReads:
    """The reads of one operation. ``model`` is None where there is no projection."""

    def __init__(
        self,
        *,
        model: ReadModel | None,
        live: LiveLoader,
        report: ConsistencyReport,
        deadline: Deadline,
        subject: str,
        options: ReadOptions,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._model = model
        self._live = live
        self._report = report
        self._deadline = deadline
        self._subject = subject
        self._options = options
        self._wall_clock = wall_clock
        self._requests: Loader[ReadRequest, Answer] = Loader(self._answer_all)

    async def read(self, request: ReadRequest) -> Answer:
        """The completed answer of one root field, read in one cut with all fields of this turn.

        Raises nothing for a service that fails: its components are `Failed`. Waits for the
        projection within the budget, and for services until the deadline.
        """
        return (await self._requests.load([request]))[request]

    def close(self) -> None:
        """Cancel whatever the operation still waits for. Idempotent."""
        self._requests.close()
        self._live.close()

    async def _answer_all(self, requests: list[ReadRequest]) -> list[Answer]:
        settled = await self._settle(requests)
        answers = [Answer() for _ in requests]
        async with asyncio.TaskGroup() as group:
            for request, answer in zip(requests, answers, strict=True):
                group.create_task(self._complete(request, answer, settled))
        return answers

    async def _complete(self, request: ReadRequest, answer: Answer, settled: SettledCut) -> None:
        if request.written is not None and not request.is_outdated:
            provenance = Provenance(Source.LIVE, Reason.WRITE_RESULT)
            answer.components[request.written.key] = Found(request.written, provenance)
        projected = Projected(
            request.demand,
            self._model,
            settled.cut,
            awaited=settled.awaited,
            wall_clock=self._wall_clock,
        )
        await OrderDetails(request.demand, projected, self._live).complete(request.root, answer)
        self._report.add(answer, _missing(request.demand, answer))

    async def _settle(self, requests: Sequence[ReadRequest]) -> SettledCut:
        """Read the cut; while demanded entries are missing and there is time, wait and read again.

        A second round happens when what arrived leads to more: an order to its customer.
        """
        if self._model is None or all(isinstance(r.demand.mode, Live) for r in requests):
            return SettledCut(SharedCut(Cut(), self._model))
        roots = [root for request in requests for root in request.roots()]
        cut = await self._model.read(roots)
        awaited: set[AggregateKey] = set()
        ends_at_s = self._now_s() + self._budget_s(requests)
        while unmet := self._worth_waiting_for(requests, cut):
            is_reached = await self._wait(self._model.waiters, unmet, ends_at_s - self._now_s())
            awaited |= unmet.keys()
            # After a wait in vain too: a part of it may have come.
            cut = await self._model.read(roots)
            if not is_reached:
                break
        return SettledCut(SharedCut(cut, self._model), frozenset(awaited))

    def _worth_waiting_for(
        self, requests: Sequence[ReadRequest], cut: Cut
    ) -> dict[AggregateKey, Version]:
        now_s = self._wall_clock()
        unmet: dict[AggregateKey, Version] = {}
        for request in requests:
            if self._wait_s(request.demand) > 0:
                unmet.update(unmet_in(cut, demand_for_keys(request.awaited, cut.rows)).entries)
        return {
            key: at_least
            for key, at_least in unmet.items()
            if key not in cut.suspects
            and may_catch_up(
                cut.positions.get(key.type.source),
                now_s=now_s,
                stalled_after_s=self._options.stalled_after_s,
            )
        }

    async def _wait(
        self, waiters: Waiters, unmet: dict[AggregateKey, Version], timeout_s: float
    ) -> bool:
        started_at_s = self._now_s()
        is_reached = await waiters.wait_for(unmet, subject=self._subject, timeout_s=timeout_s)
        self._report.waited_s += self._now_s() - started_at_s
        return is_reached

    def _budget_s(self, requests: Sequence[ReadRequest]) -> float:
        """One budget for all waits of the operation: the shortest that any waiting field allows."""
        budgets = [self._wait_s(request.demand) for request in requests]
        return min((budget for budget in budgets if budget > 0), default=0.0)

    def _wait_s(self, demand: Demand) -> float:
        return wait_budget_s(
            demand,
            cap_s=max(0.0, self._options.wait_cap_s - self._report.waited_s),
            time_left_s=self._deadline.remaining_s(),
            reserve_s=self._options.live_reserve_s,
        )

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()


def _missing(demand: Demand, answer: Answer) -> dict[AggregateKey, Version]:
    """The demanded entries that the answer touches but does not show that new."""
    return {
        key: at_least
        for key, at_least in demand.token.entries.items()
        if key in answer.components
        and ((shown := answer.version_of(key)) is None or shown < at_least)
    }
