"""A service's `GET /events` by hand: a log, its long poll, and whatever else it is told to answer.

`tests/contracts/test_source_contract.py` keeps it to what the real services do.
"""

import asyncio
import json
from collections import deque
from dataclasses import replace
from itertools import count

from projections.errors import ProjectionError
from projections.feed import number_of_log
from projections.positions import LogPlace, SourcePosition
from projections.views import Row
from tests.builders.rows import cloud_event, position

Answer = tuple[int, bytes]

GONE: Answer = (410, b'{"code": "cursor-unknown"}')

_log_numbers = count(1)


def an_answer(
    *events: object, cursor: str = "log-1", remaining: int | None = None, **told: object
) -> tuple[int, bytes]:
    """An answer of a feed with these events, and whatever else it tells."""
    if remaining is not None:
        told["remaining"] = remaining
    return 200, json.dumps({"events": events, "cursor": cursor, **told}).encode()


class FakeFeed:
    """`projections.feed.FeedHttp` over a log in memory.

    ``asked`` are the parameters of every request so far; ``next_answers`` are given before the
    log is looked at, exceptions raised.
    """

    def __init__(self, *rows: Row) -> None:
        self.asked: list[dict[str, str]] = []
        self.timeouts_s: list[float] = []
        self.next_answers: deque[Answer | ProjectionError] = deque()
        self.start_anew()
        self.commit(*rows)

    @property
    def cursors_asked(self) -> list[str | None]:
        return [params.get("after") for params in self.asked]

    def cursor_at(self, place: int) -> str:
        return f"{self._log_id}-{place}"

    @property
    def end(self) -> SourcePosition:
        """Where a reader stands who has just read it out."""
        offset = len(self._log)
        place = LogPlace(number_of_log(self._log_id), offset)
        return replace(position(self.cursor_at(offset)), places={0: place})

    def commit(self, *rows: Row) -> None:
        """Write an event for each row, and wake who polls."""
        self.write(*map(cloud_event, rows))

    def write(self, *events: object) -> None:
        self._log += events
        self._committed.set()

    def start_anew(self) -> None:
        """Lose the log, as a service does that was restored."""
        self._log_id = f"log{next(_log_numbers)}"
        self._log: list[object] = []
        self._committed = asyncio.Event()

    async def get(self, params: dict[str, str], *, timeout_s: float) -> Answer:
        self.asked.append(params)
        self.timeouts_s.append(timeout_s)
        if self.next_answers:
            answer = self.next_answers.popleft()
            if isinstance(answer, ProjectionError):
                raise answer
            return answer
        return await self._read(params.get("after"), int(params["limit"]), float(params["wait_s"]))

    async def _read(self, after: str | None, limit: int, wait_s: float) -> Answer:
        log_id, log = self._log_id, self._log
        asked_id, _, place = (after or self.cursor_at(0)).rpartition("-")
        if asked_id != log_id:
            return GONE
        start = int(place)
        if start == len(log):
            await self._wait_for_commit(wait_s)
        events = log[start : start + limit]
        end = start + len(events)
        remaining = len(log) - end
        return an_answer(
            *events, cursor=f"{log_id}-{end}", remaining=remaining, log=log_id, place=end
        )

    async def _wait_for_commit(self, wait_s: float) -> None:
        self._committed.clear()
        try:
            async with asyncio.timeout(wait_s):
                await self._committed.wait()
        except TimeoutError:
            return
