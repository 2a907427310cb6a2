"""A gateway on a real socket whose projection a test moves by hand, and clients that follow it.

async with open_house() as house, house.socket() as socket:
    await socket.follow("1", FOLLOW, {"id": "o-1"})
    assert (await socket.next("1"))["data"] == ...
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from gateway.serving import Server, bind, make_server
from gateway.settings import Settings
from gateway.watching import Watching
from projections.views import Row
from tests.gateway.front_door import Door, door_with
from tests.projection_by_hand import ProjectionByHand
from tests.resolvers.upstream.builders import a_customer, a_product, an_order

Json = Any

FOLLOW = """subscription ($id: ID!, $after: ConsistencyToken) {
  orderChanged(id: $id, after: $after) { id version note }
}"""
FOLLOW_ALL = """subscription ($id: ID!, $after: ConsistencyToken) {
  customerOrdersChanged(customerId: $id, after: $after) { id version }
}"""
SUBPROTOCOL = Subprotocol("graphql-transport-ws")


@dataclass
class Socket:
    """A client of graphql-transport-ws, which keeps what comes for whom."""

    connection: ClientConnection
    kept: list[Json] = field(default_factory=list)

    async def say(self, **message: Json) -> None:
        await self.connection.send(json.dumps(message))

    async def hear(self) -> Json:
        async with asyncio.timeout(5):
            return json.loads(await self.connection.recv())

    async def introduce(self, **payload: Json) -> None:
        await self.say(type="connection_init", payload=payload)
        assert await self.hear() == {"type": "connection_ack"}

    async def follow(
        self, id: str, query: str = FOLLOW, variables: Mapping[str, Json] | None = None
    ) -> None:
        await self.say(
            id=id, type="subscribe", payload={"query": query, "variables": variables or {}}
        )

    async def next(self, id: str = "1") -> Json:
        """The next result of this operation."""
        message = await self.hear()
        assert (message["type"], message["id"]) == ("next", id), message
        return message["payload"]

    async def closed(self) -> tuple[int | None, str | None]:
        """The code and the reason with which the gateway has closed it."""
        async with asyncio.timeout(10):
            await self.connection.wait_closed()
        return self.connection.close_code, self.connection.close_reason


@dataclass
class Stream:
    """A client of graphql-sse: one request, and its events as they come."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    status: int
    headers: Mapping[str, str]

    async def next(self) -> dict[str, str]:
        """The next event, by its fields; those without a name are passed over."""
        while "event" not in (event := await self.chunk()):
            pass
        return event

    async def chunk(self) -> dict[str, str]:
        async with asyncio.timeout(5):
            size = int(await self.reader.readline(), 16)
            text = (await self.reader.readexactly(size)).decode()
            await self.reader.readline()
        if not size:
            raise EOFError
        pairs = [line.partition(":") for line in text.splitlines() if line]
        return {name: value.strip() for name, _, value in pairs}

    async def result(self) -> Json:
        event = await self.next()
        assert event["event"] == "next", event
        return json.loads(event["data"])


@dataclass
class LiveHouse:
    """The open gateway, and the projection that a test moves."""

    door: Door
    projection: ProjectionByHand
    server: Server
    port: int

    async def change(self, *rows: Row) -> None:
        """These states arrive from the services."""
        await self.projection.apply(*rows)

    @asynccontextmanager
    async def socket(self, *, is_introduced: bool = True, **given: Json) -> AsyncIterator[Socket]:
        given = {"subprotocols": [SUBPROTOCOL], "compression": None, **given}
        async with connect(f"ws://127.0.0.1:{self.port}/graphql", **given) as connection:
            client = Socket(connection)
            if is_introduced:
                await client.introduce()
            yield client

    @asynccontextmanager
    async def stream(
        self, query: str = FOLLOW, variables: Json = None, *headers: str, method: str = "GET"
    ) -> AsyncIterator[Stream]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(_asked(method, query, variables, headers))
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            pairs = [line.split(": ", 1) for line in head[1:] if line]
            status = int(head[0].split()[1])
            yield Stream(reader, writer, status, {k.lower(): v for k, v in pairs})
        finally:
            writer.close()


async def until(is_so: Callable[[], object]) -> None:
    """Wait until it is so; nobody tells when."""
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110 - counts announce nothing
            await asyncio.sleep(0.001)


def _asked(method: str, query: str, variables: Json, headers: tuple[str, ...]) -> bytes:
    told = json.dumps(variables or {})
    address, body = "/graphql", b""
    if method == "GET":
        address += f"?query={quote(query)}&variables={quote(told)}"
    else:
        body = json.dumps({"query": query, "variables": variables or {}}).encode()
    lines = [f"{method} {address} HTTP/1.1", "host: gateway.test", "accept: text/event-stream"]
    if body:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


@asynccontextmanager
async def open_house(
    *,
    drain_s: float = 0.0,
    send_buffer_bytes: int | None = None,
    is_projecting: bool = True,
    watching: Callable[[Settings], Watching] = Watching.of,
    **settings: Json,
) -> AsyncIterator[LiveHouse]:
    """A gateway with these settings, whose projection holds o-1, c-1 and p-1.

    Unless ``is_projecting``, somebody else moves its projection.
    """
    given = Settings.model_construct(host="127.0.0.1", port=0)
    with bind(given) as listening:
        if send_buffer_bytes is not None:  # what is accepted here has as much
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)
        port = listening.getsockname()[1]
        async with (
            door_with({"events": "feed", **settings}, watching=watching) as door,
            asyncio.TaskGroup() as group,
        ):
            projection = ProjectionByHand(door.gateway.store)
            if is_projecting:
                await projection.apply(an_order(), a_customer(), a_product())
            server = make_server(door.app, drain_s=drain_s)
            group.create_task(server.serve(sockets=[listening]))
            try:
                yield LiveHouse(door, projection, server, port)
            finally:
                server.should_exit = True
