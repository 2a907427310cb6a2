"""What a gateway holds at one moment, what is more than at rest, and what that says of leaks. Pure.

What is compared is counted, never timed: a task, a place on the wire or a descriptor that is there
after everybody has left, and was not there before anybody came, was left behind.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce

import msgspec

from benchmarks.trend import Trend, trend_of

FLAT_KB_PER_MIN = 100.0
"""As in `benchmarks.memory`: a megabyte in ten minutes, one percent of what a gateway holds."""

JUDGED_S = 240.0
"""A shorter run says nothing of memory: caches fill, and allocators take what they will keep."""

S_PER_MIN = 60


class Sample(msgspec.Struct, frozen=True):
    """What is held at an instant (wall clock, s).

    ``tasks`` are counted by what they run; ``places`` are those on the wire that calls hold, by
    service, ``queued`` those who wait for one.
    """

    at_s: float
    tasks: Mapping[str, int]
    places: Mapping[str, int]
    queued: Mapping[str, int]
    waiter_count: int
    flight_count: int
    refresh_count: int
    descriptors: Mapping[str, int]
    resident_kb: float

    def counts(self) -> dict[str, int]:
        """Everything that must be let go of, by name."""
        return {
            **{f"task {name}": count for name, count in self.tasks.items()},
            **{f"place at {name}": count for name, count in self.places.items()},
            **{f"queue at {name}": count for name, count in self.queued.items()},
            "projection waiter": self.waiter_count,
            "shared read": self.flight_count,
            "refresh": self.refresh_count,
            **{f"open {name}": count for name, count in self.descriptors.items()},
        }


def excess(rest: Mapping[str, int], now: Sample) -> dict[str, int]:
    """What is held now beyond what is held at rest."""
    return {
        name: count - rest.get(name, 0)
        for name, count in now.counts().items()
        if count > rest.get(name, 0)
    }


def most(samples: Sequence[Sample]) -> dict[str, int]:
    """The most that was held of each at any time."""
    return reduce(_larger, (sample.counts() for sample in samples), {})


def _larger(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in one | other}


def memory_trend(resting: Sequence[Sample]) -> Trend | None:
    """How resident memory (KB) of a gateway at rest changes; None for too few or too short a run.

    The first third is not counted.
    """
    counted = resting[len(resting) // 3 :]
    if len(counted) < 3 or resting[-1].at_s - resting[0].at_s < JUDGED_S:
        return None
    return trend_of([(sample.at_s, sample.resident_kb) for sample in counted])


def grows(trend: Trend) -> bool:
    """Whether memory grows by more than is flat, beyond two standard errors."""
    return (trend.slope - 2 * trend.error) * S_PER_MIN > FLAT_KB_PER_MIN


def parse_samples(text: bytes) -> Iterator[Sample]:
    """The samples that a gateway has written, a line each; one that is half written is left."""
    whole, _, _ = text.rpartition(b"\n")
    return (msgspec.json.decode(line, type=Sample) for line in whole.splitlines())
