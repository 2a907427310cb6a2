"""All orders of a customer are followed as one subscription."""

import asyncio
from datetime import timedelta

from projections.views import OrderRow
from tests.builders.rows import PLACED_AT, order_row
from tests.gateway.subscriptions.live_house import FOLLOW_ALL, Json, LiveHouse, Socket, open_house
from tests.resolvers.upstream.builders import an_order

C_1 = {"id": "c-1"}


async def take(socket: Socket, count: int) -> list[tuple[str, int]]:
    """The next results, each as an order and its version."""
    orders = [(await socket.next())["data"]["customerOrdersChanged"] for _ in range(count)]
    return [(order["id"], order["version"]) for order in orders]


async def is_quiet(socket: Socket) -> bool:
    await asyncio.sleep(0)
    await socket.say(type="ping")
    return bool(await socket.hear() == {"type": "pong"})


async def begin(house: LiveHouse, socket: Socket, **variables: Json) -> None:
    await socket.follow("1", FOLLOW_ALL, {**C_1, **variables})


async def test_her_orders_are_shown_as_they_are_then_each_that_changes() -> None:
    """One event an order at first, and one for each change after that."""
    async with open_house() as house, house.socket() as socket:
        await house.change(an_order("o-2"))
        await begin(house, socket)
        first = await take(socket, 2)
        await house.change(an_order("o-2", version=2))
        changed = await take(socket, 1)

    assert sorted(first) == [("o-1", 1), ("o-2", 1)]
    assert changed == [("o-2", 2)]


async def test_a_new_order_is_an_event() -> None:
    """What is placed after she has begun to follow is shown when it is there."""
    async with open_house() as house, house.socket() as socket:
        await begin(house, socket)
        await take(socket, 1)
        await house.change(an_order("o-2"))
        placed = await take(socket, 1)

    assert placed == [("o-2", 1)]


async def test_orders_of_others_are_not_shown() -> None:
    """A change of somebody else's order wakes nobody here."""
    async with open_house() as house, house.socket() as socket:
        await begin(house, socket)
        await take(socket, 1)
        await house.change(an_order("o-2", customer_id="c-2"))
        nothing = await is_quiet(socket)

    assert nothing


async def test_who_comes_back_is_shown_what_she_has_missed() -> None:
    """What the token names is not repeated; what has changed meanwhile is there."""
    async with open_house() as house:
        async with house.socket() as socket:
            await begin(house, socket)
            result = await socket.next()
            token = result["extensions"]["consistency"]["token"]
        await house.change(an_order("o-2"))
        async with house.socket() as socket:
            await begin(house, socket, after=token)
            missed = await take(socket, 1)
            nothing_more = await is_quiet(socket)

    assert missed == [("o-2", 1)]
    assert nothing_more


async def test_lists_are_looked_at_when_changes_are_too_many_to_be_placed() -> None:
    """A change whose customer cannot be told at once is found by a look at her list."""
    async with open_house() as house, house.socket() as socket:
        await begin(house, socket)
        await take(socket, 1)
        store: Json = house.door.gateway.store
        listeners, store._listeners = store._listeners, []
        await house.change(an_order("o-2"))
        store._listeners = listeners
        hub: Json = house.door.gateway.live._hub
        hub._rescan()
        found = await take(socket, 1)

    assert found == [("o-2", 1)]


MANY = 250


async def test_what_changed_far_down_her_list_is_not_missed() -> None:
    """Who comes back is shown each change, beyond the hundred newest orders as well."""
    async with open_house() as house:
        await house.change(*(old_order(number) for number in range(MANY)))
        async with house.socket() as socket:
            await begin(house, socket)
            first = await take(socket, 99)
            token = (await socket.next())["extensions"]["consistency"]["token"]
        await house.change(old_order(MANY - 1, version=2), old_order(MANY - 2, version=5))
        async with house.socket() as socket:
            await begin(house, socket, after=token)
            told = dict(await take(socket, MANY))
            nothing_more = await is_quiet(socket)

    assert old_id(MANY - 1) not in dict(first)
    assert (told[old_id(MANY - 1)], told[old_id(MANY - 2)]) == (2, 5)
    assert nothing_more


async def test_a_lost_announcement_is_made_good_far_down_her_list() -> None:
    """Where announcements say that some were lost, all of her orders are looked at."""
    async with open_house() as house, house.socket() as socket:
        await house.change(*(old_order(number) for number in range(MANY)))
        await begin(house, socket)
        await take(socket, 100)
        store: Json = house.door.gateway.store
        listeners, store._listeners = store._listeners, []
        await house.change(old_order(MANY - 1, version=2))
        store._listeners = listeners
        for listener in listeners:
            listener(None)
        told = dict(await take(socket, MANY - 99))

    assert told[old_id(MANY - 1)] == 2


def old_id(number: int) -> str:
    return f"o-old-{number}"


def old_order(number: int, version: int = 1) -> OrderRow:
    """One that was placed so many minutes before the others."""
    placed_at = PLACED_AT - timedelta(minutes=number)
    return order_row(old_id(number), version, placed_at=placed_at)
