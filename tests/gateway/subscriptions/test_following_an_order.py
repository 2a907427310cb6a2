"""An order is followed over a WebSocket, and as a stream of events."""

import asyncio

import pytest

from projections.versions import AggregateKey, AggregateType, Version
from tests.gateway.front_door import a_token
from tests.gateway.identity.bearers import BELIEVING, a_bearer
from tests.gateway.subscriptions.live_house import FOLLOW, Json, LiveHouse, Socket, open_house
from tests.resolvers.upstream.builders import an_order

O_1 = {"id": "o-1"}
O_1_KEY = AggregateKey(AggregateType.ORDER, "o-1")


def shown(result: Json) -> Json:
    return result["data"]["orderChanged"]


def token_of(result: Json) -> str:
    token: str = result["extensions"]["consistency"]["token"]
    return token


async def is_quiet(house: LiveHouse, socket: Socket) -> bool:
    """Whether nothing was sent by the time that a later message is answered."""
    await asyncio.sleep(0)
    await socket.say(type="ping")
    return bool(await socket.hear() == {"type": "pong"})


async def test_a_socket_is_shown_the_order_as_it_is_and_each_later_version() -> None:
    """First the current state, then every change, in order."""
    async with open_house() as house, house.socket() as socket:
        await socket.follow("1", FOLLOW, O_1)
        first = await socket.next()
        versions = []
        for version in (2, 3, 4):
            await house.change(an_order(version=version))
            versions.append(shown(await socket.next())["version"])

    assert shown(first)["version"] == 1
    assert versions == [2, 3, 4]


async def test_a_stream_is_shown_the_same() -> None:
    """The same over server-sent events, whose ids are the consistency tokens."""
    async with open_house() as house, house.stream(FOLLOW, O_1) as stream:
        first = await stream.result()
        await house.change(an_order(version=2))
        second = await stream.next()

    assert stream.headers["content-type"].startswith("text/event-stream")
    assert shown(first)["version"] == 1
    assert '"version":2' in second["data"]
    assert second["id"] in second["data"]


async def test_a_version_that_the_token_names_is_not_shown_again() -> None:
    """Who comes back with the token of her last event is shown what has changed since, no more."""
    async with open_house() as house:
        async with house.socket() as socket:
            await socket.follow("1", FOLLOW, O_1)
            token = token_of(await socket.next())
        async with house.socket() as socket:
            await socket.follow("1", FOLLOW, {**O_1, "after": token})
            nothing_yet = await is_quiet(house, socket)
            await house.change(an_order(version=2))
            later = await socket.next()

    assert nothing_yet
    assert shown(later)["version"] == 2


async def test_what_changed_while_she_was_away_is_shown_at_once() -> None:
    """`Last-Event-ID` and the token are one: the latest version is the first event."""
    async with open_house() as house:
        async with house.stream(FOLLOW, O_1) as stream:
            last = (await stream.next())["id"]
        await house.change(an_order(version=2))
        await house.change(an_order(version=3))
        async with house.stream(FOLLOW, O_1, f"Last-Event-ID: {last}") as stream:
            result = await stream.result()

    assert shown(result)["version"] == 3


async def test_nothing_older_than_the_token_is_shown() -> None:
    """Who comes from a gateway that is ahead of this one waits for what is newer."""
    after = {**O_1, "after": a_token(version=4)}
    async with open_house() as house, house.stream(FOLLOW, after) as stream:
        for version in (2, 4, 5):
            await house.change(an_order(version=version))
        result = await stream.result()

    assert shown(result)["version"] == 5


async def test_a_token_beside_it_is_waited_for() -> None:
    """A version that was demanded and is not here yet is read from its owner, as in a query."""
    async with open_house() as house:
        house.door.twins.order_shelf.rows["o-1"] = an_order(version=5)
        header = f"X-Consistency-Token: {a_token(version=4)}"
        async with house.stream(FOLLOW, O_1, header) as stream:
            result = await stream.result()

    assert shown(result)["version"] == 5


