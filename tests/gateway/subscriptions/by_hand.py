"""Live connections without a network, on steered time: the test is the server's connection.

async with talking(door, "sse by GET", FOLLOW, {"id": "o-1"}, headers=as_customer("c-1")) as talk:
    kind, told = await talk.next()

Whatever the transport, what comes is told in the same words: ``next`` with a result, ``error`` with
errors, ``complete``, ``closed`` with a code, ``refused`` with a status, ``over`` for a stream that
ends without ``complete``.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from gateway.subscriptions.messages import SUBPROTOCOL
from tests.gateway.front_door import Door, Message

Json = Any
Told = tuple[str, Json]

BY_HANDSHAKE = "websocket by its handshake"
BY_INIT = "websocket by its first message"
BY_POST = "sse by POST"
BY_GET = "sse by GET"
SOCKETS = (BY_HANDSHAKE, BY_INIT)
STREAMS = (BY_POST, BY_GET)
TRANSPORTS = (*SOCKETS, *STREAMS)

NO_HEADERS: Mapping[str, str] = {}


@dataclass
class Talk:
    """What is said and heard over one connection. ``headers`` are those of its answer."""

    scope: Message
    said: "asyncio.Queue[Message]" = field(default_factory=asyncio.Queue)
    heard: "asyncio.Queue[Told]" = field(default_factory=asyncio.Queue)
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 0
    last_id: str | None = None
    is_cut: bool = False
    reads: asyncio.Event = field(default_factory=asyncio.Event)
    _is_complete: bool = False

    def __post_init__(self) -> None:
        self.reads.set()
        self.scope["state"] = {"abort": self._cut}

    async def next(self) -> Told:
        """The next thing heard."""
        async with asyncio.timeout(120):
            return await self.heard.get()

    async def results(self, count: int) -> list[Json]:
        """So many results."""
        told = [await self.next() for _ in range(count)]
        assert {kind for kind, _ in told} <= {"next"}, told
        return [result for _, result in told]

    def rest(self) -> list[Told]:
        """What has come and was not looked at."""
        return [self.heard.get_nowait() for _ in range(self.heard.qsize())]

    def say(self, **message: Json) -> None:
        self.said.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    async def receive(self) -> Message:
        return await self.said.get()

    async def send(self, message: Message) -> None:
        await self.reads.wait()
        kind = message["type"].removeprefix("websocket.")
        match kind:
            case "http.response.start":
                self.status = message["status"]
                self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            case "http.response.body":
                self._hear_body(message)
            case "send":
                self._hear_message(json.loads(message["text"]))
            case "close":
                self._hear("closed", message["code"])

    def _hear(self, kind: str, told: Json) -> None:
        self.heard.put_nowait((kind, told))

    def _hear_message(self, message: Json) -> None:
        if message["type"] not in ("connection_ack", "pong"):
            self._hear(message["type"], message.get("payload"))

    def _hear_body(self, message: Message) -> None:
        if self.headers["content-type"].startswith("text/event-stream"):
            for event in message["body"].decode().split("\n\n"):
                self._hear_event(dict(line.split(":", 1) for line in event.splitlines() if line))
            if not message.get("more_body") and not self._is_complete:
                self._hear("over", None)
        else:
            errors = json.loads(message["body"])["errors"]
            self._hear("refused", (self.status, errors[0]["extensions"]["code"]))

    def _hear_event(self, event: dict[str, str]) -> None:
        self.last_id = event.get("id", self.last_id or "").strip() or None
        match event.get("event", "").strip():
            case "next":
                result = json.loads(event["data"])
                is_run = "data" in result
                self._hear("next" if is_run else "error", result if is_run else result["errors"])
            case "complete":
                self._is_complete = True
                self._hear("complete", None)

    def _cut(self) -> None:
        self.is_cut = True
        self.reads.set()


@asynccontextmanager
async def talking(
    door: Door,
    transport: str,
    query: str = "",
    variables: Mapping[str, Json] | None = None,
    *,
    headers: Mapping[str, str] = NO_HEADERS,
    more: Mapping[str, str] = NO_HEADERS,
    **asked: Json,
) -> AsyncIterator[Talk]:
    """Ask that over such a connection; ``headers`` say who asks, ``more`` are sent in any case."""
    request = {"variables": dict(variables or {}), **({"query": query} if query else {}), **asked}
    is_socket = transport in SOCKETS
    sent = {**more, **(headers if transport != BY_INIT else {})}
    talk = Talk(_scope_of_socket(sent) if is_socket else _scope_of_stream(transport, request, sent))
    if is_socket:
        talk.said.put_nowait({"type": "websocket.connect"})
        names = {name.title(): text for name, text in headers.items()}
        talk.say(type="connection_init", payload=names if transport == BY_INIT else {})
        talk.say(id="1", type="subscribe", payload=request)
    else:
        body = json.dumps(request).encode() if transport == BY_POST else b""
        talk.said.put_nowait({"type": "http.request", "body": body, "more_body": False})
    gone = {"type": "websocket.disconnect", "code": 1001} if is_socket else _DISCONNECT
    async with asyncio.TaskGroup() as group:
        group.create_task(door.app(talk.scope, talk.receive, talk.send))
        yield talk
        talk.reads.set()
        talk.said.put_nowait(gone)


_DISCONNECT = {"type": "http.disconnect"}


def _scope(kind: str, headers: Mapping[str, str], **more: Json) -> Message:
    return {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "root_path": "",
        "query_string": b"",
        "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        **more,
    }


def _scope_of_socket(headers: Mapping[str, str]) -> Message:
    told = {"host": "gateway.test", **headers}
    extensions: Json = {"websocket.http.response": {}}
    return _scope("websocket", told, scheme="ws", subprotocols=[SUBPROTOCOL], extensions=extensions)


def _scope_of_stream(transport: str, request: Json, headers: Mapping[str, str]) -> Message:
    told = {"host": "gateway.test", "accept": "text/event-stream", **headers}
    if transport == BY_POST:
        told = {**told, "content-type": "application/json"}
        return _scope("http", told, scheme="http", method="POST")
    fields = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in request.items()
    }
    address = urlencode(fields).encode()
    return _scope("http", told, scheme="http", method="GET", query_string=address)
