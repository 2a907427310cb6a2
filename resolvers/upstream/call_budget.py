"""The retry budget, and that of hedges: a share of all calls, and what a quiet hour has saved.

Without it, whoever asks three times makes of a service that fails one that fails under three times
the load. No clock: what counts is calls, so the share holds in a rush and at night.

The idea is the retry throttle of gRPC and the budget of Finagle; theirs give a floor by the second
and so promise no share where little is called.
"""


class CallBudget:
    """Gives one extra call for ``price_count`` calls; 0 is no budget, and gives whatever is asked.

    Up to ``reserve_count`` that nobody took are kept. The first ``floor_count`` are lent, and are
    paid back by the first calls. So of any n calls since the beginning at most n / price, or the
    floor, are extra; and of any n calls in a row at most n / price and the reserve.
    """

    def __init__(self, *, price_count: int, reserve_count: int, floor_count: int = 0) -> None:
        self._price_count = price_count
        self._most_saved_count = reserve_count * price_count
        self._saved_count = self._owed_count = floor_count * price_count

    def earn(self) -> None:
        """One call has been made that was not extra."""
        if self._owed_count:
            self._owed_count -= 1
        else:
            self._saved_count = min(self._saved_count + 1, self._most_saved_count)

    def take(self) -> bool:
        """Take one extra call, if there is one."""
        if self._saved_count < self._price_count:
            return False
        self._saved_count -= self._price_count
        return True
