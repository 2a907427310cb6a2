"""Spans over the wire: what a collector gets, and what becomes of the gateway if there is none."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from gateway.tracing.otlp import traces_over_otlp
from gateway.tracing.traces import Traces
from gateway.watching import Watching
from tests.gateway.front_door import door_with
from tests.gateway.metered import LIVE
from tests.graphql_answers import Json


@dataclass
class Collector:
    """Takes messages of OTLP over HTTP."""

    url: str = ""
    paths: list[str] = field(default_factory=list)
    spans: list[Json] = field(default_factory=list)
    services: set[str] = field(default_factory=set)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.split("content-length: ")[1].split("\r\n")[0])
        message = ExportTraceServiceRequest.FromString(await reader.readexactly(length))
        self.paths.append(head.split(" ")[1])
        for of in message.resource_spans:
            named = {one.key: one.value.string_value for one in of.resource.attributes}
            self.services.add(named["service.name"])
            self.spans += [span for scope in of.scope_spans for span in scope.spans]
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()
        self.came.set()


@asynccontextmanager
async def open_collector() -> AsyncIterator[Collector]:
    collector = Collector()
    server = await asyncio.start_server(collector.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    collector.url = f"http://{host}:{port}/v1/traces"
    async with server:
        yield collector


async def test_a_collector_gets_what_was_recorded() -> None:
    """At its address, in its format: every span of a request, in one trace."""
    async with open_collector() as collector, asyncio.timeout(20):
        given = {"traces": "otlp", "traces_url": collector.url, "traces_ratio": 1.0}
        async with door_with(given, watching=Watching.of) as door:
            await door.ask("query Page " + LIVE)
        await collector.came.wait()

    assert set(collector.paths) == {"/v1/traces"}
    assert collector.services == {"bff"}
    assert sorted(span.name for span in collector.spans) == [
        *("attempt", "attempt", "call", "call", "query"),
    ]
    assert len({span.trace_id for span in collector.spans}) == 1


async def test_without_a_collector_the_end_is_as_soon() -> None:
    """Nobody listens there: the spans are lost, and closing takes its second at most."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}/v1/traces"
    traces: Traces = traces_over_otlp(url, ratio=1.0)
    given = {"traces": "otlp", "traces_ratio": 1.0}

    watching = partial(Watching.of, traces=lambda _: traces)
    async with door_with(given, watching=watching) as door:
        assert (await door.ask("{ __typename }")).status_code == 200
        began_s = time.perf_counter()

    assert time.perf_counter() - began_s < 3.0
    assert traces.counts.sent_count == 0
