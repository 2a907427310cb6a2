"""The laws of applying events: deliveries of any kind converge to the newest state.

At-least-once delivery repeats events, a rewound source tells old ones again, and live answers come
in between; none of it may show in the end.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from projections.events import ParsedEvent, StateChange
from projections.memory_store import MemoryStore
from projections.selection import (
    CustomerRoot,
    CustomerSelection,
    OrderRoot,
    OrdersRoot,
    PageSelection,
)
from projections.store import Cut
from projections.versions import AggregateKey, Version
from projections.views import OrderRow, OrderStatus
from tests.builders.applying import apply_next
from tests.builders.rows import batch, change, order_key, order_row, poison, tombstone

ORDER_IDS = ("o-1", "o-2", "o-3")
CUSTOMER_IDS = ("c-1", "c-2")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One batch of the stream, or live answers that are written back."""

    events: tuple[StateChange, ...] = ()
    healed: tuple[OrderRow, ...] = ()


@st.composite
def histories(draw: st.DrawFn) -> list[StateChange]:
    """What happened to a few orders: every version of each, over one or two epochs."""
    return [
        draw(changes_of(order_id, version, epoch))
        for order_id in ORDER_IDS
        for epoch in range(1, draw(st.integers(1, 2)) + 1)
        for version in range(1, draw(st.integers(1, 4)) + 1)
    ]


@st.composite
def changes_of(draw: st.DrawFn, order_id: str, version: int, epoch: int) -> StateChange:
    if draw(st.integers(0, 5)) == 0:
        return tombstone(order_key(order_id), version, epoch=epoch)
    row = order_row(
        order_id,
        version,
        epoch=epoch,
        customer_id=draw(st.sampled_from(CUSTOMER_IDS)),
        status=draw(st.sampled_from(OrderStatus)),
    )
    return change(row)


@st.composite
def deliveries(
    draw: st.DrawFn, history: Sequence[StateChange], *, has_healing: bool
) -> list[Delivery]:
    """Every event at least once, in any order, in batches of any size; perhaps live answers."""
    repeated = draw(st.lists(st.sampled_from(history), max_size=6))
    events = draw(st.permutations([*history, *repeated]))
    cuts = sorted(draw(st.sets(st.integers(0, len(events)), max_size=4)))
    bounds = [0, *cuts, len(events)]
    batches = [Delivery(tuple(events[start:end])) for start, end in pairwise(bounds)]
    if not has_healing:
        return batches
    rows = [event.row for event in history if isinstance(event.row, OrderRow)]
    answers = st.lists(st.sampled_from(rows), max_size=3) if rows else st.just([])
    healings = draw(st.lists(answers.map(tuple), max_size=4))
    return draw(st.permutations([*batches, *(Delivery(healed=healed) for healed in healings)]))


async def take(store: MemoryStore, delivery: Delivery) -> None:
    await store.heal(delivery.healed)
    await apply_next(store, batch(*delivery.events))


def deliver(*delivered: Delivery) -> tuple[MemoryStore, Cut]:
    """The store after these deliveries, and a cut through all of it."""

    async def run() -> tuple[MemoryStore, Cut]:
        store = MemoryStore(wall_clock=lambda: 1_000.0)
        for delivery in delivered:
            await take(store, delivery)
        return store, await read_everything(store)

    return asyncio.run(run())


async def read_everything(store: MemoryStore) -> Cut:
    pages = tuple(PageSelection(99, status=status) for status in (None, *OrderStatus))
    whole = CustomerSelection(pages)
    return await store.read([CustomerRoot(customer_id, whole) for customer_id in CUSTOMER_IDS])


def newest_of(history: Sequence[StateChange]) -> dict[AggregateKey, StateChange]:
    """The model: of each order, the state of the greatest version."""
    newest: dict[AggregateKey, StateChange] = {}
    for event in history:
        if event.key not in newest or event.at > newest[event.key].at:
            newest[event.key] = event
    return newest


def assert_shows_the_newest(store: MemoryStore, cut: Cut, history: Sequence[StateChange]) -> None:
    newest = newest_of(history)
    versions = asyncio.run(store.versions(newest))
    assert versions == {key: event.at for key, event in newest.items()}
    live = {key: event.row for key, event in newest.items() if isinstance(event.row, OrderRow)}
    stored = {key: row.row for key, row in cut.rows.items() if row is not None}
    assert stored == live  # tombstones are on no page, so the walk meets living orders only
    for page_key, page in cut.pages.items():
        expected = sorted(
            (
                row.listed_at
                for row in live.values()
                if row.customer_id == page_key.customer_id and page_key.status in (None, row.status)
            ),
            reverse=True,
        )
        assert page.order_ids == tuple(listed_at.id for listed_at in expected)


