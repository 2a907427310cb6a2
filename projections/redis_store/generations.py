"""Generations in Redis: a number in every key, so that one is dropped by unlinking four keys."""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from projections.errors import GenerationMissing, PositionMoved
from projections.generations import GenerationCounts
from projections.positions import Partition
from projections.redis_store.connections import Argument, Reply
from projections.redis_store.link import Link
from projections.redis_store.options import RedisOptions
from projections.redis_store.reads import ACTIVE, Target
from projections.redis_store.scripts import (
    COUNTS,
    DROP,
    FLIP,
    GENERATIONS,
    ROLL_BACK,
    SAMPLE,
    Script,
)
from projections.redis_store.values import TYPES, pack
from projections.redis_store.writes import new_incarnation
from projections.versions import AggregateKey

BEFORE, NEXT = -1, 1
"""Where a generation is, seen from the active one."""


class RedisGeneration:
    """What can be counted and drawn of one generation, active or not."""

    def __init__(self, link: Link, options: RedisOptions, target: Target = ACTIVE) -> None:
        self._link = link
        self._timeout_s = options.write_timeout_s
        self._target = target or False

    async def counts(self, source: str) -> GenerationCounts:
        reply = await self._ask(COUNTS, source)
        return GenerationCounts(*msgspec.convert(reply, tuple[int, int, int]))

    async def sample(self, source: str, count: int) -> Sequence[AggregateKey]:
        reply = await self._ask(SAMPLE, source, count)
        [aggregate_type] = (of for of in TYPES if of.source == source)
        ids = msgspec.convert(reply, list[bytes])
        return [AggregateKey(aggregate_type, packed_id.decode()) for packed_id in ids]

    async def _ask(self, script: Script, source: str, *arguments: object) -> Reply:
        argument = pack((self._target, source, *arguments))
        reply = await self._link.read(script, argument, timeout_s=self._timeout_s)
        if reply is None:
            raise GenerationMissing(source)
        return reply


class RedisGenerations:
    """Changes which generations are active, and drops those that are not."""

    def __init__(self, link: Link, options: RedisOptions) -> None:
        self._link = link
        self._timeout_s = options.write_timeout_s

    async def next_of(self, sources: Collection[str]) -> Target:
        """The generations being built of ``sources``, whether or not they have begun."""
        reply = await self._link.read(GENERATIONS, timeout_s=self._timeout_s)
        active = {name.decode(): number for name, number in _pairs(reply)}
        return {source: active[source] + NEXT for source in sources}

    async def flip(self, expected: Mapping[Partition, str]) -> None:
        cursors: dict[str, dict[str, str]] = {}
        for partition, cursor in expected.items():
            cursors.setdefault(partition.source, {})[str(partition.index)] = cursor
        match await self._write(FLIP, pack((new_incarnation(), cursors))):
            case [bytes(source), bytes(index)]:
                known = {(p.source, p.index): p for p in expected}
                place = source.decode(), int(index)
                raise PositionMoved(known.get(place, Partition(*place)))
            case [bytes(source)]:
                raise GenerationMissing(source.decode())

    async def roll_back(self, sources: Collection[str]) -> None:
        match await self._write(ROLL_BACK, pack((new_incarnation(), list(sources)))):
            case [bytes(source)]:
                raise GenerationMissing(source.decode())

    async def drop(self, place: int, sources: Collection[str]) -> None:
        """Drop the generations of ``sources`` that are `BEFORE` the active ones, or `NEXT`."""
        await self._write(DROP, place, *sources)

    async def _write(self, script: Script, *arguments: Argument) -> Reply:
        return await self._link.write(script, *arguments, timeout_s=self._timeout_s)


def _pairs(reply: Reply) -> Sequence[tuple[bytes, int]]:
    flat = msgspec.convert(reply, list[bytes | int])
    return [
        (name, number)
        for name, number in zip(flat[::2], flat[1::2], strict=True)
        if isinstance(name, bytes) and isinstance(number, int)
    ]
