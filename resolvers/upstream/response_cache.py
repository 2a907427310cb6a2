"""Owners' answers, kept for a moment, so that readers of the same row do not all ask.

The words are those of RFC 9111 and 5861, and every time is counted from when the owner was asked,
not from when the answer came:

| age | a reader who may share, and whose demand it covers |
| --- | --- |
| up to ``fresh_s`` | is shown it |
| then, for ``while_revalidate_s`` | is shown it, while one call in the background asks anew |
| up to ``if_error_s`` | is offered it beside the failure, where the owner fails |

A row is replaced only by a newer version, so a late answer undoes nothing; and as it is as old as
its question, it has gone stale before the newer one that it missed is forgotten. Failures are never
kept. An absence is never stale: nobody is told for long that something is not there. It does not
take the place of a row either, since it has no version to compare; but a row that its owner has
denied after it was told is not shown any more once it has gone stale.

Kept by aiocache's memory. Its own compare-and-set will not do: it compares for equality rather than
by version, and lets any first fill win. So look and put are one step of ours. They are awaited, but
never wait: its memory does not give up the turn (a test proves it).
"""

import asyncio
import math
import random
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

from aiocache import SimpleMemoryCache
from msgspec import Struct
from msgspec.structs import replace

from projections.versions import AggregateKey, Version
from projections.views import Row
from resolvers.upstream.errors import UpstreamError
from resolvers.upstream.live_demand import Heard, Kept, LiveDemand, Question, RowAnswer
from resolvers.upstream.options import SharingOptions


class Entry(Struct, frozen=True):
    """One answer. ``refresh_at_s``: from when on it is asked for anew, if anybody looks.

    ``denied_at_s``: when its owner was asked and said that there is no such row.
    """

    heard: Heard
    refresh_at_s: float
    denied_at_s: float = -math.inf

    @property
    def row(self) -> Row | None:
        """The row, as long as its owner has not denied it since."""
        answer = self.heard.answer
        if isinstance(answer, UpstreamError) or self.denied_at_s > self.heard.asked_at_s:
            return None
        return answer


class Memory(SimpleMemoryCache):  # type: ignore[misc]  # aiocache declares no types
    """aiocache's memory as its own parts see it.

    Its public methods look at the environment, at plugins and at a timeout, three coroutines a
    call: half of what it costs to share a read. Nothing leaves it by time: what is too old is not
    shown, and what was put long ago is pushed out.
    """

    async def held(self, keys: Iterable[AggregateKey]) -> list[Entry | None]:
        """What is kept of each."""
        found: list[Entry | None] = await self._multi_get(keys)
        return found

    async def put(self, entries: Mapping[AggregateKey, Entry]) -> None:
        """Keep these from now on."""
        await self._multi_set(entries.items())

    def drop(self, key: AggregateKey) -> None:
        """Keep it no more. Nothing here has a time to live, so nothing else need be undone."""
        self._cache.pop(key, None)


