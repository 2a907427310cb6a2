"""What a writing script tells the world: what changed, and its place in the sequence of writes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec
from msgspec import Struct

from projections.positions import Partition, SourcePosition
from projections.redis_store.cuts import Stamp
from projections.redis_store.values import TYPES, PackedPosition
from projections.versions import AggregateKey, Version


@dataclass(frozen=True, slots=True)
class News:
    """One write. ``voided`` sources have other rows now, any of them.

    ``customer_ids`` are those whose listings changed. ``positions`` have moved, or their proofs.
    """

    stamp: Stamp
    changed: Mapping[AggregateKey, Version]
    customer_ids: frozenset[str]
    positions: Mapping[Partition, SourcePosition]
    voided: frozenset[str]


Follower = Callable[[News | None], None]
"""Is told every write; None: some may not have been told. Must not raise."""


class _MovedPosition(Struct, frozen=True, array_like=True):
    source: str
    index: int
    partition_count: int
    cursor: str
    proven_at_s: float
    is_caught_up: bool
    remaining_count: int
    log: int
    offset: int


class _Message(Struct, frozen=True, array_like=True):
    incarnation: str
    sequence: int
    versions: list[tuple[Literal[1, 2, 3], str, int, int]]
    customer_ids: frozenset[str]
    positions: list[_MovedPosition]
    voided: frozenset[str]


_messages = msgspec.msgpack.Decoder(_Message)


def parse_news(raw: bytes) -> News | None:
    """Read one message of the channel; None for what is no message of ours."""
    try:
        message = _messages.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return News(
        Stamp(message.incarnation, message.sequence),
        {
            AggregateKey(TYPES[number - 1], aggregate_id): Version(epoch, version)
            for number, aggregate_id, epoch, version in message.versions
        },
        message.customer_ids,
        dict(_position(moved) for moved in message.positions),
        message.voided,
    )


def _position(moved: _MovedPosition) -> tuple[Partition, SourcePosition]:
    packed = PackedPosition(
        moved.partition_count,
        moved.cursor,
        moved.proven_at_s,
        moved.is_caught_up,
        moved.remaining_count,
        moved.log,
        moved.offset,
    )
    partition = Partition(moved.source, moved.index, moved.partition_count)
    return partition, packed.unpacked(moved.index)
