"""An answer as HTTP has it: status, headers, bytes."""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import orjson
from msgspec import Struct
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from gateway.errors import Json, RequestRefused
from gateway.playground.site import PlaygroundSite
from gateway.receiving import Message
from gateway.request import RAW_TOKEN_HEADER, RequestHeaders
from gateway.response import Response
from gateway.web.accepting import GRAPHQL_RESPONSE_JSON
from gateway.web.compression import GZIP, UNPACKED, Compression
from gateway.web.origins import Origins, RawHeaders

Send = Callable[[Message], Awaitable[None]]

AS_GRAPHQL: Final = (b"content-type", f"{GRAPHQL_RESPONSE_JSON}; charset=utf-8".encode())
AS_JSON: Final = (b"content-type", b"application/json; charset=utf-8")
NOT_STORED: Final = ((b"cache-control", b"no-store"),)
ASKED_AGAIN: Final = ((b"cache-control", b"private, no-cache"),)
"""Of an answer with a validator: kept by its own client, who asks each time whether it holds."""

VARY: Final = (b"vary", b"accept, accept-encoding, origin")
"""What decides the form of an answer that somebody might keep."""

CLOSE: Final = (b"connection", b"close")

STATUS_HEADERS: Final[Mapping[HTTPStatus, RawHeaders]] = {
    # Closed, where a body may still be coming: or we would read on for as long as it does.
    HTTPStatus.METHOD_NOT_ALLOWED: (CLOSE,),
    HTTPStatus.REQUEST_TIMEOUT: (CLOSE,),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (CLOSE,),
}


class Reply(Struct, frozen=True):
    """An answer as HTTP has it."""

    status: HTTPStatus
    headers: RawHeaders
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """In what forms answers are given: packed or not, to pages of which origins."""

    compression: Compression = UNPACKED
    origins: Origins = field(default_factory=Origins)


PLAIN: Final = Forms()


def page_headers(site: PlaygroundSite) -> dict[str, str]:
    """The headers of the playground's page."""
    return {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": site.content_security_policy,
        "x-content-type-options": "nosniff",
        "cache-control": "no-cache",
    }


def refusal_of(refused: RequestRefused) -> Response:
    """The answer to a request that was not run."""
    body: Json = {"errors": [refused.as_json()]}
    return Response(
        body,
        status=refused.status,
        is_request_error=refused.status is HTTPStatus.OK,
        retry_after_s=refused.retry_after_s,
        headers=refused.headers,
    )


def bytes_of(response: Response) -> bytes:
    """Its body as JSON."""
    return response.body if isinstance(response.body, bytes) else orjson.dumps(response.body)


def rendered(
    response: Response,
    headers: RequestHeaders,
    request_id: str,
    set_cookies: Sequence[str] = (),
    forms: Forms = PLAIN,
) -> Reply:
    """The response in the form that its request accepts; 304 where its client has it."""
    wants_graphql_type = headers.answer_type is GRAPHQL_RESPONSE_JSON
    status = response.status
    if response.is_request_error and wants_graphql_type:
        status = HTTPStatus.BAD_REQUEST
    is_known = response.etag is not None and headers.knows(response.etag)
    if is_known:
        status, body = HTTPStatus.NOT_MODIFIED, b""
    else:
        body = bytes_of(response)
    given = headers.values
    is_packed = (
        b"accept-encoding" in given and forms.compression.packs(len(body)) and headers.takes_gzip
    )
    if is_packed:
        body = forms.compression.pack(body)
    shown = forms.origins.shown_to(given) if b"origin" in given else ()
    sent = [
        AS_GRAPHQL if wants_graphql_type else AS_JSON,
        *(ASKED_AGAIN if response.etag else NOT_STORED),
        (b"x-request-id", request_id.encode("latin-1")),
        *STATUS_HEADERS.get(status, ()),
        *response.headers,
        *shown,
    ]
    if is_packed:
        sent.append(GZIP)
    if is_packed or shown or response.etag:
        sent.append(VARY)
    if response.token is not None:
        sent.append((RAW_TOKEN_HEADER, response.token.encode("latin-1")))
    if response.retry_after_s is not None:
        sent.append((b"retry-after", b"%d" % math.ceil(response.retry_after_s)))
    if response.etag is not None:
        sent.append((b"etag", response.etag.encode()))
    if not is_known:
        sent.append((b"content-length", b"%d" % len(body)))
    sent += [(b"set-cookie", cookie.encode("latin-1")) for cookie in set_cookies]
    return Reply(status, sent, body)


def encoded(headers: Mapping[str, str], body: bytes) -> RawHeaders:
    """The headers of an answer with this body."""
    sent = [*headers.items(), ("content-length", str(len(body)))]
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in sent]


def on_the_wire(reply: Reply, default_headers: RawHeaders) -> bytes:
    """The reply as HTTP/1.1 writes it."""
    lines = b"\r\n".join(map(b": ".join, (*default_headers, *reply.headers)))
    return b"%b%b\r\n\r\n%b" % (STATUS_LINE[reply.status], lines, reply.body)


async def send_reply(send: Send, reply: Reply) -> None:
    """Send all of it."""
    start = {
        "type": "http.response.start",
        "status": reply.status.value,
        "headers": reply.headers,
    }
    await send(start)
    await send({"type": "http.response.body", "body": reply.body})
