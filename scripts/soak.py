"""`make soak`: a house under random faults for ten minutes, and whether it lets go of everything.

    python scripts/soak.py [--minutes M] [--seed S] [--leak WHAT]

Services misbehave in every way, one or two at a time, while clients read, write and leave; then
comes a calm in which no task, no place on the wire, no waiter and no connection may be held that
was not before, and over all calms memory must be flat. Ends with 1 if anything has leaked, if an
answer was wrong or late, or if a promise to a session was broken. With `--leak` one is planted:
the control, which ends with 1 if it was not found.
"""

import argparse
import logging
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

if __package__ in {None, ""}:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from scripts.kafka import leave
from tests.e2e.soak.planted_leaks import LEAKS
from tests.e2e.soak.samples import FLAT_KB_PER_MIN, S_PER_MIN
from tests.e2e.soak.soaked_house import running_house
from tests.e2e.soak.soaking import Plan, Soaked, soak

UNSOUND: Final = 1
TOLD_COUNT: Final = 20
"""Leaks and failures of each kind that are told one by one."""

TELLING_CHARS: Final = 1_000


def main() -> int:
    """Soak as the arguments ask for; 0 when it turns out as it should."""
    options = parse()
    signal.signal(signal.SIGTERM, leave)
    logging.disable(logging.WARNING)
    console = Console()
    plan = Plan(seed=options.seed, seconds=options.minutes * S_PER_MIN)
    with tempfile.TemporaryDirectory(prefix="bff-soak-") as folder:
        soaked = run(Path(folder), plan, options.leak, console)
    tell(soaked, console)
    return 0 if soaked.is_sound is (options.leak is None) else UNSOUND


def run(folder: Path, plan: Plan, leak: str | None, console: Console) -> Soaked:
    """A house of its own, and in it the soak, with a bar that shows what strikes whom."""
    columns = (TextColumn("{task.description:<60}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("starting the house", total=plan.seconds)
        with running_house(folder, leak) as house:
            return soak(
                house, plan, lambda what, s: progress.update(bar, description=what, completed=s)
            )


def tell(soaked: Soaked, console: Console) -> None:
    """The figures, then every leak and failure, then the verdict."""
    table = Table("of", "which", "", title=f"seed {soaked.plan.seed}")
    for row in figures_of(soaked):
        table.add_row(*row)
    console.print(table)
    for kind in (soaked.leaks, soaked.failures, soaked.untruths):
        for found in kind[:TOLD_COUNT]:
            console.print(found[:TELLING_CHARS], markup=False, highlight=False)
    for promise, count in soaked.broken.items():
        console.print(f"{promise.value}: broken {count} times")
    console.print("sound" if soaked.is_sound else "NOT SOUND", style="bold")


def figures_of(soaked: Soaked) -> Iterator[tuple[str, str, str]]:
    """Of what, which, and how much."""
    codes = sum((visitor.codes for visitor in soaked.visitors), Counter[str]())
    yield "answers", "all", f"{sum(v.answer_count for v in soaked.visitors):,}"
    yield "answers", "not waited for", f"{sum(v.left_count for v in soaked.visitors):,}"
    yield from (("errors", code, f"{count:,}") for code, count in codes.most_common())
    struck = Counter(strike.kind for strike in soaked.struck)
    yield from (("strikes", kind, f"{count:,}") for kind, count in struck.most_common())
    yield "calms", "all", f"{len(soaked.calms)}"
    recovered_s = max((calm.recovered_s for calm in soaked.calms), default=0.0)
    yield "calms", "longest recovery", f"{recovered_s:.1f} s"
    for name, most in sorted(soaked.peaks.items()):
        yield "held", name, f"{soaked.rest.get(name, 0)} at rest, {most} at most"
    sizes = [calm.sample.resident_kb / 1024 for calm in soaked.calms]
    yield "memory", "at rest", " → ".join(f"{size:.1f}" for size in sizes[:: len(sizes) - 1 or 1])
    if (trend := soaked.trend) is not None:
        slope, error = trend.slope * S_PER_MIN, 2 * trend.error * S_PER_MIN
        told = f"{slope:.0f} ± {error:.0f} KB/min, flat is {FLAT_KB_PER_MIN:.0f}"
        yield "memory", "slope", told


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/soak.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--minutes", type=float, default=Plan().seconds / S_PER_MIN, help="how long; 10 are meant")
    add("--seed", type=int, default=Plan().seed, help="what strikes, and what is asked")
    add("--leak", choices=LEAKS, help="plant one: the control")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
