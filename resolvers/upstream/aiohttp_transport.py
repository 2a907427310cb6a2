"""The wire over aiohttp: one session an upstream, and one table for everything it can raise.

What aiohttp does on its own is off, as with httpx: cookies, redirects, environment, unpacking, time
limits, and its second request where a connection breaks, which no budget of ours would know of.
In its place a kept connection is looked at before it is used: one that the service has closed by
then is left for another, whatever is asked, because nothing has been sent yet.
"""

import select
import ssl
from collections.abc import Mapping
from urllib.parse import urlencode

import aiohttp
from aiohttp.connector import Connection
from yarl import URL

from resolvers.upstream.errors import (
    InvalidAnswer,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.transport import FIXED_HEADERS, Failure, Request, Response, failure_of


class BrokenExchange(aiohttp.ClientError):
    """A connection broke after it was opened; under its own name aiohttp would ask again."""


class ClosedMeanwhile(aiohttp.ClientError):
    """A kept connection had been closed by the service before anything was sent on it."""


FAILURES: Mapping[type[Exception], Failure] = {
    aiohttp.ClientConnectorError: Failure(UpstreamUnavailable, may_be_received=False),
    aiohttp.ConnectionTimeoutError: Failure(UpstreamTimeout, may_be_received=False),
    aiohttp.ServerTimeoutError: Failure(UpstreamTimeout, may_be_received=True),
    aiohttp.InvalidURL: Failure(UpstreamUnavailable, may_be_received=False),
    ClosedMeanwhile: Failure(UpstreamUnavailable, may_be_received=False),
    aiohttp.ClientError: Failure(UpstreamUnavailable, may_be_received=True),
}
"""Every error of an exchange; the most specific class wins."""


class AiohttpTransport:
    """A transport over aiohttp to one service.

    Opens connections as they are needed, at most `options.in_flight_limit`, and keeps them all.
    """

    def __init__(self, service: str, options: UpstreamOptions) -> None:
        self._service = service
        self._options = options
        self._base_url = options.base_url.rstrip("/")
        self._is_encrypted = self._base_url.startswith("https:")
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False

    async def send(self, request: Request) -> Response:
        """Obey `Transport.send`."""
        session = self._session or self._open()
        for _ in range(self._options.in_flight_limit):
            try:
                return await self._exchange(session, request)
            except ClosedMeanwhile as cause:
                closed = cause
            except aiohttp.ClientError as cause:
                raise self._translated(cause, request) from cause
        raise self._translated(closed, request) from closed

    async def aclose(self) -> None:
        """Obey `Transport.aclose`."""
        self._is_closed = True
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        """Make the session, which needs a running loop, at the first call."""
        if self._is_closed:
            raise RuntimeError("the transport has been closed")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._options.in_flight_limit,
                keepalive_timeout=self._options.idle_connection_s,
                ssl=ssl.create_default_context() if self._is_encrypted else False,
            ),
            headers=FIXED_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(),
            request_class=_LookingRequest,
            middlewares=(_only_once,),
        )
        return self._session

    async def _exchange(self, session: aiohttp.ClientSession, request: Request) -> Response:
        query = f"?{urlencode(request.params)}" if request.params else ""
        answer = await session.request(
            request.method,
            URL(f"{self._base_url}{request.path}{query}", encoded=True),
            headers=request.sent_headers,
            data=request.body,
            allow_redirects=False,
        )
        try:
            body = await self._read_body(request, answer)
        except BaseException:
            answer.close()
            raise
        return Response(answer.status, _headers_of(answer), body)

    async def _read_body(self, request: Request, answer: aiohttp.ClientResponse) -> bytes:
        """Return the body, or stop reading and raise InvalidAnswer as soon as it is too large."""
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise InvalidAnswer(self._service, is_outcome_unknown=request.is_mutation)
        chunks: list[bytes] = []
        read_bytes = 0
        while chunk := await answer.content.readany():
            read_bytes += len(chunk)
            if read_bytes > self._options.answer_limit_bytes:
                raise InvalidAnswer(self._service, is_outcome_unknown=request.is_mutation)
            chunks.append(chunk)
        return b"".join(chunks)

    def _translated(self, cause: aiohttp.ClientError, request: Request) -> UpstreamError:
        return failure_of(cause, FAILURES).told(self._service, request)


class _LookingRequest(aiohttp.ClientRequest):
    """Looks at its connection before it writes to it."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        if _has_something_to_read(conn):
            raise ClosedMeanwhile("a kept connection has been closed by the service")
        return await super().send(conn)


def _has_something_to_read(conn: Connection) -> bool:
    """Whether something came while nothing was asked: the end, or what nobody can make sense of."""
    place = None if conn.transport is None else conn.transport.get_extra_info("socket")
    if place is None:
        return True
    look = select.poll()
    look.register(place, select.POLLIN)
    return bool(look.poll(0))


async def _only_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as cause:
        raise BrokenExchange("the connection broke") from cause


def _headers_of(answer: aiohttp.ClientResponse) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in answer.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers
