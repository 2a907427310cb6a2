"""How soon a circuit opens, what a refusal takes, and when all is served again after the fault.

Rows of one service are read at a steady pace, no row twice within the time for which answers are
kept; then it fails, hangs or is slow, and later is well again. Each of the three befalls a service
of its own, whose circuit nothing has opened before. The control is a gateway whose circuits never
open.
"""

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.fault_house import ANSWERS_500, HANGS, NOTHING_STANDS_IN, FaultHouse, running_house
from benchmarks.fault_samples import Sample, samples_of
from benchmarks.figures import AtMost, Control, Figure
from benchmarks.processes import Json
from benchmarks.runs import Run
from benchmarks.spread import spread
from benchmarks.strokes import Stroke, percent, waiting
from benchmarks.unguarded_gateway import CIRCUIT

RATE: Final = 40.0
ENOUGH_WELL_S: Final = 12.0
"""Longer than circuits remember."""

ILL_S: Final = 6.0
"""Longer than the first break: there is a probe, and a longer break after it."""

MENDING_S: Final = 14.0
"""More than is left of the second break."""

OPENS_WITHIN_S: Final = 1.0
MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Illness:
    """What befalls which service, and how its rows are read."""

    name: str
    service: str
    query: str
    rule: Json


ILLNESSES: Final = (
    Illness("all calls fail", "customers", "customer", ANSWERS_500),
    Illness("all calls hang", "products", "product", HANGS),
    Illness("all calls take 0.7 s", "orders", "order", {"path": "/", "latencyMs": {"fixed": 700}}),
)


@dataclass(frozen=True, slots=True)
class Course:
    """One illness from beginning to end; ``calls``: of each read, by its number."""

    stroke: Stroke
    calls: Mapping[int, int]

    @property
    def refused(self) -> list[Sample]:
        return [one for one in self.stroke.open if one.refused]

    def calls_between(self, after_s: float, before_s: float) -> int:
        """Calls of the reads that began in this time after the stroke."""
        began_s = (one.began_at_s - self.stroke.struck_at_s for one in self.stroke.samples)
        numbers = [n for n, at_s in enumerate(began_s) if after_s <= at_s < before_s]
        return sum(self.calls.get(number, 0) for number in numbers)


def measure(run: Run) -> Iterator[Figure]:
    """With circuits, and without."""
    with running_house(run, "circuits", NOTHING_STANDS_IN) as house:
        guarded = courses(run, house)
    with running_house(run, "no-circuits", NOTHING_STANDS_IN, without=(CIRCUIT,)) as house:
        unguarded = courses(run, house)
    for illness, course, bare in zip(ILLNESSES, guarded, unguarded, strict=True):
        yield opening(illness.name, course, bare)
        yield waits(illness.name, course, bare)
        yield from refusals(illness.name, course, bare)
        yield recovery(illness.name, course, bare)


def courses(run: Run, house: FaultHouse) -> list[Course]:
    """One of each illness, one after another."""
    strokes = [strike(run, house, illness) for illness in ILLNESSES]
    calls = [house.calls_of(illness.query) for illness in ILLNESSES]
    return [Course(stroke, of) for stroke, of in zip(strokes, calls, strict=True)]


def strike(run: Run, house: FaultHouse, illness: Illness) -> Stroke:
    """Read rows; strike, and mend, in the midst of it."""
    well_s = min(ENOUGH_WELL_S, run.lengths.load_s)
    with house.reading(
        run,
        illness.query,
        rate=RATE,
        seconds=well_s + ILL_S + MENDING_S,
        request_id=illness.query,
    ) as reader:
        time.sleep(well_s)
        struck_at_s = time.time()
        house.strike(illness.service, rule=illness.rule)
        time.sleep(ILL_S)
        house.end_faults()
        mended_at_s = time.time()
    return Stroke(samples_of(reader.told), (illness.service,), struck_at_s, mended_at_s)


def opening(name: str, course: Course, bare: Course) -> Figure:
    """How long the circuit took to open."""
    opened_s = course.stroke.opened_after_s
    return Figure(
        name=f"{name}: circuit opens after",
        value=min(ILL_S, opened_s),
        unit="s",
        aim=AtMost(OPENS_WITHIN_S),
        control=Control("never opening: not within", min(ILL_S, bare.stroke.opened_after_s)),
        note=f"{course.calls_between(0, opened_s)} calls until then (20 would do), "
        f"{course.calls_between(opened_s, ILL_S)} after it; never opening: "
        f"{bare.calls_between(0, ILL_S)} calls; {RATE:.0f} reads/s"
        + (", NOT OPENED" if math.isinf(opened_s) else ""),
    )


def waits(name: str, course: Course, bare: Course) -> Figure:
    """How many readers wait once it is open."""
    later, open_ = bare.stroke.after(OPENS_WITHIN_S), course.stroke.open
    return Figure(
        name=f"{name}: reads that wait, once open",
        value=percent(waiting(open_), open_),
        unit="%",
        aim=AtMost(1.0),
        control=Control("never opening", percent(waiting(later), later)),
        note=f"{waiting(open_)} of {len(open_):,}; the probe waits",
    )


def refusals(name: str, course: Course, bare: Course) -> Iterator[Figure]:
    """What it takes to be refused, from the request to the end of its answer."""
    if not course.refused:
        return
    took = spread(one.took_s for one in course.refused)
    well = spread(one.took_s for one in course.stroke.well)
    failed = spread(one.took_s for one in bare.stroke.after(OPENS_WITHIN_S))
    yield Figure(
        name=f"{name}: refusal p99",
        value=took.p99 * MS,
        unit="ms",
        aim=AtMost(5.0),
        control=Control("never opening", failed.p99 * MS),
        note=f"p50 {took.p50 * MS:.1f}; the whole request; of reads that are well p50 "
        f"{well.p50 * MS:.1f}, p99 {well.p99 * MS:.1f}",
    )


def recovery(name: str, course: Course, bare: Course) -> Figure:
    """When everything is served again."""
    whole_s, promised_s = course.stroke.whole_after_s, course.stroke.promised_after_s
    return Figure(
        name=f"{name}: all served again, after the break",
        value=min(MENDING_S, whole_s) - promised_s,
        unit="s",
        aim=AtMost(1.0),
        control=Control(
            "never opening: after the fault", min(MENDING_S, bare.stroke.whole_after_s)
        ),
        note=f"{whole_s:.2f} s after the fault, of which {promised_s:.2f} s were left of the break",
    )
