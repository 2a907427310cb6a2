"""How long things took, counted by length: what a histogram is made of.

The rule: to note one costs a quarter of a microsecond, so it may be done wherever requests come by.
"""

from bisect import bisect_left
from collections.abc import Sequence


class Durations:
    """Counts durations (s) up to each of ``bounds_s``, in rising order, and those above all."""

    __slots__ = ("bounds_s", "counts", "sum_s")

    def __init__(self, bounds_s: Sequence[float]) -> None:
        self.bounds_s = tuple(bounds_s)
        self.counts = [0] * (len(self.bounds_s) + 1)
        self.sum_s = 0.0

    def note(self, took_s: float) -> None:
        """Something took so long; what took as long as a bound is within it."""
        self.counts[bisect_left(self.bounds_s, took_s)] += 1
        self.sum_s += took_s

    @property
    def count(self) -> int:
        """How many were noted."""
        return sum(self.counts)
