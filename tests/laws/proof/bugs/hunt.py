"""Hunts seeded bugs: plays their stories, or lets chance look for them; tells who caught what."""

import time
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass

from tests.laws.proof.bugs.catalogue import ALL_BUGS
from tests.laws.proof.bugs.seeded import Bug
from tests.laws.proof.bugs.stage import Stage
from tests.laws.proof.violations import Law, Violation
from tests.laws.proof.world.machine import schedules
from tests.laws.proof.world.proving import without_logs
from tests.laws.proof.world.seeded import live


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
    began_at_s = time.process_time()
    verdicts = play(bug, is_seeded=True).verdicts()
    took_s = time.process_time() - began_at_s
    found = [violation for violations in verdicts.values() for violation in violations]
    guilty = [violation for violation in found if violation.law is bug.law]
    checkers = [name for name, by in verdicts.items() if any(v.law is bug.law for v in by)]
    others = sorted({violation.law for violation in found} - {bug.law})
    return Catch(bug, 1, took_s, next(iter(guilty), None), tuple(checkers), tuple(others))


def catch_at_random(bug: Bug, *, limit: int, first_seed: int = 1) -> Catch:
    """Draw at most so many schedules with the bug, until one breaks its law."""
    began_at_s = time.process_time()
    with bug.patch():
        for count in range(1, limit + 1):
            violations = live(schedules()(), first_seed + count - 1).violations
            if guilty := [violation for violation in violations if violation.law is bug.law]:
                return Catch(bug, count, time.process_time() - began_at_s, guilty[0])
    return Catch(bug, limit, time.process_time() - began_at_s, None)


def run_all_bugs(*, random_limit: int = 0) -> list[tuple[Catch, Catch | None]]:
    """Catch every bug by its story and, with a limit, by chance too."""
    with without_logs():
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
