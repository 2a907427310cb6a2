"""Hunts seeded bugs: plays their stories, or lets chance look for them; tells who caught what."""

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass

import structlog
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.laws.proof.bugs.catalogue import ALL_BUGS
from tests.laws.proof.bugs.seeded import Bug
from tests.laws.proof.bugs.stage import Stage
from tests.laws.proof.violations import Law, Violation
from tests.laws.proof.world.machine import schedules
from tests.laws.proof.world.run import Run

STEP_COUNT = 25
"""How many things happen in a schedule drawn at random."""


@dataclass(frozen=True, slots=True)
class Catch:
    """What became of one hunt. ``violation`` is the first that breaks the bug's law, if any does.

    ``checkers`` are those that found the law broken; ``others`` the laws that were broken beside.
    """

    bug: Bug
    schedule_count: int
    took_s: float
    violation: Violation | None
    checkers: tuple[str, ...] = ()
    others: tuple[Law, ...] = ()


def play(bug: Bug, *, is_seeded: bool) -> Stage:
    """Play the story of a bug to its end, with the bug or, as the control, without it."""
    with bug.patch() if is_seeded else nullcontext(), Stage() as stage:
        bug.story(stage)
    return stage


def catch(bug: Bug) -> Catch:
    """Play the story of a bug and see who catches it."""
    began_at_s = time.perf_counter()
    verdicts = play(bug, is_seeded=True).verdicts()
    took_s = time.perf_counter() - began_at_s
    found = [violation for violations in verdicts.values() for violation in violations]
    guilty = [violation for violation in found if violation.law is bug.law]
    checkers = [name for name, by in verdicts.items() if any(v.law is bug.law for v in by)]
    others = sorted({violation.law for violation in found} - {bug.law})
    return Catch(bug, 1, took_s, next(iter(guilty), None), tuple(checkers), tuple(others))


def catch_at_random(bug: Bug, *, limit: int, first_seed: int = 1) -> Catch:
    """Draw at most so many schedules with the bug, until one breaks its law."""
    began_at_s = time.perf_counter()
    chance = _Chance(bug.law)
    with bug.patch(), suppress(_Caught):
        _draw(chance, limit, first_seed)
    return Catch(bug, chance.schedule_count, time.perf_counter() - began_at_s, chance.violation)


def run_all_bugs(*, random_limit: int = 0) -> list[tuple[Catch, Catch | None]]:
    """Catch every bug by its story and, with a limit, by chance too. Logs nothing from then on."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    return [
        (catch(bug), catch_at_random(bug, limit=random_limit) if random_limit else None)
        for bug in ALL_BUGS
    ]


def render_table(catches: Iterable[tuple[Catch, Catch | None]]) -> str:
    """One bug a line: who has caught it, in how many schedules and how long, and what they say.

    Schedules are those of the story, then those drawn at random, where that was tried.
    """
    return "\n".join(
        (
            "| bug | caught by | schedules | ms | which says |",
            "| --- | --- | ---: | ---: | --- |",
            *(_line(by_story, by_chance) for by_story, by_chance in catches),
        )
    )


def _line(by_story: Catch, by_chance: Catch | None) -> str:
    bug, violation = by_story.bug, by_story.violation
    caught_by = ", ".join(f"`{name}`" for name in by_story.checkers) or "nobody"
    counts = f"{by_story.schedule_count}{_at_random(by_chance)}"
    story = f"{bug.law}: {violation.story}" if violation is not None else "nothing"
    return f"| {bug.name} | {caught_by} | {counts} | {by_story.took_s * 1000:.0f} | {story} |"


def _at_random(by_chance: Catch | None) -> str:
    if by_chance is None:
        return ""
    is_missed = by_chance.violation is None
    return f"; {'more than ' if is_missed else ''}{by_chance.schedule_count} at random"


class _Caught(Exception):
    """A schedule has broken the law that was looked for."""


class _Chance:
    """Judges schedules drawn at random, until one breaks the law."""

    def __init__(self, law: Law) -> None:
        self.law = law
        self.schedule_count = 0
        self.violation: Violation | None = None

    def judge(self, run: Run) -> None:
        self.schedule_count += 1
        self.violation = next(self._guilty(run), None)
        if self.violation is not None:
            raise _Caught

    def _guilty(self, run: Run) -> Iterator[Violation]:
        return (violation for violation in run.violations() if violation.law is self.law)


def _draw(chance: _Chance, limit: int, first_seed: int) -> None:
    drawn = schedules()
    drawn.judge = staticmethod(chance.judge)
    run_state_machine_as_test(
        seed(first_seed)(drawn),
        settings=settings(
            max_examples=limit,
            stateful_step_count=STEP_COUNT,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
