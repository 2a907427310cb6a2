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
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final

from msgspec.structs import replace

from gateway.admission.lanes import lane_of, may_be_subscription
from gateway.at_once import AtOnce
from gateway.batches import run_batch
from gateway.caller import Caller
from gateway.entry import Entry
from gateway.errors import RequestRefused
from gateway.exchange import Exchange, Scope, asked_in
from gateway.http_rules import READING, preflight_reply, require_fit
from gateway.playground.site import PlaygroundSite
from gateway.receiving import ClientLeft, Receive, WhileThere, client_leaves, read_body
from gateway.replies import Reply, Send, encoded, page_headers, send_reply
from gateway.request import GraphQLRequest, RequestHeaders
from gateway.response import Response
from gateway.subscriptions.streams import EventStreams
from gateway.token_cookies import CookieDesk, is_https
from gateway.web.options import BatchOptions
from resolvers.upstream.deadline import Deadline

PATH: Final = b"/graphql"

ONE_BY_ONE: Final = BatchOptions(limit=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """What HTTP adds to an operation; see the settings of the same names.

    ``is_metered``: answers at hand are counted and timed; all others are in any case.
    """

    body_limit_bytes: int
    is_cookie_set: bool
    is_metered: bool = True
    batch: BatchOptions = ONE_BY_ONE


class GraphQLHttp:
    """The ASGI application behind ``/graphql``; ``at_once`` is its synchronous half.

    ``playground`` is None where it is switched off, ``streams`` where none are opened.
    """

    def __init__(
        self,
        entry: Entry,
        options: HttpOptions,
        *,
        playground: PlaygroundSite | None = None,
        streams: EventStreams | None = None,
    ) -> None:
        self._entry = entry
        self._operations = entry.operations
        self._door = entry.door
        self._identity = entry.identity
        self._limits = entry.limits
        self._known = entry.known
        self.teller = entry.teller
        self._options = options
        self._playground = playground
        self._streams = streams
        self._cookies = CookieDesk(entry.operations.codec, entry.operations.wall_clock)
        self.at_once = AtOnce(
            entry,
            body_limit_bytes=options.body_limit_bytes,
            is_cookie_set=options.is_cookie_set,
            is_metered=options.is_metered,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = RequestHeaders.of(scope["headers"])
        if scope["method"] in READING and self._is_for_people(scope, headers):
            await self._send_playground(send)
            return
        origins = self.teller.forms.origins
        streams = self._streams if headers.accepts_events else None
        try:
            if scope["method"] == "OPTIONS":
                await send_reply(send, preflight_reply(headers, origins))
                return
            require_fit(scope["method"], headers, origins, is_stream=streams is not None)
            body = await self._read_body(scope, receive)
            caller = Caller.of(headers, await self._identity.identify(headers))
        except ClientLeft:
            self.teller.left(self.teller.begin(headers, headers.request_id), scope["method"])
            return
        except RequestRefused as refused:
            await send_reply(send, self.teller.turn_away(refused, headers, scope["method"]))
            return
        read = partial(asked_in, scope, headers, body)
        if streams is not None and (headers.answer_type is None or self._is_followed(read)):
            await streams.serve(read, caller, headers, scope, receive, send)
            return
        deadline = Deadline.after(min(self._operations.request_timeout_s, headers.deadline_s))
        async with asyncio.TaskGroup() as group:
            leaving = group.create_task(client_leaves(receive))
            exchange = Exchange(scope, headers, body, deadline, leaving)
            reply = await self._reply(exchange, caller)
            leaving.cancel()
        if reply is not None:
            await send_reply(send, reply)

    def _is_followed(self, read: Callable[[], GraphQLRequest]) -> bool:
        """Is it a subscription? Some clients accept events for whatever they ask.

        Asked before the door and the client's budget: what is not known is not parsed for it.
        """
        try:
            request = self._known.resolve(read())
        except RequestRefused:
            return False
        document = self._operations.documents.find(request.query)
        if document is None:
            return may_be_subscription(request.query)
        return document.told_name(request.operation_name).kind == "subscription"

    async def _reply(self, exchange: Exchange, caller: Caller) -> Reply | None:
        """What goes back, once it was the request's turn; None if its client has left."""
        headers, method = exchange.headers, exchange.scope["method"]
        record = self.teller.begin(headers, caller.request_id)
        caller = replace(caller, record=record)
        try:
            if exchange.is_batch:
                return await self._reply_to_all(exchange, caller)
            key = self._key_of(exchange, caller)
            lane = lane_of(method, exchange.body)
            with self._limits.entered(key) as admitted:
                async with self._door.place(lane, exchange.deadline, exchange.leaving):
                    caller = replace(caller, admitted=admitted)
                    response, set_cookies = await self._serve(exchange, caller)
        except ClientLeft:
            self.teller.left(record, method)
            return None
        except RequestRefused as refused:
            return self.teller.turned_away(refused, record, headers, method)
        response = replace(response, headers=(*response.headers, *self._limits.told(key)))
        return self.teller.answered(response, record, headers, method, set_cookies)

    async def _reply_to_all(self, exchange: Exchange, caller: Caller) -> Reply | None:
        """What goes back for a list of requests, of which each is told as it ends."""
        try:
            with self._limits.entered(self._key_of(exchange, caller)):
                response, set_cookies = await self._serve(exchange, caller)
        except ClientLeft:
            return None
        if response.outcome != "ok" and caller.record is not None:  # it was no list of requests
            return self.teller.answered(response, caller.record, exchange.headers, "POST")
        return self.teller.rendered(response, exchange.headers, caller.request_id, set_cookies)

    def _key_of(self, exchange: Exchange, caller: Caller) -> str | None:
        """Who pays for it."""
        peer, _ = exchange.scope.get("client") or (None, 0)
        return self._limits.key_of(caller.viewer, peer, exchange.headers)

    async def _serve(self, exchange: Exchange, caller: Caller) -> tuple[Response, list[str]]:
        """The response to a request that has been let in, and the cookies it sets."""
        headers = exchange.headers
        cookies = self._cookies.receive(
            headers.token_cookies, caller.subject, beside_count=len(caller.token_texts)
        )
        if cookies.refused:
            self.teller.counts.dropped_count += len(cookies.refused)
            self._operations.telemetry.cookies_dropped(len(cookies.refused))
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
        if scope["method"] in READING:
            return b""
        return await read_body(receive, self._options.body_limit_bytes)

    async def _answer(self, exchange: Exchange, caller: Caller) -> tuple[Response, bool]:
        """The response, and whether its request may have written something."""
        try:
            if exchange.is_batch:
                return await self._answer_batch(exchange, caller)
            request = exchange.parse()
        except RequestRefused as refused:
            return self.teller.refusal(refused), False
        return await self._answer_one(request, exchange, caller)

    async def _answer_batch(self, exchange: Exchange, caller: Caller) -> tuple[Response, bool]:
        return await run_batch(
            exchange.parse_batch(caller, self._key_of(exchange, caller), self._options.batch.limit),
            lambda request, caller: self._answer_one(request, exchange, caller),
            self._entry,
        )

    async def _answer_one(
        self, request: GraphQLRequest, exchange: Exchange, caller: Caller
    ) -> tuple[Response, bool]:
        try:
            request = self._known.resolve(request)
        except RequestRefused as refused:
            return self.teller.refusal(refused), False
        response = await self._run(request, caller, exchange)
        return response, not self._operations.may_be_abandoned(request)

    async def _run(self, request: GraphQLRequest, caller: Caller, exchange: Exchange) -> Response:
        """Run the request for as long as its client is there, or it may not be abandoned."""
        with WhileThere(exchange.leaving, lambda: self._operations.may_be_abandoned(request)):
            return await self._attempt(request, caller, exchange)

    async def _attempt(
        self, request: GraphQLRequest, caller: Caller, exchange: Exchange
    ) -> Response:
        """The request's edge: whatever happens inside becomes an answer, told and logged once."""
        try:
            return await self._operations.run(
                request,
                caller,
                deadline=exchange.deadline,
                is_read_only=exchange.is_read_only,
                is_looked_for=exchange.is_looked_for and not exchange.is_batch,
            )
        except RequestRefused as refused:
            return self.teller.refusal(refused)
        except Exception as error:  # noqa: BLE001 - the edge of a request
            return self._operations.mistake(error, caller)

    async def _send_playground(self, send: Send) -> None:
        if (site := self._playground) is None:
            return
        await send_reply(
            send, Reply(HTTPStatus.OK, encoded(page_headers(site), site.html), site.html)
        )
