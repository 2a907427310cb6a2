"""The order service's own copy of others' facts: who is a customer, what a product costs.

The rule: rows and feed position are stored in one transaction, so the copy is always exactly the
feed up to that position, however the process ends. Placing an order reads this copy only; the
product service may be down, and a price change reaches new orders a moment later. Of customers it
keeps no more than their ids. Before a feed was read to its end once, the copy cannot say what does
not exist, so the service is not ready.
"""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Final

import httpx
from pydantic import BaseModel, BeforeValidator, ValidationError

from upstream_stubs.database import Database
from upstream_stubs.placing import Price
from upstream_stubs.resources import Id, Money

TABLES: Final = (
    (
        "CREATE TABLE replica (source TEXT NOT NULL, id TEXT NOT NULL, price TEXT, currency TEXT,"
        " PRIMARY KEY (source, id)) STRICT"
    ),
    (
        "CREATE TABLE followed (source TEXT PRIMARY KEY, cursor TEXT NOT NULL,"
        " is_caught_up INTEGER NOT NULL) STRICT"
    ),
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReplicaOptions:
    """How feeds are followed.

    ``event_count``: events asked at once (1–1000, default 500, the feed's own default).
    ``wait_s``: how long a poll may be held (s, 0–30, default 20: few requests on a quiet feed).
    ``grace_s``: how much longer an answer may take before it counts as lost (s, default 5).
    ``first_pause_s``, ``longest_pause_s``: the pause after a failure, doubled each time (s, 0.1
    to 2: a service that comes back is followed again within two seconds).
    """

    event_count: int = 500
    wait_s: float = 20.0
    grace_s: float = 5.0
    first_pause_s: float = 0.1
    longest_pause_s: float = 2.0


class FollowedState(BaseModel):
    """The part of a published state that is kept."""

    price: Money | None = None
    currency: str | None = None


class FollowedEvent(BaseModel):
    """The part of an event that is read; others are none of our business."""

    subject: Id
    tombstone: bool = False
    data: Annotated[FollowedState, BeforeValidator(lambda state: state or {})] = FollowedState()


class FollowedPage(BaseModel):
    """An answer of ``GET /events``; a feed that does not count what remains sends ``None``."""

    events: list[FollowedEvent]
    cursor: str
    remaining: int | None = None

    def is_the_last(self, event_count: int) -> bool:
        """Whether the feed had no more to tell."""
        if self.remaining is None:
            return len(self.events) < event_count
        return self.remaining == 0


class Replica:
    """The copy, and whether it is complete (``ready``)."""

    def __init__(
        self,
        database: Database,
        sources: Mapping[str, httpx.AsyncClient],
        options: ReplicaOptions = ReplicaOptions(),
    ) -> None:
        self.ready = asyncio.Event()
        self._database = database
        self._sources = sources
        self._options = options
        self._announce_readiness()

    def has_customer(self, id_: str) -> bool:
        sql = "SELECT 1 FROM replica WHERE source = 'customers' AND id = ?"
        return bool(self._database.rows(sql, id_))

    def prices_of(self, product_ids: Sequence[str]) -> dict[str, Price]:
        """The prices of these products; unknown ids are left out."""
        rows = self._database.rows(
            "SELECT id, price, currency FROM replica WHERE source = 'products'"
            " AND price IS NOT NULL AND id IN (SELECT value FROM json_each(?))",
            json.dumps(product_ids),
        )
        return {id_: Price(Decimal(price), currency) for id_, price, currency in rows}

    async def follow(self) -> None:
        """Follow all feeds until cancelled."""
        async with asyncio.TaskGroup() as group:
            for source, client in self._sources.items():
                group.create_task(self._follow_one(source, client), name=f"follow {source}")

    async def _follow_one(self, source: str, client: httpx.AsyncClient) -> None:
        pause_s = 0.0
        while True:
            try:
                await self.advance(source, client)
                pause_s = 0.0
            except (httpx.HTTPError, ValidationError) as error:
                if pause_s == 0.0:
                    log.warning("cannot follow %s, trying on: %s", source, type(error).__name__)
                options = self._options
                pause_s = min(2 * pause_s or options.first_pause_s, options.longest_pause_s)
                await asyncio.sleep(pause_s)

    async def advance(self, source: str, client: httpx.AsyncClient) -> None:
        """Read one page of a feed into the copy; waits for events when there are none."""
        options = self._options
        cursor = self._cursor_of(source)
        parameters = {"limit": str(options.event_count), "wait_s": str(options.wait_s)}
        if cursor is not None:
            parameters["after"] = cursor
        timeout_s = options.wait_s + options.grace_s
        response = await client.get("/events", params=parameters, timeout=timeout_s)
        if response.status_code == HTTPStatus.GONE:
            log.warning("the log of %s was made anew, reading it from its start", source)
            self._forget(source)
            return
        response.raise_for_status()
        self._apply(source, FollowedPage.model_validate_json(response.content))

    def _cursor_of(self, source: str) -> str | None:
        rows = self._database.rows("SELECT cursor FROM followed WHERE source = ?", source)
        return rows[0][0] if rows else None

    def _apply(self, source: str, page: FollowedPage) -> None:
        """Events of one aggregate come in order and no page is applied twice, so the last wins."""
        is_caught_up = page.is_the_last(self._options.event_count)
        with self._database.transaction():
            for event in page.events:
                self._apply_one(source, event)
            self._database.change(
                "INSERT INTO followed VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE"
                " SET cursor = ?2, is_caught_up = max(is_caught_up, ?3)",
                source,
                page.cursor,
                is_caught_up,
            )
        self._announce_readiness()

    def _apply_one(self, source: str, event: FollowedEvent) -> None:
        key = (source, event.subject)
        if event.tombstone:
            self._database.change("DELETE FROM replica WHERE source = ? AND id = ?", *key)
            return
        price = event.data.price
        self._database.change(
            "INSERT OR REPLACE INTO replica VALUES (?, ?, ?, ?)",
            *key,
            None if price is None else str(price),
            event.data.currency,
        )

    def _forget(self, source: str) -> None:
        with self._database.transaction():
            self._database.change("DELETE FROM replica WHERE source = ?", source)
            self._database.change("DELETE FROM followed WHERE source = ?", source)
        self._announce_readiness()

    def _announce_readiness(self) -> None:
        rows = self._database.rows("SELECT source FROM followed WHERE is_caught_up")
        if {source for (source,) in rows} >= set(self._sources):
            self.ready.set()
        else:
            self.ready.clear()
