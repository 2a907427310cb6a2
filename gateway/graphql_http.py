"""GraphQL over HTTP as one small ASGI application: read, run, answer. No framework.

A client that leaves takes its query along, calls to services included. A mutation is seen to its
end, within its deadline: half a write helps nobody; so is a document too long to be kept.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

import orjson

from gateway.errors import ErrorCode, RequestRefused
from gateway.operation import Caller, Operations, Response
from gateway.playground.site import PlaygroundSite
from gateway.request import (
    GRAPHQL_RESPONSE_JSON,
    TOKEN_HEADER,
    GraphQLRequest,
    RequestHeaders,
    parse_get,
    parse_post,
)
from gateway.token_cookies import CookieDesk, is_https
from resolvers.upstream.deadline import Deadline

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

BODY_TIMEOUT_S = 10.0
"""How long a body may take to arrive (s): a megabyte over a bad mobile line."""

STATUS_HEADERS: Mapping[HTTPStatus, Mapping[str, str]] = {
    # Closed, where a body may still be coming: or we would read on for as long as it does.
    HTTPStatus.METHOD_NOT_ALLOWED: {"allow": "GET, POST", "connection": "close"},
    HTTPStatus.REQUEST_TIMEOUT: {"connection": "close"},
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: {"connection": "close"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpOptions:
    """What HTTP adds to an operation; see the settings of the same names."""

    body_limit_bytes: int
    subject_header: str | None
    is_cookie_set: bool


class ClientLeft(Exception):
    """The client closed the connection; there is nobody to answer."""


class GraphQLHttp:
    """The ASGI application behind ``/graphql``. ``playground`` is None where it is switched off."""

    def __init__(
        self, operations: Operations, options: HttpOptions, playground: PlaygroundSite | None
    ) -> None:
        self._operations = operations
        self._options = options
        self._playground = playground
        self._cookies = CookieDesk(operations.codec, operations.wall_clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = RequestHeaders.of(scope["headers"])
        if scope["method"] in ("GET", "HEAD") and self._is_for_people(scope, headers):
            await self._send_playground(send)
            return
        caller = Caller.of(headers, self._options.subject_header)
        cookies = self._cookies.receive(
            headers.token_cookies, caller.subject, beside_count=len(caller.token_texts)
        )
        for _ in cookies.refused:
            self._operations.telemetry.cookie_dropped()
        brought = [*caller.token_texts, *cookies.tokens]
        caller = replace(caller, token_texts=brought)
        try:
            response, may_write = await self._answer(scope, receive, headers, caller)
        except ClientLeft:
            return
        set_cookies: list[str] = []
        if self._options.is_cookie_set:
            set_cookies = self._cookies.hand_out(
                cookies, response.token, may_write=may_write, is_secure=is_https(scope, headers)
            )
        await self._send(send, response, headers, caller, set_cookies)

    def _is_for_people(self, scope: Scope, headers: RequestHeaders) -> bool:
        return (
            self._playground is not None
            and not scope["query_string"]
            and headers.accepts("text/html")
        )

    async def _answer(
        self, scope: Scope, receive: Receive, headers: RequestHeaders, caller: Caller
    ) -> tuple[Response, bool]:
        """The response, and whether its request may have written something."""
        try:
            request = await self._read(scope, receive, headers)
            is_read_only = scope["method"] == "GET"
            response = await self._run(request, caller, receive, is_read_only=is_read_only)
        except RequestRefused as refused:
            return _refusal(refused), False
        return response, not self._operations.may_be_abandoned(request)

    async def _read(
        self, scope: Scope, receive: Receive, headers: RequestHeaders
    ) -> GraphQLRequest:
        match scope["method"]:
            case "GET":
                return parse_get(scope["query_string"])
            case "POST":
                body = await self._read_body(receive)
                return parse_post(body, headers.media_type)
            case _:
                message = "send a query by POST or GET"
                raise RequestRefused(HTTPStatus.METHOD_NOT_ALLOWED, ErrorCode.BAD_REQUEST, message)

    async def _read_body(self, receive: Receive) -> bytes:
        """The whole body within its bounds of size and time."""
        chunks: list[bytes] = []
        left_bytes = self._options.body_limit_bytes
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ClientLeft
                    chunk: bytes = message.get("body", b"")
                    left_bytes -= len(chunk)
                    if left_bytes < 0:
                        raise _too_large(self._options.body_limit_bytes)
                    chunks.append(chunk)
                    if not message.get("more_body", False):
                        return b"".join(chunks)
        except TimeoutError:
            message_to_client = f"the body did not arrive within {BODY_TIMEOUT_S:g} s"
            raise RequestRefused(
                HTTPStatus.REQUEST_TIMEOUT, ErrorCode.BODY_TIMEOUT, message_to_client
            ) from None

    async def _run(
        self, request: GraphQLRequest, caller: Caller, receive: Receive, *, is_read_only: bool
    ) -> Response:
        """Run the request beside a watch on its client."""
        async with asyncio.TaskGroup() as group:
            running = group.create_task(self._attempt(request, caller, is_read_only=is_read_only))
            leaving = group.create_task(_client_leaves(receive))
            await asyncio.wait((running, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not running.done() and self._operations.may_be_abandoned(request):
                running.cancel()
            await asyncio.wait((running,))
            leaving.cancel()
        if running.cancelled():
            raise ClientLeft
        return running.result()

    async def _attempt(
        self, request: GraphQLRequest, caller: Caller, *, is_read_only: bool
    ) -> Response:
        """The request's edge: whatever happens inside becomes an answer, told and logged once."""
        deadline = Deadline.after(self._operations.request_timeout_s)
        try:
            return await self._operations.run(
                request, caller, deadline=deadline, is_read_only=is_read_only
            )
        except RequestRefused as refused:
            return _refusal(refused)
        except Exception as error:  # noqa: BLE001 - the edge of a request
            return self._operations.mistake(error, caller)

    async def _send(
        self,
        send: Send,
        response: Response,
        headers: RequestHeaders,
        caller: Caller,
        set_cookies: Sequence[str],
    ) -> None:
        wants_graphql_type = headers.accepts(GRAPHQL_RESPONSE_JSON)
        media_type = GRAPHQL_RESPONSE_JSON if wants_graphql_type else "application/json"
        status = response.status
        if response.is_request_error and wants_graphql_type:
            status = HTTPStatus.BAD_REQUEST
        sent = {
            "content-type": f"{media_type}; charset=utf-8",
            "cache-control": "no-store",
            "x-request-id": caller.request_id,
            **STATUS_HEADERS.get(status, {}),
        }
        if response.token is not None:
            sent[TOKEN_HEADER] = response.token
        await _send_bytes(send, status, sent, orjson.dumps(response.body), set_cookies)

    async def _send_playground(self, send: Send) -> None:
        site = self._playground
        if site is None:
            return
        await _send_bytes(send, HTTPStatus.OK, page_headers(site), site.html)


def page_headers(site: PlaygroundSite) -> dict[str, str]:
    """The headers of the playground's page."""
    return {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": site.content_security_policy,
        "x-content-type-options": "nosniff",
        "cache-control": "no-cache",
    }


def _refusal(refused: RequestRefused) -> Response:
    return Response({"errors": [refused.as_json()]}, status=refused.status)


def _too_large(limit_bytes: int) -> RequestRefused:
    return RequestRefused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        ErrorCode.BODY_TOO_LARGE,
        f"a request has at most {limit_bytes} bytes",
    )


async def _client_leaves(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_bytes(
    send: Send,
    status: HTTPStatus,
    headers: Mapping[str, str],
    body: bytes,
    set_cookies: Sequence[str] = (),
) -> None:
    sent = [*headers.items(), ("content-length", str(len(body)))]
    sent += [("set-cookie", cookie) for cookie in set_cookies]
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in sent]
    await send({"type": "http.response.start", "status": status.value, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
