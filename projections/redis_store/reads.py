"""Reading: whole operations in one script, and all that start in one turn of the loop together."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import msgspec

from projections.errors import StoreUnavailable
from projections.positions import Partition, SourcePosition
from projections.redis_store.connections import Reply
from projections.redis_store.cuts import Cuts, StampedCut
from projections.redis_store.link import Link
from projections.redis_store.options import RedisOptions
from projections.redis_store.roots import PackedRoots
from projections.redis_store.scripts import POSITIONS, READ, VERSIONS, Script
from projections.redis_store.turns import Tasks, Turns
from projections.redis_store.values import TYPES, pack, unpack_positions
from projections.selection import Root
from projections.versions import AggregateKey, Version

Target = Mapping[str, int]
"""Of which sources another generation than the active one is meant, and which."""

ACTIVE: Target = {}

NO_ROW = Version(-1, -1)
"""What the script says of a row that is not there."""


class RedisReads:
    """Reads of the active generations, or of those that ``target`` names."""

    def __init__(
        self, link: Link, options: RedisOptions, tasks: Tasks, target: Target = ACTIVE
    ) -> None:
        self._link = link
        self._timeout_s = options.read_timeout_s
        self._target = target or False
        self._cuts = Cuts()
        limits = {"limit": options.reads_per_call, "flight_limit": options.flight_limit}
        self._reads = Turns(self._read_all, tasks, **limits)
        self._versions = Turns(self._versions_of_all, tasks, **limits)

    async def read(self, roots: Sequence[Root]) -> StampedCut:
        """Everything ``roots`` reach and all positions, in one cut."""
        return await self._reads.answer(roots)

    async def versions(self, keys: Iterable[AggregateKey]) -> Mapping[AggregateKey, Version]:
        wanted = frozenset(keys)
        return await self._versions.answer(wanted) if wanted else {}

    async def positions(self, source: str) -> Mapping[Partition, SourcePosition]:
        """Where each partition of ``source`` stands that has been read at all."""
        reply = await self._run(POSITIONS, pack((self._target, source)))
        return dict(unpack_positions(source, msgspec.convert(reply, list[bytes])))

    async def position(self, partition: Partition) -> SourcePosition | None:
        """Where one goes on from. However many partitions its source had when that was stored:

        a log that is given more of them keeps the old ones as they are.
        """
        positions = await self.positions(partition.source)
        return next((at for p, at in positions.items() if p.index == partition.index), None)

    async def _read_all(self, reads: Sequence[Sequence[Root]]) -> Sequence[StampedCut]:
        packed = PackedRoots(reads)
        reply = await self._run(READ, pack((self._target, packed.reads)))
        return self._cuts.of(reply, packed.pages)

    async def _versions_of_all(
        self, asked: Sequence[frozenset[AggregateKey]]
    ) -> Sequence[Mapping[AggregateKey, Version]]:
        keys = frozenset[AggregateKey]().union(*asked)
        of_types = [[key for key in keys if key.type is of] for of in TYPES]
        ids = [[key.id for key in of_type] for of_type in of_types]
        reply = await self._run(VERSIONS, pack((self._target, ids)))
        versions = zip(chain(*of_types), _pairs(msgspec.convert(reply, list[int])), strict=True)
        found = {key: at for key, at in versions if at != NO_ROW}
        return [{key: found[key] for key in wanted & found.keys()} for wanted in asked]

    async def _run(self, script: Script, argument: bytes) -> Reply:
        reply = await self._link.read(script, argument, timeout_s=self._timeout_s)
        if reply is None:
            raise StoreUnavailable("this generation is not the one being built any more")
        return reply


def _pairs(numbers: Sequence[int]) -> Iterator[Version]:
    return map(Version, numbers[::2], numbers[1::2])
