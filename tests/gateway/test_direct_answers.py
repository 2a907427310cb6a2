"""Answers at hand over a real connection: no task is made, and nobody's turn is taken."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest

from gateway.serving import bind, make_server
from gateway.settings import Settings
from tests.gateway.front_door import A_MUTATION, A_QUERY, Door, open_door
from tests.graphql_answers import Json
from tests.projection_by_hand import ProjectionByHand
from tests.resolvers.upstream.builders import a_customer, a_product, an_order

ROWS = (an_order(), a_customer(), a_product())
BY_ID = "query ($id: ID!) { order(id: $id) { id } }"


@dataclass
class Line:
    """A connection to a gateway that has its rows at hand; ``tasks`` are those made since."""

    door: Door
    projection: ProjectionByHand
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    tasks: list[str] = field(default_factory=list)

    async def ask(self, *requests: bytes) -> list[Json]:
        """All of them in one packet; the answers as they come."""
        await self.projection.prove()
        self.tasks.clear()
        self.writer.write(b"".join(requests))
        return [await self._answer() for _ in requests]

    async def _answer(self) -> Json:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = [line.split(": ", 1) for line in head[1:] if line]
        headers = {name.lower(): value for name, value in pairs}
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        status = int(head[0].split()[1])
        return {"status": status, "headers": headers, **(json.loads(body) if body else {})}

    def note(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **given: Any) -> Any:
        """Make a task, and remember that it was made."""
        self.tasks.append(coroutine.__qualname__)
        return asyncio.Task(coroutine, loop=loop, **given)


@asynccontextmanager
async def open_line(**settings: object) -> AsyncIterator[Line]:
    given = Settings.model_construct(host="127.0.0.1", port=0)
    with bind(given) as listening:
        async with open_door(events="feed", **settings) as door, asyncio.TaskGroup() as group:
            projection = ProjectionByHand(door.gateway.store)
            await projection.apply(*ROWS)
            server = make_server(door.app)
            group.create_task(server.serve(sockets=[listening]))
            reader, writer = await asyncio.open_connection(*listening.getsockname())
            line = Line(door, projection, reader, writer)
            loop = asyncio.get_running_loop()
            await line.ask(posted(A_QUERY), posted(BY_ID, {"id": "o-1"}))
            loop.set_task_factory(line.note)
            try:
                yield line
            finally:
                loop.set_task_factory(None)
                writer.close()
                server.should_exit = True


def posted(query: str, variables: Json = None, *headers: str) -> bytes:
    body = json.dumps({"query": query, "variables": variables}).encode()
    lines = ["POST /graphql HTTP/1.1", "host: gateway.test", "content-type: application/json"]
    lines += [f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def got(*headers: str) -> bytes:
    address = f"/graphql?query={quote(A_QUERY)}"
    lines = [f"GET {address} HTTP/1.1", "host: gateway.test", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


async def test_an_answer_at_hand_takes_no_task() -> None:
    """It is given in the call that brings the last byte of its request."""
    async with open_line() as line:
        answers = await line.ask(posted(A_QUERY), posted(A_QUERY))

        assert line.tasks == []

    assert [answer["data"] for answer in answers] == [{"order": {"id": "o-1"}}] * 2
    consistency = answers[0]["extensions"]["consistency"]
    assert answers[0]["headers"]["x-consistency-token"] == consistency["token"]


async def test_what_one_packet_brings_is_done_past_the_line_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also where each request of it wishes for another protocol, and is read again without."""
    entered: list[str] = []

    @contextmanager
    def watched(_: object) -> Iterator[None]:
        entered.append("in")
        yield
        entered.append("out")

    async with open_line() as line:
        monkeypatch.setattr("gateway.admission.door.Door.overtaking", watched)
        wish = posted(A_QUERY, None, "connection: upgrade", "upgrade: h2c")
        answers = await line.ask(*[wish] * 300)

    assert [answer["data"] for answer in answers] == [{"order": {"id": "o-1"}}] * 300
    assert entered == ["in", "out"] * (len(entered) // 2)
    assert 1 <= len(entered) // 2 <= 3  # as many as the packets that its bytes came in


@pytest.mark.parametrize(
    "request_bytes",
    [
        posted(A_QUERY, None, "cookie: any=one"),
        posted(A_QUERY, None, "x-deadline-ms: 500"),
        got("cookie: any=one"),
        got("x-deadline-ms: 500"),
    ],
    ids=["a cookie", "a deadline", "a cookie by GET", "a deadline by GET"],
)
async def test_what_is_more_than_a_question_goes_the_ordinary_way(request_bytes: bytes) -> None:
    """A task is made for it, and its answer is the same."""
    async with open_line() as line:
        [answer] = await line.ask(request_bytes)

        assert line.tasks != []

    assert (answer["status"], answer["data"]) == (200, {"order": {"id": "o-1"}})


async def test_nor_does_an_answer_to_a_get() -> None:
    """With its validator; and who has the data already is told so as fast."""
    async with open_line() as line:
        [answer] = await line.ask(got())
        etag = answer["headers"]["etag"]
        [again] = await line.ask(got(f"if-none-match: {etag}"))

        assert line.tasks == []

    assert (answer["status"], answer["data"]) == (200, {"order": {"id": "o-1"}})
    assert (again["status"], again["headers"]["etag"]) == (304, etag)
    assert "x-consistency-token" in again["headers"]


async def test_both_ways_give_one_answer() -> None:
    """Status, headers and body, but for the request's own id and the age of what is shown."""
    async with open_line() as line:
        at_once, ordinary = await line.ask(
            posted(A_QUERY, None, "x-request-id: one"),
            posted(A_QUERY, None, "x-request-id: one", "x-deadline-ms: 900"),
        )

    for answer in (at_once, ordinary):
        answer["extensions"]["consistency"]["components"][0].pop("ageMs")
        answer["headers"].pop("content-length")
        answer["headers"].pop("date", None)
    assert at_once == ordinary


async def test_requests_of_one_packet_are_answered_in_their_order() -> None:
    """At hand, a write, at hand, a fetch, at hand: each waits for the one before."""
    live = '{ order(id: "o-1", consistency: {live: true}) { id note } }'

    async with open_line() as line:
        ids = [f"x-request-id: {number}" for number in range(5)]
        queries = [A_QUERY, A_MUTATION, A_QUERY, live, A_QUERY]
        answers = await line.ask(
            *[posted(query, None, name) for query, name in zip(queries, ids, strict=True)]
        )

    assert [answer["headers"]["x-request-id"] for answer in answers] == list("01234")
    assert answers[3]["data"]["order"]["note"] == "gift"
    assert all("errors" not in answer for answer in answers)


async def test_a_hundred_answers_of_one_packet_are_all_there() -> None:
    """And none of them took a task."""
    async with open_line() as line:
        answers = await line.ask(*[posted(BY_ID, {"id": "o-1"}) for _ in range(100)])

        assert line.tasks == []

    assert [answer["data"]["order"]["id"] for answer in answers] == ["o-1"] * 100
