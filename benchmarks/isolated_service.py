"""What one slow service costs the reads that do not ask for it.

Products of orders are read at a steady pace; beside them come whole pages, which ask for customers
too. In the second half customers take five seconds: all of it counts, from the first call that
hangs, before any circuit has opened. What is compared is the first half; the control are the pages.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.fault_house import FaultHouse, running_house
from benchmarks.fault_samples import Sample, samples_of
from benchmarks.figures import AtMost, Control, Figure
from benchmarks.processes import Json
from benchmarks.runs import Run
from benchmarks.spread import Spread, spread

RATE: Final = 30.0
PAGE_RATE: Final = 10.0
SLOW: Final[Json] = {"path": "/", "latencyMs": {"fixed": 5_000}}
MS: Final = 1_000
WARMING_S: Final = 1.0
"""Of the first half, not counted: until processes are warm."""


def measure(run: Run) -> Iterator[Figure]:
    """Half of it well, half of it with slow customers."""
    with running_house(run, "isolated-service") as house:
        reads, pages, struck_at_s = read(run, house)
    quiet, slow = halves(reads, struck_at_s)
    quiet_pages, slow_pages = halves(pages, struck_at_s)
    failed = sum(bool(s.codes) for s in reads)
    for share, before, after, pages_ratio, aim in (
        ("p50", quiet.p50, slow.p50, slow_pages.p50 / quiet_pages.p50, None),
        ("p99", quiet.p99, slow.p99, slow_pages.p99 / quiet_pages.p99, AtMost(1.1)),
    ):
        yield Figure(
            name=f"reads without customers, {share}, customers at 5 s over all well",
            value=after / before,
            unit="×",
            aim=aim,
            control=Control("pages with customers", pages_ratio),
            note=f"{before * MS:.1f} → {after * MS:.1f} ms; {slow.count:,} reads, {failed} failed; "
            f"{PAGE_RATE:.0f} pages/s beside them",
        )


def halves(samples: Sequence[Sample], struck_at_s: float) -> tuple[Spread, Spread]:
    """What they took before the stroke, and after it."""
    first_at_s = samples[0].began_at_s + WARMING_S
    return (
        spread(s.took_s for s in samples if first_at_s <= s.began_at_s < struck_at_s),
        spread(s.took_s for s in samples if s.began_at_s >= struck_at_s),
    )


def read(run: Run, house: FaultHouse) -> tuple[list[Sample], list[Sample], float]:
    """The reads that do not ask for customers, the pages, and when those became slow (epoch s)."""
    half_s = run.lengths.load_s
    with (
        house.reading(run, "page", rate=PAGE_RATE, seconds=2 * half_s, request_id="pages") as pages,
        house.reading(run, "products", rate=RATE, seconds=2 * half_s) as reads,
    ):
        time.sleep(half_s)
        struck_at_s = time.time()
        house.strike("customers", rule=SLOW)
    return samples_of(reads.told), samples_of(pages.told), struck_at_s
