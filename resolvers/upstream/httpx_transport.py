"""The wire itself: one httpx client an upstream, and one table for everything it can raise.

The client is stripped of what httpx does on its own: it keeps no cookies (a shared jar would send
one user's session with the next user's call), follows no redirects, reads no environment, retries
nothing and sets no time limits (its `timeout=` is per read, so a dripping body passes it; ours is
the attempt's). Its pool is as large as the bulkhead in front, so no call ever waits inside httpx.
"""

import asyncio
import ssl
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from traceback import clear_frames

import httpx

from resolvers.upstream.errors import InvalidAnswer, UpstreamTimeout, UpstreamUnavailable
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.transport import FIXED_HEADERS, Failure, Request, Response, failure_of

FAILURES: Mapping[type[Exception], Failure] = {
    httpx.ConnectError: Failure(UpstreamUnavailable, may_be_received=False),
    httpx.ConnectTimeout: Failure(UpstreamTimeout, may_be_received=False),
    httpx.PoolTimeout: Failure(UpstreamTimeout, may_be_received=False),
    httpx.ProxyError: Failure(UpstreamUnavailable, may_be_received=False),
    httpx.UnsupportedProtocol: Failure(UpstreamUnavailable, may_be_received=False),
    httpx.LocalProtocolError: Failure(UpstreamUnavailable, may_be_received=True),
    httpx.RemoteProtocolError: Failure(UpstreamUnavailable, may_be_received=True),
    httpx.ReadError: Failure(UpstreamUnavailable, may_be_received=True),
    httpx.WriteError: Failure(UpstreamUnavailable, may_be_received=True),
    httpx.CloseError: Failure(UpstreamUnavailable, may_be_received=True),
    httpx.ReadTimeout: Failure(UpstreamTimeout, may_be_received=True),
    httpx.WriteTimeout: Failure(UpstreamTimeout, may_be_received=True),
    httpx.DecodingError: Failure(InvalidAnswer, may_be_received=True),
    httpx.TooManyRedirects: Failure(InvalidAnswer, may_be_received=True),
    # What httpx may grow later: the careful reading, until a test asks for the right one.
    httpx.RequestError: Failure(UpstreamUnavailable, may_be_received=True),
}
"""Every error of an exchange; the most specific class wins."""

EXCHANGE = "exchange"
"""The extension of a request that says whose it is."""

_READ = httpx.ByteStream(b"")
"""What is left to read of an answer that has been read."""


class HttpxTransport:
    """A transport over httpx to one service.

    `innermost` replaces the network, for tests: `httpx.MockTransport(router.async_handler)` lets
    every layer of ours run. Opens connections as they are needed, at most
    `options.in_flight_limit`, and keeps them all.
    """

    def __init__(
        self,
        service: str,
        options: UpstreamOptions,
        *,
        innermost: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._service = service
        self._answer_limit_bytes = options.answer_limit_bytes
        self._network = innermost or _network(options)
        self._client = httpx.AsyncClient(
            base_url=options.base_url,
            headers=FIXED_HEADERS,
            transport=self._network,
            cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
            follow_redirects=False,
            trust_env=False,
            timeout=None,  # noqa: S113 - time limits are the tower's; httpx's are per read
        )

    async def send(self, request: Request) -> Response:
        """Obey `Transport.send`."""
        exchange = object()
        try:
            async with self._client.stream(
                request.method,
                request.path,
                params=request.params,
                headers=request.sent_headers,
                content=request.body,
                extensions={EXCHANGE: exchange},
            ) as answer:
                body = await self._read_body(request, answer)
        except httpx.RequestError as cause:
            raise failure_of(cause, FAILURES).told(self._service, request) from cause
        except asyncio.CancelledError as cancelled:
            clear_frames(cancelled.__traceback__)  # of anyio and httpcore, some of which hold it
            if isinstance(self._network, _Network):
                await self._network.let_go(exchange)
            raise
        answer.stream = _READ  # its own leads back to it, and both would wait for the collector
        return Response(answer.status_code, dict(answer.headers.items()), body)

    async def aclose(self) -> None:
        """Obey `Transport.aclose`."""
        await self._client.aclose()

    async def _read_body(self, request: Request, answer: httpx.Response) -> bytes:
        """Return the body, or stop reading and raise InvalidAnswer as soon as it is too large."""
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise InvalidAnswer(self._service, is_outcome_unknown=request.is_mutation)
        chunks: list[bytes] = []
        read_bytes = 0
        async for chunk in answer.aiter_bytes():
            read_bytes += len(chunk)
            if read_bytes > self._answer_limit_bytes:
                raise InvalidAnswer(self._service, is_outcome_unknown=request.is_mutation)
            chunks.append(chunk)
        return b"".join(chunks)


class _Network(httpx.AsyncHTTPTransport):
    """The network, with one more way to say that a connection has broken, and none to lose one."""

    async def let_go(self, exchange: object) -> None:
        """Close the connection of an exchange that did not come to its end.

        httpcore shields its tidying up from the cancel scopes of anyio, not from a task that is
        cancelled. One that is so in the moment in which it takes a connection, or gives it back,
        leaves it taken for ever; and when as many are as there may be, no call goes out any more.
        """
        pool = self._pool
        pool._requests = [  # noqa: SLF001 - nobody else tells whose a connection is
            one
            for one in pool._requests  # noqa: SLF001 - as above
            if one.request.extensions.get(EXCHANGE) is not exchange
        ]
        taken = {id(one.connection) for one in pool._requests}  # noqa: SLF001 - as above
        for connection in pool.connections:
            is_at_rest = connection.is_idle() or connection.is_closed()
            if not is_at_rest and id(connection) not in taken:
                await connection.aclose()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except AttributeError as cause:
            # What anyio makes of a connection that is closed in the moment it is opened: the socket
            # that it asks for the name of its peer is none any more.
            raise httpx.ReadError("the connection was closed") from cause


def _network(options: UpstreamOptions) -> httpx.AsyncHTTPTransport:
    # httpx counts all connections, not the idle ones, against the keep-alive limit: were it lower
    # than the other, connections would be closed and opened again all the time.
    limits = httpx.Limits(
        max_connections=options.in_flight_limit,
        max_keepalive_connections=options.in_flight_limit,
        keepalive_expiry=options.idle_connection_s,
    )
    return _Network(limits=limits, trust_env=False, verify=ssl.create_default_context())
