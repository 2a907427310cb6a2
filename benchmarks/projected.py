"""How far the projection in Redis has got, read key by key and not through the store.

The layout is that of `projections/lua`. A cursor of Kafka begins with the next offset; in topics
that hold nothing but events the sum of them is the number of events applied.
"""

from typing import Final, Self

import msgspec
import redis

from benchmarks.demo_events import SOURCES

FIRST_GENERATION: Final = 1


class Gauge:
    """Reads how many events have been applied; costs the server a few microseconds."""

    def __init__(self, url: str, prefix: str) -> None:
        self._client = redis.Redis.from_url(url)
        self._prefix = prefix

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def applied_count(self, generation: int | None = None) -> int:
        """Events applied to this generation; None: to those that serve."""
        active = self._client.hmget(f"{{{self._prefix}}}:generations", list(SOURCES))
        roots = [
            f"{{{self._prefix}}}:{generation or int(number or FIRST_GENERATION)}:{source}"
            for source, number in zip(SOURCES, active, strict=True)
        ]
        return sum(self._count_in(f"{root}:positions") for root in roots)

    def _count_in(self, key: str) -> int:
        positions = self._client.hgetall(key).values()
        return sum(next_offset(position) for position in positions if isinstance(position, bytes))


def next_offset(position: bytes) -> int:
    """The offset behind the last record that a stored position of Kafka stands for."""
    cursor: str = msgspec.msgpack.decode(position)[1]
    return int(cursor.partition("-")[0])
