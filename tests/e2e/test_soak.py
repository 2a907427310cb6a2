"""A short soak: `make soak` is the long one.

Clients read, write and leave while services misbehave at random; when all is calm, nothing is held
that was not held before. The controls plant a leak where calls fail, and it is found.
"""

from pathlib import Path
from random import Random

import pytest

from tests.e2e.soak.samples import Sample, excess, grows, memory_trend
from tests.e2e.soak.soaked_house import running_house
from tests.e2e.soak.soaking import Plan, Soaked, soak
from tests.e2e.soak.strikes import KINDS, strikes

SHORT = Plan(seed=3, seconds=16.0, storm_s=8.0, warm_up_s=3.0)
CONTROL = Plan(seed=3, seconds=10.0, storm_s=6.0, warm_up_s=2.0, rest_within_s=2.0)
MINUTE_S = 60.0


def soaked_for_a_while(folder: Path, plan: Plan, leak: str | None = None) -> Soaked:
    """What came of a short soak."""
    with running_house(folder, leak) as house:
        return soak(house, plan)


def a_sample(at_s: float = 0.0, resident_kb: float = 0.0, **held: int) -> Sample:
    """A gateway that holds these tasks, and nothing else."""
    nothing: dict[str, int] = {}
    return Sample(at_s, held, nothing, nothing, 0, 0, 0, nothing, resident_kb)


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_house_under_random_faults_lets_go_of_everything(tmp_path: Path) -> None:
    """No task, place, waiter or connection is left, no answer fails, is late, untrue or broken."""
    soaked = soaked_for_a_while(tmp_path, SHORT)

    assert soaked.leaks == []
    assert soaked.failures == []
    assert soaked.untruths == []
    assert not soaked.broken
    assert len(soaked.struck) >= 2
    assert sum(visitor.answer_count for visitor in soaked.visitors) > 200


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_control_planted_leak_is_found(tmp_path: Path) -> None:
    """The control: what each failed call leaves behind is named in the calm after the storm."""
    soaked = soaked_for_a_while(tmp_path, CONTROL, "task")

    assert not soaked.is_sound
    assert any("task left_behind" in told for told in soaked.leaks)


def test_same_seed_strikes_alike_and_every_kind_gets_its_turn() -> None:
    """Strikes follow from the seed; none comes again before all have been."""
    first, again, other = (strikes(Random(seed)) for seed in (1, 1, 2))
    some = [next(first) for _ in range(len(KINDS))]

    assert some == [next(again) for _ in range(len(KINDS))]
    assert some != [next(other) for _ in range(len(KINDS))]
    assert {strike.kind for strike in some} == {*KINDS}
    assert {len(strike.services) for strike in some} == {1, 2}


def test_only_what_is_more_than_at_rest_is_left_behind() -> None:
    """Fewer is no leak, as many is none, and of a new kind any is one."""
    rest = a_sample(reader=2, writer=1).counts()

    assert excess(rest, a_sample(reader=2)) == {}
    assert excess(rest, a_sample(reader=3, stranger=1)) == {"task reader": 1, "task stranger": 1}


@pytest.mark.parametrize(("kb_per_min", "is_growing"), [(10.0, False), (300.0, True)])
def test_memory_that_grows_is_told_from_memory_that_wavers(
    kb_per_min: float, *, is_growing: bool
) -> None:
    """A slope counts beyond what is flat, and beyond its own uncertainty."""
    samples = [a_sample(n * MINUTE_S, 90_000 + kb_per_min * n + 20 * (-1) ** n) for n in range(10)]

    trend = memory_trend(samples)

    assert trend is not None
    assert grows(trend) is is_growing


def test_short_run_says_nothing_of_memory() -> None:
    """Caches fill at first: a run of three minutes is not judged by it."""
    assert memory_trend([a_sample(n * MINUTE_S, 90_000 + 1_000 * n) for n in range(4)]) is None
