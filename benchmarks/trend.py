"""What becomes of a quantity over time: a straight line through its samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

Sample = tuple[float, float]
"""An instant (s) and what was measured then."""


@dataclass(frozen=True, slots=True)
class Trend:
    """A line by least squares. ``error`` is the standard error of its slope.

    ``slope`` and ``error`` are in the unit of the samples, per second.
    """

    slope: float
    error: float


def trend_of(samples: Sequence[Sample]) -> Trend:
    """The line through the samples. Raises ValueError for fewer than three instants.

    >>> trend_of([(0, 5), (1, 7), (2, 9)])
    Trend(slope=2.0, error=0.0)
    """
    count = len(samples)
    mean_at = sum(at for at, _ in samples) / max(count, 1)
    mean_value = sum(value for _, value in samples) / max(count, 1)
    width = sum((at - mean_at) ** 2 for at, _ in samples)
    if count < 3 or not width:
        raise ValueError("a trend needs three samples or more, at different instants")
    slope = sum((at - mean_at) * (value - mean_value) for at, value in samples) / width
    residue = sum((value - mean_value - slope * (at - mean_at)) ** 2 for at, value in samples)
    return Trend(slope, sqrt(residue / (count - 2) / width))
