"""Which HTTP client is on the wire; all of them keep one contract."""

import httpx

from resolvers.upstream.aiohttp_transport import AiohttpTransport
from resolvers.upstream.httpx_transport import HttpxTransport
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.transport import Transport


def transport_to(
    service: str,
    options: UpstreamOptions,
    *,
    innermost: httpx.AsyncBaseTransport | None = None,
) -> Transport:
    """The wire to a service over the client that ``options`` name; over httpx if given its network.

    ``innermost`` replaces that network, for tests.
    """
    if innermost is not None or options.http_client == "httpx":
        return HttpxTransport(service, options, innermost=innermost)
    return AiohttpTransport(service, options)
