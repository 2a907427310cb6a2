"""The gateway on a real socket, served by uvicorn: what only a server can do."""

import asyncio
import contextlib
import json
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn

from gateway.serving import PortTaken, bind, make_server
from gateway.settings import Settings
from tests.gateway.front_door import A_MUTATION, A_QUERY, Door, open_door


def at(port: int, host: str = "127.0.0.1") -> Settings:
    return Settings.model_construct(host=host, port=port)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A listening socket on a free port."""
    with bind(at(0)) as bound:
        yield bound


class Served:
    """A gateway that is being served; ``base_url`` is where."""

    def __init__(self, door: Door, server: uvicorn.Server, listening: socket.socket) -> None:
        host, port = listening.getsockname()[:2]
        self.door = door
        self.server = server
        self.base_url = f"http://{host}:{port}"
        self.address = (host, port)


@asynccontextmanager
async def served(listening: socket.socket) -> AsyncIterator[Served]:
    async with open_door() as door:
        server = make_server(door.app)
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve(sockets=[listening]))
            try:
                yield Served(door, server, listening)
            finally:
                server.should_exit = True


async def test_a_client_that_comes_early_is_answered(listening: socket.socket) -> None:
    """The socket listens before the application is ready, so no client is refused meanwhile."""
    async with served(listening) as bff, httpx.AsyncClient(base_url=bff.base_url) as client:
        response = await client.post("/graphql", json={"query": A_QUERY})

    assert response.json()["data"] == {"order": {"id": "o-1"}}
    assert "server" not in response.headers


async def test_a_stop_lets_running_requests_finish(listening: socket.socket) -> None:
    """Asked to stop, the server takes no new connection and answers what it has begun."""
    asked, may_answer = asyncio.Event(), asyncio.Event()

    async with served(listening) as bff, httpx.AsyncClient(base_url=bff.base_url) as client:
        answer = bff.door.twins.answer_orders

        async def when_asked(request: httpx.Request) -> httpx.Response:
            asked.set()
            await may_answer.wait()
            return answer(request)

        bff.door.twins.orders.mock(side_effect=when_asked)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(client.post("/graphql", json={"query": A_MUTATION}))
            await asked.wait()
            bff.server.should_exit = True
            await refused(bff.address)
            may_answer.set()

    assert running.result().json()["data"]["updateOrder"]["order"] == {"note": "gift"}


async def refused(address: tuple[str, int]) -> None:
    """Return when nobody can connect any more."""
    while True:
        try:
            _, writer = await asyncio.open_connection(*address)
        except ConnectionError:
            return
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_a_query_ends_when_its_connection_is_closed(listening: socket.socket) -> None:
    """A client that hangs up ends its query, the call to the service with it."""
    asked, given_up = asyncio.Event(), asyncio.Event()

    async def when_asked(_: httpx.Request) -> httpx.Response:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()
        raise AssertionError("unreachable: nobody sets the event")

    async with served(listening) as bff:
        bff.door.twins.orders.mock(side_effect=when_asked)
        _, writer = await asyncio.open_connection(*bff.address)
        body = json.dumps({"query": A_QUERY}).encode()
        writer.write(raw("POST", "/graphql", body))
        await asked.wait()
        writer.close()

        async with asyncio.timeout(1):
            await given_up.wait()


def raw(method: str, path: str, body: bytes = b"", *headers: str) -> bytes:
    """A request as bytes on the wire."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: gateway",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


async def answer_to(address: tuple[str, int], request: bytes) -> bytes:
    """Send bytes on a new connection and return all that comes back until the server closes it."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(request)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


CLOSE = "Connection: close"
TYPENAME = b'{"query":"{ __typename }"}'


STRANGE_BYTES = {
    "plain": (raw("POST", "/graphql", TYPENAME, CLOSE), 200),
    "absolute address": (raw("POST", "http://other.example/graphql", TYPENAME, CLOSE), 200),
    "HEAD": (raw("HEAD", "/graphql", b"", CLOSE), 400),
    "preflight": (raw("OPTIONS", "/graphql", b"", CLOSE, "Origin: http://evil.example"), 204),
    "way out of a folder": (raw("GET", "/playground/..%2f..%2fsettings.py", b"", CLOSE), 404),
    "path of no letters": (raw("GET", "/%ff%00", b"", CLOSE), 404),
    "tab in the request id": (raw("POST", "/graphql", TYPENAME, CLOSE, "X-Request-Id: a\tb"), 200),
    "no media type": (raw("POST", "/graphql", TYPENAME, CLOSE, "Accept: \xff\xfe/*;q=;,,"), 406),
    "no token": (raw("POST", "/graphql", TYPENAME, CLOSE, "X-Consistency-Token: \xff\xfe"), 400),
    "two lengths": (raw("POST", "/graphql", TYPENAME, "Content-Length: 3"), 400),
    "length and chunks": (raw("POST", "/graphql", TYPENAME, "Transfer-Encoding: chunked"), 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 100, 400),
    "zeros": (b"\x00" * 1000, 400),
}


async def test_strange_bytes_get_a_plain_answer(
    listening: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever comes over the wire is answered by HTTP's rules: no 500, no stack in the log."""
    async with served(listening) as bff:
        answered = {
            name: await answer_to(bff.address, request)
            for name, (request, _) in STRANGE_BYTES.items()
        }

    statuses = {name: int(answer.split(b" ")[1]) for name, answer in answered.items()}
    assert statuses == {name: status for name, (_, status) in STRANGE_BYTES.items()}
    assert not [record for record in caplog.records if record.exc_info]


async def test_pipelined_requests_are_answered_in_order(listening: socket.socket) -> None:
    """Requests sent at once on one connection get their answers in the order they were sent."""
    names = [f"a{n}" for n in range(5)]
    requests = [
        raw("POST", "/graphql", b'{"query":"{ %s: __typename }"}' % name.encode(), *last)
        for name, last in zip(names, [(), (), (), (), (CLOSE,)], strict=True)
    ]
    async with served(listening) as bff:
        answer = await answer_to(bff.address, b"".join(requests))

    assert [answer.index(f'"{name}"'.encode()) for name in names] == sorted(
        answer.index(f'"{name}"'.encode()) for name in names
    )


def test_a_taken_port_is_refused_with_what_to_do(listening: socket.socket) -> None:
    """Two gateways on one port: the second one is told before it opens anything."""
    port = listening.getsockname()[1]

    with pytest.raises(
        PortTaken, match=rf"127\.0\.0\.1:{port} \(Address already in use\).*BFF_PORT"
    ):
        bind(at(port))


async def test_the_signals_of_the_caller_come_back() -> None:
    """A server puts the handlers back that it found, so its caller can still be stopped."""
    before = signal.getsignal(signal.SIGTERM)

    async with open_door() as door:
        with make_server(door.app).capture_signals():
            during = signal.getsignal(signal.SIGTERM)

    assert during is not before
    assert signal.getsignal(signal.SIGTERM) is before
