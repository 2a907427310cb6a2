"""The wire without a client: requests are written as bytes, answers are read by llhttp.

A client for everything pays at each call for what a call to a service never needs: redirects,
cookies, proxies, retries, streams, urls. What remains fits in three small files: what is sent and
which connection takes it is here, one connection is `http1_connection`, an answer `http1_answer`.
"""

import asyncio
import base64
import ssl
from collections import deque
from collections.abc import Mapping
from urllib.parse import SplitResult, unquote, urlencode, urlsplit

from resolvers.upstream.errors import InvalidAnswer, UpstreamUnavailable
from resolvers.upstream.http1_answer import BrokenAnswer, UnwantedAnswer
from resolvers.upstream.http1_connection import Connection
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.transport import FIXED_HEADERS, Failure, Request, Response

NOT_SENT = Failure(UpstreamUnavailable, may_be_received=False)
BROKEN = Failure(UpstreamUnavailable, may_be_received=True)
UNWANTED = Failure(InvalidAnswer, may_be_received=True)


class Http1Transport:
    """A transport over connections of our own to one service.

    Opens as many as there are calls at once, which is the bulkhead's to bound, and keeps them for
    `options.idle_connection_s`; the one used last is used first.
    """

    def __init__(self, service: str, options: UpstreamOptions) -> None:
        self._service = service
        self._options = options
        address = urlsplit(options.base_url)
        self._host = address.hostname or ""
        self._tls = ssl.create_default_context() if address.scheme == "https" else None
        self._port = address.port or (443 if self._tls else 80)
        self._path = address.path.rstrip("/")
        host = address.netloc.rpartition("@")[2]
        self._fixed_fields = _fields({"Host": host, **FIXED_HEADERS, **_basic(address)})
        self._idle: deque[Connection] = deque()
        self._all_open: set[Connection] = set()
        self._is_closed = False

    async def send(self, request: Request) -> Response:
        """Obey `Transport.send`."""
        rendered = self._rendered(request)
        connection = self._kept() or await self._open(request)
        try:
            response, may_be_followed = await connection.ask(rendered)
        except BrokenAnswer as cause:
            raise BROKEN.told(self._service, request) from cause
        except UnwantedAnswer as cause:
            raise UNWANTED.told(self._service, request) from cause
        if may_be_followed and not self._is_closed:
            connection.idle_since_s = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            connection.abort()
        return response

    async def aclose(self) -> None:
        """Obey `Transport.aclose`."""
        self._is_closed = True
        lost = [connection.lost for connection in self._all_open]
        for connection in tuple(self._all_open):
            connection.abort()
        if lost:
            await asyncio.wait(lost)

    def _kept(self) -> Connection | None:
        """A connection that is open as far as anybody can know; the others are ended."""
        oldest_s = asyncio.get_running_loop().time() - self._options.idle_connection_s
        while self._idle and self._idle[0].idle_since_s <= oldest_s:
            self._idle.popleft().abort()
        while self._idle:
            connection = self._idle.pop()
            if not connection.has_been_closed:
                return connection
            connection.abort()
        return None

    async def _open(self, request: Request) -> Connection:
        if self._is_closed:
            raise RuntimeError("the transport has been closed")
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                self._made, self._host, self._port, ssl=self._tls
            )
        except (OSError, UnicodeError) as cause:  # the latter for names that can be no host's
            raise NOT_SENT.told(self._service, request) from cause
        if connection.lost.done():
            raise NOT_SENT.told(self._service, request)
        # Not sooner: uvloop tells nobody of the end of one that was left as it opened.
        self._all_open.add(connection)
        return connection

    def _made(self) -> Connection:
        return Connection(limit_bytes=self._options.answer_limit_bytes, all_open=self._all_open)

    def _rendered(self, request: Request) -> bytes:
        """The request as it is sent; one that could be read as more than one is not."""
        query = f"?{urlencode(request.params)}" if request.params else ""
        target = f"{self._path}{request.path}{query}"
        headers = request.sent_headers
        told = "".join([target, *headers.values()])
        if " " in target or not (told.isascii() and told.isprintable()):
            raise NOT_SENT.told(self._service, request)
        fields = _fields(headers)
        if request.body is not None:
            fields = f"{fields}Content-Length: {len(request.body)}\r\n"
        head = f"{request.method} {target} HTTP/1.1\r\n{self._fixed_fields}{fields}\r\n".encode()
        return head if request.body is None else head + request.body


def _fields(headers: Mapping[str, str]) -> str:
    return "".join([f"{name}: {value}\r\n" for name, value in headers.items()])


def _basic(address: SplitResult) -> Mapping[str, str]:
    """The name and password that the address has, as a header."""
    if address.username is None:
        return {}
    told = f"{unquote(address.username)}:{unquote(address.password or '')}".encode()
    return {"Authorization": f"Basic {base64.b64encode(told).decode()}"}
