"""An order is followed over a WebSocket, and as a stream of events."""

from tests.gateway.subscriptions.live_house import FOLLOW, open_house
from tests.resolvers.upstream.builders import an_order

O_1 = {"id": "o-1"}


async def test_a_socket_is_shown_the_order_as_it_is_and_each_later_version() -> None:
    """First the current state, then every change, in order."""
    async with open_house() as house, house.socket() as socket:
        await socket.follow("1", FOLLOW, O_1)
        first = await socket.next()
        shown = []
        for version in (2, 3, 4):
            await house.change(an_order(version=version))
            shown.append((await socket.next())["data"]["orderChanged"]["version"])

    assert first["data"]["orderChanged"]["version"] == 1
    assert shown == [2, 3, 4]


async def test_a_stream_is_shown_the_same() -> None:
    """The same over server-sent events, whose ids are the consistency tokens."""
    async with open_house() as house, house.stream(FOLLOW, O_1) as stream:
        first = await stream.result()
        await house.change(an_order(version=2))
        second = await stream.next()

    assert stream.headers["content-type"].startswith("text/event-stream")
    assert first["data"]["orderChanged"]["version"] == 1
    assert '"version":2' in second["data"]
    assert second["id"] in second["data"]
