"""What the rounds of a row come to: medians, how far rounds were apart, and ratios within rounds.

A ratio is taken in each round, of two rows that were measured within a minute of each other, and
only then the median: so what the machine did to both of them cancels out.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.speed.closed_load import Account

US: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Range:
    """The median of some rounds, and their extremes."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Range":
        """Raises `statistics.StatisticsError` when there are none."""
        return cls(statistics.median(values), min(values), max(values))

    def __str__(self) -> str:
        return f"{self.least:.3g}–{self.greatest:.3g}"


@dataclass(frozen=True, slots=True)
class Round:
    """One row in the round of this number. ``calls``: of each service, a request."""

    number: int
    account: Account
    calls: Mapping[str, float] = field(default_factory=dict)

    @property
    def cpu_us(self) -> float:
        """Processor time of the server a request."""
        return self.account.cpu_s / self.account.request_count * US

    @property
    def load_us(self) -> float:
        """Processor time of who asks, a request."""
        return self.account.load_cpu_s / self.account.request_count * US

    @property
    def rate(self) -> float:
        """Requests answered a second."""
        return self.account.request_count / self.account.seconds

    @property
    def p50_ms(self) -> float:
        return self.account.p50_ms

    @property
    def p99_ms(self) -> float:
        return self.account.p99_ms

    @property
    def resident_mb(self) -> float:
        return self.account.resident_mb


Measure = Callable[[Round], float]
Results = Mapping[str, Sequence[Round]]
"""The rounds of each row, by its name, in order."""


def cpu_us(one: Round) -> float:
    return one.cpu_us


def load_us(one: Round) -> float:
    return one.load_us


def rate(one: Round) -> float:
    return one.rate


def p50_ms(one: Round) -> float:
    return one.p50_ms


def p99_ms(one: Round) -> float:
    return one.p99_ms


def resident_mb(one: Round) -> float:
    return one.resident_mb


def range_of(rounds: Sequence[Round], measure: Measure) -> Range:
    """What a row's rounds come to."""
    return Range.of([measure(one) for one in rounds])


def ratio_of(results: Results, over: str, under: str, measure: Measure) -> Range | None:
    """One row over another, round by round; None where one of them was not measured."""
    by_number = {one.number: one for one in results.get(under, ())}
    ratios = [
        measure(one) / measure(other)
        for one in results.get(over, ())
        if (other := by_number.get(one.number)) is not None and measure(other)
    ]
    return Range.of(ratios) if ratios else None
