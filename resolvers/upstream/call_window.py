"""How many calls ended, and how many of them failed, in the last seconds: counted, not remembered.

A ring of buckets, each counting one slice of time; a slice that comes round again starts empty. So
memory does not grow with traffic, and the window is between one bucket short of its length and its
full length, depending on how much of the current slice has passed. No clock: the caller says when
it is, and never says an earlier time than before.
"""

from dataclasses import dataclass
from typing import NamedTuple

from resolvers.upstream.options import BreakerOptions


class CallCounts(NamedTuple):
    """Calls that ended in the window, and those of them that failed."""

    call_count: int
    failure_count: int

    @property
    def failure_ratio(self) -> float:
        """The share of failures; 0 where there were no calls."""
        return self.failure_count / self.call_count if self.call_count else 0.0


@dataclass(slots=True)
class _Bucket:
    slice_number: int = -1
    call_count: int = 0
    failure_count: int = 0


class CallWindow:
    """The outcome counts of the last `options.window_s` seconds."""

    def __init__(self, options: BreakerOptions) -> None:
        self._bucket_s = options.window_s / options.bucket_count
        self._buckets = [_Bucket() for _ in range(options.bucket_count)]

    def record(self, now_s: float, *, has_failed: bool) -> None:
        """Count one call that ended now."""
        slice_number = int(now_s // self._bucket_s)
        bucket = self._buckets[slice_number % len(self._buckets)]
        if bucket.slice_number != slice_number:
            bucket.slice_number = slice_number
            bucket.call_count = bucket.failure_count = 0
        bucket.call_count += 1
        bucket.failure_count += has_failed

    def counts(self, now_s: float) -> CallCounts:
        """Return what the window holds now; costs one look at each bucket."""
        oldest = int(now_s // self._bucket_s) - len(self._buckets) + 1
        live = [bucket for bucket in self._buckets if bucket.slice_number >= oldest]
        return CallCounts(
            sum(bucket.call_count for bucket in live),
            sum(bucket.failure_count for bucket in live),
        )
