"""Every number of how workers are kept running, and the pause before one is started again. Pure."""

from dataclasses import dataclass
from typing import Annotated

from resolvers.upstream.ranges import Between, require_ranges


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartOptions:
    """How soon a worker that ended is started again."""

    first_pause_s: Annotated[float, Between(0.01, "longest_pause_s")] = 0.1
    """Seconds before a worker that did well is started again. A tenth: others serve meanwhile."""

    pause_factor: Annotated[float, Between(1, 10)] = 2.0
    """How much longer each pause is than the one before, if the worker between did not do well.
    Two: after nine ends in a row the pause is the longest."""

    longest_pause_s: Annotated[float, Between(0.01, 3_600)] = 30.0
    """Seconds of the longest pause. Thirty: starting takes two seconds of a processor that the
    other workers need."""

    well_s: Annotated[float, Between(1, 3_600)] = 60.0
    """Seconds of life after which a worker has done well, and its end is news. Sixty: twice the
    longest pause."""

    beat_s: Annotated[float, Between(0.01, 60)] = 1.0
    """Seconds between two signs of life of a worker's loop. One: they cost nothing."""

    stuck_s: Annotated[float, Between(0.1, 3_600)] = 10.0
    """Seconds without one after which a worker is stuck, and ended. Ten: more than the longest
    pause that was ever measured, and no client waits as long."""

    last_words_s: Annotated[float, Between(0, 60)] = 0.5
    """Seconds that a stuck worker then has to tell where it is. Half: it prints one page."""

    def __post_init__(self) -> None:
        require_ranges(self)

    def pause_after(self, last_pause_s: float, lived_s: float) -> float:
        """The pause (s) after the end of a worker that lived so long after a pause of so long.

        >>> RestartOptions().pause_after(0.0, 1.0), RestartOptions().pause_after(0.4, 1.0)
        (0.1, 0.8)
        """
        if lived_s >= self.well_s:
            return self.first_pause_s
        longer_s = last_pause_s * self.pause_factor
        return min(max(self.first_pause_s, longer_s), self.longest_pause_s)
