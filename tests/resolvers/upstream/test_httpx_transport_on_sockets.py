"""The same wire on real sockets of this machine, for what no mock can show."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from resolvers.upstream.errors import UpstreamUnavailable
from resolvers.upstream.httpx_transport import HttpxTransport
from resolvers.upstream.options import UpstreamOptions
from tests.resolvers.upstream.builders import MUTATION, READ

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

Connection = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def transport_to(connection: Connection) -> AsyncIterator[HttpxTransport]:
    """Serve on a free port and give a transport to it; afterwards every connection has ended."""
    served = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        served.add(task)
        await connection(reader, writer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport = HttpxTransport("orders", UpstreamOptions(base_url=f"http://127.0.0.1:{port}"))
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
