"""lab"""
from datetime import timedelta
from collections.abc import Mapping
from urllib.parse import urlencode
from pyreqwest.client import ClientBuilder, Client
from pyreqwest.http import Url
from pyreqwest import exceptions as px
from resolvers.upstream.errors import *
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.transport import FIXED_HEADERS, Failure, Request, Response, failure_of

FAILURES = {
    px.ConnectError: Failure(UpstreamUnavailable, may_be_received=False),
    px.ConnectTimeoutError: Failure(UpstreamTimeout, may_be_received=False),
    px.PoolTimeoutError: Failure(UpstreamTimeout, may_be_received=False),
    px.PyreqwestError: Failure(UpstreamUnavailable, may_be_received=True),
}

class PyreqwestTransport:
    def __init__(self, service, options):
        self._service = service
        self._options = options
        self._base_url = options.base_url.rstrip("/")
        self._client = (ClientBuilder().default_headers(FIXED_HEADERS).no_proxy().http1_only()
            .follow_redirects(False).referer(False).max_connections(options.in_flight_limit)
            .gzip(False).brotli(False).zstd(False).deflate(False).default_cookie_store(False)
            .pool_idle_timeout(timedelta(seconds=options.idle_connection_s)).build())
        self._closed = False

    async def send(self, request):
        query = f"?{urlencode(request.params)}" if request.params else ""
        b = self._client.request(request.method, f"{self._base_url}{request.path}{query}").headers(dict(request.sent_headers))
        if request.body is not None:
            b = b.body_bytes(request.body)
        try:
            async with b.build_streamed() as answer:
                if answer.get_header("content-encoding") not in (None, "identity"):
                    raise InvalidAnswer(self._service, is_outcome_unknown=request.is_mutation)
                headers = {}
                for k, v in answer.headers.items():
                    headers[k] = f"{headers[k]}, {v}" if k in headers else v
                chunks = []
                n = 0
                while (c := await answer.body_reader.read_chunk()) is not None:
                    n += len(c)
                    if n > self._options.answer_limit_bytes:
                        raise InvalidAnswer(self._service, is_outcome_unknown=request.is_mutation)
                    chunks.append(c.to_bytes())
                return Response(answer.status, headers, b"".join(chunks))
        except px.PyreqwestError as cause:
            raise failure_of(cause, FAILURES).told(self._service, request) from cause

    async def aclose(self):
        await self._client.close()
