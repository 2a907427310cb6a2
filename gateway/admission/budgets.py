"""The budgets of all clients, in bounded memory.

The rule: nobody gets rid of what she owes by making us forget it. A budget is forgotten when it was
not touched for so long that it owes nothing, never to make room. Where there is no room for one
more, newcomers share some budgets, picked by a hash that nobody outside can foresee.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
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


CROWD: Final = "*"
"""How the keys of shared budgets begin; no client's does."""


@dataclass(slots=True)
class Account(Budget):
    """A client's budget, and the client; several, where there was no room for more."""

    key: str = ""


@dataclass(slots=True)
class Lease:
    """What one request holds of a client's budget while it waits and runs. Close it."""

    _budgets: "Budgets"
    _account: Account
    _reserved_cost: int = 0

    def raise_to(self, cost: int) -> Overdrawn | None:
        """Hold ``cost`` at least, or say why not: then what was held before still is."""
        more_cost = cost - self._reserved_cost
        if more_cost <= 0:
            return None
        overdrawn = self._budgets.reserve(self._account, more_cost)
        if overdrawn is None:
            self._reserved_cost = cost
        return overdrawn

    def close(self, paid_cost: int) -> None:
        """Hold nothing more; it has cost so much."""
        self._budgets.pay(self._account, paid_cost)
        release(self._account, self._reserved_cost)
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
        self._cost_s = 1 / options.per_second_cost
        self._burst_s = options.burst_s
        self._young: dict[str, Account] = {}
        self._old: dict[str, Account] = {}
        self._ages_at_s = -math.inf
        self._untold: dict[str, Account] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def charge(self, key: str, cost: int) -> Overdrawn | None:
        """Pay for what is at hand, or say why not. Costs half a microsecond."""
        now_s = self._now_s()
        account = self._young.get(key)
        if account is None or now_s >= self._ages_at_s:
            account = self._found(key, now_s)
        # Here the work of `rate` is written out: nearly every answer comes by.
        begin_s = max(account.paid_back_at_s, now_s)
        end_s = begin_s + cost * self._cost_s
        if self.is_shared or end_s + account.reserved_cost * self._cost_s > now_s + self._burst_s:
            return self._charge(account, cost, now_s)
        account.paid_back_at_s = end_s
        return None

    def _charge(self, account: Account, cost: int, now_s: float) -> Overdrawn | None:
        overdrawn = refusal_of(account, cost, self.options, now_s)
        if overdrawn is None and self.is_shared:
            overdrawn = self._slack_refusal(account, cost)
        if overdrawn is not None:
            return self._counted(overdrawn)
        self._pay(account, cost, now_s)
        return None

    def open(self, key: str) -> Lease | Overdrawn:
        """Let a request in that nobody has read, or say why not."""
        lease = Lease(self, self._account(key, self._now_s()))
        return lease.raise_to(self.options.entry_cost) or lease

    def reserve(self, account: Account, cost: int) -> Overdrawn | None:
        """Hold so much more; see `Lease`."""
        overdrawn = self._slack_refusal(account, cost) if self.is_shared else None
        overdrawn = overdrawn or reserve(account, cost, self.options, self._now_s())
        return None if overdrawn is None else self._counted(overdrawn)

    def pay(self, account: Account, cost: int) -> None:
        """Pay for what has been done already."""
        self._pay(account, cost, self._now_s())

    def left(self, key: str) -> tuple[int, float]:
        """The cost that is left, and the seconds until all of it is there again."""
        now_s, options = self._now_s(), self.options
        owed_cost = owed(self._account(key, now_s), options, now_s)
        return max(0, int(options.burst_cost - owed_cost)), owed_cost / options.per_second_cost

    def untold(self, limit: int) -> Mapping[str, int]:
        """What ``limit`` clients, at most, have paid that nobody else knows of."""
        return {key: one.untold_cost for key, one in islice(self._untold.items(), limit)}

    def learn(self, key: str, told_cost: int, debt_s: float) -> None:
        """``told_cost`` of `untold` is known to all now, who say what the client owes them (s)."""
        account = self._untold.get(key)
        if account is None:
            return
        account.untold_cost = max(0, account.untold_cost - told_cost)
        if not account.untold_cost:
            del self._untold[key]
        learn(account, debt_s, self.options, self._now_s())

    def _account(self, key: str, now_s: float) -> Account:
        account = self._young.get(key)
        if account is None or now_s >= self._ages_at_s:
            account = self._found(key, now_s)
        return account

    def _found(self, key: str, now_s: float) -> Account:
        if now_s >= self._ages_at_s:
            self._old, self._young = self._young, {}
            self._ages_at_s = now_s + max(TOUCHED_S, 2 * self.options.burst_s)
        account = self._young.get(key) or self._old.pop(key, None)
        if account is None:
            if len(self) >= self.options.client_limit and not key.startswith(CROWD):
                return self._found(f"{CROWD}{hash(key) % self.options.shared_count}", now_s)
            account = Account(key=key)
        self._young[key] = account
        return account

    def _slack_refusal(self, account: Account, cost: int) -> Overdrawn | None:
        """Where the others must hear first what she has paid here."""
        unheard_cost = account.untold_cost + account.reserved_cost
        if not unheard_cost or unheard_cost + cost <= self.options.slack_cost:
            return None
        self.wake()
        return Overdrawn(RateLimit.RATE, SOON_S)

    def _counted(self, overdrawn: Overdrawn) -> Overdrawn:
        self.refused[overdrawn.limit] += 1
        return overdrawn

    def _pay(self, account: Account, cost: int, now_s: float) -> None:
        pay(account, cost, self.options, now_s)
        if not self.is_shared:
            account.untold_cost = 0
        elif not account.key.startswith(CROWD):
            self._untold[account.key] = account
            if account.untold_cost * 2 > self.options.slack_cost:
                self.wake()