class ResponseCache:
    """The newest answers by key, bounded; the one put longest ago leaves first.

    ``chance`` draws a number from 0 to 1.
    """

    def __init__(
        self, options: SharingOptions, *, chance: Callable[[], float] = random.random
    ) -> None:
        self._options = options
        self._chance = chance
        self._memory = Memory()
        self._put_at_s: OrderedDict[AggregateKey, float] = OrderedDict()
        self._forgotten_at_s = -math.inf

    async def find(self, demands: Mapping[Question, LiveDemand]) -> dict[Question, Heard]:
        """What is fresh and covers its demand, for those who may share."""
        entries = await self._entries(demands)
        return {question: e.heard for question, e in entries.items() if self._is_fresh(e.heard)}

    async def find_due(self, demands: Mapping[Question, LiveDemand]) -> dict[Question, Heard]:
        """Likewise rows that are to be asked for anew, and shown meanwhile."""
        now_s, shown_s = _now_s(), self._options.shown_s
        return {
            question: entry.heard
            for question, entry in (await self._entries(demands)).items()
            if entry.row is not None and entry.refresh_at_s <= now_s < _age_out(entry, shown_s)
        }

    async def find_kept(self, demands: Mapping[Question, LiveDemand]) -> dict[Question, Kept]:
        """Likewise rows that may be shown where their owner fails."""
        now_s, limit_s = _now_s(), self._options.if_error_s
        return {
            question: Kept(entry.row, entry.heard.asked_at_s)
            for question, entry in (await self._entries(demands)).items()
            if entry.row is not None and now_s < _age_out(entry, limit_s)
        }

    async def fill(
        self, answers: Mapping[Question, RowAnswer], *, asked_at_s: float
    ) -> set[AggregateKey]:
        """Keep what is newer than what is held; return of which rows a newer version was heard.

        ``asked_at_s`` is when their call began.
        """
        heard = {
            question.key: Heard(answer, asked_at_s)
            for question, answer in answers.items()
            if not isinstance(answer, UpstreamError)
        }
        return await self._put(heard) if heard else set()

    async def put_newer(self, row: Row) -> bool:
        """Keep a row just heard of elsewhere, if it is newer; return whether it is."""
        return bool(await self._put({row.key: Heard(row, _now_s())}))

    async def _entries(self, demands: Mapping[Question, LiveDemand]) -> dict[Question, Entry]:
        """What is kept and covers its demand, for those who may share; however old."""
        shared = [question for question, demand in demands.items() if demand.may_share]
        held = await self._memory.held([question.key for question in shared]) if shared else []
        return {
            question: entry
            for question, entry in zip(shared, held, strict=True)
            if entry is not None and demands[question].is_covered_by(entry.heard.answer)
        }

    def _is_fresh(self, heard: Heard) -> bool:
        options = self._options
        fresh_s = options.absent_fresh_s if heard.answer is None else options.fresh_s
        return _now_s() < heard.asked_at_s + fresh_s

    async def _put(self, heard: Mapping[AggregateKey, Heard]) -> set[AggregateKey]:
        """Keep what may be kept; return of which a newer version was heard than is held."""
        newer: set[AggregateKey] = set()
        kept: dict[AggregateKey, Entry] = {}
        held = await self._memory.held(heard)
        is_anything_kept = self._options.keep_s > 0
        for (key, said), entry in zip(heard.items(), held, strict=True):
            at, held_at = _version_of(said), _version_of(None if entry is None else entry.heard)
            if at is not None and (held_at is None or at > held_at):
                newer.add(key)
            if is_anything_kept and (new := self._entry_after(entry, said)) is not None:
                kept[key] = new
        if kept:
            await self._memory.put(kept)
            self._make_room_after(kept)
        return newer

    def _entry_after(self, entry: Entry | None, heard: Heard) -> Entry | None:
        """What is to be kept from now on; None where what is held stays as it is."""
        if entry is None:
            # What was asked before a forgotten answer was put may be older than that.
            is_late = heard.asked_at_s <= self._forgotten_at_s
            return None if is_late else Entry(heard, self._refresh_at_s(heard))
        if replaces(heard, entry.heard):
            return Entry(heard, self._refresh_at_s(heard), entry.denied_at_s)
        if heard.answer is None and heard.asked_at_s > entry.denied_at_s:
            return replace(entry, denied_at_s=heard.asked_at_s)
        return None

    def _refresh_at_s(self, heard: Heard) -> float:
        """Where nothing is shown while it is asked for anew, nothing is asked for anew."""
        options = self._options
        if not options.while_revalidate_s:
            return math.inf
        early_s = options.fresh_s * options.early_refresh_ratio * self._chance()
        return heard.asked_at_s + options.fresh_s - early_s

    def _make_room_after(self, keys: Iterable[AggregateKey]) -> None:
        now_s = _now_s()
        for key in keys:
            self._put_at_s[key] = now_s
            self._put_at_s.move_to_end(key)
        while len(self._put_at_s) > self._options.entry_limit:
            oldest, self._forgotten_at_s = self._put_at_s.popitem(last=False)
            self._memory.drop(oldest)


def replaces(heard: Heard, held: Heard) -> bool:
    """Is this newer than what is held, or as new and confirmed later? Pure.

    Absence has no version. So it never takes the place of a row; and a row takes its place only if
    it was asked for later: else it may be the very row that has been deleted.
    """
    at, held_at = _version_of(heard), _version_of(held)
    if held_at is None:
        return heard.asked_at_s >= held.asked_at_s
    return at is not None and (at, heard.asked_at_s) > (held_at, held.asked_at_s)


def _age_out(entry: Entry, after_s: float) -> float:
    """When (s of the loop) the entry is so old."""
    return entry.heard.asked_at_s + after_s


def _version_of(heard: Heard | None) -> Version | None:
    answer = None if heard is None else heard.answer
    return None if answer is None or isinstance(answer, UpstreamError) else answer.at


def _now_s() -> float:
    return asyncio.get_running_loop().time()
