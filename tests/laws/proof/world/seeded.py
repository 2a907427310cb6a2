"""Schedules that follow from a seed alone, and what is left of one when it is made short.

Hypothesis makes schedules up too (`machine.py`), but draws what has few arguments far more often,
and cannot be told otherwise. Here each act comes as often as its weight says, but for some faults
that a schedule does without: fewer kinds of trouble, and more of each, find more.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.laws.proof.violations import Law, Violation
from tests.laws.proof.world.acts import Act, acts_of
from tests.laws.proof.world.machine import Schedule
from tests.laws.proof.world.run import Run

STEP_COUNT = 25
LEFT_OUT_RATIO = 0.6
"""Of all kinds of faults, so many never happen in a schedule, on average."""

REPLAY_LIMIT = 250
"""Replays in search of a shorter story: some ten seconds, for they get shorter."""


@dataclass(frozen=True, slots=True)
class Step:
    """One act, and with what."""

    act: Act
    arguments: Mapping[str, Any]

    def take(self, schedule: Schedule) -> None:
        """Let it happen, if it can."""
        if self.act.is_possible(schedule):
            getattr(schedule, self.act.name)(**self.arguments)

    def simpler(self) -> "Iterator[Step]":
        """The same with one argument made plainer."""
        for name, value in self.arguments.items():
            plainest = self.act.domains[name][0]
            if value != plainest:
                yield replace(self, arguments={**self.arguments, name: plainest})


@dataclass(frozen=True, slots=True)
class Lived:
    """A schedule that was lived through: its steps, how it went, the laws it broke.

    ``asked_counts``: how many operations had begun after each of its steps.
    """

    steps: Sequence[Step]
    run: Run
    violations: Sequence[Violation]
    asked_counts: Sequence[int]

    @property
    def laws(self) -> frozenset[Law]:
        return frozenset(violation.law for violation in self.violations)

    @property
    def steps_to_the_point(self) -> Sequence[Step]:
        """Its steps up to the operation that first shows a broken law."""
        number = min((violation.number or 0 for violation in self.violations), default=0)
        for place, asked_count in enumerate(self.asked_counts, start=1):
            if 0 < number <= asked_count:
                return self.steps[:place]
        return self.steps


def live(schedule: Schedule, seed: int) -> Lived:
    """The schedule of a seed."""
    random = Random(seed)
    acts = [
        a for a in acts_of(type(schedule)) if not a.is_fault or random.random() > LEFT_OUT_RATIO
    ]
    steps: list[Step] = []

    def draw() -> Iterator[Step]:
        for _ in range(STEP_COUNT):
            possible = [a for a in acts if a.is_possible(schedule)]
            [drawn] = random.choices(possible, [a.weight for a in possible])
            given = {name: random.choice(domain) for name, domain in drawn.domains.items()}
            steps.append(Step(drawn, given))
            yield steps[-1]

    return _live(schedule, draw(), steps)


def relive(schedule: Schedule, steps: Sequence[Step]) -> Lived:
    """The schedule of these steps; those that are not possible are passed over."""
    return _live(schedule, iter(steps), steps)


def _live(schedule: Schedule, draw: Iterator[Step], steps: Sequence[Step]) -> Lived:
    run, asked_counts = schedule.run, []
    try:
        for step in draw:
            step.take(schedule)
            asked_counts.append(run.exchanges.asked_count)
        run.end()
        return Lived(steps, run, run.violations(), asked_counts)
    except Exception as mistake:
        mistake.add_note("\n".join(run.story))
        run.close()
        raise


def shortened(lived: Lived, make: Callable[[], Schedule]) -> Lived:
    """The shortest schedule found that breaks one of the same laws."""
    left_count = REPLAY_LIMIT

    def try_out(steps: Sequence[Step]) -> Lived | None:
        nonlocal left_count
        left_count -= 1
        tried = relive(make(), steps) if left_count >= 0 else lived
        return tried if tried is not lived and tried.laws & lived.laws else None

    found = try_out(lived.steps_to_the_point) or lived
    size = len(found.steps) // 2
    while size and left_count > 0:
        shorter = _first(try_out, _without(found.steps, size))
        found, size = (shorter, min(size, len(shorter.steps))) if shorter else (found, size // 2)
    while left_count > 0 and (simpler := _first(try_out, _simpler(found.steps))):
        found = simpler
    return found


def _first(
    try_out: Callable[[Sequence[Step]], Lived | None], candidates: Iterator[Sequence[Step]]
) -> Lived | None:
    return next((lived for steps in candidates if (lived := try_out(steps)) is not None), None)


def _without(steps: Sequence[Step], size: int) -> Iterator[Sequence[Step]]:
    """The steps but for so many in a row, from the last ones on."""
    for end in range(len(steps), 0, -size):
        yield [*steps[: max(0, end - size)], *steps[end:]]


def _simpler(steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    """The steps with one argument of one of them made plainer."""
    for place, step in enumerate(steps):
        for simpler in step.simpler():
            yield [*steps[:place], simpler, *steps[place + 1 :]]
