"""A server that can answer before there is a task: what is held, answered, or let in, and how."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from http import HTTPStatus

import pytest

from gateway.direct_protocol import HELD_LIMIT_BYTES, DirectProtocol
from gateway.replies import Reply, encoded
from gateway.request import RequestHeaders
from gateway.serving import Server, bind, make_server
from gateway.settings import Settings
from tests.faults.misbehaviour import hanging, misbehave
from tests.gateway.front_door import A_QUERY, TYPENAME, Door, open_door
from tests.resolvers.upstream.builders import let_everybody_run

NO = b'{"errors":[]}'
REFUSAL = Reply(HTTPStatus.SERVICE_UNAVAILABLE, encoded({"retry-after": "1"}, NO), NO)
WANTED = b"mutation"
"""Whoever has this in her body is let in, though reads are refused."""


@dataclass
class RefusingDoor:
    """Stands where the GraphQL application is asked whether it has an answer at once."""

    bodies: list[bytes] = field(default_factory=list)
    names: set[bytes] = field(default_factory=set)
    overtaking = staticmethod(nullcontext)

    def find(self, _: RequestHeaders, query_string: bytes, __: str | None) -> Reply | None:
        self.bodies.append(query_string)
        return None

    def reply(self, headers: RequestHeaders, body: bytes, __: str | None) -> Reply | None:
        self.bodies.append(body)
        self.names.update(headers.values)
        return None if WANTED in body else REFUSAL


@dataclass(frozen=True)
class Line:
    """A connection to a gateway that refuses; bytes go in, answers come out."""

    door: Door
    refusing: RefusingDoor
    server: Server
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *parts: bytes) -> None:
        """Each part in a packet of its own."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(0.005)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        body = await self.reader.readexactly(int(headers["content-length"]))
        return int(head[0].split()[1]), headers, body

    @property
    def task_count(self) -> int:
        return len(self.server.server_state.tasks)


@asynccontextmanager
async def line_to_a_refusing_gateway() -> AsyncIterator[Line]:
    settings = Settings.model_construct(host="127.0.0.1", port=0)
    with bind(settings) as listening:
        async with open_door() as door, asyncio.TaskGroup() as group:
            door.app.state.graphql.at_once = refusing = RefusingDoor()
            server = make_server(door.app)
            group.create_task(server.serve(sockets=[listening]))
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            try:
                yield Line(door, refusing, server, reader, writer)
            finally:
                writer.close()
                server.should_exit = True


