"""Gateways that share budgets let nobody have more than the limit and a slack for each of them.

Over a store that a test steers, under any schedule, and over a real server.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.admission.budgets import Budgets
from gateway.admission.rate import RateOptions
from gateway.beside import running
from gateway.budget_sharing import AWAY_S, BudgetSharing
from projections.errors import StoreUnavailable
from projections.redis_store import RedisStore
from projections.redis_store.options import RedisOptions
from tests.laws.test_rate_laws import Clock

GATEWAY_COUNT = 3
OPTIONS = RateOptions(per_second_cost=100.0, burst_cost=1_000, slack_cost=200)
ADA = "s:ada"


@dataclass
class DebtsAtHand:
    """What the server does, by the clock of a test. Nothing while it ``is_down``."""

    clock: Clock
    paid_back_at_s: dict[str, float] = field(default_factory=dict)
    is_down: bool = False
    call_count: int = 0

    async def add(self, debts_s: Mapping[str, float], *, longest_s: float) -> Mapping[str, float]:
        if self.is_down:
            raise StoreUnavailable("made by a test")
        self.call_count += 1
        now_s = self.clock()
        for key, more_s in debts_s.items():
            begin_s = max(self.paid_back_at_s.get(key, 0.0), now_s)
            self.paid_back_at_s[key] = min(begin_s + more_s, now_s + longest_s)
        return {key: self.paid_back_at_s[key] - now_s for key in debts_s}


class House:
    """Some gateways over one store, and one client who asks all of them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.debts = DebtsAtHand(self.clock)
        self.gateways = [Budgets(OPTIONS, now_s=self.clock) for _ in range(GATEWAY_COUNT)]
        self.sharings = [BudgetSharing(budgets) for budgets in self.gateways]
        self.paid: list[tuple[float, int]] = []

    def ask(self, at: int, cost: int) -> None:
        if self.gateways[at].charge(ADA, cost) is None:
            self.paid.append((self.clock.at_s, cost))

    def excess(self) -> float:
        """What was paid in any stretch above a burst and the rate, at most."""
        worst = 0.0
        for at, (began_s, _) in enumerate(self.paid):
            total = 0
            for ended_s, cost in self.paid[at:]:
                total += cost
                rate = OPTIONS.per_second_cost * (ended_s - began_s)
                worst = max(worst, total - OPTIONS.burst_cost - rate)
        return worst


Step = tuple[str, int, int]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.integers(0, GATEWAY_COUNT - 1), st.integers(1, 200)),
        st.tuples(st.just("tell"), st.integers(0, GATEWAY_COUNT - 1), st.just(0)),
        st.tuples(st.just("wait"), st.integers(0, 30), st.just(0)),
    ),
    min_size=20,
    max_size=150,
)


def walk(steps: list[Step], *, is_shared: bool) -> House:
    """A house after these steps; where nothing is shared, nothing is told."""

    async def walked() -> House:
        house = House()
        for budgets in house.gateways:
            budgets.is_shared = is_shared
        for step, at, cost in steps:
            match step:
                case "ask":
                    house.ask(at, cost)
                case "tell" if is_shared:
                    await house.sharings[at].tell(house.debts)
                case "wait":
                    house.clock.at_s += at / 10
        return house

    return asyncio.run(walked())


@settings(max_examples=200, deadline=None)
@given(STEPS)
def test_together_they_let_nobody_have_more_than_a_slack_each_above_the_limit(
    steps: list[Step],
) -> None:
    """Whoever asks whom and whenever who tells: the bound holds in any stretch of time."""
    assert walk(steps, is_shared=True).excess() <= GATEWAY_COUNT * OPTIONS.slack_cost + 1e-6


def test_gateways_that_tell_nothing_have_a_limit_each() -> None:
    """The control: three that do not share let three times the burst through."""
    flood: list[Step] = [("ask", at % GATEWAY_COUNT, 100) for at in range(60)]
    told: list[Step] = [step for ask in flood for step in (ask, ("tell", ask[1], 0))]

    assert walk(flood, is_shared=False).excess() == 2 * OPTIONS.burst_cost
    assert walk(told, is_shared=True).excess() <= GATEWAY_COUNT * OPTIONS.slack_cost


@pytest.mark.steered_time
async def test_while_the_store_is_away_each_gateway_limits_by_itself() -> None:
    """Nobody is refused for a store that does not answer; when it does, they share again."""
    clock = Clock()
    debts, budgets = DebtsAtHand(clock), Budgets(OPTIONS, now_s=clock)

    async with running(BudgetSharing(budgets).run(debts)):
        await asyncio.sleep(0.01)
        was_shared = budgets.is_shared
        debts.is_down = True
        assert budgets.charge(ADA, 150) is None
        await asyncio.sleep(0.5)
        is_shared = budgets.is_shared
        alone = [budgets.charge(ADA, 150) is None for _ in range(10)]
        debts.is_down = False
        await asyncio.sleep(2 * AWAY_S)

        assert (was_shared, is_shared, budgets.is_shared) == (True, False, True)
        assert alone == [True] * 5 + [False] * 5


@pytest.mark.steered_time
async def test_a_gateway_that_nobody_asks_does_not_ask_the_store() -> None:
    """One call when it starts; then none until a client has paid."""
    clock = Clock()
    debts, budgets = DebtsAtHand(clock), Budgets(OPTIONS, now_s=clock)

    async with running(BudgetSharing(budgets).run(debts)):
        await asyncio.sleep(10)
        idle_count = debts.call_count
        budgets.charge(ADA, 1)
        budgets.charge("s:bob", 1)
        await asyncio.sleep(10)

    assert (idle_count, debts.call_count) == (1, 2)


async def test_two_gateways_over_a_server_have_one_limit(redis_url: str) -> None:
    """What one was paid the other knows, and both together let through no more than the bound."""
    async with (
        RedisStore(RedisOptions(url=redis_url)).open() as first,
        RedisStore(RedisOptions(url=redis_url)).open() as second,
    ):
        options = RateOptions(per_second_cost=0.1, burst_cost=1_000, slack_cost=200)
        gateways = [Budgets(options) for _ in range(2)]
        stores = [first.debts("spent"), second.debts("spent")]
        sharings = [BudgetSharing(budgets) for budgets in gateways]
        for budgets, sharing, debts in zip(gateways, sharings, stores, strict=True):
            await sharing.tell(debts)
            budgets.is_shared = True
        paid = 0
        for turn in range(60):
            at = turn % 2
            paid += 50 * (gateways[at].charge(ADA, 50) is None)
            await sharings[at].tell(stores[at])

        assert 900 <= paid <= options.burst_cost + 2 * options.slack_cost
        assert gateways[0].charge("s:bob", 50) is None


async def test_a_server_keeps_no_debt_that_is_paid_back(redis_url: str) -> None:
    """Debts add up, are bounded, and are gone from the server with their time."""
    async with RedisStore(RedisOptions(url=redis_url)).open() as store:
        debts = store.debts("spent")

        first = await debts.add({"a": 1.0, "b": 0.0}, longest_s=5.0)
        second = await debts.add({"a": 1.0}, longest_s=5.0)
        bounded = await debts.add({"a": 100.0}, longest_s=5.0)

        assert first["b"] == 0
        assert 0.9 < first["a"] <= 1.001
        assert 1.8 < second["a"] <= 2.001
        assert bounded["a"] <= 5.001
        assert await debts.add({}, longest_s=5.0) == {}
