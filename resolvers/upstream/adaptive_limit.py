"""How many calls one service may hold of us just now, found out from how its calls have ended.

Additive increase, multiplicative decrease, after Netflix's concurrency-limits and TCP: a round in
which the service was well and all places were in use earns one place more; a round in which it was
slow, or dropped calls, costs a quarter of them. A round is as many ended calls as there are places,
about one round trip of a full bulkhead, so there is no clock in it.

Their gradient (`Gradient2Limit`) was looked at and left: it adds the square root of the limit at
each step, so below sixteen places it settles at half of them however slow the service is, and it
does not look at drops. Its measure of slowness is kept: a median against a baseline that follows.

- Slow is the median of a round, not one call: point reads, lists and batches are mixed, and a tail
  is the business of hedges, not of places.
- The baseline falls faster than it climbs. A service that is slow for good gets its places back
  after some thousand calls, because with fewer calls it would only be slower in sum; one that is
  slow because of us becomes fast again with fewer, and the baseline stays.
- The baseline may follow a slow service upwards, the time limit of an attempt does not: what comes
  too late is a drop, whatever the baseline. So a service cannot be led into collapse step by step.
- Who does not use its places learns nothing of how many there may be: then the limit never grows.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Annotated

from resolvers.upstream.ranges import Between, require_ranges


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveLimitOptions:
    """How the places before one upstream follow what it bears; the ceiling is `in_flight_limit`."""

    floor_count: Annotated[int, Between(1, 1_024)] = 4
    """Places it never falls below; as high as the ceiling, the limit is fixed. Four: one that hangs
    for its whole second leaves three for those that do not, and few enough to let a service
    recover; what is down altogether is the circuit's business."""

    round_call_count: Annotated[int, Between(1, 1_000)] = 10
    """Ended calls in a round at least; else as many as there are places. Ten: the median of fewer
    is luck."""

    backoff_ratio: Annotated[float, Between(0.1, 0.99)] = 0.75
    """What a bad round leaves of the limit. Three quarters: from 64 to the floor in ten rounds.
    Netflix takes 0.9 for limits of hundreds, where each round is longer."""

    drop_ratio: Annotated[float, Between(0.01, 1)] = 0.2
    """Share of dropped calls that makes a round bad. A fifth: with fewer a service has a
    tail, and not too much to do."""

    tolerance_ratio: Annotated[float, Between(1, 100)] = 2.0
    """Times the baseline at which a round is slow. Netflix tolerates 1.5 of like calls; ours are
    mixed of single rows, batches and lists."""

    slow_ratio: Annotated[float, Between(0, 1)] = 0.1
    """Share of an attempt's time that is never slow. A tenth, 0.1 s of one second: who is faster
    has no queue worth to be shortened."""

    baseline_up_ratio: Annotated[float, Between(0, 1)] = 0.02
    """Part of the way that the baseline climbs towards a slower round; with 0 it never climbs. A
    fiftieth: what is five times as slow is the new usual after 25 rounds."""

    baseline_down_ratio: Annotated[float, Between(0.01, 1)] = 0.2
    """Part of the way that it falls towards a faster round. A fifth: ten times as fast as it
    climbs, yet one lucky round makes no slow one of the next."""

    def __post_init__(self) -> None:
        require_ranges(self)


class AdaptiveLimit:
    """The places before one service: between the floor of ``options`` and ``ceiling_count``.

    Begins at the ceiling: without evidence nothing is withheld. ``slow_s`` is what is never slow.
    With a floor as high as the ceiling, it is fixed.
    """

    def __init__(
        self, options: AdaptiveLimitOptions, *, ceiling_count: int, attempt_timeout_s: float
    ) -> None:
        self._options = options
        self._floor = float(min(options.floor_count, ceiling_count))
        self._ceiling = float(ceiling_count)
        self._limit = self._ceiling
        self._place_count = ceiling_count
        self._slow_s = options.slow_ratio * attempt_timeout_s
        self._baseline_s: float | None = None
        self._peak_count = 0
        self._took_s: list[float] = []
        self._drop_count = 0

    @property
    def place_count(self) -> int:
        """Calls that may be in flight now."""
        return self._place_count

    def begun(self, in_flight_count: int) -> None:
        """Take note that so many are in flight, the one that begins now included."""
        self._peak_count = max(self._peak_count, in_flight_count)

    def answered(self, took_s: float) -> None:
        """Take a call into account that the service answered, whatever it said."""
        self._took_s.append(took_s)
        self._end_round()

    def dropped(self) -> None:
        """Take a call into account that was refused for overload, broken off, or never answered."""
        self._drop_count += 1
        self._end_round()

    def _end_round(self) -> None:
        ended_count = len(self._took_s) + self._drop_count
        if ended_count < max(self.place_count, self._options.round_call_count):
            return
        if self._was_bad(ended_count):
            self._limit = max(self._floor, self._limit * self._options.backoff_ratio)
        elif self._peak_count >= self.place_count:
            self._limit = min(self._ceiling, self._limit + 1)
        self._place_count = math.floor(self._limit)
        self._follow(self._took_s)
        self._took_s, self._drop_count, self._peak_count = [], 0, 0

    def _was_bad(self, ended_count: int) -> bool:
        if self._drop_count >= self._options.drop_ratio * ended_count:
            return True
        took_s = median(self._took_s)
        usual_s = took_s if self._baseline_s is None else self._baseline_s
        return took_s > max(self._slow_s, self._options.tolerance_ratio * usual_s)

    def _follow(self, took_s: Sequence[float]) -> None:
        """Move the baseline towards the median of this round."""
        if not took_s:
            return
        seen_s = median(took_s)
        if self._baseline_s is None:
            self._baseline_s = seen_s
            return
        options, is_up = self._options, seen_s > self._baseline_s
        ratio = options.baseline_up_ratio if is_up else options.baseline_down_ratio
        self._baseline_s += ratio * (seen_s - self._baseline_s)
