"""What one slow service costs the reads that do not ask for it.

Products of orders are read at a steady pace; beside them come whole pages, which ask for customers
too. In the second half customers take five seconds. The control is the first half.
"""

import time
from collections.abc import Iterator
from typing import Final

from benchmarks.fault_house import FaultHouse, running_house
from benchmarks.fault_reader import Sample, samples_of
from benchmarks.figures import AtMost, Control, Figure
from benchmarks.processes import accounted
from benchmarks.runs import Run
from benchmarks.spread import spread

RATE: Final = 40.0
PAGE_RATE: Final = 20.0
SLOW: Final = {"path": "/", "latencyMs": {"fixed": 5_000}}
MS: Final = 1_000
SETTLING_S: Final = 1.0
"""Of each half, not counted: until processes are warm, and circuits have had the time to open."""


def measure(run: Run) -> Iterator[Figure]:
    """Half of it well, half of it with slow customers."""
    with running_house(run, "isolated-service") as house:
        samples, struck_at_s = read(run, house)
    first_at_s = samples[0].began_at_s + SETTLING_S
    quiet = spread(s.took_s for s in samples if first_at_s <= s.began_at_s < struck_at_s)
    slow = spread(s.took_s for s in samples if s.began_at_s >= struck_at_s + SETTLING_S)
    failed = sum(bool(s.codes) for s in samples)
    for share, before, after, aim in (
        ("p50", quiet.p50, slow.p50, None),
        ("p99", quiet.p99, slow.p99, AtMost(1.1)),
    ):
        yield Figure(
            name=f"reads without customers, {share}, while customers take 5 s",
            value=after / before,
            unit="×",
            aim=aim,
            control=Control("over the same, all well", 1.0),
            note=f"{before * MS:.1f} → {after * MS:.1f} ms; {slow.count:,} reads, {failed} failed; "
            f"{PAGE_RATE:.0f} pages/s beside them",
        )


def read(run: Run, house: FaultHouse) -> tuple[list[Sample], float]:
    """The reads that do not ask for customers, and when those became slow (wall clock, s)."""
    half_s = run.lengths.load_s
    limit_s = 2 * half_s + 60

    def words(query: str, rate: float) -> tuple[str, ...]:
        asked = (f"--query={query}", f"--request-id={query}", f"--rate={rate}")
        gateway = f"--gateway={house.gateway.address}"
        return ("benchmarks.fault_reader", gateway, *asked, f"--seconds={2 * half_s}")

    with (
        run.watched("isolation", 2 * half_s),
        accounted(words("page", PAGE_RATE), house.folder, within_s=limit_s),
        accounted(words("products", RATE), house.folder, within_s=limit_s) as reader,
    ):
        time.sleep(half_s)
        struck_at_s = time.time()
        house.strike("customers", rule=SLOW)
    return samples_of(reader.told), struck_at_s
