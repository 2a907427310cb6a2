"""Requests to one address over a few connections that stay open, at next to no cost.

The rule: who generates load must not be what is measured. So this knows just enough of HTTP/1.1: an
answer has a `Content-Length`, and a connection has one request under way.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

END_OF_HEAD: Final = b"\r\n\r\n"
LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
FAULT: Final = b'"errors":'
"""What a GraphQL answer has in it when something went wrong."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A request that is to be sent at an instant of the loop's clock (s)."""

    due_s: float
    method: str
    path: str
    body: bytes


@dataclass(slots=True)
class Kept:
    """What became of the wishes (s): how late each was sent, and answered, after it was due.

    Both count from the instant a request was due, so that a server that stands still cannot hide
    the requests that it kept from being sent.
    """

    sent_late_s: list[float] = field(default_factory=list)
    answered_s: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)


class Lane:
    """Sends what is put into it, in order, over whichever connection is free.

    Wishes due before ``counted_from_s`` are sent too, but their times are not kept.
    """

    def __init__(self, url: str, *, counted_from_s: float) -> None:
        self._counted_from_s = counted_from_s
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._wishes: asyncio.Queue[Wish] = asyncio.Queue()
        self.kept = Kept()

    def put(self, wish: Wish) -> None:
        self._wishes.put_nowait(wish)

    @asynccontextmanager
    async def open(self, connection_count: int) -> AsyncIterator["Lane"]:
        """Send inside the block; leaving it waits for the answers to all that was put in."""
        async with asyncio.TaskGroup() as group:
            senders = [group.create_task(self._send_all()) for _ in range(connection_count)]
            yield self
            await self._wishes.join()
            for sender in senders:
                sender.cancel()

    async def _send_all(self) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            while True:
                wish = await self._wishes.get()
                await self._send(wish, reader, writer)
                self._wishes.task_done()
        finally:
            writer.close()

    async def _send(
        self, wish: Wish, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        loop = asyncio.get_running_loop()
        sent_s = loop.time()
        writer.write(self._rendered(wish))
        head = await reader.readuntil(END_OF_HEAD)
        length = LENGTH.search(head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        if wish.due_s >= self._counted_from_s:
            self.kept.sent_late_s.append(sent_s - wish.due_s)
            self.kept.answered_s.append(loop.time() - wish.due_s)
        if not head.startswith(b"HTTP/1.1 200") or FAULT in body:
            self.kept.failures[(head.splitlines()[0] + b" " + body[:200]).decode()] += 1

    def _rendered(self, wish: Wish) -> bytes:
        head = (
            f"{wish.method} {wish.path} HTTP/1.1\r\nhost: {self._host}:{self._port}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(wish.body)}\r\n\r\n"
        )
        return head.encode() + wish.body
