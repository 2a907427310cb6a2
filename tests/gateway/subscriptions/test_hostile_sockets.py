"""Sockets that break the rules of frames, flood, or read nothing: contained, and cut in time."""

import asyncio
import base64
import json
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.gateway.subscriptions.live_house import FOLLOW, Json, LiveHouse, open_house, until
from tests.resolvers.upstream.builders import an_order

O_1 = {"id": "o-1"}
MASK = b"\0\0\0\0"
TEXT, CONT, BINARY, CLOSE, PING = 0x1, 0x0, 0x2, 0x8, 0x9


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, masked: bool = True) -> bytes:
    """One frame of a client, masked with zeros."""
    size = len(payload)
    head = bytes([(0x80 if fin else 0) | opcode])
    bit = 0x80 if masked else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 65_536:
        head += bytes([bit | 126]) + struct.pack("!H", size)
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", size)
    return head + (MASK if masked else b"") + payload


@asynccontextmanager
async def raw(
    house: LiveHouse, *, receive_buffer_bytes: int | None = None
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection after its handshake, for whatever bytes a test sends."""
    own = socket.socket()
    own.setblocking(False)
    if receive_buffer_bytes is not None:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    await asyncio.get_running_loop().sock_connect(own, ("127.0.0.1", house.port))
    reader, writer = await asyncio.open_connection(sock=own)
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        "GET /graphql HTTP/1.1",
        "host: gateway.test",
        "upgrade: websocket",
        "connection: upgrade",
        f"sec-websocket-key: {key}",
        "sec-websocket-version: 13",
        "sec-websocket-protocol: graphql-transport-ws",
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    await reader.readuntil(b"\r\n\r\n")
    try:
        yield reader, writer
    finally:
        writer.close()


async def close_code(reader: asyncio.StreamReader) -> int:
    """The code of the next close frame; other frames are passed over."""
    async with asyncio.timeout(10):
        while True:
            first, second = await reader.readexactly(2)
            size = second & 0x7F
            if size == 126:
                [size] = struct.unpack("!H", await reader.readexactly(2))
            payload = await reader.readexactly(size)
            if first & 0x0F == CLOSE:
                code: int = struct.unpack("!H", payload[:2])[0]
                return code


BROKEN = {
    "not masked": (frame(TEXT, b"{}", masked=False), 1002),
    "an unknown opcode": (frame(0x3, b"x"), 1002),
    "reserved bits": (bytes([0xF1, 0x80]) + MASK, 1002),
    "a fragmented ping": (frame(PING, b"x", fin=False), 1002),
    "a long ping": (frame(PING, b"x" * 126), 1002),
    "a fragment of nothing": (frame(CONT, b"x"), 1002),
    "no UTF-8": (frame(TEXT, b"\xff\xfe"), 1007),
    "too large": (frame(TEXT, b"x" * 70_000), 1009),
    "too large, announced alone": (frame(TEXT, b"x" * 70_000)[:14], 1009),
    "too large in parts": (
        frame(TEXT, b"x" * 40_000, fin=False) + frame(CONT, b"x" * 40_000),
        1009,
    ),
    "a message of empty fragments": (
        frame(TEXT, b"", fin=False) + frame(CONT, b"", fin=False) * 2_000,
        1008,
    ),
    "a flood of pings": (frame(PING, b"x") * 2_000, 1008),
    "a flood of messages": (frame(TEXT, b'{"type":"pong"}') * 2_000, 1008),
}


@pytest.mark.every_loop
@pytest.mark.parametrize(("sent", "code"), BROKEN.values(), ids=list(BROKEN))
async def test_a_broken_frame_closes_its_socket_and_no_other(sent: bytes, code: int) -> None:
    """Each is told the code of RFC 6455, and others are served meanwhile."""
    async with open_house() as house, raw(house) as (reader, writer):
        writer.write(sent)
        told = await close_code(reader)
        async with house.socket() as other:
            await other.follow("1", FOLLOW, O_1)
            assert await other.next()

    assert told == code


async def test_compression_is_not_agreed_to() -> None:
    """A client may offer it; a kilobyte that becomes a megabyte is never accepted."""
    async with open_house() as house, house.socket(compression="deflate") as client:
        await client.follow("1", FOLLOW, O_1)
        assert await client.next()

        assert client.connection.protocol.extensions == []


async def test_who_reads_nothing_is_shown_the_latest_and_holds_little() -> None:
    """A thousand changes for a stuck client are one bit; when she reads again she is at the end."""
    async with open_house() as house, house.socket() as client:
        await client.follow("1", FOLLOW, O_1)
        await client.next()
        client.connection.transport.pause_reading()
        for version in range(2, 1_002):
            await house.change(an_order(version=version))
            await asyncio.sleep(0)
        client.connection.transport.resume_reading()
        versions: list[int] = []
        while not versions or versions[-1] < 1_001:
            versions.append((await client.next())["data"]["orderChanged"]["version"])

    assert versions == sorted(set(versions))


@pytest.mark.every_loop
async def test_who_reads_nothing_for_too_long_is_cut_off() -> None:
    """Her connection is reset, what was made for her is gone, and it was never much."""
    async with open_house(live_stuck_s=0.5, send_buffer_bytes=4_096) as house:  # noqa: SIM117 - read
        async with raw(house, receive_buffer_bytes=4_096) as (_, writer):
            live = house.door.gateway.live
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # a socket's has it
            writer.write(frame(TEXT, b'{"type":"connection_init"}'))
            payload = {"query": FOLLOW, "variables": O_1}
            said = json.dumps({"id": "1", "type": "subscribe", "payload": payload})
            writer.write(frame(TEXT, said.encode()))
            version, held_bytes = 1, 0
            async with asyncio.timeout(20):
                while not live.counts.ended["stuck"]:
                    version += 1
                    await house.change(an_order(version=version))
                    await asyncio.sleep(0.001)
                    held_bytes = max(held_bytes, held_by(house))
            await until(lambda: not live.counts.connections["websocket"])

    assert live.counts.following_count == 0
    assert 65_536 < held_bytes < 131_072


def held_by(house: LiveHouse) -> int:
    """Bytes that wait in this process to be taken by clients."""
    connections: Json = house.server.server_state.connections
    return sum(connection.transport.get_write_buffer_size() for connection in connections)