@given(st.data())
def test_any_delivery_ends_in_the_newest_state(data: st.DataObject) -> None:
    """Permuted, repeated and cut into any batches, events lead to the same rows and listings."""
    history = data.draw(histories())
    delivered = data.draw(deliveries(history, has_healing=False))

    store, cut = deliver(*delivered)

    assert_shows_the_newest(store, cut, history)


@given(st.data())
def test_live_answers_in_between_change_nothing_in_the_end(data: st.DataObject) -> None:
    """Whatever is healed when, all rows are in the end of the stream and of its newest state."""
    history = data.draw(histories())
    delivered = data.draw(deliveries(history, has_healing=True))

    store, cut = deliver(*delivered)

    assert_shows_the_newest(store, cut, history)
    assert all(stored.is_streamed for stored in cut.rows.values() if stored is not None)


@given(st.data())
def test_no_row_ever_goes_back(data: st.DataObject) -> None:
    """At every step of any delivery, each version is at least what it was a step before."""
    history = data.draw(histories())
    delivered = data.draw(deliveries(history, has_healing=True))

    async def steps() -> list[Mapping[AggregateKey, Version]]:
        store = MemoryStore()
        versions = []
        for delivery in delivered:
            await take(store, delivery)
            versions.append(await store.versions(newest_of(history)))
        return versions

    seen = asyncio.run(steps())

    assert len(seen) == len(delivered)
    for earlier, later in pairwise(seen):
        assert all(later[key] >= version for key, version in earlier.items())


@given(st.data())
def test_everything_delivered_twice_is_as_once(data: st.DataObject) -> None:
    """A log that is read again from its start leaves a store as it was."""
    history = data.draw(histories())
    delivered = data.draw(deliveries(history, has_healing=False))

    _, once = deliver(*delivered)
    _, twice = deliver(*delivered, *delivered)

    assert twice == once


@given(st.data())
def test_row_is_suspect_while_a_lost_state_is_newer(data: st.DataObject) -> None:
    """Whatever comes when and how often, a key is marked as long as what was lost is missing."""
    history = data.draw(histories())
    lost = {(e.key, e.at) for e in data.draw(st.lists(st.sampled_from(history), max_size=4))}
    readable = [event for event in history if (event.key, event.at) not in lost]
    poisons = [poison(key, at.number, epoch=at.epoch) for key, at in lost]
    events: list[ParsedEvent] = [*readable, *poisons, *poisons]
    delivered = data.draw(st.permutations(events))

    async def suspects() -> frozenset[AggregateKey]:
        store = MemoryStore()
        for event in delivered:
            await apply_next(store, batch(event))
        return (await store.read([OrderRoot(order_id) for order_id in ORDER_IDS])).suspects

    newest, newest_readable = newest_of(history), newest_of(readable)
    assert asyncio.run(suspects()) == {
        key for key in newest if newest_readable.get(key) != newest[key]
    }


@given(st.data())
def test_pages_partition_the_listing(data: st.DataObject) -> None:
    """Page by page of any size, every order of a listing is met once and in its order."""
    history = data.draw(histories())
    first = data.draw(st.integers(1, 3))
    store, _ = deliver(Delivery(tuple(history)))

    async def walk() -> tuple[list[str], list[str]]:
        whole = await read_page(store, PageSelection(99))
        walked: list[str] = []
        page = await read_page(store, PageSelection(first))
        while page:
            walked += [row.id for row in page]
            page = await read_page(store, PageSelection(first, after=page[-1].listed_at))
        return [row.id for row in whole], walked

    whole, walked = asyncio.run(walk())

    assert walked == whole


async def read_page(store: MemoryStore, selection: PageSelection) -> list[OrderRow]:
    cut = await store.read([OrdersRoot("c-1", selection)])
    [page] = cut.pages.values()
    stored = [cut.rows[order_key(order_id)] for order_id in page.order_ids]
    return [found.row for found in stored if found and isinstance(found.row, OrderRow)]
