"""How long calls of one kind have lately taken, and when one of them is late.

The last so many answers count, whenever they came; a quiet service is judged by what it did when it
was last asked. They are kept in order of time and in order of length, so that an answer costs two
searches and a look at the 95th percentile costs nothing.
"""

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence

from resolvers.upstream.options import HedgeOptions

LATE_SHARE = 0.95
USUAL_SHARE = 0.5


class Latency:
    """The latency of one kind of call; told of every answer, asked before every call."""

    def __init__(self, options: HedgeOptions) -> None:
        self._options = options
        self._took_s: deque[float] = deque()
        self._in_order_s: list[float] = []

    def note(self, took_s: float) -> None:
        """An answer took so long (s). Failures are no answers: who refuses is not fast.

        Of an answer that a second call brought it is told how long both took together: the first
        one would have taken longer, and as all that is told of it lies above the 95th percentile,
        that stays where it is. Were the second call's own time told, the slow ones would vanish,
        and ever more calls would seem to be late.
        """
        if len(self._took_s) == self._options.sample_count:
            oldest_s = self._took_s.popleft()
            del self._in_order_s[bisect_left(self._in_order_s, oldest_s)]
        self._took_s.append(took_s)
        insort(self._in_order_s, took_s)

    @property
    def late_after_s(self) -> float | None:
        """After how long (s) a call is late; None while too few have been answered.

        At the 95th percentile, yet never sooner than the floor, nor later than some times the
        median: where one answer of twenty is slow, the 95th percentile is now that of the fast
        ones and now that of the slow ones, and nothing would be late in the second case.
        """
        if len(self._in_order_s) < self._options.least_sample_count:
            return None
        late_s = percentile(self._in_order_s, LATE_SHARE)
        ceiling_s = self._options.usual_ratio * percentile(self._in_order_s, USUAL_SHARE)
        return max(min(late_s, ceiling_s), self._options.floor_s)


def percentile(in_order: Sequence[float], share: float) -> float:
    """The least of the values that so great a share of them does not exceed."""
    return in_order[math.ceil(share * len(in_order)) - 1]
