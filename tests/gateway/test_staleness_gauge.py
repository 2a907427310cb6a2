import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from gateway.freshness import LOOK_EVERY_S, Freshness, FreshnessGauge, freshness_of
from gateway.watcher import Hearing
from projections.errors import StoreUnavailable
from projections.memory_store import MemoryStore
from projections.positions import NOTHING_SEEN, Floor, SourcePosition
from projections.selection import Root
from projections.store import Cut
from projections.versions import AggregateType
from tests.projection_by_hand import ProjectionByHand, wall_clock_s

pytestmark = pytest.mark.steered_time

BUDGET_S = 2.5
BUDGETS_S = {of.source: BUDGET_S for of in AggregateType}
NOW_S = 1_800_000_000.0


class MemoryThatCanBeGone(MemoryStore):
    """A store whose server can be out of reach; ``read_count`` counts looks at it."""

    is_gone = False
    read_count = 0

    async def read(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut:
        self.read_count += 1
        if self.is_gone:
            raise StoreUnavailable("no answer in time")
        return await super().read(roots, seen=seen)


@dataclass
class Gauged:
    """A gauge at work over a store moved by hand, and all it told, with when (loop seconds)."""

    store: MemoryThatCanBeGone
    projection: ProjectionByHand
    told: list[tuple[float, str, Freshness]] = field(default_factory=list)

    def observe(self, source: str, measured: Freshness) -> None:
        self.told.append((asyncio.get_running_loop().time(), source, measured))

    def first_spent_at_s(self, source: str = "orders") -> float:
        return next(at_s for at_s, of, measured in self.told if of == source and measured.is_spent)


@asynccontextmanager
async def gauging(budgets_s: Mapping[str, float] = BUDGETS_S) -> AsyncIterator[Gauged]:
    store = MemoryThatCanBeGone(wall_clock=wall_clock_s)
    gauged = Gauged(store, ProjectionByHand(store))
    gauge = FreshnessGauge(
        store=store,
        budgets_s=budgets_s,
        wall_clock=wall_clock_s,
        watcher=None,
        observe=gauged.observe,
        hear=_nobody_listens,
    )
    async with asyncio.TaskGroup() as group:
        looking = group.create_task(gauge.run())
        yield gauged
        looking.cancel()


def _nobody_listens(_: Hearing) -> None:
    raise AssertionError("there is no watcher to tell of")


async def test_a_source_that_dies_is_told_within_three_seconds_though_nobody_reads() -> None:
    """The gauge looks by the clock: a budget is told as spent within one look of its end."""
    async with gauging() as gauged:
        await gauged.projection.prove()
        await asyncio.sleep(10)

    assert BUDGET_S < gauged.first_spent_at_s() <= BUDGET_S + LOOK_EVERY_S < 3.0


async def test_a_source_that_is_proven_every_second_is_never_told_as_spent() -> None:
    """Proofs that come as heartbeats do keep the budget for ever."""
    async with gauging() as gauged:
        for _ in range(60):
            await gauged.projection.prove()
            await asyncio.sleep(1)

    assert {source for _, source, _ in gauged.told} == set(BUDGETS_S)
    assert not any(measured.is_spent for _, _, measured in gauged.told)


async def test_each_source_is_measured_by_a_budget_of_its_own() -> None:
    """The same age spends the short budget and keeps the long one."""
    async with gauging({"orders": 1.0, "customers": 60.0}) as gauged:
        await gauged.projection.prove()
        await asyncio.sleep(5)

    spent = {source for _, source, measured in gauged.told if measured.is_spent}
    assert spent == {"orders"}


async def test_a_store_out_of_reach_is_looked_at_until_it_is_back() -> None:
    """Nothing is told of a source that nobody can see, and the gauge does not end over it."""
    async with gauging() as gauged:
        await gauged.projection.prove()
        gauged.store.is_gone = True
        await asyncio.sleep(5)
        told_count = len(gauged.told)
        gauged.store.is_gone = False
        await asyncio.sleep(LOOK_EVERY_S)

    assert told_count == 0
    assert gauged.first_spent_at_s() >= 5
    assert gauged.store.read_count > 20


async def test_a_gauge_that_is_stopped_looks_no_more() -> None:
    """Cancelled, it leaves nothing behind that reads the store."""
    async with gauging() as gauged:
        await asyncio.sleep(1)
    read_count = gauged.store.read_count
    await asyncio.sleep(5)

    assert gauged.store.read_count == read_count > 0


def a_position(*, age_s: float = 0.0, is_caught_up: bool = True) -> SourcePosition:
    return SourcePosition("c", NOW_S - age_s, is_caught_up, remaining_count=0)


@pytest.mark.parametrize(
    ("position", "age_s", "is_spent"),
    [
        (a_position(age_s=BUDGET_S), BUDGET_S, False),
        (a_position(age_s=BUDGET_S + 0.125), BUDGET_S + 0.125, True),
        (a_position(age_s=-1), 0.0, False),
        (SourcePosition("c", 0.0, is_caught_up=True), None, True),
        (a_position(age_s=60, is_caught_up=False), 60.0, False),
        (None, None, False),
    ],
    ids=["kept", "spent", "of a clock ahead", "never proven", "still reading", "never read"],
)
def test_a_budget_is_spent_by_age_and_by_nothing_else(
    position: SourcePosition | None, age_s: float | None, is_spent: bool
) -> None:
    """What has been read to its end and is not proven within its budget is spent."""
    measured = freshness_of(position, BUDGET_S, NOW_S)

    assert (measured.age_s, measured.is_spent) == (age_s, is_spent)
