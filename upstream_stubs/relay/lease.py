"""Who may publish: one relay at a time, by a lease that is a row of the service's own database.

The rule: whatever a relay writes, it writes in a transaction that has found the lease to be its
own. So one that was paused for too long and has been replaced can move nothing any more; the worst
it can do is to repeat events.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from upstream_stubs.database import Database
from upstream_stubs.outbox import utc_now
from upstream_stubs.resources import render_time

TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS relay_lease (id INTEGER PRIMARY KEY CHECK (id = 1),"
    " owner TEXT NOT NULL, expires_at TEXT NOT NULL) STRICT"
)

# Nobody can have asked for an end later than ours: such a lease was written before the clock was
# set back, and would bar everybody until the clock is there again.
TAKE: Final = (
    "INSERT INTO relay_lease VALUES (1, ?1, ?3) ON CONFLICT DO UPDATE"
    " SET owner = ?1, expires_at = ?3"
    " WHERE owner = ?1 OR expires_at <= ?2 OR expires_at > ?3"
)
RENEW: Final = "UPDATE relay_lease SET expires_at = ?2 WHERE owner = ?1"


class LeaseLost(Exception):
    """Another relay has taken over."""


class Lease:
    """One relay's claim to publish. ``length_s``: how long it holds unless it is renewed."""

    def __init__(
        self, database: Database, length_s: float, *, now: Callable[[], datetime] = utc_now
    ) -> None:
        self.database = database
        self._length_s = length_s
        self._now = now
        self._owner = str(uuid4())

    def take(self) -> bool:
        """Take the lease if it is free, run out or ours already; whether it is ours now."""
        with self.database.bookkeeping():
            now = render_time(self._now())
            return self.database.change(TAKE, self._owner, now, self._next_end()) == 1

    async def wait_until_taken(self) -> None:
        """Return once the lease is ours: when another relay gives it up, or lets it run out."""
        while True:
            given_up = self.database.committed.next_ring()
            if self.take():
                return
            try:
                async with asyncio.timeout(self._left_s()):
                    await given_up.wait()
            except TimeoutError:
                pass  # it may have run out

    async def keep(self) -> None:
        """Renew the lease three times in its length, until cancelled. Raises LeaseLost."""
        while True:
            await asyncio.sleep(self._length_s / 3)
            with self.transaction():
                self.database.change(RENEW, self._owner, self._next_end())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction of the lease's owner. Raises LeaseLost, and writes nothing, if we are not.

        A lease that has run out is still ours as long as nobody else has taken it.
        """
        with self.database.bookkeeping():
            if not self.database.rows("SELECT 1 FROM relay_lease WHERE owner = ?", self._owner):
                raise LeaseLost
            yield

    def release(self) -> None:
        """Give the lease up, if it is ours, and wake the relay that waits for it."""
        with self.database.transaction():
            self.database.change("DELETE FROM relay_lease WHERE owner = ?", self._owner)

    def _next_end(self) -> str:
        return render_time(self._now() + timedelta(seconds=self._length_s))

    def _left_s(self) -> float:
        """How long the present lease still holds; a millisecond more, which its text may lack."""
        rows = self.database.rows("SELECT expires_at FROM relay_lease")
        ends = [datetime.fromisoformat(expires_at) for (expires_at,) in rows]
        left_s = max(((end - self._now()).total_seconds() for end in ends), default=0.0)
        return min(max(left_s, 0.0), self._length_s) + 0.001
