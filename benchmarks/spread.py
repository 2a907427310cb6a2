"""Many measured times in three numbers."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """Median, 99th percentile, greatest and number of some measurements, in their own unit."""

    p50: float
    p99: float
    greatest: float
    count: int


def percentile(ordered: Sequence[float], share: float) -> float:
    """The least of the ``ordered`` values that at least this share (0 to 1) do not exceed.

    Nearest rank: always a value that was measured. Raises ValueError when there is none.

    >>> percentile([1.0, 2.0, 3.0, 4.0], 0.5), percentile([1.0, 2.0, 3.0, 4.0], 0.99)
    (2.0, 4.0)
    """
    if not ordered:
        raise ValueError("nothing was measured")
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread(values: Iterable[float]) -> Spread:
    """The spread of the values, in any order. Raises ValueError when there are none."""
    ordered = sorted(values)
    return Spread(
        percentile(ordered, 0.5),
        percentile(ordered, 0.99),
        ordered[-1] if ordered else 0.0,
        len(ordered),
    )
