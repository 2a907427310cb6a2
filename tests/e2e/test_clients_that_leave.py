"""A client that closes its connection to a real gateway: its call and its wait end."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest

from gateway.token_key import make_key
from tests.e2e.distributed.roles import Role, free_address, start_role
from tests.e2e.processes import eventually
from tests.e2e.shopper import quiet_client

pytestmark = pytest.mark.e2e

CANCELLED_WITHIN_S: Final = 0.1
REST_S: Final = 20.0
"""A silent service is waited for so long, unless the client leaves."""

LIVE_ORDER: Final = json.dumps({"query": '{ order(id: "o-1") { id } }'}).encode()


@dataclass
class SilentService:
    """Takes requests and never answers; knows when its caller closed the connection."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    given_up: asyncio.Event = field(default_factory=asyncio.Event)
    given_up_at_s: float = 0.0

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked.set()
        await reader.read()
        self.given_up_at_s = time.monotonic()
        self.given_up.set()
        writer.close()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        """Its address."""
        port, address = free_address()
        server = await asyncio.start_server(self.hear, "127.0.0.1", port)
        try:
            yield address
        finally:
            server.close()


class Client:
    """One connection to the gateway with one query under way."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    @classmethod
    async def asking(cls, gateway: Role) -> "Client":
        address = urlsplit(gateway.address)
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        head = (
            f"POST /graphql HTTP/1.1\r\nhost: {address.netloc}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(LIVE_ORDER)}\r\n\r\n"
        )
        writer.write(head.encode() + LIVE_ORDER)
        await writer.drain()
        return cls(writer)

    def leave(self) -> float:
        """Close the connection; when that was (s, monotonic)."""
        self._writer.close()
        return time.monotonic()


@asynccontextmanager
async def running_gateway(folder: Path, orders_url: str) -> AsyncIterator[Role]:
    """A gateway of one place, before an order service there."""
    port, address = free_address()
    settings = {
        "BFF_PORT": str(port),
        "BFF_EVENTS": "none",
        "BFF_ORDERS_URL": orders_url,
        "BFF_ANONYMOUS": "everything",
        "BFF_TOKEN_KEYS": make_key(),
        "BFF_OPERATION_LIMIT": "1",
        "BFF_QUEUE_TIME_MS": "5000",
        "BFF_REQUEST_TIMEOUT_S": str(REST_S),
        "BFF_ATTEMPT_TIMEOUT_S": str(REST_S),
    }
    gateway = start_role(
        "gateway", ("gateway", "serve"), folder, settings=settings, address=address
    )
    try:
        await asyncio.to_thread(eventually, lambda: crowd_of(gateway), about="a ready gateway")
        yield gateway
    finally:
        await asyncio.to_thread(gateway.kill)


def crowd_of(gateway: Role) -> dict[str, object] | None:
    """Who is at the door; None while nobody answers."""
    with quiet_client(gateway.address) as http:
        try:
            told: dict[str, object] = http.get("/readyz").json()["admission"]
        except httpx.TransportError:
            return None
        return told


async def until_crowd(gateway: Role, **expected: object) -> None:
    """Wait until the door tells just this."""

    def is_there() -> bool:
        return (crowd_of(gateway) or {}).items() >= expected.items()

    await asyncio.to_thread(eventually, is_there, about=f"{expected}", within_s=10.0)


async def test_a_client_that_leaves_takes_its_calls_along(tmp_path: Path) -> None:
    """Within a tenth of a second after the client, the call to the service is gone."""
    service = SilentService()
    async with service.listening() as orders_url, running_gateway(tmp_path, orders_url) as gateway:
        client = await Client.asking(gateway)
        await service.asked.wait()

        left_at_s = client.leave()
        async with asyncio.timeout(10):
            await service.given_up.wait()

    assert service.given_up_at_s - left_at_s <= CANCELLED_WITHIN_S


async def test_a_client_that_leaves_the_line_is_not_waited_for(tmp_path: Path) -> None:
    """Who closes its connection while it waits to begin is no longer counted."""
    service = SilentService()
    async with service.listening() as orders_url, running_gateway(tmp_path, orders_url) as gateway:
        inside = await Client.asking(gateway)
        await service.asked.wait()
        waiting = await Client.asking(gateway)
        await until_crowd(gateway, inFlight=1, waiting=1)

        waiting.leave()

        await until_crowd(gateway, inFlight=1, waiting=0)
        inside.leave()
        await until_crowd(gateway, inFlight=0, waiting=0, isShedding=False)
