"""Each wire that there is, as the contract suite sees it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from resolvers.upstream.aiohttp_transport import AiohttpTransport
from resolvers.upstream.errors import UpstreamError
from resolvers.upstream.http1_transport import Http1Transport
from resolvers.upstream.httpx_transport import HttpxTransport
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.transport import Request, Transport

MakeTransport = Callable[[str, UpstreamOptions], Transport]

WIRES: dict[str, MakeTransport] = {
    "httpx": HttpxTransport,
    "http1": Http1Transport,
    "aiohttp": AiohttpTransport,
}

LIMIT_BYTES = 256 * 1024


@asynccontextmanager
async def transport_to(
    make: MakeTransport,
    port: int,
    *,
    scheme: str = "http",
    in_flight_limit: int = 16,
    idle_connection_s: float = 60.0,
    path: str = "",
    host: str = "127.0.0.1",
) -> AsyncIterator[Transport]:
    """A transport to this port of this machine, closed afterwards."""
    options = UpstreamOptions(
        base_url=f"{scheme}://{host}:{port}{path}",
        in_flight_limit=in_flight_limit,
        answer_limit_bytes=LIMIT_BYTES,
        idle_connection_s=idle_connection_s,
    )
    transport = make("orders", options)
    try:
        yield transport
    finally:
        await transport.aclose()


async def error_of(transport: Transport, request: Request) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await transport.send(request)
    return caught.value
