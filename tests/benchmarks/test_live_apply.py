"""When a rate counts as sustained, and which of them are tried."""

import pytest

from benchmarks.live_apply import TRY_LIMIT, highest, judge, lag_of

RATE = 1000.0


def test_a_lag_that_stays_small_is_bounded() -> None:
    """A rate is kept when what is due and not applied stays as it is, and is little."""
    is_kept, _ = judge([(at, 40.0 + at % 2) for at in range(20)], RATE)

    assert is_kept


@pytest.mark.parametrize(
    "lag",
    [
        pytest.param([(at, 30.0 * at) for at in range(20)], id="growing"),
        pytest.param([(at, 600.0) for at in range(20)], id="constant, but over half a second"),
    ],
)
def test_a_lag_that_grows_or_is_long_is_not(lag: list[tuple[float, float]]) -> None:
    """Neither who falls behind slowly nor who is half a second behind keeps up."""
    is_kept, _ = judge(lag, RATE)

    assert not is_kept


def test_lag_is_what_was_due_by_the_schedule_and_is_not_applied() -> None:
    """Lag counts from the schedule, and only while there is one."""
    applied = [(99.0, 0.0), (100.0, 0.0), (101.0, 900.0), (102.0, 2000.0), (103.0, 2000.0)]

    lag = lag_of(applied, started_at_s=100.0, rate=RATE, count=2000)

    assert lag == [(100.0, 0.0), (101.0, 100.0), (102.0, 0.0)]


@pytest.mark.parametrize("can_do", [9_000, 10_000, 13_000, 50_000])
def test_the_highest_tried_rate_that_is_kept_is_told(can_do: float) -> None:
    """Whatever a machine can do, the figure lies within a step below it, or where trying ended."""
    tried: list[float] = []

    def is_sustained(rate: float) -> bool:
        tried.append(rate)
        return rate <= can_do

    found = highest(is_sustained, 10_000)

    assert len(tried) <= TRY_LIMIT
    assert found == max(rate for rate in tried if rate <= can_do)
    assert found > can_do / 1.21 or len(tried) == TRY_LIMIT


def test_a_machine_that_keeps_no_rate_is_told_as_none() -> None:
    """Nothing sustained is a zero, after a bounded number of tries."""
    assert highest(lambda _: False, 10_000) == 0
