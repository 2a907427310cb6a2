"""A gateway on a free port whose connections have bounds of the test's own, and lines to it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from unittest.mock import patch

from gateway.serving import Server, bind, make_server
from gateway.settings import Settings
from gateway.web.options import ConnectionOptions
from tests.gateway.front_door import TYPENAME, Door, open_door

SHORT_S: Final = 0.05
"""A time limit that a test waits for."""

LONG_S: Final = 5.0
"""Longer than anything here may take."""


async def let_others_run() -> None:
    await asyncio.sleep(0.001)


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer as it came over the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        [error] = json.loads(self.body)["errors"]
        code: str = error["extensions"]["code"]
        return code


@dataclass(frozen=True, slots=True)
class Line:
    """A connection to a gateway."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> Answered:
        async with asyncio.timeout(LONG_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return Answered(int(head[0].split()[1]), headers, body)

    async def is_cut(self) -> bool:
        """Nothing more comes: the connection ends within the test's patience."""
        try:
            async with asyncio.timeout(LONG_S):
                return await self.reader.read() == b""
        except ConnectionError:
            return True


@dataclass(frozen=True, slots=True)
class Gate:
    """A gateway that listens."""

    door: Door
    server: Server
    address: tuple[str, int]

    @asynccontextmanager
    async def line(self, **given: Any) -> AsyncIterator[Line]:
        reader, writer = await asyncio.open_connection(*self.address, **given)
        try:
            yield Line(reader, writer)
        finally:
            writer.transport.abort()

    async def ask(self, data: bytes) -> Answered:
        """Send these bytes on a connection of their own; the first answer."""
        async with self.line() as line:
            await line.send(data)
            return await line.answer()

    async def somebody_there(self) -> None:
        """Wait until there is a connection."""
        async with asyncio.timeout(LONG_S):
            while not self.server.server_state.connections:
                await let_others_run()

    async def nobody_left(self) -> None:
        """Wait until there is no connection."""
        async with asyncio.timeout(LONG_S):
            while self.server.server_state.connections:
                await let_others_run()


@asynccontextmanager
async def guarded(settings: Mapping[str, Any] | None = None, **bounds: Any) -> AsyncIterator[Gate]:
    """A gateway with these bounds."""
    with (
        bind(Settings.model_construct(host="127.0.0.1", port=0)) as listening,
        patch("gateway.serving.LAST_WORD_S", 0.0),
    ):
        # Small, so that what a client leaves lying is soon left to us.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
        async with open_door(**(settings or {})) as door, asyncio.TaskGroup() as group:
            door.app.state.connections = ConnectionOptions(**bounds)
            server = make_server(door.app)
            serving = group.create_task(server.serve(sockets=[listening]))
            while not server.started:
                await let_others_run()
            try:
                yield Gate(door, server, listening.getsockname())
            finally:
                server.should_exit = True
                await serving


def posted(body: bytes = TYPENAME, *headers: str, path: str = "/graphql") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: gateway.test", "content-type: application/json"]
    lines += [f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
