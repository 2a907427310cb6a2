"""Gateways over one store tell each other what clients have paid, so that a limit is one limit.

No request waits for it: each gateway decides by what it knows, and what it was paid is told in one
call for all clients, ten times a second and as soon as one has paid half of the slack. Until the
others know of it, a client pays a gateway no more than the slack; so N gateways together let nobody
have more than the limit and N times the slack. While the store does not answer, each gateway
limits by itself: N times the limit, and nobody is refused for it.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from hashlib import blake2b
from typing import Final, Protocol

from gateway.admission.budgets import Budgets
from projections.errors import StoreUnavailable

PERIOD_S: Final = 0.1
"""Between two calls (s), unless somebody is in a hurry."""

AWAY_S: Final = 1.0
"""Between two looks whether a store that did not answer is there again (s)."""

CLIENTS_PER_CALL: Final = 500
"""Clients of one call (count), of which the server works on nothing else: some 2 ms."""


class SharedDebts(Protocol):
    """Debts that time pays back, of all gateways together."""

    async def add(self, debts_s: Mapping[str, float], *, longest_s: float) -> Mapping[str, float]:
        """Add to these debts (s); how much is left of each. Raises `StoreUnavailable`."""
        ...


class BudgetSharing:
    """One gateway's part in it."""

    def __init__(self, budgets: Budgets) -> None:
        self._budgets = budgets
        self._is_urgent = asyncio.Event()

    async def run(self, debts: SharedDebts) -> None:
        """Tell and learn, until cancelled."""
        self._budgets.wake = self._is_urgent.set
        while True:
            try:
                await self.tell(debts)
            except StoreUnavailable:
                self._budgets.is_shared = False
                await asyncio.sleep(AWAY_S)
                continue
            self._budgets.is_shared = True
            await self._pause()

    async def tell(self, debts: SharedDebts) -> None:
        """Tell what is untold, once; raises `StoreUnavailable`, and then it still is.

        Where nothing is, the store is only asked while nobody knows whether it answers.
        """
        told = self._budgets.untold(CLIENTS_PER_CALL)
        if self._budgets.is_shared and not told:
            return
        options = self._budgets.options
        paid_s = {_digest(key): cost / options.per_second_cost for key, cost in told.items()}
        left_s = await debts.add(paid_s, longest_s=2 * options.burst_s)
        for key, cost in told.items():
            self._budgets.learn(key, cost, left_s[_digest(key)])

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(PERIOD_S):
                await self._is_urgent.wait()
        self._is_urgent.clear()


def _digest(key: str) -> str:
    """The client's key as the store knows it: of one length, and telling nobody who she is."""
    return blake2b(key.encode(errors="replace"), digest_size=16).hexdigest()
