"""GraphQL over HTTP as one small ASGI application: read, run, answer. No framework.

A request is let in (`admission.door`) before it is parsed and before its tokens are looked at; the
server may even ask before it makes a task for it (`direct_protocol`). Its deadline counts from
the last byte of its body, so who has waited to be let in has that much less; a caller who waits for
less time than we allow says so in ``X-Deadline-Ms``, as we do to services.

A client that leaves takes its query along, calls to services included; one that had not begun was
never here. A mutation is seen to its end, within its deadline: half a write helps nobody; so is a
document too long to be kept.
"""

import asyncio
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from gateway.admission.door import Door
from gateway.admission.lanes import lane_of
from gateway.errors import ErrorCode, RequestRefused
from gateway.operation import Caller, Operations
from gateway.playground.site import PlaygroundSite
from gateway.receiving import ClientLeft, Receive, WhileThere, client_leaves, read_body
from gateway.replies import Reply, Send, encoded, page_headers, refusal_of, rendered, send_reply
from gateway.request import (
    GraphQLRequest,
    Headers,
    RequestHeaders,
    parse_get,
    parse_post,
)
from gateway.response import Response
from gateway.subscriptions.streams import EventStreams
from gateway.token_cookies import CookieDesk, is_https
from resolvers.upstream.deadline import Deadline

Scope = MutableMapping[str, Any]

PATH: Final = b"/graphql"

LOOKED_FOR: Final = "looked_for"
"""In the state of a request whose answer was not at hand when its last byte came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """What HTTP adds to an operation; see the settings of the same names.

    ``is_metered``: answers at hand are counted and timed; all others are in any case.
    """

    body_limit_bytes: int
    subject_header: str | None
    is_cookie_set: bool
    is_metered: bool = True


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request whose bytes are all here. ``leaving`` ends when its client goes away."""

    scope: Scope
    headers: RequestHeaders
    body: bytes
    deadline: Deadline
    leaving: asyncio.Task[None]

    @property
    def is_looked_for(self) -> bool:
        """Has the server's protocol looked whether the answer is at hand?"""
        return LOOKED_FOR in self.scope.get("state", ())

    def parse(self) -> GraphQLRequest:
        """What is asked. Raises `RequestRefused` where that cannot be told."""
        return asked_in(self.scope, self.headers, self.body)


def asked_in(scope: Scope, headers: RequestHeaders, body: bytes) -> GraphQLRequest:
    """What a request asks. Raises `RequestRefused` where that cannot be told."""
    if scope["method"] == "GET":
        return parse_get(scope["query_string"])
    return parse_post(body, headers.media_type)


