"""The whole house, simulated: no schedule of clients, faults and time breaks a promise.

Schedules are made by Hypothesis (`tests/laws/proof/world/machine.py`) and judged by every law of
`tests/laws/proof`. `make prove` lives through ten thousand.
"""

import pytest

from tests.laws.proof.violations import Law, Violation
from tests.laws.proof.world.proving import Block, prove
from tests.laws.proof.world.run import Run

SCHEDULE_COUNT = 50
SEEDS = range(1, 7)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_schedule_breaks_a_law(seed: int) -> None:
    """Whatever clients do and whatever goes wrong, in any order, every promise is kept."""
    proof = prove(Block(seed=seed, schedule_count=SCHEDULE_COUNT))

    print(f"seed {seed}: {proof.tally}")
    assert proof.story is None, f"seed {seed} breaks a law:\n\n{proof.story}"
    assert proof.tally.schedule_count >= SCHEDULE_COUNT
    assert proof.tally.live_count
    assert proof.tally.fault_count


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_without_tokens_promises_are_broken() -> None:
    """The control: sessions that leave their tokens at home do not read their own writes."""
    proof = prove(Block(seed=1, schedule_count=40, ignores_tokens=True))

    assert proof.tally.violations[Law.READ_YOUR_WRITES] > 0


@pytest.mark.timeout(300)
def test_the_same_seed_makes_the_same_schedules(monkeypatch: pytest.MonkeyPatch) -> None:
    """A story can be lived again: its seed is enough."""
    stories: list[list[str]] = []

    def remember(run: Run) -> list[Violation]:
        stories.append(run.story)
        return []

    monkeypatch.setattr(Run, "violations", remember)

    for _ in range(2):
        prove(Block(seed=3, schedule_count=5))

    count, odd = divmod(len(stories), 2)
    assert not odd
    assert stories[:count] == stories[count:]
