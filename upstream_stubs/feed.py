"""The event feed: a service's outbox over HTTP, in commit order, long-polled.

The rule: a cursor is a place in one log. A cursor of another log is refused (410), because to go on
from it would silently skip events. Readers that are up to date wait for the next commit and are
woken by it; nobody polls the database.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Query, Response

from upstream_stubs.database import Database
from upstream_stubs.problems import ProblemError, Refusal

DEFAULT_EVENT_COUNT: Final = 500
MAX_EVENT_COUNT: Final = 1000
MAX_WAIT_S: Final = 30.0
CURSOR_PATTERN: Final = re.compile(r"([0-9a-f]{12})-([0-9]{1,15})")

EventCount = Annotated[int, Query(ge=1, le=MAX_EVENT_COUNT)]
WaitSeconds = Annotated[float, Query(ge=0, le=MAX_WAIT_S, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class Page:
    """Some events of the log, the cursor behind the last of them, and how many lie after it."""

    events: tuple[str, ...]
    cursor: str
    remaining: int

    def render(self) -> str:
        events = ",".join(self.events)
        return f'{{"events":[{events}],"cursor":"{self.cursor}","remaining":{self.remaining}}}'


class Feed:
    """What readers may see of one service's outbox."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held_at: int | None = None
        self._is_open = True

    def hold(self) -> None:
        """Act as a relay that stopped: commits go on, but readers see no event from now on."""
        if self._held_at is None:
            self._held_at = self._head()

    def release(self) -> None:
        """Show everything again, at once also to those who wait."""
        self._held_at = None
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
        end = self._visible_head()
        rows = self._database.rows(
            "SELECT event FROM outbox WHERE place > ? AND place <= ? ORDER BY place LIMIT ?",
            place,
            end,
            event_count,
        )
        place += len(rows)  # places have no holes: each is one row, in commit order
        events = tuple(event for (event,) in rows)
        return Page(events, f"{self._database.log_id}-{place}", max(0, end - place))

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

    def _visible_head(self) -> int:
        return self._head() if self._held_at is None else self._held_at

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
