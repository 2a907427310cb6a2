"""`python -m benchmarks.speed.ready_services`: the three services, at next to no cost.

One process, uvloop, and just enough of HTTP/1.1: a request has no body, and a connection has one
under way. A further port is for whoever measures: `GET /counts` tells the calls so far, and
`PUT /faults/NAME` strikes the product service, until `PUT /faults/none`.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Final, Literal, cast, get_args

import orjson
import uvloop

from benchmarks.speed.ready_answers import FAILED, Held, Service, rendered, services_of
from benchmarks.speed.world import World

LOOPBACK: Final = "127.0.0.1"
END_OF_HEAD: Final = b"\r\n\r\n"
SLOW_EVERY: Final = 100
SLOW_S: Final = 1.0
STRICKEN: Final = "products"

Fault = Literal["none", "fails", "hangs", "refuses", "slow"]


class Door:
    """Where one service listens, and what is wrong with it."""

    def __init__(self, service: Service, port: int) -> None:
        self._service = service
        self._port = port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Transport] = set()
        self._call_count = 0
        self.fault: Fault = "none"

    async def listen(self) -> None:
        """Take connections, if it does not already."""
        if self._server is None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(lambda: Asked(self), LOOPBACK, self._port)

    async def strike(self, fault: Fault) -> None:
        """Be struck by this, and by nothing else."""
        self.fault = fault
        if fault != "refuses":
            await self.listen()
        elif self._server is not None:
            self._server.close()
            self._server = None
            for transport in tuple(self._open):
                transport.abort()

    def came(self, transport: asyncio.Transport) -> None:
        self._open.add(transport)

    def left(self, transport: asyncio.Transport) -> None:
        self._open.discard(transport)

    def answer(self, target: bytes) -> bytes | Held | None:
        """What is sent back, and when; None: never."""
        answer = self._service.answer(target)
        if self.fault == "none" or target.startswith(b"/events"):
            return answer
        if self.fault == "fails":
            return FAILED
        if self.fault == "hangs":
            return None
        self._call_count += 1
        if self._call_count % SLOW_EVERY == 0 and isinstance(answer, bytes):
            return Held(answer, SLOW_S)
        return answer


class Asked(asyncio.Protocol):
    """One connection."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._came = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is none by its class, though by all that it can do.
        self._transport = cast("asyncio.Transport", transport)
        self._door.came(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._door.left(self._transport)

    def data_received(self, data: bytes) -> None:
        self._came += data
        while END_OF_HEAD in self._came:
            head, _, self._came = self._came.partition(END_OF_HEAD)
            answer = self._door.answer(head.split(b" ", 2)[1])
            if isinstance(answer, bytes):
                self._transport.write(answer)
            elif answer is not None:
                loop = asyncio.get_running_loop()
                loop.call_later(answer.after_s, self._write, answer.answer)

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


class Desk:
    """The port of who measures: counts, and faults."""

    def __init__(self, services: Mapping[str, Service], stricken: Door) -> None:
        self._services = services
        self._stricken = stricken

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        head = await reader.readuntil(END_OF_HEAD)
        target = head.split(b" ", 2)[1].decode()
        if target.startswith("/faults/"):
            name = target.rpartition("/")[2]
            if name in get_args(Fault):
                await self._stricken.strike(cast("Fault", name))
        counts = {name: dict(service.calls) for name, service in self._services.items()}
        writer.write(rendered(orjson.dumps(counts), headers=b"connection: close\r\n"))
        writer.close()


def main(argv: Sequence[str]) -> None:
    """Serve until killed."""
    options = parse(argv)
    uvloop.run(serve(json.loads(options.ports), World(**json.loads(options.world))))


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ports", required=True, help="by service, and `desk`; as JSON")
    parser.add_argument("--world", default="{}", help="how much there is of what, as JSON")
    return parser.parse_args(argv)


async def serve(ports: Mapping[str, int], world: World) -> None:
    """Serve for ever."""
    services = services_of(world)
    doors = {name: Door(service, ports[name]) for name, service in services.items()}
    for door in doors.values():
        await door.listen()
    desk = Desk(services, doors[STRICKEN])
    async with await asyncio.start_server(desk.serve, LOOPBACK, ports["desk"]) as server:
        await server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
