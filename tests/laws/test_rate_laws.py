"""The laws of a client's budget, whatever she asks and when: a burst and a rate, and no more."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from gateway.admission.budgets import Budgets, Lease
from gateway.admission.rate import (
    Budget,
    Overdrawn,
    RateOptions,
    owed,
    pay,
    refusal_of,
    release,
    reserve,
)

OPTIONS = RateOptions(per_second_cost=100.0, burst_cost=1_000, in_flight_cost=500, entry_cost=10)
COSTS = st.integers(0, 1_200)
STEPS_S = st.floats(0, 5, allow_nan=False)
ASKS = st.lists(st.tuples(STEPS_S, COSTS), max_size=60)


@dataclass
class Clock:
    """Steered by hand."""

    at_s: float = 0.0

    def __call__(self) -> float:
        return self.at_s


def served(asks: list[tuple[float, int]], budget: Budget) -> list[tuple[float, int]]:
    """Of the costs that were asked after such pauses, those that were paid, and when."""
    now_s, paid = 0.0, []
    for pause_s, cost in asks:
        now_s += pause_s
        if refusal_of(budget, cost, OPTIONS, now_s) is None:
            pay(budget, cost, OPTIONS, now_s)
            paid.append((now_s, cost))
    return paid


@given(ASKS)
def test_no_stretch_of_time_has_more_than_burst_and_rate(asks: list[tuple[float, int]]) -> None:
    """Between any two moments no more is paid than a burst, and the rate times what is between."""
    paid = served(asks, Budget())

    for at, (began_s, _) in enumerate(paid):
        total = 0
        for ended_s, cost in paid[at:]:
            total += cost
            allowed = OPTIONS.burst_cost + OPTIONS.per_second_cost * (ended_s - began_s)
            assert total <= allowed + 1e-6


@given(ASKS, COSTS)
def test_who_waits_as_long_as_told_is_served(asks: list[tuple[float, int]], cost: int) -> None:
    """A refusal's wait is long enough, and none is told where nothing is in the way."""
    budget = Budget()
    now_s = sum(pause_s for pause_s, _ in asks)
    served(asks, budget)

    refused = refusal_of(budget, cost, OPTIONS, now_s)

    if refused is not None and cost <= OPTIONS.burst_cost:
        assert refused.wait_s > 0
        assert refusal_of(budget, cost, OPTIONS, now_s + refused.wait_s + 1e-6) is None


@given(ASKS, STEPS_S)
def test_debts_only_shrink_with_time(asks: list[tuple[float, int]], later_s: float) -> None:
    """Later nobody owes more; a clock that goes back makes nobody owe less."""
    budget = Budget()
    served(asks, budget)
    now_s = sum(pause_s for pause_s, _ in asks)

    before, now, after = (owed(budget, OPTIONS, now_s + by_s) for by_s in (-later_s, 0, later_s))

    assert before >= now >= after


@given(ASKS)
def test_a_clock_that_goes_back_lets_nothing_more_through(asks: list[tuple[float, int]]) -> None:
    """Whoever pays while the clock stands at zero again has one burst in all."""
    budget = Budget()
    served(asks, budget)

    again = 0
    for _, cost in asks:
        if refusal_of(budget, cost, OPTIONS, 0.0) is None:
            pay(budget, cost, OPTIONS, 0.0)
            again += cost

    assert again <= OPTIONS.burst_cost


@given(st.lists(st.tuples(st.integers(1, 400), st.booleans()), max_size=40))
def test_what_is_in_flight_is_bounded(steps: list[tuple[int, bool]]) -> None:
    """However requests come and go, no more is held than may be, and in the end nothing."""
    budget, held = Budget(), list[int]()
    for cost, is_ending in steps:
        if is_ending and held:
            release(budget, held.pop())
        elif reserve(budget, cost, OPTIONS, 0.0) is None:
            held.append(cost)
        assert budget.reserved_cost == sum(held) <= OPTIONS.in_flight_cost

    for cost in held:
        release(budget, cost)
    assert budget.reserved_cost == 0


@given(st.lists(st.tuples(STEPS_S, st.integers(1, 600), st.integers(0, 600)), max_size=40))
def test_estimates_are_held_and_actual_costs_are_paid(
    asks: list[tuple[float, int, int]],
) -> None:
    """What was served cost no more than allowed, but for what was above its estimate."""
    clock = Clock()
    budgets = Budgets(OPTIONS, now_s=clock)
    total, above = 0, 0
    for pause_s, estimate, actual in asks:
        clock.at_s += pause_s
        match budgets.open("s:ada"):
            case Overdrawn():
                continue
            case Lease() as lease if lease.raise_to(estimate) is None:
                lease.close(actual)
                total += actual
                above += max(0, actual - max(estimate, OPTIONS.entry_cost))
            case Lease() as lease:
                lease.close(0)
    assert total <= OPTIONS.burst_cost + OPTIONS.per_second_cost * clock.at_s + above + 1e-6


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 300)), max_size=200))
def test_nobody_is_forgotten_before_she_owes_nothing(asks: list[tuple[int, int]]) -> None:
    """With room for ten clients of sixty, none is served more than a burst at one moment."""
    options = RateOptions(per_second_cost=100.0, burst_cost=1_000, client_limit=10, shared_count=5)
    budgets = Budgets(options, now_s=Clock())
    paid: dict[int, int] = {}
    for client, cost in asks:
        if budgets.charge(f"s:{client}", cost) is None:
            paid[client] = paid.get(client, 0) + cost

    assert all(total <= options.burst_cost for total in paid.values())
    assert len(budgets) <= options.client_limit + options.shared_count
