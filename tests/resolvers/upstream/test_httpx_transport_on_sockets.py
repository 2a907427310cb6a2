"""The same wire on real sockets of this machine, for what no mock can show."""

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from unittest.mock import patch

import pytest

from resolvers.upstream import httpx_transport
from resolvers.upstream.errors import UpstreamUnavailable
from resolvers.upstream.httpx_transport import HttpxTransport
from resolvers.upstream.options import UpstreamOptions
from tests.garbage import left_behind
from tests.resolvers.upstream.builders import MUTATION, READ

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

TURNS = 60
"""More than a whole call takes."""

Connection = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def transport_to(
    connection: Connection, *, in_flight_limit: int = 16
) -> AsyncIterator[HttpxTransport]:
    """Serve on a free port and give a transport to it; afterwards every connection has ended."""
    served = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        served.add(task)
        await connection(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    options = UpstreamOptions(base_url=f"http://127.0.0.1:{port}", in_flight_limit=in_flight_limit)
    transport = HttpxTransport("orders", options)
    async with server:
        try:
            yield transport
        finally:
            await transport.aclose()
            await asyncio.wait(served)


async def test_refused_connection_leaves_nothing_unknown() -> None:
    """Where nobody listens, a mutation has certainly not happened."""
    with socket.create_server(("127.0.0.1", 0)) as abandoned:
        base_url = f"http://127.0.0.1:{abandoned.getsockname()[1]}"
    transport = HttpxTransport("orders", UpstreamOptions(base_url=base_url))

    with pytest.raises(UpstreamUnavailable) as caught:
        await transport.send(MUTATION)

    await transport.aclose()
    assert not caught.value.is_outcome_unknown


async def test_connection_closed_after_the_request_leaves_its_outcome_unknown() -> None:
    """A service that reads a mutation and hangs up may have carried it out."""

    async def read_and_hang_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async with transport_to(read_and_hang_up) as transport:
        with pytest.raises(UpstreamUnavailable) as caught:
            await transport.send(MUTATION)

    assert caught.value.is_outcome_unknown


async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer until the caller has gone, in whatever way."""
    with suppress(ConnectionError):
        while not reader.at_eof():
            if (await reader.readline()) == b"\r\n":
                writer.write(ANSWER)


async def left_by_cancelled_calls() -> Counter[str]:
    """What calls leave of ours that are cancelled after one turn, after two, and on."""
    async with transport_to(answer_all) as transport:

        async def cancel_everywhere() -> None:
            for turn_count in range(TURNS):
                async with asyncio.TaskGroup() as group:
                    call = group.create_task(transport.send(replace(READ)))
                    for _ in range(turn_count):
                        await asyncio.sleep(0)
                    call.cancel()
                del call

        return await left_behind(cancel_everywhere, packages=("resolvers",), held=())


async def test_an_answer_leaves_nothing_to_collect() -> None:
    """All that httpx has made for a call goes with it."""
    async with transport_to(answer_all) as transport:
        packages = ("httpx", "httpcore", "resolvers")
        left = await left_behind(lambda: transport.send(READ), packages=packages)

    assert left == {}


async def test_nor_does_a_call_that_is_cancelled() -> None:
    """In whatever moment that happens, its request is gone at once."""
    assert await left_by_cancelled_calls() == {}


async def test_control_cancellations_that_keep_their_frames_leave_requests() -> None:
    """Frames of those below hold the cancellation that they pass on."""
    with patch.object(httpx_transport, "clear_frames", lambda _: None):
        left = await left_by_cancelled_calls()

    assert left["Request"] > 0


async def test_connection_is_kept_from_call_to_call() -> None:
    """Calls one after another share a connection."""
    connection_count = 0

    async def answer_for_ever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connection_count
        connection_count += 1
        while not reader.at_eof():
            if (await reader.readline()) == b"\r\n":
                writer.write(ANSWER)

    async with transport_to(answer_for_ever) as transport:
        for _ in range(5):
            await transport.send(READ)

    assert connection_count == 1


async def answer_each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request of a connection, until it is closed."""
    with suppress(ConnectionError):
        while not reader.at_eof():
            if (await reader.readline()) == b"\r\n":
                writer.write(ANSWER)


async def leave_at_every_turn(transport: HttpxTransport) -> None:
    """Begin a call and leave it after one turn of the loop, after two, and so on to its end.

    Each is left on a new connection and on one that is kept. Raises TimeoutError when the next
    call finds none.
    """
    for turn_count in range(TURNS):
        for _ in range(2):
            call = asyncio.ensure_future(transport.send(READ))
            for _ in range(turn_count):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.wait([call])
        async with asyncio.timeout(1):
            await transport.send(READ)


async def test_call_that_is_left_at_any_moment_gives_its_connection_back() -> None:
    """However early or late a call is cancelled, the next one has a place on the wire."""
    async with transport_to(answer_each, in_flight_limit=1) as transport:
        await leave_at_every_turn(transport)


async def test_control_httpx_alone_loses_connections_of_calls_that_are_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: its pool takes some for taken for ever, and then nobody is served any more."""

    async def leave_it(self: object, exchange: object) -> None:
        del self, exchange

    monkeypatch.setattr("resolvers.upstream.httpx_transport._Network.let_go", leave_it)
    async with transport_to(answer_each, in_flight_limit=1) as transport:
        with pytest.raises(TimeoutError):
            await leave_at_every_turn(transport)
