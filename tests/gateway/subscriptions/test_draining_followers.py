"""A gateway that is asked to stop sends those away who follow orders, one after the other."""

import asyncio
import signal
from contextlib import AsyncExitStack

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from tests.gateway.subscriptions.live_house import FOLLOW, open_house

O_1 = {"id": "o-1"}


async def test_sockets_are_closed_over_the_time_of_the_drain() -> None:
    """Each with 1001, which clients answer by connecting again; not all in one moment."""
    loop = asyncio.get_running_loop()
    async with open_house(drain_s=1.0) as house, AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(house.socket()) for _ in range(8)]
        for socket in sockets:
            await socket.follow("1", FOLLOW, O_1)
            await socket.next()
        house.server.handle_exit(signal.SIGTERM, None)
        ends = []
        for socket in sockets:
            code, _ = await socket.closed()
            ends.append((code, loop.time()))

    assert {code for code, _ in ends} == {1001}
    assert max(at for _, at in ends) - min(at for _, at in ends) > 0.3


async def test_streams_end_without_being_complete() -> None:
    """So a browser comes back by itself, with the id of its last event."""
    async with open_house(drain_s=0.3) as house, house.stream(FOLLOW, O_1) as stream:
        await stream.result()
        house.server.handle_exit(signal.SIGTERM, None)
        with pytest.raises(EOFError):
            await stream.next()


async def test_who_comes_while_it_drains_is_sent_elsewhere() -> None:
    """New sockets and streams are refused with 503."""
    async with open_house(drain_s=2.0) as house:
        house.door.gateway.live.connections.drain(2.0)
        with pytest.raises(InvalidStatus) as refused:
            await connect(
                f"ws://127.0.0.1:{house.port}/graphql",
                subprotocols=[Subprotocol("graphql-transport-ws")],
            )
        async with house.stream(FOLLOW, O_1) as stream:
            status = stream.status

    assert refused.value.response.status_code == status == 503


async def test_ctrl_c_closes_them_at_once() -> None:
    """Without a drain nobody waits for those who follow."""
    async with open_house() as house, house.socket() as socket, house.stream(FOLLOW, O_1) as stream:
        await stream.result()
        house.server.should_exit = True
        code, _ = await socket.closed()
        with pytest.raises(EOFError):
            await stream.next()

    assert code == 1001
