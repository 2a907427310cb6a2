"""Many schedules, a seed each: judged, counted, and the first that breaks a law told as a story.

The rule: the same seed makes the same schedule, so that whoever reads a story can live it again.
(Sets of text are in an order of their own in every process; `scripts/prove.py` fixes that too.)
"""

import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from resolvers.answer import Reason, Source
from tests.laws.proof.history import Operation
from tests.laws.proof.violations import Law
from tests.laws.proof.world.machine import schedules
from tests.laws.proof.world.seeded import Lived, live, shortened


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """So many schedules, from this seed on. ``without``: acts left out, by name.

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

    def count(self, lived: Lived) -> None:
        """Add one schedule and the laws it broke, each as often as it did."""
        self.schedule_count += 1
        self.fault_count += lived.run.fault_count
        self.broken_count += bool(lived.violations)
        self.violations.update(violation.law for violation in lived.violations)
        for operation in lived.run.exchanges.operations:
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


@dataclass(frozen=True, slots=True)
class Proof:
    """What became of a block. ``seed`` and ``story`` are those of the first broken law, if any."""

    block: Block
    tally: Tally
    seed: int | None = None
    story: str | None = None


@contextmanager
def without_logs() -> Iterator[None]:
    """Thousands of worlds in which things go wrong: inside the block none of them is logged."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


def prove(block: Block) -> Proof:
    """Live through the schedules of a block, to the first that breaks a law.

    With tokens ignored, to the last: broken laws are counted only.
    """
    with without_logs():
        return _prove(block)


def _prove(block: Block) -> Proof:
    tally, started_at_s = Tally(), time.monotonic()
    machine = schedules(without=block.without)
    machine.ignores_tokens = block.ignores_tokens
    for seed in range(block.seed, block.seed + block.schedule_count):
        lived = live(machine(), seed)
        tally.count(lived)
        if lived.violations and not block.ignores_tokens:
            shortest = shortened(lived, machine)
            tally.took_s = time.monotonic() - started_at_s
            return Proof(block, tally, seed, shortest.run.story_of(shortest.violations))
    tally.took_s = time.monotonic() - started_at_s
    return Proof(block, tally)
