"""Memory of a gateway and of a projector over a run: whether it stays as it is.

Resident memory, read once a second from the kernel, while 100 changes/s and 50 reads/s come over
the demo data, which does not grow. The first third of the time is not counted: caches fill, and
allocators take what they will keep. *Slope*: the line by least squares through the rest, told with
two of its standard errors. Flat is a slope of no more than 100 KB a minute: a megabyte in ten
minutes, one percent of what such a process holds; a kilobyte lost at each change would be 6,000. A
run of a minute says little; ten are meant.

Control: the same slope of the process that puts the load on, which keeps one number a request.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Final

from benchmarks.figures import AtMost, Control, Figure
from benchmarks.houses import Column, running_house
from benchmarks.process_usage import resident_kb
from benchmarks.runs import Run
from benchmarks.trend import Sample, trend_of
from benchmarks.waiting import wait_watching

MUTATION_RATE: Final = 100.0
READ_RATE: Final = 50.0
SAMPLE_EVERY_S: Final = 1.0
FLAT_KB_PER_MIN: Final = AtMost(100.0)
S_PER_MIN: Final = 60
LOAD: Final = "load"


def measure_embedded(run: Run) -> Iterator[Figure]:
    """A gateway that projects for itself."""
    yield from measure(run, "embedded")


def measure_distributed(run: Run) -> Iterator[Figure]:
    """A gateway and a projector."""
    yield from measure(run, "distributed")


def measure(run: Run, column: Column) -> Iterator[Figure]:
    """Sample while the load is on."""
    seconds = run.lengths.minutes * S_PER_MIN
    with (
        running_house(run, column, run.room(f"memory-{column}"), takes_notes=False) as house,
        house.loaded(seconds=seconds, mutations=MUTATION_RATE, reads=READ_RATE) as load,
    ):
        sampler = Sampler({**house.pids, LOAD: load.process.pid})
        wait_watching(run, f"memory, {column}", load, seconds, look=sampler.look)
    lanes = load.told["lanes"]
    failure_count = sum(lane["failure_count"] for lane in lanes.values())
    told = f"{run.lengths.minutes:g} min, {failure_count} failed requests"
    slopes = {name: slope_of(samples) for name, samples in sampler.samples_kb.items()}
    for name in house.pids:
        yield from figures_of(f"{name}, {column}", sampler.samples_kb[name], slopes[LOAD], told)


class Sampler:
    """Resident memory (KB) of some processes, each second."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = pids
        self._started_s = self._next_s = time.monotonic()
        self.samples_kb: dict[str, list[Sample]] = {name: [] for name in pids}

    def look(self) -> None:
        """Sample if a second has passed since the last time."""
        now_s = time.monotonic()
        if now_s < self._next_s:
            return
        self._next_s += SAMPLE_EVERY_S
        for name, pid in self._pids.items():
            self.samples_kb[name].append((now_s - self._started_s, resident_kb(pid)))


def slope_of(samples: list[Sample]) -> float:
    """KB a minute over what counts."""
    return trend_of(counted(samples)).slope * S_PER_MIN


def counted(samples: list[Sample]) -> list[Sample]:
    """All but the first third."""
    return samples[len(samples) // 3 :]


def figures_of(
    whose: str, samples: list[Sample], control_slope: float, told: str
) -> Iterator[Figure]:
    """Slope and size."""
    counting = counted(samples)
    trend = trend_of(counting)
    first_kb, last_kb = counting[0][1], counting[-1][1]
    error = f"± {2 * trend.error * S_PER_MIN:.0f}"
    yield Figure(
        name=f"memory, slope: {whose}",
        value=trend.slope * S_PER_MIN,
        unit="KB/min",
        aim=FLAT_KB_PER_MIN,
        control=Control("load", control_slope),
        note=f"{error}; from {first_kb / 1024:.1f} to {last_kb / 1024:.1f} MB; {told}",
    )
