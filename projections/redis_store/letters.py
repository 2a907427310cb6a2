"""Dead letters in Redis: of all generations, since an event is as unreadable in each of them."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from projections.dead_letters import DeadLetter
from projections.redis_store.connections import Reply
from projections.redis_store.link import Link
from projections.redis_store.options import RedisOptions
from projections.redis_store.scripts import DISCARD, LETTER_COUNT, LETTERS
from projections.redis_store.values import TYPES
from projections.versions import AggregateKey, Version


class _PackedLetter(Struct, frozen=True, array_like=True):
    type_number: int
    id: str
    epoch: int
    number: int
    reason: str
    partition: str
    cursor: str
    parked_at_s: float

    def unpacked(self, raw: bytes) -> DeadLetter:
        return DeadLetter(
            AggregateKey(TYPES[self.type_number - 1], self.id),
            Version(self.epoch, self.number),
            self.reason,
            raw,
            self.partition,
            self.cursor,
            self.parked_at_s,
        )


_letters = msgspec.msgpack.Decoder(_PackedLetter)


class RedisLetters:
    """Reads and removes dead letters; they are written by `apply`."""

    def __init__(self, link: Link, options: RedisOptions) -> None:
        self._link = link
        # People read letters, and many at once; they can wait longer than a query can.
        self._timeout_s = options.write_timeout_s

    async def newest(self, limit: int) -> Sequence[DeadLetter]:
        return _parse(await self._link.read(LETTERS, limit, timeout_s=self._timeout_s))

    async def find(self, letter_id: str) -> DeadLetter | None:
        found = _parse(await self._link.read(LETTERS, 1, letter_id, timeout_s=self._timeout_s))
        return found[0] if found else None

    async def count(self) -> int:
        count = await self._link.read(LETTER_COUNT, timeout_s=self._timeout_s)
        return msgspec.convert(count, int)

    async def discard(self, letter_id: str) -> bool:
        """Remove a letter; whether it was there."""
        return await self._link.write(DISCARD, letter_id, timeout_s=self._timeout_s) == 1


def _parse(reply: Reply) -> Sequence[DeadLetter]:
    pairs = msgspec.convert(reply, list[tuple[bytes, bytes]])
    return [_letters.decode(header).unpacked(raw) for header, raw in pairs]
