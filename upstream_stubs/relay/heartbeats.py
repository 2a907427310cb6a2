"""Heartbeats: proof, for every partition, of how far the published log reaches in time.

The rule: a heartbeat is committed like an event, and is published where it stands in the order of
the commits: behind everything that was committed before its time. It is kept beside the outbox,
with the place that it follows, and not in it: so places stay without holes, and only a relay sees
it.

One is on its way at a time. So a relay that lags publishes old heartbeats, and its lag shows; if
newer ones took their place, it would publish none at all until it has caught up.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

from upstream_stubs.outbox import utc_now
from upstream_stubs.relay.lease import Lease
from upstream_stubs.resources import render_time

TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS heartbeat (id INTEGER PRIMARY KEY CHECK (id = 1),"
    " after_place INTEGER NOT NULL, event TEXT NOT NULL) STRICT"
)
BEAT: Final = "INSERT INTO heartbeat SELECT 1, coalesce(max(place), 0), ? FROM outbox"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """One on its way; it follows the outbox event at ``after_place``."""

    after_place: int
    event: str


def render_heartbeat(source: str, at: datetime) -> str:
    """The heartbeat as a CloudEvent without data."""
    attributes = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": source,
        "type": "outbox.heartbeat",
        "time": render_time(at),
    }
    return json.dumps(attributes, separators=(",", ":"))


class Heartbeats:
    """The heartbeats of one service. ``interval_s``: the least time between two; None: none."""

    def __init__(
        self,
        lease: Lease,
        source: str,
        interval_s: float | None,
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._lease = lease
        self._database = lease.database
        self._source = source
        self._interval_s = interval_s
        self._now = now
        self._last_at_s: float | None = None

    def on_its_way(self) -> Heartbeat | None:
        """The heartbeat that was not acknowledged yet."""
        rows = self._database.rows("SELECT after_place, event FROM heartbeat")
        return Heartbeat(*rows[0]) if rows else None

    def due_in_s(self) -> float | None:
        """How long until the next one is to be committed; None: not before this one is there."""
        if self._interval_s is None or self.on_its_way() is not None:
            return None
        if self._last_at_s is None:
            return 0.0
        return max(0.0, self._last_at_s + self._interval_s - asyncio.get_running_loop().time())

    def beat_if_due(self) -> None:
        """Commit the next heartbeat when it is time. Raises LeaseLost."""
        if self.due_in_s() != 0.0:
            return
        with self._lease.transaction():
            # The time is taken inside: what other transactions committed is behind us.
            self._database.change(BEAT, render_heartbeat(self._source, self._now()))
        self._last_at_s = asyncio.get_running_loop().time()

    def arrived(self) -> None:
        """Note that the heartbeat is on every partition. Only in the lease's transaction."""
        self._database.change("DELETE FROM heartbeat")
