"""Connections that stay open, for requests that are bytes already: the least that can be sent.

The rule: who floods must not be what is measured, nor take the processor of what is. So a request
is rendered before the clock runs, and of an answer only its end is looked for.
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import urlsplit

END_OF_HEAD: Final = b"\r\n\r\n"
LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

OnAnswer = Callable[[bytes], None]
"""Takes a whole answer, its head first."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A request to be sent as soon as a connection is free, and who is told its answer."""

    request: bytes
    answered: OnAnswer


class Connection(asyncio.Protocol):
    """One connection with at most one request under way; ``freed`` is called when it has none."""

    def __init__(self, freed: Callable[["Connection"], None], lost: Callable[[], None]) -> None:
        self._freed = freed
        self._lost = lost
        self._transport: asyncio.WriteTransport | None = None
        self._errand: Errand | None = None
        self._came = b""
        self._gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is none by its class, though by all that it can do.
        self._transport = cast("asyncio.WriteTransport", transport)

    def send(self, errand: Errand) -> None:
        """Send it; to be called when free."""
        self._errand = errand
        if self._transport is not None:
            self._transport.write(errand.request)

    def data_received(self, data: bytes) -> None:
        self._came += data
        errand = self._errand
        if errand is not None and _is_whole(self._came):
            answer, self._came, self._errand = self._came, b"", None
            errand.answered(answer)
            self._freed(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._gone.set()
        if self._errand is not None:
            self._lost()

    async def close(self) -> None:
        """Close it and wait until it is."""
        if self._transport is not None:
            self._transport.close()
            await self._gone.wait()


class Connections:
    """Some connections to one server, used in turn; errands wait when none is free.

    ``lost_count``: connections that were closed with a request under way.
    """

    def __init__(self) -> None:
        self._free: deque[Connection] = deque()
        self._waiting: deque[Errand] = deque()
        self._under_way_count = 0
        self._is_idle = asyncio.Event()
        self.lost_count = 0

    @asynccontextmanager
    async def open(self, url: str, connection_count: int) -> AsyncIterator["Connections"]:
        """Open inside the block; leaving it waits for the answers to all that was given."""
        loop, parts = asyncio.get_running_loop(), urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
        opened = [
            (await loop.create_connection(self._make, host, port))[1]
            for _ in range(connection_count)
        ]
        self._free.extend(opened)
        try:
            yield self
            while self._waiting or self._under_way_count:
                self._is_idle.clear()
                await self._is_idle.wait()
        finally:
            for connection in opened:
                await connection.close()

    def put(self, errand: Errand) -> None:
        """Send it now, or when a connection is free."""
        if self._free:
            self._under_way_count += 1
            self._free.popleft().send(errand)
        else:
            self._waiting.append(errand)

    def _make(self) -> Connection:
        return Connection(self._release, self._lose)

    def _release(self, connection: Connection) -> None:
        if self._waiting:
            connection.send(self._waiting.popleft())
            return
        self._under_way_count -= 1
        self._free.append(connection)
        self._is_idle.set()

    def _lose(self) -> None:
        self.lost_count += 1
        self._under_way_count -= 1
        self._is_idle.set()


async def at_pace(
    rate: float, first_s: float, seconds: float, act: Callable[[float], None]
) -> None:
    """Call ``act`` with the instant it is due, so often a second; late ones at once.

    Instants are of `time.perf_counter`: a loop's own clock may tell whole milliseconds only.
    """
    for number in range(round(rate * seconds)):
        due_s = first_s + number / rate
        if (ahead_s := due_s - time.perf_counter()) > 0:
            await asyncio.sleep(ahead_s)
        act(due_s)


def _is_whole(answer: bytes) -> bool:
    head_length = answer.find(END_OF_HEAD)
    if head_length < 0:
        return False
    length = LENGTH.search(answer, 0, head_length)
    body_length = int(length[1]) if length else 0
    return len(answer) >= head_length + len(END_OF_HEAD) + body_length
