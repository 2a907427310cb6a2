"""A client that follows one order, and notes when it was shown which version."""

import asyncio
import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from benchmarks.processes import MeasurementFailed

SUBPROTOCOL: Final = Subprotocol("graphql-transport-ws")
QUERY: Final = """subscription ($id: ID!, $after: ConsistencyToken) {
  orderChanged(id: $id, after: $after) { id version status total note customer { name } }
}"""


@dataclass(slots=True)
class FollowingClient:
    """Shown ``versions``, in this order; ``at_s`` is when each first came (monotonic s)."""

    order_id: str
    token: str | None = None
    versions: list[int] = field(default_factory=list)
    at_s: dict[int, float] = field(default_factory=dict)
    connection_count: int = 0

    async def follow(self, address: str, until: Callable[["FollowingClient"], bool]) -> None:
        """Follow over one connection until that is so; then leave."""
        url = address.replace("http", "ws", 1) + "/graphql"
        async with connect(
            url, subprotocols=[SUBPROTOCOL], compression=None, open_timeout=60
        ) as connection:
            self.connection_count += 1
            await self._begin(connection)
            while not until(self):
                self._take(await connection.recv())

    async def _begin(self, connection: ClientConnection) -> None:
        await connection.send('{"type":"connection_init"}')
        await connection.recv()
        variables = {"id": self.order_id, "after": self.token}
        payload = {"query": QUERY, "variables": variables}
        await connection.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))

    def _take(self, raw: str | bytes) -> None:
        now_s = time.monotonic()
        message = orjson.loads(raw)
        if message["type"] != "next":
            raise MeasurementFailed(f"not shown: {message}")
        payload = message["payload"]
        version = payload["data"]["orderChanged"]["version"]
        self.token = payload["extensions"]["consistency"]["token"]
        self.versions.append(version)
        self.at_s.setdefault(version, now_s)

    @property
    def last(self) -> int:
        """The last version that was shown."""
        return self.versions[-1] if self.versions else 0


async def stuck(address: str, order_id: str, is_over: asyncio.Event) -> None:
    """Follow, and read nothing; the system keeps little on the way, so the rest is ours."""
    client = FollowingClient(order_id)
    url = address.replace("http", "ws", 1) + "/graphql"
    own = socket.socket()
    own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    own.connect((urlsplit(address).hostname, urlsplit(address).port))
    async with connect(url, sock=own, subprotocols=[SUBPROTOCOL], compression=None) as connection:
        await client._begin(connection)  # noqa: SLF001 - of this module
        connection.transport.pause_reading()
        await is_over.wait()
        connection.transport.abort()
