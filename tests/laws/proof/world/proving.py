"""Many schedules from one seed: judged, counted, and the first that breaks a law told as a story.

The rule: the same seed makes the same schedules, so that whoever reads a story can live it again.
(Sets of text are in an order of their own in every process; `scripts/prove.py` fixes that too.)
"""

import logging
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

import structlog
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from resolvers.answer import Reason, Source
from tests.laws.proof.history import Operation
from tests.laws.proof.violations import Law
from tests.laws.proof.world.machine import schedules
from tests.laws.proof.world.run import Run

STEP_COUNT = 30
"""Steps of one schedule, at most and most often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """So many schedules that a seed makes. ``without``: rules left out, by name.

    ``ignores_tokens``: what sessions carry is not sent, and what laws are broken is counted only.
    """

    seed: int
    schedule_count: int
    without: tuple[str, ...] = ()
    ignores_tokens: bool = False


@dataclass(slots=True)
class Tally:
    """What happened in some schedules. ``live_count``: parts of answers that owners gave."""

    schedule_count: int = 0
    operation_count: int = 0
    wait_count: int = 0
    live_count: int = 0
    fault_count: int = 0
    broken_count: int = 0
    violations: Counter[Law] = field(default_factory=Counter)
    took_s: float = 0.0

    def count(self, run: Run, laws: Collection[Law]) -> None:
        """Add one schedule and the laws it broke, each as often as it did."""
        self.schedule_count += 1
        self.fault_count += run.fault_count
        self.broken_count += bool(laws)
        self.violations.update(laws)
        for operation in run.exchanges.operations:
            self.operation_count += 1
            self.wait_count += operation.answer is not None and operation.answer.waited_s > 0
            self.live_count += live_count_of(operation)

    def add(self, other: "Tally") -> None:
        """Add what happened in others."""
        for name in ("schedule", "operation", "wait", "live", "fault", "broken"):
            together = getattr(self, f"{name}_count") + getattr(other, f"{name}_count")
            setattr(self, f"{name}_count", together)
        self.violations.update(other.violations)
        self.took_s += other.took_s


def live_count_of(operation: Operation) -> int:
    """How many parts of an answer were asked of their owners."""
    parts = () if operation.answer is None else operation.answer.parts
    return sum(p.source is Source.LIVE and p.reason is not Reason.WRITE_RESULT for p in parts)


class LawBroken(AssertionError):
    """A schedule broke a law; the text is its story, shrunk to what matters."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What became of a block. ``story`` is that of the first broken law, where there is one."""

    block: Block
    tally: Tally
    story: str | None = None


def prove(block: Block) -> Proof:
    """Live through the schedules of a block, to the first that breaks a law.

    With tokens ignored, to the last: broken laws are counted only.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    tally, started_at_s = Tally(), time.monotonic()
    machine = schedules(without=block.without)
    machine.ignores_tokens = block.ignores_tokens
    is_broken = False

    def judge(run: Run) -> None:
        nonlocal is_broken
        found = run.violations()
        if not is_broken:  # what follows is Hypothesis looking for a shorter one
            tally.count(run, [violation.law for violation in found])
        if found and not block.ignores_tokens:
            is_broken = True
            raise LawBroken(run.story_of(found))

    machine.judge = staticmethod(judge)
    story = None
    try:
        run_state_machine_as_test(seed(block.seed)(machine), settings=settings_of(block))
    except LawBroken as broken:
        story = str(broken)
    tally.took_s = time.monotonic() - started_at_s
    return Proof(block, tally, story)


def settings_of(block: Block) -> settings:
    """Nothing is remembered between runs, and nothing but the story is printed."""
    return settings(
        max_examples=block.schedule_count,
        stateful_step_count=STEP_COUNT,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
        print_blob=False,
    )
