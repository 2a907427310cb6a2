"""The store in Redis against the one in memory: whatever is written, both show the same world."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from hypothesis import given, settings
from hypothesis import strategies as st

from projections.dead_letters import DeadLetters
from projections.errors import PositionMoved
from projections.events import ParsedEvent, StateChange
from projections.memory_store import MemoryStore
from projections.positions import LogPlace, Partition
from projections.redis_store import RedisStore
from projections.redis_store.options import RedisOptions
from projections.selection import (
    CustomerRoot,
    CustomerSelection,
    OrderRoot,
    OrderSelection,
    OrdersRoot,
    PageSelection,
    Root,
    root_of,
)
from projections.store import Announcement, EventBatch, Store
from projections.versions import AggregateKey, Version
from projections.views import OrderStatus, Row
from projections.views.orders import ListingPosition
from tests.builders.rows import (
    PLACED_AT,
    change,
    customer_key,
    customer_row,
    order_key,
    order_row,
    poison,
    position,
    product_key,
    product_row,
    tombstone,
)
from tests.contracts.store_implementations import subscribed
from tests.servers.valkey import Valkey

WALL_S = 1_700_000_000.25
PARTITIONS = (
    Partition("orders", 0, 2),
    Partition("orders", 1, 2),
    Partition("customers"),
    Partition("products"),
)
ORDERS = [order_key(f"o-{number}") for number in (1, 2, 3)]
CUSTOMERS = [customer_key(f"c-{number}") for number in (1, 2)]
KEYS = [*ORDERS, *CUSTOMERS, product_key("p-1")]
END = customer_row("c-end")


class AnyStore(Store, DeadLetters, Protocol):
    """What both of them are."""


@dataclass(frozen=True, slots=True)
class Apply:
    """A batch that follows what is stored, or one from elsewhere."""

    partition: Partition
    events: tuple[ParsedEvent, ...]
    number: int
    remaining_count: int | None
    has_followed: bool


@dataclass(frozen=True, slots=True)
class Heal:
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Forget:
    partition: Partition
    is_current: bool


@dataclass(frozen=True, slots=True)
class Settle:
    """The newest letter is replayed as a row of its version, or given up."""

    is_replayed: bool


Step = Apply | Heal | Forget | Settle

versions = st.builds(Version, st.integers(1, 2), st.integers(1, 4) | st.just(2**53 - 2))


@st.composite
def rows(draw: st.DrawFn) -> Row:
    key, at = draw(st.sampled_from(KEYS)), draw(versions)
    return row_of(
        key,
        at,
        customer_id=draw(st.sampled_from(CUSTOMERS)).id,
        status=draw(st.sampled_from([OrderStatus.PLACED, OrderStatus.SHIPPED])),
        minute=draw(st.integers(0, 2)),
        product_ids=draw(st.sampled_from([(), ("p-1",), ("p-1", "p-2")])),
    )


def row_of(
    key: AggregateKey,
    at: Version,
    *,
    customer_id: str = "c-1",
    status: OrderStatus = OrderStatus.PLACED,
    minute: int = 0,
    product_ids: tuple[str, ...] = ("p-1",),
) -> Row:
    if key in ORDERS:
        return order_row(
            key.id,
            at.number,
            epoch=at.epoch,
            customer_id=customer_id,
            status=status,
            placed_at=PLACED_AT + timedelta(minutes=minute),
            product_ids=product_ids,
        )
    if key in CUSTOMERS:
        return customer_row(key.id, at.number, epoch=at.epoch)
    return product_row(key.id, at.number, epoch=at.epoch)


@st.composite
def events(draw: st.DrawFn) -> ParsedEvent:
    key, at = draw(st.sampled_from(KEYS)), draw(versions)
    kind = draw(st.integers(0, 9))
    if kind == 0:
        return tombstone(key, at.number, epoch=at.epoch)
    if kind == 1:
        return replace(poison(key, at.number, epoch=at.epoch), raw=b"\xff\x00")
    if kind == 2:
        return poison(key)
    previous = draw(st.none() | st.integers(0, 3))
    return change(draw(rows()), previous=previous)


partitions = st.sampled_from(PARTITIONS)
applies = st.builds(
    Apply,
    partitions,
    st.lists(events(), max_size=8).map(tuple),
    st.integers(1, 99),
    st.none() | st.integers(0, 9),
    st.sampled_from([True, True, True, False]),
)
steps = st.one_of(
    applies,
    applies,
    applies,
    st.builds(Heal, st.lists(rows(), max_size=3).map(tuple)),
    st.builds(Forget, partitions, st.booleans()),
    st.builds(Settle, st.booleans()),
)


async def take(store: AnyStore, step: Step) -> object:
    """What the store answers to one step."""
    match step:
        case Apply(partition, taken, number, remaining_count, has_followed):
            at = await store.position(partition)
            after = None if at is None else at.cursor
            reached = position(f"log-{number}", remaining_count=remaining_count)
            if number % 3:  # else it tells no place
                place = LogPlace(number % 3, number * 2**40)
                reached = replace(reached, places={partition.index: place})
            batch = EventBatch(
                partition, after if has_followed else "elsewhere", taken, reached.following(at)
            )
            try:
                return await store.apply(batch)
            except PositionMoved as refused:
                return refused.partition
        case Heal(healed):
            await store.heal(healed)
            return None
        case Forget(partition, is_current):
            at = await store.position(partition)
            cursor = at.cursor if at and is_current else "elsewhere"
            await store.forget(partition, cursor)
            return None
        case Settle(is_replayed):
            return await settle(store, is_replayed=is_replayed)


async def settle(store: AnyStore, *, is_replayed: bool) -> object:
    for letter in await store.dead_letters(1):
        if not is_replayed:
            return await store.discard(letter)
        version = Version(max(1, letter.until.epoch), max(1, letter.until.number))
        event = change(row_of(letter.key, version))
        assert isinstance(event, StateChange)
        return await store.replay(letter, event)
    return None


def everything() -> list[Root]:
    """Every row by its key, every listing from its start and its middle, and what hangs on them."""
    middle = ListingPosition(PLACED_AT + timedelta(minutes=1), "o-2")
    pages = [
        PageSelection(first, after=after, status=status)
        for first in (1, 2, 9)
        for after in (None, middle)
        for status in (None, OrderStatus.PLACED, OrderStatus.SHIPPED)
    ]
    deep = OrderSelection(CustomerSelection((PageSelection(2),)), has_products=True)
    return [
        *map(root_of, KEYS),
        *(OrdersRoot(key.id, page) for key in CUSTOMERS for page in pages),
        *(OrderRoot(key.id, deep) for key in ORDERS),
        *(CustomerRoot(key.id, CustomerSelection((PageSelection(9),))) for key in CUSTOMERS),
    ]


async def world_of(store: AnyStore) -> object:
    return (
        await store.read(everything()),
        await store.versions(KEYS),
        [await store.position(partition) for partition in PARTITIONS],
        await store.dead_letters(99),
        await store.dead_letter_count(),
    )


async def answers_of(store: AnyStore, taken: Sequence[Step]) -> tuple[object, ...]:
    """What the store answers and announces, and the world it shows after each step."""
    heard: list[Announcement] = []
    is_over = asyncio.Event()

    def hear(announcement: Announcement) -> None:
        if announcement is not None:
            heard.append(announcement)
            if END.key in announcement:
                is_over.set()

    with store.listening(hear):
        seen = [(await take(store, step), await world_of(store)) for step in taken]
        await store.heal([END])
        await is_over.wait()
    return (*seen, heard)


@settings(max_examples=60)
@given(taken=st.lists(steps, max_size=10))
def test_both_stores_show_the_same_world(shared_valkey: Valkey, taken: list[Step]) -> None:
    """Verdicts, refusals, rows, pages, marks, positions, letters and announcements are the same."""
    shared_valkey.empty()
    options = RedisOptions(url=shared_valkey.url, read_timeout_s=5.0, connect_timeout_s=5.0)

    async def in_redis() -> tuple[object, ...]:
        async with RedisStore(options, wall_clock=lambda: WALL_S).open() as store:
            await subscribed(store)
            return await answers_of(store, taken)

    in_memory = asyncio.run(answers_of(MemoryStore(wall_clock=lambda: WALL_S), taken))

    assert asyncio.run(in_redis()) == in_memory
