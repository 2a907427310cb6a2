"""How many calls there were in the last seconds, how many failed, how many were slow: counted only.

A ring of buckets, each counting one slice of time; a slice that comes round again starts empty. So
memory does not grow with traffic, and the window is between one bucket short of its length and its
full length, depending on how much of the current slice has passed. No clock: the caller says when
it is, and never says an earlier time than before.
"""

from dataclasses import dataclass
from typing import NamedTuple

from resolvers.upstream.options import BreakerOptions


class CallCounts(NamedTuple):
    """Calls that were counted in the window; those of them that failed; those that were slow.

    A slow call may have failed as well. It is counted when it becomes slow, and its failure when it
    fails, so for a moment the window may hold a failure whose call has left it already.
    """

    call_count: int
    failure_count: int
    slow_count: int = 0

    @property
    def failure_ratio(self) -> float:
        """The share of failures; 0 where there were no calls."""
        return self.failure_count / self.call_count if self.call_count else 0.0

    @property
    def slow_ratio(self) -> float:
        """The share of slow calls; 0 where there were no calls."""
        return self.slow_count / self.call_count if self.call_count else 0.0


@dataclass(slots=True)
class _Bucket:
    slice_number: int = -1
    call_count: int = 0
    failure_count: int = 0
    slow_count: int = 0


class CallWindow:
    """The counts of the last `options.window_s` seconds."""

    def __init__(self, options: BreakerOptions) -> None:
        self._bucket_s = options.window_s / options.bucket_count
        self._buckets = [_Bucket() for _ in range(options.bucket_count)]

    def record(self, now_s: float, *, has_failed: bool = False, is_slow: bool = False) -> None:
        """Count one call that ended now, or has just become slow."""
        bucket = self._bucket_of(now_s)
        bucket.call_count += 1
        bucket.failure_count += has_failed
        bucket.slow_count += is_slow

    def record_failure_of_slow(self, now_s: float) -> None:
        """Count that a call failed which has been counted as slow before."""
        self._bucket_of(now_s).failure_count += 1

    def counts(self, now_s: float) -> CallCounts:
        """Return what the window holds now; costs one look at each bucket."""
        oldest = int(now_s // self._bucket_s) - len(self._buckets) + 1
        live = [bucket for bucket in self._buckets if bucket.slice_number >= oldest]
        return CallCounts(
            sum(bucket.call_count for bucket in live),
            sum(bucket.failure_count for bucket in live),
            sum(bucket.slow_count for bucket in live),
        )

    def _bucket_of(self, now_s: float) -> _Bucket:
        slice_number = int(now_s // self._bucket_s)
        place = slice_number % len(self._buckets)
        if self._buckets[place].slice_number != slice_number:
            self._buckets[place] = _Bucket(slice_number)
        return self._buckets[place]
