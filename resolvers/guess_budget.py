"""How many reads may be asked ahead on a guess, so that few of them are for nothing. Pure.

The rule: whatever is still on its way counts as wrong until it is judged. So the cap holds however
many guesses are made at once, and costs nothing while guesses are right: of a window of ten seconds
a tenth is allowed, and what is on its way for half a second is a twentieth of it.
"""

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GuessOptions:
    """How far reads are asked ahead on a guess."""

    waste_ratio: float = 0.1
    """Share of the reads guessed in a window that may be for nothing, 0–1. A tenth, as retries are
    allowed: a service that is sized for its readers bears that much more."""

    window_s: float = 10.0
    """Seconds of guesses that are judged together, 1–300. Ten, as the circuit's window."""

    free_count: int = 100
    """Wrong reads that are allowed in a window whatever their share, 1–10,000. A hundred, one full
    batch: without them nobody could find out that guesses are right."""

    entry_limit: int = 10_000
    """Orders of which is remembered whom they lead to, 1–1,000,000; the one that was heard of
    longest ago leaves first. Ten thousand with three products each are some 5 MB."""

    def __post_init__(self) -> None:
        _require_range("waste_ratio", self.waste_ratio, 0, 1)
        _require_range("window_s", self.window_s, 1, 300)
        _require_range("free_count", self.free_count, 1, 10_000)
        _require_range("entry_limit", self.entry_limit, 1, 1_000_000)


@dataclass(frozen=True, slots=True)
class _Judged:
    at_s: float
    right_count: int
    wrong_count: int


class GuessBudget:
    """Guesses under way, and those judged in the last `GuessOptions.window_s`.

    No clock: the caller says when it is, and never says an earlier time than before.
    """

    def __init__(self, options: GuessOptions) -> None:
        self._options = options
        self._judged: deque[_Judged] = deque()
        self._under_way_count = 0
        self._right_count = 0
        self._wrong_count = 0

    def take(self, read_count: int, now_s: float) -> bool:
        """May so many reads be guessed? If so they are under way until `give_back`."""
        self._forget_before(now_s - self._options.window_s)
        under_way = self._under_way_count + read_count
        at_worst = self._wrong_count + under_way
        guessed = self._right_count + at_worst
        if at_worst > max(self._options.free_count, self._options.waste_ratio * guessed):
            return False
        self._under_way_count = under_way
        return True

    def give_back(self, now_s: float, *, right_count: int, wrong_count: int) -> None:
        """So many reads that were taken are judged."""
        self._under_way_count -= right_count + wrong_count
        self._right_count += right_count
        self._wrong_count += wrong_count
        self._judged.append(_Judged(now_s, right_count, wrong_count))

    def release(self, read_count: int) -> None:
        """Nobody will ever know of so many that were taken: their reader has left."""
        self._under_way_count -= read_count

    def _forget_before(self, oldest_s: float) -> None:
        while self._judged and self._judged[0].at_s < oldest_s:
            judged = self._judged.popleft()
            self._right_count -= judged.right_count
            self._wrong_count -= judged.wrong_count


def _require_range(name: str, value: float, lowest: float, highest: float) -> None:
    # Written so that NaN, which compares false with everything, is refused too.
    if not lowest <= value <= highest:
        raise ValueError(f"{name} must be between {lowest:g} and {highest:g}, not {value!r}")
