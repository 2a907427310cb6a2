"""Owners' answers, kept for a moment, so that readers of the same row do not all ask.

Fresh is meant as in RFC 9111, and counted from when the owner was asked, not from when the answer
came: what is shown was the owner's state at most ``fresh_s`` ago. A row is replaced only by a newer
version, so a late answer undoes nothing; and as it is as old as its question, it has gone stale
before the newer one that it missed is forgotten. Failures are never kept.

Kept by aiocache's memory. Its own compare-and-set will not do: it compares for equality rather than
by version, and lets any first fill win. So look and put are one step of ours. They are awaited, but
never wait: without a timeout its memory does not give up the turn (a test proves it).
"""

import asyncio
import math
from collections import OrderedDict
from collections.abc import Mapping
from typing import Protocol

from aiocache import SimpleMemoryCache

from projections.versions import AggregateKey, Version
from projections.views import Row
from resolvers.upstream.errors import UpstreamError
from resolvers.upstream.live_demand import Heard, LiveDemand, Question, RowAnswer
from resolvers.upstream.options import SharingOptions


class Memory(Protocol):
    """What is used of aiocache, which declares no types."""

    async def get(self, key: str) -> Heard | None: ...

    async def set(self, key: str, value: Heard, ttl: float) -> bool: ...

    async def delete(self, key: str) -> int: ...


class ResponseCache:
    """The newest answers by key, bounded; the one put longest ago leaves first."""

    def __init__(self, options: SharingOptions) -> None:
        self._options = options
        # With its default timeout every call would be a task, and a turn given up.
        self._memory: Memory = SimpleMemoryCache(timeout=None)
        self._put_at_s: OrderedDict[AggregateKey, float] = OrderedDict()
        self._forgotten_at_s = -math.inf

    async def find(self, demands: Mapping[Question, LiveDemand]) -> dict[Question, Heard]:
        """What is fresh and covers its demand, for those who may share."""
        found: dict[Question, Heard] = {}
        for question, demand in demands.items():
            held = await self._memory.get(str(question.key)) if demand.may_share else None
            if held and self._is_fresh(held) and demand.is_covered_by(held.answer):
                found[question] = held
        return found

    async def fill(
        self, answers: Mapping[Question, RowAnswer], *, asked_at_s: float
    ) -> set[AggregateKey]:
        """Keep what is newer than what is held; return of which rows a newer version was heard.

        ``asked_at_s`` is when their call began.
        """
        return {
            question.key
            for question, answer in answers.items()
            if not isinstance(answer, UpstreamError)
            and await self._put(question.key, Heard(answer, asked_at_s))
        }

    async def put_newer(self, row: Row) -> bool:
        """Keep a row just heard of elsewhere, if it is newer; return whether it is."""
        return await self._put(row.key, Heard(row, _now_s()))

    def _is_fresh(self, held: Heard) -> bool:
        options = self._options
        fresh_s = options.absent_fresh_s if held.answer is None else options.fresh_s
        return _now_s() < held.asked_at_s + fresh_s

    async def _put(self, key: AggregateKey, heard: Heard) -> bool:
        """Keep it, if it may be kept; return whether it is a newer version than is held."""
        held = await self._memory.get(str(key))
        if self._options.fresh_s and self._may_keep(heard, held):
            await self._memory.set(str(key), heard, self._options.fresh_s)
            await self._make_room_after(key)
        at, held_at = _version_of(heard), _version_of(held)
        return at is not None and (held_at is None or at > held_at)

    def _may_keep(self, heard: Heard, held: Heard | None) -> bool:
        # What was asked before a forgotten answer was put may be older than that.
        return replaces(heard, held) if held else heard.asked_at_s > self._forgotten_at_s

    async def _make_room_after(self, key: AggregateKey) -> None:
        self._put_at_s[key] = _now_s()
        self._put_at_s.move_to_end(key)
        if len(self._put_at_s) > self._options.entry_limit:
            oldest, self._forgotten_at_s = self._put_at_s.popitem(last=False)
            await self._memory.delete(str(oldest))


def replaces(heard: Heard, held: Heard) -> bool:
    """Is this newer than what is held, or as new and confirmed later? Pure.

    Absence has no version. So it never takes the place of a row, which leaves by itself in a
    moment; and a row takes its place only if it was asked for later: else it may be the very row
    that has been deleted.
    """
    at, held_at = _version_of(heard), _version_of(held)
    if held_at is None:
        return heard.asked_at_s >= held.asked_at_s
    return at is not None and (at, heard.asked_at_s) > (held_at, held.asked_at_s)


def _version_of(heard: Heard | None) -> Version | None:
    if heard is None or heard.answer is None or isinstance(heard.answer, UpstreamError):
        return None
    return heard.answer.at


def _now_s() -> float:
    return asyncio.get_running_loop().time()
