"""The whole house, simulated: no schedule of clients, faults and time breaks a promise.

What may happen is said once (`tests/laws/proof/world`); schedules follow from seeds, or Hypothesis
makes them up, and every law of `tests/laws/proof` judges them. `make prove` lives through ten
thousand, and `python scripts/prove.py --seed S --schedules 1` once more through one.
"""

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.laws.proof.violations import Law, Violation
from tests.laws.proof.world.machine import schedules
from tests.laws.proof.world.proving import Block, prove
from tests.laws.proof.world.run import Run
from tests.laws.proof.world.seeded import live, shortened

SCHEDULE_COUNT = 40
FIRST_SEEDS = range(1, 1 + 6 * SCHEDULE_COUNT, SCHEDULE_COUNT)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("seed", FIRST_SEEDS)
def test_no_schedule_breaks_a_law(seed: int) -> None:
    """Whatever clients do and whatever goes wrong, in any order, every promise is kept."""
    proof = prove(Block(seed=seed, schedule_count=SCHEDULE_COUNT))

    print(f"seeds from {seed}: {proof.tally}")
    assert proof.story is None, f"seed {proof.seed} breaks a law:\n\n{proof.story}"
    assert proof.tally.schedule_count == SCHEDULE_COUNT
    assert proof.tally.live_count
    assert proof.tally.wait_count
    assert proof.tally.fault_count


def test_nor_does_one_that_hypothesis_makes_up() -> None:
    """Nor do schedules break one that are made to be odd, with many of the same in a row."""

    def judge(run: Run) -> None:
        violations = run.violations()
        assert not violations, f"a law is broken:\n\n{run.story_of(violations)}"

    machine = schedules()
    machine.judge = staticmethod(judge)

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            database=None,
            derandomize=True,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
            print_blob=False,
        ),
    )


def test_without_tokens_promises_are_broken() -> None:
    """The control: sessions that leave their tokens at home do not read their own writes."""
    proof = prove(Block(seed=1, schedule_count=20, ignores_tokens=True))

    assert proof.tally.violations[Law.READ_YOUR_WRITES] > 0


def test_the_same_seed_makes_the_same_schedule() -> None:
    """A story can be lived again: its seed is enough."""
    first, second = (live(schedules()(), seed=7) for _ in range(2))

    assert first.run.story == second.run.story


def test_a_story_is_made_as_short_as_it_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a schedule that breaks a law only those steps are told without which it would not."""

    def frown_on_cancelling(run: Run) -> list[Violation]:
        told = "\n".join(run.story)
        return [Violation(Law.TRUTH, "somebody cancels")] if " cancels o-" in told else []

    monkeypatch.setattr(Run, "violations", frown_on_cancelling)
    machine = schedules()
    lived = next(lived for seed in range(100) if (lived := live(machine(), seed)).violations)

    shortest = shortened(lived, machine)

    assert len(lived.steps) > 1
    assert len(shortest.steps) == 1
    assert "session 1 cancels o-1 through A" in shortest.run.story[0]
