"""How many messages may still come: an allowance that grows with time. Pure."""

from dataclasses import dataclass


@dataclass(slots=True)
class Allowance:
    """``per_s`` more each second, up to ``burst``; full at the beginning."""

    per_s: float
    burst: int
    _left: float | None = None
    _at_s: float = 0.0

    def take(self, now_s: float) -> bool:
        """Take one; False if there is none left."""
        left = self.burst if self._left is None else self._left + (now_s - self._at_s) * self.per_s
        self._at_s = now_s
        self._left = min(self.burst, left) - 1
        if self._left >= 0:
            return True
        self._left = 0.0
        return False
