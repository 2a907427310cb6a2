"""The budgets of all clients, in bounded memory.

The rule: nobody gets rid of what she owes by making us forget it. A budget is forgotten when it was
not touched for so long that it owes nothing, never to make room. Where there is no room for one
more, newcomers share some budgets, picked by a hash that nobody outside can foresee.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.admission.rate import (
    Budget,
    Overdrawn,
    RateLimit,
    RateOptions,
    learn,
    owed,
    pay,
    refusal_of,
    release,
    reserve,
)

SOON_S: Final = 0.1
"""When to ask again where that depends on others: on what is in flight, or what gateways tell."""

TOUCHED_S: Final = 60.0
"""A budget is kept for so long (s) at least: no request lives longer."""


def loop_time_s() -> float:
    """The clock of budgets."""
    return asyncio.get_running_loop().time()


@dataclass(slots=True)
class Lease:
    """What one request holds of a client's budget while it waits and runs. Close it."""

    _budgets: "Budgets"
    _key: str
    _budget: Budget
    _reserved_cost: int = 0

    def raise_to(self, cost: int) -> Overdrawn | None:
        """Hold ``cost`` at least, or say why not: then what was held before still is."""
        more_cost = cost - self._reserved_cost
        if more_cost <= 0:
            return None
        refused = self._budgets.reserve(self._budget, more_cost)
        if refused is None:
            self._reserved_cost = cost
        return refused

    def pay(self, cost: int) -> None:
        """What has been done has cost so much."""
        self._budgets.pay(self._key, cost)

    def close(self) -> None:
        """Hold nothing more."""
        release(self._budget, self._reserved_cost)
        self._reserved_cost = 0


class Budgets:
    """Those of one gateway. ``refused``: how many requests they have refused, by limit.

    ``is_shared``: what clients pay is told to other gateways at the moment; ``wake`` is called when
    it should be told soon.
    """

    def __init__(self, options: RateOptions, *, now_s: Callable[[], float] = loop_time_s) -> None:
        self.options = options
        self.refused: dict[RateLimit, int] = dict.fromkeys(RateLimit, 0)
        self.is_shared = False
        self.wake: Callable[[], None] = lambda: None
        self._now_s = now_s
        self._young: dict[str, Budget] = {}
        self._old: dict[str, Budget] = {}
        self._ages_at_s = 0.0
        self._untold: dict[str, Budget] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def charge(self, key: str, cost: int) -> Overdrawn | None:
        """Pay for what is at hand, or say why not. Costs half a microsecond."""
        now_s = self._now_s()
        budget = self._budget(key, now_s)
        refused = self._refusal(budget, cost, now_s)
        if refused is None:
            self._pay(key, budget, cost, now_s)
        return refused

    def pay(self, key: str, cost: int) -> None:
        """Pay for what has been done already."""
        now_s = self._now_s()
        self._pay(key, self._budget(key, now_s), cost, now_s)

    def overdrawn(self, key: str, cost: int) -> Overdrawn | None:
        """Why so much would be too much."""
        now_s = self._now_s()
        return self._refusal(self._budget(key, now_s), cost, now_s)

    def open(self, key: str) -> Lease | Overdrawn:
        """Let a request in that nobody has read, or say why not."""
        lease = Lease(self, key, self._budget(key, self._now_s()))
        return lease.raise_to(self.options.entry_cost) or lease

    def reserve(self, budget: Budget, cost: int) -> Overdrawn | None:
        """See `Lease`."""
        now_s = self._now_s()
        refused = self._untold_refusal(budget, cost) or reserve(budget, cost, self.options, now_s)
        return self._counted(refused)

    def left(self, key: str) -> tuple[int, float]:
        """The cost that is left, and the seconds until all of it is there again."""
        now_s, options = self._now_s(), self.options
        owed_cost = owed(self._budget(key, now_s), options, now_s)
        return max(0, int(options.burst_cost - owed_cost)), owed_cost / options.per_second_cost

    def take_untold(self, limit: int) -> Mapping[str, int]:
        """What clients have paid that nobody else knows of, by client; `learn` or `untake` it."""
        taken = [(key, self._untold[key]) for key in list(self._untold)[:limit]]
        return {key: budget.untold_cost for key, budget in taken}

    def learn(self, key: str, told_cost: int, debt_s: float) -> None:
        """``told_cost`` is known to all now, and all together say what the client owes."""
        budget = self._untold.get(key)
        if budget is None:
            return
        budget.untold_cost -= told_cost
        if budget.untold_cost <= 0:
            del self._untold[key]
        learn(budget, debt_s, self.options, self._now_s())

    def _budget(self, key: str, now_s: float) -> Budget:
        budget = self._young.get(key)
        return budget if budget is not None and now_s < self._ages_at_s else self._found(key, now_s)

    def _found(self, key: str, now_s: float) -> Budget:
        if now_s >= self._ages_at_s:
            self._old, self._young = self._young, {}
            self._ages_at_s = now_s + max(TOUCHED_S, 2 * self.options.burst_s)
        budget = self._young.get(key) or self._old.pop(key, None)
        if budget is None:
            if len(self) >= self.options.client_limit and not key.startswith(CROWD):
                return self._found(f"{CROWD}{hash(key) % self.options.shared_count}", now_s)
            budget = Budget()
        self._young[key] = budget
        return budget

    def _refusal(self, budget: Budget, cost: int, now_s: float) -> Overdrawn | None:
        refused = refusal_of(budget, cost, self.options, now_s)
        if refused is None and not self.is_shared:
            return None
        return self._counted(refused or self._untold_refusal(budget, cost))

    def _untold_refusal(self, budget: Budget, cost: int) -> Overdrawn | None:
        """Where the others must hear first what she has paid here."""
        untold = budget.untold_cost
        if self.is_shared and untold and untold + cost > self.options.slack_cost:
            self.wake()
            return Overdrawn(RateLimit.RATE, SOON_S)
        return None

    def _counted(self, refused: Overdrawn | None) -> Overdrawn | None:
        if refused is not None:
            self.refused[refused.limit] += 1
        return refused

    def _pay(self, key: str, budget: Budget, cost: int, now_s: float) -> None:
        pay(budget, cost, self.options, now_s)
        if self.is_shared:
            self._untold[key] = budget
            if budget.untold_cost * 2 > self.options.slack_cost:
                self.wake()
        else:
            budget.untold_cost = 0


CROWD: Final = "*"
"""How the keys of shared budgets begin; no client's does."""
