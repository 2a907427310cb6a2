"""How long the owners take to answer here, so that a wait leaves them their time before a deadline.

The pace of a process is the 95th percentile of its last live answers: what a read needs that goes
live after it has waited in vain. Before there are enough of them it is not known.
"""

from collections import deque
from typing import Final

from resolvers.upstream.latency import percentile

SAMPLE_COUNT: Final = 100
"""The last so many answers count: some seconds of a busy gateway, minutes of a quiet one."""

LEAST_SAMPLE_COUNT: Final = 20
"""Of fewer, the slowest alone would be the 95th percentile."""

PERCENTILE: Final = 0.95

FLOOR_S: Final = 0.02
"""Kept (s) however fast the owners are: a call has its own costs, and pauses of a busy process."""

CEILING_S: Final = 1.0
"""Kept (s) at most: where the owners are slower, waiting is the better chance."""


class LivePace:
    """The pace of one process; told of every live answer, asked by every read that might wait."""

    def __init__(self) -> None:
        self._took_s: deque[float] = deque(maxlen=SAMPLE_COUNT)
        self._p95_s: float | None = None

    def note(self, took_s: float) -> None:
        """One root field was completed with live answers; all its calls took so long (s).

        Failures are no answers: who refuses is not fast, and for who hangs no time need be kept.
        """
        self._took_s.append(took_s)
        self._p95_s = None

    def reserve_s(self, *, until_known_s: float) -> float:
        """What to keep of a deadline (s); ``until_known_s`` as long as there are few answers."""
        if len(self._took_s) < LEAST_SAMPLE_COUNT:
            return until_known_s
        if self._p95_s is None:
            self._p95_s = percentile(sorted(self._took_s), PERCENTILE)
        return min(max(self._p95_s, FLOOR_S), CEILING_S)
