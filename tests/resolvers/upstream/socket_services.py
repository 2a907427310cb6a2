"""Services on real sockets of this machine that answer in bytes, as well or as badly as told."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@dataclass(frozen=True)
class Received:
    """One request as it came over the wire."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Exchange:
    """A request and the connection on which to answer it; ``number`` counts those of the service.

    ``place`` is the request's on its own connection, from 1.
    """

    received: Received
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int
    place: int

    def reset(self) -> None:
        """Break the connection without a word."""
        self.writer.transport.abort()


@dataclass
class SocketService:
    """What has happened at the service so far."""

    port: int = 0
    connection_count: int = 0
    open_count: int = 0
    requests: list[Received] = field(default_factory=list)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until this holds of what has happened."""
        while not holds():
            self.changed.clear()
            await self.changed.wait()

    def close_connections(self) -> None:
        for writer in self.writers:
            writer.close()


Behaviour = Callable[[Exchange], Awaitable[None]]


async def answers(exchange: Exchange) -> None:
    """Answer at once."""
    exchange.writer.write(ANSWER)


async def hangs(exchange: Exchange) -> None:
    """Never answer, until the client is gone."""
    await exchange.reader.read()


def says(answer: bytes) -> Behaviour:
    """Answer these bytes, and close the connection."""

    async def say(exchange: Exchange) -> None:
        exchange.writer.write(answer)
        exchange.writer.close()

    return say


@asynccontextmanager
async def service_that(
    behaves: Behaviour, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[SocketService]:
    """Serve on a free port; afterwards every connection has ended."""
    service = SocketService()
    served = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        served.add(task)
        service.connection_count += 1
        service.open_count += 1
        service.writers.add(writer)
        service.changed.set()
        try:
            await _serve_connection(service, behaves, reader, writer)
        finally:
            service.open_count -= 1
            service.writers.discard(writer)
            service.changed.set()
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    service.port = server.sockets[0].getsockname()[1]
    async with server:
        yield service
        service.close_connections()
        if served:
            await asyncio.wait(served)


async def _serve_connection(
    service: SocketService,
    behaves: Behaviour,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    place = 0
    with suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
        while not writer.is_closing():
            received = await _receive(reader)
            place += 1
            service.requests.append(received)
            service.changed.set()
            number = len(service.requests)
            await behaves(Exchange(received, reader, writer, number, place))
            await writer.drain()


async def _receive(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    line, *fields = head.rstrip("\r\n").split("\r\n")
    headers = {name.lower(): value for name, value in (one.split(": ", 1) for one in fields)}
    return Received(
        line, headers, await reader.readexactly(int(headers.get("content-length", "0")))
    )