class GraphQLHttp:
    """The ASGI application behind ``/graphql``. ``playground`` is None where it is switched off."""

    def __init__(
        self,
        operations: Operations,
        door: Door,
        options: HttpOptions,
        playground: PlaygroundSite | None,
        streams: EventStreams | None = None,
    ) -> None:
        self._streams = streams
        self._operations = operations
        self._door = door
        self._options = options
        self._playground = playground
        self._cookies = CookieDesk(operations.codec, operations.wall_clock)
        self._counts = operations.counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = RequestHeaders.of(scope["headers"])
        if scope["method"] in ("GET", "HEAD") and self._is_for_people(scope, headers):
            await self._send_playground(send)
            return
        caller = Caller.of(headers, self._options.subject_header)
        try:
            body = await self._read_body(scope, receive)
        except ClientLeft:
            self._counts.left_count += 1
            return
        except RequestRefused as refused:
            turned_away = self._turned_away(refused)
            await send_reply(send, rendered(turned_away, headers, caller.request_id))
            return
        if headers.wants_events and self._streams is not None:
            read = partial(asked_in, scope, headers, body)
            await self._streams.serve(read, caller, headers, scope, receive, send)
            return
        deadline = Deadline.after(min(self._operations.request_timeout_s, headers.deadline_s))
        async with asyncio.TaskGroup() as group:
            leaving = group.create_task(client_leaves(receive))
            exchange = Exchange(scope, headers, body, deadline, leaving)
            reply = await self._reply(exchange, caller)
            leaving.cancel()
        if reply is not None:
            await send_reply(send, reply)

    def reply_at_once(self, raw_headers: Headers, body: bytes) -> Reply | None:
        """The reply to a POST that takes nobody's time: a refusal, or an answer that is at hand.

        None for what is to come in. Never waits.
        """
        if self._door.is_quiet:
            if len(body) > self._options.body_limit_bytes:
                return None
            headers = RequestHeaders.of(raw_headers)
            return self._found(headers, lambda: parse_post(body, headers.media_type))
        refused = self._door.turn_away(lane_of("POST", body))
        if refused is None:
            return None
        headers = RequestHeaders.of(raw_headers)
        return rendered(self._turned_away(refused), headers, headers.request_id)

    def find(self, raw_headers: Headers, query_string: bytes) -> Reply | None:
        """Likewise the answer to a GET that is at hand."""
        if not self._door.is_quiet:
            return None
        headers = RequestHeaders.of(raw_headers)
        return self._found(headers, lambda: parse_get(query_string), is_read_only=True)

    def _found(
        self,
        headers: RequestHeaders,
        parse: Callable[[], GraphQLRequest],
        *,
        is_read_only: bool = False,
    ) -> Reply | None:
        """The answer at hand. What has to do with cookies or a deadline is not looked for."""
        if self._options.is_cookie_set or headers.has_cookies or headers.has_deadline:
            return None
        if headers.wants_events:
            return None
        # The clock of the loop stands still for as long as this takes.
        began_at_s = time.perf_counter()
        caller = Caller.of(headers, self._options.subject_header)
        try:
            request = parse()
        except RequestRefused:
            return None
        response = self._operations.find(request, caller, is_read_only=is_read_only)
        if response is None:
            return None
        reply = rendered(response, headers, caller.request_id)
        if self._options.is_metered:
            self._counts.took[response.way].note(time.perf_counter() - began_at_s)
        return reply

    async def _reply(self, exchange: Exchange, caller: Caller) -> Reply | None:
        """What goes back, once it was the request's turn; None if its client has left."""
        began_at_s = time.perf_counter()
        set_cookies: list[str] = []
        lane = lane_of(exchange.scope["method"], exchange.body)
        try:
            async with self._door.place(lane, exchange.deadline, exchange.leaving):
                response, set_cookies = await self._serve(exchange, caller)
        except ClientLeft:
            self._counts.left_count += 1
            return None
        except RequestRefused as refused:
            response = self._turned_away(refused)
            return rendered(response, exchange.headers, caller.request_id)
        took_s = time.perf_counter() - began_at_s
        self._counts.answered(response.way, response.outcome, took_s)
        return rendered(response, exchange.headers, caller.request_id, set_cookies)

    def _turned_away(self, refused: RequestRefused) -> Response:
        """The answer to a request that is not let in."""
        self._counts.turned_away(refused.code)
        return self._refusal(refused)

    def _refusal(self, refused: RequestRefused) -> Response:
        """The answer to a request that is not run."""
        self._counts.errors[refused.code] += 1
        return refusal_of(refused)

    async def _serve(self, exchange: Exchange, caller: Caller) -> tuple[Response, list[str]]:
        """The response to a request that has been let in, and the cookies it sets."""
        headers = exchange.headers
        cookies = self._cookies.receive(
            headers.token_cookies, caller.subject, beside_count=len(caller.token_texts)
        )
        for _ in cookies.refused:
            self._counts.dropped_count += 1
            self._operations.telemetry.cookie_dropped()
        caller = replace(caller, token_texts=[*caller.token_texts, *cookies.tokens])
        response, may_write = await self._answer(exchange, caller)
        if not self._options.is_cookie_set:
            return response, []
        is_secure = is_https(exchange.scope, headers)
        return response, self._cookies.hand_out(
            cookies, response.token, may_write=may_write, is_secure=is_secure
        )

    def _is_for_people(self, scope: Scope, headers: RequestHeaders) -> bool:
        return (
            self._playground is not None
            and not scope["query_string"]
            and headers.accepts("text/html")
        )

    async def _read_body(self, scope: Scope, receive: Receive) -> bytes:
        match scope["method"]:
            case "GET":
                return b""
            case "POST":
                return await read_body(receive, self._options.body_limit_bytes)
            case _:
                message = "send a query by POST or GET"
                raise RequestRefused(HTTPStatus.METHOD_NOT_ALLOWED, ErrorCode.BAD_REQUEST, message)

    async def _answer(self, exchange: Exchange, caller: Caller) -> tuple[Response, bool]:
        """The response, and whether its request may have written something."""
        try:
            request = exchange.parse()
            response = await self._run(request, caller, exchange)
        except RequestRefused as refused:
            return self._refusal(refused), False
        return response, not self._operations.may_be_abandoned(request)

    async def _run(self, request: GraphQLRequest, caller: Caller, exchange: Exchange) -> Response:
        """Run the request for as long as its client is there, or it may not be abandoned."""
        with WhileThere(exchange.leaving, lambda: self._operations.may_be_abandoned(request)):
            return await self._attempt(request, caller, exchange)

    async def _attempt(
        self, request: GraphQLRequest, caller: Caller, exchange: Exchange
    ) -> Response:
        """The request's edge: whatever happens inside becomes an answer, told and logged once."""
        is_read_only = exchange.scope["method"] == "GET"
        try:
            return await self._operations.run(
                request,
                caller,
                deadline=exchange.deadline,
                is_read_only=is_read_only,
                is_looked_for=exchange.is_looked_for,
            )
        except RequestRefused as refused:
            return self._refusal(refused)
        except Exception as error:  # noqa: BLE001 - the edge of a request
            return self._operations.mistake(error, caller)

    async def _send_playground(self, send: Send) -> None:
        site = self._playground
        if site is None:
            return
        await send_reply(
            send, Reply(HTTPStatus.OK, encoded(page_headers(site), site.html), site.html)
        )
