"""The event feed: a service's outbox over HTTP, in commit order, long-polled.

The rule: a cursor is a place in one log. A cursor of another log is refused (410), because to go on
from it would silently skip events. Readers that are up to date wait for the next commit and are
woken by it; nobody polls the database. Each answer says what it proves, so that a relay that
stopped shows as age.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from upstream_stubs.database import Database
from upstream_stubs.outbox import utc_now
from upstream_stubs.problems import ProblemError, Refusal
from upstream_stubs.resources import render_time

DEFAULT_EVENT_COUNT: Final = 500
MAX_EVENT_COUNT: Final = 1000
MAX_WAIT_S: Final = 30.0
CURSOR_PATTERN: Final = re.compile(r"([0-9a-f]{12})-([0-9]{1,15})")

EventCount = Annotated[int, Query(ge=1, le=MAX_EVENT_COUNT)]
WaitSeconds = Annotated[float, Query(ge=0, le=MAX_WAIT_S, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class Page:
    """Some events of the log, the place behind the last of them, and how many lie after it.

    With none after it, all that was committed before ``proven_at`` has been told.
    """

    events: tuple[str, ...]
    log: str
    place: int
    remaining: int
    proven_at: datetime

    @property
    def cursor(self) -> str:
        """What to go on from."""
        return f"{self.log}-{self.place}"

    def render(self) -> str:
        """The answer, as the contract has it."""
        return (
            f'{{"events":[{",".join(self.events)}],"cursor":"{self.cursor}",'
            f'"remaining":{self.remaining},"log":"{self.log}","place":{self.place},'
            f'"provenAt":"{render_time(self.proven_at)}"}}'
        )


@dataclass(frozen=True, slots=True)
class _End:
    """The end of what is shown of the log, and before when all commits are in it."""

    place: int
    proven_at: datetime


class Feed:
    """What readers may see of one service's outbox. ``now`` is the service's clock."""

    def __init__(self, database: Database, *, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._now = now
        self._held: _End | None = None
        self._is_open = True

    def hold(self) -> None:
        """Act as a relay that stopped: commits go on, but nothing is told or proven from now on."""
        if self._held is None:
            self._held = self._end()

    def release(self) -> None:
        """Show everything again, at once also to those who wait."""
        self._held = None
        self._database.committed.ring()

    def close(self) -> None:
        """Send everybody who waits away, because the service stops."""
        self._is_open = False
        self._database.committed.ring()

    def read_after(self, cursor: str | None, event_count: int) -> Page:
        """The next events after ``cursor`` (None: from the start of the log).

        Raises ProblemError for a cursor of another log.
        """
        place = self._place_of(cursor)
        end = self._held or self._end()
        rows = self._database.rows(
            "SELECT event FROM outbox WHERE place > ? AND place <= ? ORDER BY place LIMIT ?",
            place,
            end.place,
            event_count,
        )
        place += len(rows)  # places have no holes: each is one row, in commit order
        events = tuple(event for (event,) in rows)
        remaining = max(0, end.place - place)
        return Page(events, self._database.log_id, place, remaining, end.proven_at)

    async def wait_after(self, cursor: str | None, event_count: int, wait_s: float) -> Page:
        """As ``read_after``, but waits up to ``wait_s`` for the first event to come."""
        try:
            async with asyncio.timeout(wait_s):
                return await self._first_events_after(cursor, event_count)
        except TimeoutError:
            return self.read_after(cursor, event_count)

    async def _first_events_after(self, cursor: str | None, event_count: int) -> Page:
        while self._is_open:
            commit = self._database.committed.next_ring()
            page = self.read_after(cursor, event_count)
            if page.events:
                return page
            await commit.wait()
        raise ProblemError(Refusal.STOPPING, "read on when it is back", retry_after_s=1)

    def _place_of(self, cursor: str | None) -> int:
        if cursor is None:
            return 0
        match = CURSOR_PATTERN.fullmatch(cursor)
        if match is None or match[1] != self._database.log_id or int(match[2]) > self._head():
            raise ProblemError(
                Refusal.CURSOR_UNKNOWN, "read this log from its start", field="after"
            )
        return int(match[2])

    def _end(self) -> _End:
        """The end as it is now. Nothing is committed between the two looks: neither awaits."""
        return _End(self._head(), self._now())

    def _head(self) -> int:
        [(head,)] = self._database.rows("SELECT coalesce(max(place), 0) FROM outbox")
        place: int = head
        return place


def feed_router(feed: Feed) -> APIRouter:
    """``GET /events``."""
    router = APIRouter()

    @router.get("/events")
    async def read_events(
        after: str | None = None,
        limit: EventCount = DEFAULT_EVENT_COUNT,
        wait_s: WaitSeconds = 0.0,
    ) -> Response:
        page = await feed.wait_after(after, limit, wait_s)
        return Response(page.render(), media_type="application/json")

    return router
