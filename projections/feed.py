"""The embedded event source: a service's own outbox over HTTP, long-polled.

`GET /events?after=<cursor>&limit=&wait_s=` answers a batch of CloudEvents and the cursor to go on
from, and where it can, its place in the log and what that proves; else every answer proves that all
committed before it was asked for has been told. The HTTP client is a port: what talks HTTP lives
above this layer.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from http import HTTPStatus
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta, Raw, Struct

from projections.errors import CursorUnknown, SourceBroken
from projections.events import UNREADABLE, ParsedEvent, UnreadableEvent, parse_event
from projections.positions import NEVER_S, LogPlace, Partition, SourcePosition
from projections.store import EventBatch

LOG_BYTES: Final = 4
"""Of a log's number; one of four thousand million, and it is compared with few."""

MAX_PLACE: Final = 2**53 - 1
"""Shared stores count in doubles."""


class EventSource(Protocol):
    """The events of one partition in the order of their commits."""

    partition: Partition

    async def fetch(self, after: str | None) -> EventBatch:
        """The events after the cursor and the position behind them.

        ``is_caught_up`` of that position says whether this batch ends at the log's end. Waits a
        bounded time for the next event. A cursor other than the last one this source gave is
        checked against the log before anything is read from there.

        Raises a `SourceError`.
        """
        ...

    def recognise(self, cursor: str) -> None:
        """Let what is read from the start be told with places of the log in which ``cursor`` lies.

        Only where this is that log, which is looked at when the reading begins; else its places
        stay those of a log of its own. Nothing happens where logs tell who they are.
        """
        ...


class FeedHttp(Protocol):
    """The HTTP a feed needs. Raises `SourceUnavailable` when no answer with 200 or 410 came."""

    async def get(self, params: dict[str, str], *, timeout_s: float) -> tuple[int, bytes]:
        """Status (200 or 410) and body of ``GET /events``."""
        ...


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """How a feed is polled.

    ``batch_limit``: events asked at once (count, default 500, 1–1000): one apply takes a few ms.
    ``wait_s``: how long the service may hold a poll (s, default 1.0, 0–30): bounds the reported age
    of a quiet source, since only an answer proves that nothing happened.
    ``grace_s``: how much longer an answer may take before the source counts as gone (s, default 5).
    """

    batch_limit: int = 500
    wait_s: float = 1.0
    grace_s: float = 5.0


class _FeedAnswer(Struct):
    events: list[Raw]
    cursor: str
    remaining: int | None = None
    log: Annotated[str, Meta(min_length=1)] | None = None
    place: Annotated[int, Meta(ge=0, le=MAX_PLACE)] | None = None
    proven_at: Annotated[datetime, Meta(tz=True)] | None = msgspec.field(
        default=None, name="provenAt"
    )

    def places(self) -> Mapping[int, LogPlace]:
        """Where the answer ends in its log, as the only partition's; empty where it is not told."""
        if self.log is None or self.place is None:
            return {}
        return {0: LogPlace(number_of_log(self.log), self.place)}


_answers = msgspec.json.Decoder(_FeedAnswer)


def number_of_log(name: str) -> int:
    """The number by which a log of this name is known, the same in every process."""
    return int.from_bytes(blake2b(name.encode(), digest_size=LOG_BYTES).digest())


class FeedSource:
    """The `EventSource` over one service's ``/events``. ``wall_clock`` gives epoch seconds."""

    def __init__(
        self,
        name: str,
        http: FeedHttp,
        options: FeedOptions,
        *,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.partition = Partition(name)
        self._http = http
        self._options = options
        self._wall_clock = wall_clock

    async def fetch(self, after: str | None) -> EventBatch:
        asked_at_s = self._wall_clock()
        answer = await self._ask(after)
        events = tuple(self._parse(raw) for raw in answer.events)
        return EventBatch(self.partition, after, events, self._position(answer, asked_at_s))

    def recognise(self, cursor: str) -> None:
        """A feed tells its log by itself, or not at all."""

    def _parse(self, raw: Raw) -> ParsedEvent:
        event = parse_event(raw)
        if isinstance(event, UnreadableEvent):
            raise SourceBroken(self.partition.source, f"not an event: {event.reason}")
        return event

    async def _ask(self, after: str | None) -> _FeedAnswer:
        params = {"limit": str(self._options.batch_limit), "wait_s": str(self._options.wait_s)}
        if after is not None:
            params["after"] = after
        timeout_s = self._options.wait_s + self._options.grace_s
        status, body = await self._http.get(params, timeout_s=timeout_s)
        if status == HTTPStatus.GONE and after is not None:
            raise CursorUnknown(self.partition.source, "the log was made anew")
        try:
            return _answers.decode(body)
        except UNREADABLE as error:
            raise SourceBroken(self.partition.source, f"not a feed: {error}") from error

    def _position(self, answer: _FeedAnswer, asked_at_s: float) -> SourcePosition:
        """A position with the latest instant for which the answer proves the log was read out.

        That is when we asked: the service read its log after that, and how long it held the answer
        is known to it alone. A service that says itself what it proves may say less (what tells its
        events has stopped), and never more: its clock may be ahead of ours.
        """
        if answer.remaining is None:
            is_caught_up = len(answer.events) < self._options.batch_limit
        else:
            is_caught_up = answer.remaining == 0
        proven_at_s = self._proof(answer, asked_at_s) if is_caught_up else NEVER_S
        return SourcePosition(
            answer.cursor, proven_at_s, is_caught_up, answer.remaining, answer.places()
        )

    def _proof(self, answer: _FeedAnswer, asked_at_s: float) -> float:
        # A wall clock may be set back meanwhile; a proof is never from the future.
        proven_at_s = min(asked_at_s, self._wall_clock())
        told = answer.proven_at
        return proven_at_s if told is None else min(proven_at_s, told.timestamp())