def posted(body: bytes = TYPENAME, *headers: str, path: str = "/graphql") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: gateway.test", "content-type: application/json"]
    lines += [f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def asked(query: str) -> bytes:
    return json.dumps({"query": query}).encode()


async def test_a_refusal_is_an_answer_like_any_other() -> None:
    """It has its status, its headers and those of the server, and the connection stays open."""
    async with line_to_a_refusing_gateway() as line:
        await line.send(posted())
        status, headers, body = await line.answer()
        await line.send(posted())
        again, _, _ = await line.answer()

    assert (status, again, body) == (503, 503, NO)
    assert headers["retry-after"] == "1"
    assert headers.keys() == {"date", "retry-after", "content-length"}


async def test_no_task_is_made_for_who_is_refused() -> None:
    """Between its first byte and its refusal the server has begun nothing."""
    async with line_to_a_refusing_gateway() as line:
        request = posted()
        await line.send(request[:-1])
        begun_count = line.task_count
        await line.send(request[-1:])
        await line.answer()

    assert begun_count == 0


async def test_control_what_is_not_held_gets_a_task_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same bytes, if uvicorn has them as they come."""
    monkeypatch.setattr(DirectProtocol, "_may_hold", lambda _: False)
    async with line_to_a_refusing_gateway() as line:
        request = posted()
        await line.send(request[:-1])
        begun_count = line.task_count
        await line.send(request[-1:])
        status, _, body = await line.answer()

    assert begun_count == 1
    assert (status, json.loads(body)["data"]) == (200, {"__typename": "Query"})


async def test_who_takes_long_to_send_is_held_no_longer() -> None:
    """A body that drips is read by a task, which has a limit for it."""
    async with line_to_a_refusing_gateway() as line:
        request = posted()
        await line.send(request[:-1])
        while not line.task_count:
            await let_everybody_run()
        await line.send(request[-1:])
        status, _, _ = await line.answer()

    assert (status, line.refusing.bodies) == (200, [])


@pytest.mark.parametrize("cut", [1, 40, 120], ids="in the middle of byte {}".format)
async def test_who_is_let_in_after_all_has_lost_nothing(cut: int) -> None:
    """However her bytes come, she is answered as if she had not been held."""
    request = posted(asked(f"query mutation {A_QUERY}"))

    async with line_to_a_refusing_gateway() as line:
        await line.send(request[:cut], request[cut:-30], request[-30:])
        status, _, body = await line.answer()

    assert line.refusing.bodies == [asked(f"query mutation {A_QUERY}")]
    assert (status, json.loads(body)["data"]) == (200, {"order": {"id": "o-1"}})


async def test_what_comes_after_the_body_is_no_header() -> None:
    """Whoever sends trailers through a proxy cannot name herself somebody else by them."""
    head, _, body = posted().partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.startswith(b"content-length")]
    chunk = b"%x\r\n%b\r\n0\r\nx-session: mallory\r\n\r\n" % (len(body), body)
    async with line_to_a_refusing_gateway() as line:
        await line.send(b"\r\n".join([*lines, b"transfer-encoding: chunked", b"", chunk]))
        status, _, _ = await line.answer()

    assert (status, line.refusing.bodies) == (503, [body])
    assert b"host" in line.refusing.names
    assert b"x-session" not in line.refusing.names


async def test_requests_that_came_together_are_answered_in_their_order() -> None:
    """Refused, let in, refused: the third waits for the answer to the second."""
    async with line_to_a_refusing_gateway() as line:
        let_in = posted(asked(f"query mutation {A_QUERY}"))
        line.writer.write(posted() + let_in + posted())
        statuses = [(await line.answer())[0] for _ in range(3)]

    # Behind one that runs nobody is held: the third is asked about when it is its turn.
    assert statuses == [503, 200, 200]


@pytest.mark.parametrize(
    "request_bytes",
    [
        posted(b'{"query":"{ __typename }"}' + b" " * HELD_LIMIT_BYTES),
        posted(TYPENAME, "connection: close"),
        posted().replace(b"HTTP/1.1", b"HTTP/1.0"),
    ],
    ids=["long", "the last one", "HTTP/1.0"],
)
async def test_what_may_take_long_or_ends_a_connection_is_not_held(request_bytes: bytes) -> None:
    """It goes the ordinary way, where the same door may still refuse it."""
    async with line_to_a_refusing_gateway() as line:
        await line.send(request_bytes)
        status, _, _ = await line.answer()

    assert (status, line.refusing.bodies) == (200, [])


async def test_a_query_by_get_is_looked_at_as_well() -> None:
    """Its address is looked at; what is not at hand goes the ordinary way."""
    async with line_to_a_refusing_gateway() as line:
        await line.send(b"GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nhost: x\r\n\r\n")
        status, _, _ = await line.answer()

    assert (status, line.refusing.bodies) == (200, [b"query=%7B__typename%7D"])


async def test_who_asks_before_she_sends_is_not_held() -> None:
    """Who waits for `100 Continue` gets it."""
    async with line_to_a_refusing_gateway() as line:
        request = posted(TYPENAME, "expect: 100-continue")
        await line.send(request[: -len(TYPENAME)])
        invitation = await line.reader.readuntil(b"\r\n\r\n")
        await line.send(TYPENAME)
        status, _, _ = await line.answer()

    assert invitation.startswith(b"HTTP/1.1 100")
    assert status == 200


async def test_other_paths_are_not_held() -> None:
    """A probe of the process's health is answered whatever the crowd."""
    async with line_to_a_refusing_gateway() as line:
        await line.send(b"GET /livez HTTP/1.1\r\nhost: gateway.test\r\n\r\n")
        status, _, _ = await line.answer()

    assert status == 200


async def test_a_stop_in_the_middle_of_a_held_request_still_answers_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who had begun to send when the server was asked to end is answered."""
    monkeypatch.setattr("gateway.direct_protocol.HELD_S", 60.0)
    async with line_to_a_refusing_gateway() as line:
        request = posted()
        await line.send(request[:-1])
        line.server.should_exit = True
        while not line.task_count:
            await let_everybody_run()
        await line.send(request[-1:])
        status, headers, _ = await line.answer()

    assert (status, headers["connection"]) == (200, "close")


async def test_who_leaves_in_the_middle_leaves_nothing_behind() -> None:
    """A connection that ends while its request is held was never here."""
    async with line_to_a_refusing_gateway() as line:
        await line.send(posted()[:-1])
        line.writer.close()
        await line.writer.wait_closed()
        while line.server.server_state.connections:
            await let_everybody_run()

        assert line.task_count == 0
        assert line.refusing.bodies == []


@pytest.mark.steered_time
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
async def test_both_ways_refuse_with_the_same_words(accept: str) -> None:
    """What the server refuses by itself looks as if the application had refused it."""
    headers = {"accept": accept, "x-request-id": "one"}
    async with (
        open_door(operation_limit=1, queue_time_ms=100) as door,
        asyncio.TaskGroup() as group,
    ):
        misbehave(door.twins, "orders", hanging)
        crowd = [group.create_task(door.ask(A_QUERY)) for _ in range(2)]
        await asyncio.sleep(0.0625)
        spoken = await door.post(headers=headers)
        reply = door.app.state.graphql.at_once.reply(RequestHeaders.of(raw(headers)), TYPENAME)
        for one in crowd:
            one.cancel()

    assert isinstance(reply, Reply)
    early = {name.decode(): value.decode() for name, value in reply.headers}
    assert (spoken.status_code, spoken.headers["content-type"]) == (503, early["content-type"])
    assert early.keys() == spoken.headers.keys()
    assert kind_of(reply.body) == kind_of(spoken.content)


def raw(headers: dict[str, str]) -> Sequence[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def kind_of(body: bytes) -> tuple[str, str]:
    [error] = json.loads(body)["errors"]
    return error["message"], error["extensions"]["code"]
