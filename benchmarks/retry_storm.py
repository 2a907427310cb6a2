"""How often a service is asked that answers nobody, for each time that somebody wants something.

Customers are read one by one, while every call fails, is put off, or fails in every other half
second. Circuits never open here: behind an open one hardly anybody is asked at all, and the retries
should be bounded without it. Nor are there hedges, which have a budget of their own. The control is
the same without the retry budget.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.fault_house import CONNECTIONS_DROP, NOTHING_STANDS_IN, FaultHouse, running_house
from benchmarks.fault_samples import samples_of
from benchmarks.figures import AtMost, Control, Figure
from benchmarks.processes import Json
from benchmarks.runs import Run
from benchmarks.unguarded_gateway import BUDGET, CIRCUIT

RATE: Final = 40.0
NO_HEDGES: Final = {**NOTHING_STANDS_IN, "BFF_HEDGE": "false"}
FLAP_S: Final = 0.5
LEAST_S: Final = 10.0
"""Shorter, and a retry saved before would show."""

FLAPPING: Final = "flapping"
HOW: Final[Mapping[str, Json]] = {
    "connections dropped": CONNECTIONS_DROP,
    "429, come again in 1 s": {
        "path": "/",
        "errorRate": 1.0,
        "status": 429,
        "retryAfterS": 1,
    },
    FLAPPING: CONNECTIONS_DROP,
}


@dataclass(frozen=True, slots=True)
class Storm:
    """Reads, and the calls that they were."""

    read_count: int
    call_count: int
    failed_count: int

    @property
    def attempts(self) -> float:
        """Calls a read."""
        return self.call_count / self.read_count


def measure(run: Run) -> Iterator[Figure]:
    """With a budget, and without."""
    bounded = storms(run, "retry-budget", (CIRCUIT,))
    unbounded = storms(run, "no-retry-budget", (CIRCUIT, BUDGET))
    for how, storm, control in zip(HOW, bounded, unbounded, strict=True):
        yield Figure(
            name=f"attempts a read, {how}",
            value=storm.attempts,
            unit="calls",
            aim=AtMost(1.1),
            control=Control("no budget", control.attempts),
            note=f"{storm.call_count:,} calls, {storm.read_count:,} reads, {storm.failed_count:,} "
            f"failed (no budget: {control.failed_count:,}); circuits never open",
        )


def storms(run: Run, name: str, without: Sequence[str]) -> list[Storm]:
    """One of each in one house."""
    reads: list[tuple[int, int]] = []
    with running_house(run, name, NO_HEDGES, without=without) as house:
        for number, (how, rule) in enumerate(HOW.items()):
            reads.append(read(run, house, f"storm{number}", rule, is_flapping=how == FLAPPING))
            house.mend()
        calls = [sum(house.calls_of(f"storm{n}").values()) for n in range(len(HOW))]
    return [Storm(count, of, failed) for (count, failed), of in zip(reads, calls, strict=True)]


def read(
    run: Run, house: FaultHouse, request_id: str, rule: Json, *, is_flapping: bool
) -> tuple[int, int]:
    """How many reads there were while the rule was in force, and how many failed."""
    seconds = max(LEAST_S, run.lengths.load_s)
    house.strike("customers", rule=rule)
    with house.reading(
        run, "customer", rate=RATE, seconds=seconds, request_id=request_id
    ) as reader:
        while is_flapping and reader.is_running:
            time.sleep(FLAP_S)
            house.end_faults()
            time.sleep(FLAP_S)
            house.strike("customers", rule=rule)
    samples = samples_of(reader.told)
    return len(samples), sum(bool(one.codes) for one in samples)
