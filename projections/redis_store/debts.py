"""Debts that time pays back, of all processes over the store's server together.

A debt is a stretch of time: whoever adds to it is told how much is left of it, by the server's own
clock. Nobody relies on it: what a server loses is forgiven, and what is told twice is owed twice.
"""

from collections.abc import Mapping

import msgspec

from projections.errors import StoreUnavailable
from projections.redis_store.link import Link
from projections.redis_store.scripts import DEBTS


class Debts:
    """Those of one name. ``timeout_s`` bounds a call."""

    def __init__(self, link: Link, name: str, *, timeout_s: float) -> None:
        self._link = link
        self._name = name
        self._timeout_s = timeout_s

    async def add(self, debts_s: Mapping[str, float], *, longest_s: float) -> Mapping[str, float]:
        """Add to these debts (s), none of which is ever longer; how much is left of each (s).

        Keys are of letters and digits. Raises `StoreUnavailable`, after which it may have been
        added or not.
        """
        packed = msgspec.msgpack.encode((self._name, longest_s, list(debts_s.items())))
        left = await self._link.write(DEBTS, packed, timeout_s=self._timeout_s)
        if not isinstance(left, list) or len(left) != len(debts_s):
            raise StoreUnavailable("an answer that is none")
        told_ms = [one for one in left if isinstance(one, int)]
        return {key: ms / 1000 for key, ms in zip(debts_s, told_ms, strict=True)}