async def test_an_event_says_which_version_it_has_shown() -> None:
    """The token of an event names the order at that version, beside the floor of what was read."""
    async with open_house() as house, house.stream(FOLLOW, O_1) as stream:
        await stream.result()
        await house.change(an_order(version=2))
        token = (await stream.next())["id"]
        codec = house.door.gateway.operations.codec
        minute = int(house.door.gateway.wall_clock() // 60)
        opened = codec.open_token(token, "anonymous", minute)

    assert opened.token.entries == {O_1_KEY: Version(1, 2)}  # type: ignore[union-attr]
    assert opened.token.floor  # type: ignore[union-attr]


async def test_an_order_that_is_not_there_is_null_until_it_is() -> None:
    """Following begins before there is anything to show."""
    async with open_house() as house, house.socket() as socket:
        await socket.follow("1", FOLLOW, {"id": "o-9"})
        before = await socket.next()
        await house.change(an_order("o-9"))
        after = await socket.next()

    assert shown(before) is None
    assert shown(after)["id"] == "o-9"


async def test_an_order_that_is_gone_is_null() -> None:
    """Its end is an event like any other."""
    async with open_house() as house, house.socket() as socket:
        await socket.follow("1", FOLLOW, O_1)
        await socket.next()
        house.door.twins.order_shelf.rows.clear()
        await house.projection.bury(O_1_KEY, 2)
        gone = await socket.next()

    assert shown(gone) is None


async def test_a_customer_hears_that_her_order_is_gone() -> None:
    """Of an order whose owner nobody can tell any more, she is told who was shown it."""
    bearer = a_bearer(customer_id="c-1", iat=None, exp=int(1e11))
    settings: Json = BELIEVING
    async with open_house(**settings) as house, house.socket(is_introduced=False) as socket:
        await socket.introduce(Authorization=f"Bearer {bearer}")
        await socket.follow("1", FOLLOW, O_1)
        before = await socket.next()
        house.door.twins.order_shelf.rows.clear()
        await house.projection.bury(O_1_KEY, 2)
        gone = await socket.next()

    assert shown(before)["version"] == 1
    assert shown(gone) is None


async def test_several_are_followed_over_one_socket() -> None:
    """Each operation has its own results, and ends by itself."""
    async with open_house() as house, house.socket() as socket:
        await house.change(an_order("o-2"))
        for order_id in ("o-1", "o-2"):
            await socket.follow(order_id, FOLLOW, {"id": order_id})
            await socket.next(order_id)
        await socket.say(id="o-1", type="complete")
        assert await is_quiet(house, socket)
        await house.change(an_order(version=2), an_order("o-2", version=2))
        result = await socket.next("o-2")
        nothing_more = await is_quiet(house, socket)

    assert shown(result) == {"id": "o-2", "version": 2, "note": None}
    assert nothing_more


async def test_a_thousand_looks_at_one_change_make_one_answer() -> None:
    """Who follows the same order in the same words is given the same bytes."""
    async with open_house() as house, house.socket() as socket:
        for number in range(20):
            await socket.follow(str(number), FOLLOW, O_1)
            await socket.next(str(number))
        at_hand = house.door.gateway.operations.at_hand
        assert at_hand is not None
        before = at_hand.missed_count
        await house.change(an_order(version=2))
        results = [await socket.hear() for _ in range(20)]
        made = at_hand.missed_count - before

    assert {result["payload"]["data"]["orderChanged"]["version"] for result in results} == {2}
    assert made == 1


async def test_an_announcement_that_was_lost_is_made_good() -> None:
    """What nobody has announced is found when somebody looks."""
    async with open_house() as house, house.socket() as socket:
        await socket.follow("1", FOLLOW, O_1)
        await socket.next()
        store: Json = house.door.gateway.store
        listeners, store._listeners = store._listeners, []
        await house.change(an_order(version=2))
        store._listeners = listeners
        for tell in listeners:
            tell(None)
        result = await socket.next()

    assert shown(result)["version"] == 2


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_without_a_projection_nothing_can_be_followed(method: str) -> None:
    """A gateway that hears of no changes says so, and does not pretend to listen."""
    async with (
        open_house(events="none") as house,
        house.stream(FOLLOW, O_1, method=method) as asked,
    ):
        size = int(asked.headers["content-length"])
        body = (await asked.reader.readexactly(size)).decode()

    assert asked.status == 501
    assert '"code":"SUBSCRIPTIONS_OFF"' in body
