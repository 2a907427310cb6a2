"""What hedges make of a tail: one call in twenty takes half a second.

Orders alone are read, one call each. The control is the same with hedging off.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from benchmarks.fault_house import SERVICES, running_house
from benchmarks.fault_samples import Sample, samples_of
from benchmarks.figures import AtMost, Control, Figure
from benchmarks.runs import Run
from benchmarks.spread import spread

RATE: Final = 40.0
WARM_UP_SHARE: Final = 0.25
"""Of the reads, not counted: hedging has to learn what is slow."""

TAIL: Final = {"path": "/", "rate": 0.05, "latencyMs": {"fixed": 500}}
HEDGED: Final[Mapping[str, str]] = {}
UNHEDGED: Final = {"BFF_HEDGE": "false"}
MS: Final = 1_000
PERCENT: Final = 100


def measure(run: Run) -> Iterator[Figure]:
    """With hedges, and without."""
    hedged, calls = read(run, "hedged", HEDGED)
    unhedged, plain_calls = read(run, "unhedged", UNHEDGED)
    with_, without = (
        spread(s.took_s for s in samples[round(len(samples) * WARM_UP_SHARE) :])
        for samples in (hedged, unhedged)
    )
    yield Figure(
        name="reads p99, 5 % of calls take 500 ms",
        value=with_.p99 * MS,
        unit="ms",
        aim=AtMost(150.0),
        control=Control("hedging off", without.p99 * MS),
        note=f"{with_.count:,} reads; p50 {with_.p50 * MS:.1f} ms",
    )
    yield Figure(
        name="calls more than reads",
        value=PERCENT * (calls / len(hedged) - 1),
        unit="%",
        aim=AtMost(5.0),
        control=Control("hedging off", PERCENT * (plain_calls / len(unhedged) - 1)),
    )


def read(run: Run, name: str, settings: Mapping[str, str]) -> tuple[list[Sample], int]:
    """The reads of one house, and how many calls they have made."""
    with running_house(run, f"slow-tail-{name}", settings) as house:
        house.strike(*SERVICES, rule=TAIL)
        with house.reading(run, "order", rate=RATE, seconds=2 * run.lengths.load_s) as reader:
            pass
        return samples_of(reader.told), sum(house.calls_of("reads").values())
