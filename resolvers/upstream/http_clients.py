"""Which HTTP client is on the wire; all of them keep one contract."""

import httpx

from resolvers.upstream.aiohttp_transport import AiohttpTransport
from resolvers.upstream.http1_transport import Http1Transport
from resolvers.upstream.httpx_transport import HttpxTransport
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.transport import Transport


def transport_to(
    service: str,
    options: UpstreamOptions,
    *,
    innermost: httpx.AsyncBaseTransport | None = None,
) -> Transport:
    """The wire to a service over the client that ``options`` name.

    ``innermost`` replaces the network, for tests: then it is httpx.
    """
    if innermost is not None:
        return HttpxTransport(service, options, innermost=innermost)
    match options.http_client:
        case "http1":
            return Http1Transport(service, options)
        case "aiohttp":
            return AiohttpTransport(service, options)
        case "httpx":
            return HttpxTransport(service, options)
