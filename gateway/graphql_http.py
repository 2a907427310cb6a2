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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from gateway.admission.door import Door
from gateway.admission.lanes import lane_of
from gateway.batches import run_batch
from gateway.errors import RequestRefused
from gateway.exchange import Exchange, Scope
from gateway.http_rules import READING, preflight_reply, require_fit
from gateway.identity.desk import IdentityDesk
from gateway.known_documents import KnownDocuments
from gateway.operation import Caller, Operations, Response
from gateway.playground.site import PlaygroundSite
from gateway.receiving import ClientLeft, Receive, WhileThere, client_leaves, read_body
from gateway.replies import (
    PLAIN,
    Forms,
    Reply,
    Send,
    encoded,
    page_headers,
    refusal_of,
    rendered,
    send_reply,
)
from gateway.request import GraphQLRequest, Headers, RequestHeaders, parse_get, parse_post
from gateway.request_record import RequestRecord
from gateway.token_cookies import CookieDesk, is_https
from gateway.web.options import BatchOptions, DocumentOptions
from gateway.witness import Witness
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
    forms: Forms = PLAIN
    batch: BatchOptions = ONE_BY_ONE


class GraphQLHttp:
    """The ASGI application behind ``/graphql``. ``playground`` is None where it is switched off."""

    def __init__(
        self,
        operations: Operations,
        door: Door,
        options: HttpOptions,
        playground: PlaygroundSite | None,
        identity: IdentityDesk,
        known: KnownDocuments | None = None,
        witness: Witness | None = None,
    ) -> None:
        self._known = known or KnownDocuments({}, DocumentOptions())
        self._operations = operations
        self._door = door
        self._options = options
        self._playground = playground
        self._identity = identity
        self._witness = witness or Witness()
        self._cookies = CookieDesk(operations.codec, operations.wall_clock)
        self._counts = operations.counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = RequestHeaders.of(scope["headers"])
        if scope["method"] in READING and self._is_for_people(scope, headers):
            await self._send_playground(send)
            return
        try:
            if scope["method"] == "OPTIONS":
                await send_reply(send, preflight_reply(headers, self._options.forms.origins))
                return
            require_fit(scope["method"], headers, self._options.forms.origins)
            body = await self._read_body(scope, receive)
            caller = Caller.of(headers, await self._identity.identify(headers))
        except ClientLeft:
            self._left(self._witness.begin(headers, headers.request_id), scope)
            return
        except RequestRefused as refused:
            await send_reply(send, self.turn_away(refused, headers, scope["method"]))
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
        return self.turn_away(refused, RequestHeaders.of(raw_headers), "POST")

    def turn_away(self, refused: RequestRefused, headers: RequestHeaders, method: str) -> Reply:
        """The reply to a request that is not let in."""
        record = self._witness.begin(headers, headers.request_id)
        return self._turned_away(refused, record, headers, method)

    def find(self, raw_headers: Headers, query_string: bytes) -> Reply | None:
        """Likewise the answer to a GET that is at hand."""
        if not self._door.is_quiet:
            return None
        headers = RequestHeaders.of(raw_headers)
        if self._options.forms.origins.is_foreign(headers.values):
            return None
        return self._found(headers, lambda: parse_get(query_string), is_read_only=True)

    def _found(
        self,
        headers: RequestHeaders,
        parse: Callable[[], GraphQLRequest],
        *,
        is_read_only: bool = False,
    ) -> Reply | None:
        """The answer at hand, or 401 for who may have none.

        What has to do with cookies or a deadline is not looked for, nor what may have to be refused
        (`http_rules`), nor who shows a token whose key the issuer may have to be asked for.
        """
        if self._options.is_cookie_set or headers.is_more_than_a_question:
            return None
        # The clock of the loop stands still for as long as this takes.
        began_at_s = time.perf_counter()
        try:
            viewer = self._identity.find(headers)
        except RequestRefused as refused:
            return self.turn_away(refused, headers, "GET" if is_read_only else "POST")
        if viewer is None:
            return None
        caller = Caller.of(headers, viewer)
        try:
            request = self._known.resolve(parse())
        except RequestRefused:
            return None
        response = self._operations.find(request, caller, is_read_only=is_read_only)
        if response is None:
            return None
        reply = self._rendered(response, headers, caller.request_id)
        if self._options.is_metered:
            self._counts.took[response.way].note(time.perf_counter() - began_at_s)
        if self._witness.looks_at_hand:
            method = "GET" if is_read_only else "POST"
            id_ = caller.request_id
            self._witness.given_at_hand(headers, id_, response, reply, began_at_s, method)
        return reply

    async def _reply(self, exchange: Exchange, caller: Caller) -> Reply | None:
        """What goes back, once it was the request's turn; None if its client has left."""
        record = self._witness.begin(exchange.headers, caller.request_id)
        caller, method = replace(caller, record=record), exchange.scope["method"]
        set_cookies: list[str] = []
        try:
            if exchange.is_batch:
                response, set_cookies = await self._serve(exchange, caller)
                reply = self._rendered(response, exchange.headers, caller.request_id, set_cookies)
                if response.outcome != "ok":  # it is no batch; else each of its requests is told
                    self._counts.answered("refused", response.outcome, 0.0)
                    self._witness.answered(record, response, reply, method)
                return reply
            lane = lane_of(exchange.scope["method"], exchange.body)
            async with self._door.place(lane, exchange.deadline, exchange.leaving):
                response, set_cookies = await self._serve(exchange, caller)
        except ClientLeft:
            self._left(record, exchange.scope)
            return None
        except RequestRefused as refused:
            return self._turned_away(refused, record, exchange.headers, method)
        took_s = time.perf_counter() - record.began_at_s
        self._counts.answered(response.way, response.outcome, took_s)
        reply = self._rendered(response, exchange.headers, caller.request_id, set_cookies)
        self._witness.answered(record, response, reply, method)
        return reply

    def _left(self, record: RequestRecord, scope: Scope) -> None:
        """The client of a request has left."""
        self._counts.left_count += 1
        self._witness.left(record, scope["method"])

    def _turned_away(
        self, refused: RequestRefused, record: RequestRecord, headers: RequestHeaders, method: str
    ) -> Reply:
        self._counts.turned_away(refused.code)
        response = self._refusal(refused)
        reply = self._rendered(response, headers, record.request_id)
        self._witness.answered(record, response, reply, method)
        return reply

    def _rendered(
        self,
        response: Response,
        headers: RequestHeaders,
        request_id: str,
        set_cookies: Sequence[str] = (),
    ) -> Reply:
        return rendered(response, headers, request_id, set_cookies, self._options.forms)

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
        if cookies.refused:
            self._counts.dropped_count += len(cookies.refused)
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
            return self._refusal(refused), False
        return await self._answer_one(request, exchange, caller)

    async def _answer_batch(self, exchange: Exchange, caller: Caller) -> tuple[Response, bool]:
        batch = exchange.parse_batch(caller, self._options.batch.limit)
        return await run_batch(
            batch,
            lambda request, caller: self._answer_one(request, exchange, caller),
            door=self._door,
            operations=self._operations,
            witness=self._witness,
        )

    async def _answer_one(
        self, request: GraphQLRequest, exchange: Exchange, caller: Caller
    ) -> tuple[Response, bool]:
        try:
            request = self._known.resolve(request)
        except RequestRefused as refused:
            return self._refusal(refused), False
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
