"""What lies in Redis, read key by key and not through the store.

So nothing can be hidden by the code that is tested: rows, listings, marks and positions of the
active generations, each as it was written. The layout is that of `projections/lua`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import redis

from tests.e2e.distributed.log_oracle import SERVICES, Key, Version
from tests.e2e.shopper import Json

ANY_STATUS: Final = "*"
SIZE_BYTES: Final = 4

Listed = tuple[str, str, str]
"""Customer, status (or `*`) and order."""


@dataclass(frozen=True, slots=True)
class StoredState:
    """One row; without a state it says that there is nothing any more."""

    at: Version
    state: Json | None
    is_streamed: bool


@dataclass(frozen=True, slots=True)
class Stored:
    """Everything that the active generations hold; ``next_offsets`` by service and partition."""

    rows: Mapping[Key, StoredState]
    suspects: frozenset[Key]
    listed: tuple[Listed, ...]
    next_offsets: Mapping[tuple[str, int], int]


def read_stored(url: str, prefix: str) -> Stored:
    """Read it in one transaction, so that it is one moment."""
    with redis.Redis.from_url(url) as client:
        roots = [
            f"{{{prefix}}}:{number}:{service}"
            for service, number in generations(client, prefix).items()
        ]
        with client.pipeline(transaction=True) as pipeline:
            for root in roots:
                pipeline.hgetall(f"{root}:rows").hgetall(f"{root}:suspects")
                pipeline.hgetall(f"{root}:positions").zrange(f"{root}:listing", 0, -1)
            answers = pipeline.execute()
    return _stored(dict(zip(SERVICES, zip(*[iter(answers)] * 4, strict=True), strict=True)))


def generations(client: "redis.Redis", prefix: str) -> dict[str, int]:
    """The number of the generation that serves, of each source."""
    found: list[Any] = client.hmget(f"{{{prefix}}}:generations", list(SERVICES))
    return {service: int(number or 1) for service, number in zip(SERVICES, found, strict=True)}


def _stored(found: Mapping[str, tuple[Any, ...]]) -> Stored:
    return Stored(
        rows={
            (service, key.decode()): unpack(value)
            for service, (rows, *_) in found.items()
            for key, value in rows.items()
        },
        suspects=frozenset(
            (service, key.decode()) for service, (_, marks, *_) in found.items() for key in marks
        ),
        listed=tuple(_listed(found["orders"][3])),
        next_offsets={
            (service, int(index)): int(msgspec.msgpack.decode(value)[1].split("-")[0])
            for service, (_, _, positions, _) in found.items()
            for index, value in positions.items()
        },
    )


def unpack(value: bytes) -> StoredState:
    """A row's value: the size of its header, the header, the state as JSON or nothing."""
    end = SIZE_BYTES + int.from_bytes(value[:SIZE_BYTES])
    epoch, number, healed_at_s, *_ = msgspec.msgpack.decode(value[SIZE_BYTES:end])
    state = json.loads(value[end:]) if value[end:] else None
    return StoredState((epoch, number), state, is_streamed=healed_at_s is False)


def _listed(members: list[bytes]) -> Iterator[Listed]:
    for member in members:
        customer_id, status, _placed_at, order_id = member.decode().split("\0")
        yield customer_id, status, order_id


def listings_of(rows: Mapping[Key, StoredState]) -> list[Listed]:
    """The listings that these rows ask for: each order under its customer, with and without status.

    In the order of the sorted set, which is that of the text.
    """
    return sorted(
        (row.state["customerId"], status, order_id)
        for (service, order_id), row in rows.items()
        if service == "orders" and row.state is not None
        for status in (ANY_STATUS, row.state["status"])
    )


def plain(state: Json) -> Json:
    """The state with its times as instants: the same one may be written in more than one way."""
    return {
        name: datetime.fromisoformat(value).astimezone(UTC) if name == "placedAt" else value
        for name, value in state.items()
    }
