"""The way to the gateways, as a load balancer goes it: who refuses a connection has taken nothing.

A request that was sent and never answered may have been done; the caller is told that there is no
answer, and nobody sends it again for her. HTTP/1.1 by hand, because a client for everything takes
more of the machine than the gateways do.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, Self
from urllib.parse import urlsplit

import orjson

from tests.e2e.shopper import ANSWER_LIMIT_S
from tests.laws.proof.real.asking import Json

NAMES: Final = "abcdefgh"
ROUND_COUNT: Final = 200
ROUND_PAUSE_S: Final = 0.05
"""Between two rounds of all gateways, none of which takes connections."""
HEAD_END: Final = b"\r\n\r\n"
LENGTH: Final = b"content-length:"


class NobodyThere(AssertionError):
    """No gateway has taken a connection for a long time: the house is not as it should be."""


class CutOff(Exception):
    """A request was sent, and no answer will come."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, from which gateway, and between which instants (Unix s).

    ``status`` 0 and no ``body``: no answer came.
    """

    gateway: str
    invoked_at_s: float
    returned_at_s: float
    status: int = 0
    body: Json | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One connection to a gateway, for one request after the other."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def opened(cls, address: str) -> Self:
        """A connection to this address. Raises OSError if there is nobody."""
        url = urlsplit(address)
        return cls(*await asyncio.open_connection(url.hostname, url.port))

    @property
    def is_usable(self) -> bool:
        """Has the other side not ended it yet?"""
        return not (self.reader.at_eof() or self.writer.is_closing())

    async def exchange(self, request: bytes) -> tuple[int, Json]:
        """Send a request; its status and its body. Raises `CutOff`."""
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                self.writer.write(request)
                head = await self.reader.readuntil(HEAD_END)
                status, *headers = head.lower().split(b"\r\n")
                [length] = [line for line in headers if line.startswith(LENGTH)]
                body = await self.reader.readexactly(int(length.removeprefix(LENGTH)))
        except (OSError, EOFError, TimeoutError) as error:
            raise CutOff from error
        if b"connection: close" in headers:
            self.writer.close()
        return int(status.split()[1]), orjson.loads(body)

    async def close(self) -> None:
        """End it; returns when nothing of it is left."""
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()


@dataclass(frozen=True, slots=True)
class Wire:
    """All gateways at their addresses, and the lines to them that are free."""

    addresses: Sequence[str]
    free: Mapping[str, list[Line]] = field(default_factory=dict)

    async def post(self, asked: Mapping[str, object], headers: Mapping[str, str], at: int) -> Reply:
        """Send one request, to the gateway of this number or else to the next that is there."""
        request = rendered(orjson.dumps(asked), headers)
        for turn in range(ROUND_COUNT * len(self.addresses)):
            number = (at + turn) % len(self.addresses)
            try:
                line = await self._line(self.addresses[number])
            except OSError:
                if turn % len(self.addresses):
                    await asyncio.sleep(ROUND_PAUSE_S)
            else:
                return await self._post_on(line, number, request)
        raise NobodyThere(f"none of {', '.join(self.addresses)} takes a connection")

    async def _line(self, address: str) -> Line:
        while self.free[address]:
            if (line := self.free[address].pop()).is_usable:
                return line
            await line.close()
        return await Line.opened(address)

    async def _post_on(self, line: Line, number: int, request: bytes) -> Reply:
        invoked_at_s = time.time()
        try:
            status, body = await line.exchange(request)
        except CutOff:
            await line.close()
            return Reply(NAMES[number], invoked_at_s, time.time())
        returned_at_s = time.time()
        self.free[self.addresses[number]].append(line)
        return Reply(NAMES[number], invoked_at_s, returned_at_s, status, body)


def rendered(content: bytes, headers: Mapping[str, str]) -> bytes:
    """A POST of this JSON, as it goes over the wire."""
    told = {"Host": "gateway", "Content-Type": "application/json", **headers}
    lines = [f"{name}: {value}" for name, value in told.items()]
    head = "\r\n".join(["POST /graphql HTTP/1.1", *lines, f"Content-Length: {len(content)}"])
    return head.encode() + HEAD_END + content


@asynccontextmanager
async def open_wire(addresses: Sequence[str]) -> AsyncIterator[Wire]:
    """A wire without lines at first; all that it has in the end are closed."""
    free: dict[str, list[Line]] = {address: [] for address in addresses}
    try:
        yield Wire(addresses, free)
    finally:
        for line in chain.from_iterable(free.values()):
            await line.close()
