"""Rows that another release has written, and this one cannot read."""

from projections.redis_store import RedisStore
from projections.redis_store.values import HEADER_LENGTH_BYTES, pack
from projections.selection import root_of
from projections.versions import Version
from tests.builders.applying import apply_next
from tests.builders.rows import batch, change, customer_key, customer_row
from tests.projections.redis_watched import listening_store
from tests.servers.valkey import Valkey

KEY, OTHER = customer_key("c-1"), customer_key("c-2")


def spoil(valkey: Valkey, at: Version, state: bytes) -> None:
    """Leave a state that no row of ours has."""
    header = pack((at.epoch, at.number, False))
    value = len(header).to_bytes(HEADER_LENGTH_BYTES) + header + state
    valkey.command("HSET", "{bff}:1:customers:rows", KEY.id, value)


async def versions_shown(store: RedisStore) -> list[Version | None]:
    cut = await store.read([root_of(KEY), root_of(OTHER)])
    return [cut.version_of(key) for key in (KEY, OTHER)]


async def test_row_that_cannot_be_read_is_suspect(valkey: Valkey) -> None:
    """It is read live, like one whose newest event could not be read; others are not concerned."""
    async with listening_store(valkey.url) as store:
        await store.heal([customer_row(KEY.id), customer_row(OTHER.id)])

        for state in (b'{"name": 7}', b"\xff", b"["):
            spoil(valkey, Version(1, 2), state)
            cut = await store.read([root_of(KEY), root_of(OTHER)])

            assert cut.rows[KEY] is None
            assert cut.version_of(OTHER) == Version(1, 1)
            assert cut.suspects == {KEY}


async def test_row_that_cannot_be_read_is_replaced_by_the_next(valkey: Valkey) -> None:
    """The next state that comes makes good for it, and until then its version stands."""
    async with listening_store(valkey.url) as store:
        spoil(valkey, Version(1, 2), b'{"name": 7}')

        await store.heal([customer_row(version=1)])
        held = await store.versions([KEY])
        await apply_next(store, batch(change(customer_row(version=3)), source="customers"))

        assert held == {KEY: Version(1, 2)}
        assert await versions_shown(store) == [Version(1, 3), None]
