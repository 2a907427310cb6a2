"""What the calls of a closed circuit say against its service, weighed: is it time to open?

    rule      opens when                                                     it is there for
    -------   ------------------------------------------------------------   -------------------
    share     of at least 20 calls in the window half failed, or four of     a service half ill
              five were slow
    run       the last 20 calls were all bad                                 an end of good times
    silence   5 calls in a row are overdue, and nothing was heard meanwhile   a hang
    hint      the last 3 calls were bad, and others say that it is down      what others know

The share alone opens late after good times: of a hundred calls a second the window holds a thousand
good ones, which it takes a thousand failures to outvote. The run does not remember them. And a hang
leaves few calls to count: each holds its place for a second, and readers of one row share one; so
overdue calls count while they are still on the wire, and few will do where nothing at all is heard.
An answer, however bad, ends a silence; a good one in time ends a run as well.
"""

from collections import deque

from resolvers.upstream.call_window import CallWindow
from resolvers.upstream.options import BreakerOptions


class CallEvidence:
    """The calls since the circuit closed. No clock: ``now_s`` never goes back."""

    def __init__(self, options: BreakerOptions) -> None:
        self._options = options
        self._window = CallWindow(options)
        longest = max(options.min_call_count, options.silent_call_count, options.hinted_call_count)
        self._bad_at_s: deque[float] = deque(maxlen=longest)
        self._silent_count = 0

    def add_success(self, now_s: float) -> None:
        """A call was answered in time."""
        self._window.record(now_s)
        self._bad_at_s.clear()
        self._silent_count = 0

    def add_failure(self, now_s: float) -> None:
        """A call failed in time."""
        self._window.record(now_s, has_failed=True)
        self._bad_at_s.append(now_s)
        self._silent_count = 0

    def add_overdue(self, now_s: float) -> None:
        """A call is slow by now, and still on the wire."""
        self._window.record(now_s, is_slow=True)
        self._bad_at_s.append(now_s)
        self._silent_count += 1

    def fail_overdue(self, now_s: float) -> None:
        """A call that was overdue has failed: it stays one call."""
        self._window.record_failure_of_slow(now_s)

    def answer_overdue(self) -> None:
        """A call that was overdue has been answered: it stays slow, and the silence is over."""
        self._silent_count = 0

    def speaks_against(self, now_s: float, *, is_hinted: bool) -> bool:
        """Whether the circuit should open, at a bad call that has just been added."""
        options = self._options
        return (
            self._is_silence_of(options.silent_call_count, now_s)
            or self._is_run_of(options.min_call_count, now_s)
            or (is_hinted and self._is_run_of(options.hinted_call_count, now_s))
            or self._is_share_too_great(now_s)
        )

    def _is_silence_of(self, call_count: int, now_s: float) -> bool:
        """Whether so many calls in a row are overdue without any word, all of them in the window.

        Each of them is bad, and no other came between, so they are the end of a run.
        """
        return self._silent_count >= call_count and self._is_run_of(call_count, now_s)

    def _is_run_of(self, call_count: int, now_s: float) -> bool:
        """Whether so many calls in a row were bad, all of them in the window."""
        if len(self._bad_at_s) < call_count:
            return False
        return now_s - self._bad_at_s[-call_count] < self._options.window_s

    def _is_share_too_great(self, now_s: float) -> bool:
        counts = self._window.counts(now_s)
        return counts.call_count >= self._options.min_call_count and (
            counts.failure_ratio >= self._options.failure_ratio
            or counts.slow_ratio >= self._options.slow_ratio
        )
