"""Operations as streams of events: graphql-sse, one connection for each operation.

An event's ``id`` is its consistency token, so a browser that reconnects by itself says in
``Last-Event-ID`` what it has seen, to whichever gateway it comes. A stream that ends without
``complete`` has not come to its end: its client is to ask again.

The protocol is that of the npm package `graphql-sse`, in its PROTOCOL.md.
"""

import asyncio
import random
from collections.abc import Callable, MutableMapping
from contextlib import ExitStack, suppress
from typing import Any, Final

import orjson

from gateway.caller import Caller
from gateway.entry import Entry
from gateway.errors import RequestRefused
from gateway.http_rules import READING
from gateway.live_options import LiveOptions
from gateway.metrics.live_counts import Ending, LiveCounts
from gateway.receiving import ClientLeft, Receive, WhileThere, client_leaves
from gateway.replies import VARY, Send, refusal_of, send_reply
from gateway.request import GraphQLRequest, RequestHeaders
from gateway.subscriptions.connections import Connections
from gateway.subscriptions.looks import Update
from gateway.subscriptions.operating import LiveOperations, Refused, Visit, mistake_of
from gateway.subscriptions.sockets import abort_of

Scope = MutableMapping[str, Any]

SIGN_OF_LIFE: Final = b":\n\n"
COMPLETE: Final = b"event: complete\ndata:\n\n"
EVENTS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would keep events until a buffer is full
)


class EventStreams:
    """All event streams of one gateway."""

    def __init__(
        self,
        live: LiveOperations,
        connections: Connections,
        options: LiveOptions,
        counts: LiveCounts,
    ) -> None:
        self._live = live
        self._connections = connections
        self._options = options
        self._counts = counts

    async def serve(
        self,
        read: Callable[[], GraphQLRequest],
        caller: Caller,
        headers: RequestHeaders,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        """Stream what comes of the request until either side has enough.

        ``read`` tells what is asked, or raises `RequestRefused`.
        """
        entry = self._live.entry
        stream = _Stream(self._options, self._counts, entry, headers, caller, scope, send)
        peer, _ = scope.get("client") or (None, 0)
        async with asyncio.TaskGroup() as group:
            leaving = group.create_task(client_leaves(receive), name="stream leaves")
            beating = group.create_task(stream.beat(), name="stream lives")
            visit = Visit(
                caller,
                headers,
                entry.limits.key_of(caller.viewer, peer, headers),
                asyncio.Semaphore(1),
                leaving,
                [text for text in headers.all("last-event-id") if text],
                is_read_only=scope["method"] in READING,
            )
            try:
                with ExitStack() as stack:
                    self._let_in(stack, stream, visit)
                    await stream.run(self._live, read, visit)
            except RequestRefused as refused:
                await stream.refuse(refused)
            finally:
                leaving.cancel()
                beating.cancel()

    def _let_in(self, stack: ExitStack, stream: "_Stream", visit: Visit) -> None:
        """Take one of the places; raises `RequestRefused`, which has been counted, if all are."""
        try:
            stack.enter_context(self._connections.connected("sse", stream.end))
            stack.enter_context(self._connections.of(visit.caller.viewer))
        except RequestRefused as refused:
            self._live.turn_away(refused, visit.headers, visit.method)
            raise


class _Stream:
    """One stream, and the audience of its operation."""

    def __init__(
        self,
        options: LiveOptions,
        counts: LiveCounts,
        entry: Entry,
        headers: RequestHeaders,
        caller: Caller,
        scope: Scope,
        send: Send,
    ) -> None:
        self._options = options
        self._counts = counts
        self._entry = entry
        self._headers = headers
        self._caller = caller
        self._abort = abort_of(scope)
        self._send_raw = send
        self._limit: asyncio.Timeout | None = None
        self._ending: Ending = "client"
        self._has_begun = False

    def end(self) -> None:
        """End it because this gateway goes. Idempotent."""
        if self._limit is not None and not self._limit.expired():
            self._ending = "drained"
            self._limit.reschedule(asyncio.get_running_loop().time())

    async def run(
        self, live: LiveOperations, read: Callable[[], GraphQLRequest], visit: Visit
    ) -> None:
        """Show the operation to its end, or to the client's, or to ours."""
        try:
            async with asyncio.timeout(self._expires_in_s()) as self._limit:
                with WhileThere(visit.leaving, lambda: True):
                    await self._operate(live, read, visit)
        except TimeoutError:
            if self._ending != "drained":
                self._ending = "expired"
            await self._finish()
        except (ClientLeft, OSError):
            pass
        finally:
            self._counts.ended[self._ending] += 1

    def _expires_in_s(self) -> float | None:
        """How long (s) it is known who follows; then she is to come again, and to say so."""
        return self._entry.identity.expires_in_s(self._headers)

    async def _operate(
        self, live: LiveOperations, read: Callable[[], GraphQLRequest], visit: Visit
    ) -> None:
        """The edge of one operation: what happens inside becomes an event, or a refusal."""
        errors: object = None
        try:
            await live.operate(read, visit, self)
        except Refused as refused:
            errors = refused.errors
        except (RequestRefused, ClientLeft, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - as above
            errors = mistake_of(live.entry.operations, error, self._caller)
        if errors is not None:
            await self.begin()
            await self._send(_event({"errors": errors}))
        await self._send(COMPLETE)
        await self._finish()

    async def begin(self) -> None:
        """Say that it was let in."""
        if self._has_begun:
            return
        self._has_begun = True
        request_id = (b"x-request-id", self._caller.request_id.encode("latin-1"))
        shown = self._entry.teller.forms.origins.shown_to(self._headers.values)
        headers = [*EVENTS, request_id, *shown, *((VARY,) if shown else ())]
        start = {"type": "http.response.start", "status": 200, "headers": headers}
        await self._send_raw(start)
        # By lot, or all who are sent away together come back together.
        retry_ms = self._options.retry_s * random.uniform(500, 1500)
        await self._send(b"retry: %d\n\n" % retry_ms)

    async def show(self, update: Update) -> None:
        """Send one result as an event."""
        await self.begin()
        name = b"" if update.token is None else b"id: %b\n" % update.token.encode("latin-1")
        await self._send(b"event: next\n%bdata: %b\n\n" % (name, update.body))
        self._counts.sent["sse"] += 1

    async def refuse(self, refused: RequestRefused) -> None:
        """Answer as any request that is not let in; it has been counted."""
        if not self._has_begun:
            response = refusal_of(refused)
            reply = self._entry.teller.rendered(response, self._headers, self._caller.request_id)
            await send_reply(self._send_raw, reply)

    async def beat(self) -> None:
        """Send a sign of life now and then, once it has begun, for as long as they are taken."""
        with suppress(OSError):
            while True:
                await asyncio.sleep(self._options.ping_s)
                if self._has_begun:
                    await self._send(SIGN_OF_LIFE)

    async def _finish(self) -> None:
        if self._has_begun:
            await self._send_all(b"", more=False)

    async def _send(self, chunk: bytes) -> None:
        await self._send_all(chunk, more=True)

    async def _send_all(self, chunk: bytes, *, more: bool) -> None:
        """Send when there is room; who makes none for too long is cut off."""
        message = {"type": "http.response.body", "body": chunk, "more_body": more}
        try:
            async with asyncio.timeout(self._options.stuck_s):
                await self._send_raw(message)
        except TimeoutError:
            self._ending = "stuck"
            self._abort()
            raise OSError("it reads nothing") from None


def _event(body: object) -> bytes:
    return b"event: next\ndata: %b\n\n" % orjson.dumps(body)
