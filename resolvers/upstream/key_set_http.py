"""The wire to an issuer's published keys: one small document, asked for now and then.

Outside the tower: who fetches them has times of his own (`gateway.identity.key_ring`), and it is no
service of ours that would answer for a breaker.
"""

import asyncio
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import httpx

from resolvers.upstream.errors import UpstreamTimeout, UpstreamUnavailable
from resolvers.upstream.httpx_transport import HttpxTransport
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.transport import Request

KEY_SET_LIMIT_BYTES: Final = 256 * 1024
"""A key has some hundred bytes, and an issuer a few of them."""

ISSUER: Final = "issuer"


class KeySetHttp:
    """Fetches the set of keys at ``url``. No redirect is followed: keys come from where we look."""

    def __init__(self, url: str, *, innermost: httpx.AsyncBaseTransport | None = None) -> None:
        parts = urlsplit(url)
        options = UpstreamOptions(
            base_url=f"{parts.scheme}://{parts.netloc}",
            in_flight_limit=2,
            answer_limit_bytes=KEY_SET_LIMIT_BYTES,
        )
        self._request = Request("GET", parts.path or "/", dict(parse_qsl(parts.query)))
        self._transport = HttpxTransport(ISSUER, options, innermost=innermost)

    async def fetch(self, timeout_s: float) -> bytes:
        """The set; waits ``timeout_s`` seconds at most.

        Raises UpstreamTimeout, InvalidAnswer (above 256 KiB), or UpstreamUnavailable for all else.
        """
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._transport.send(self._request)
        except TimeoutError as cause:
            raise UpstreamTimeout(ISSUER) from cause
        if response.status != HTTPStatus.OK:
            raise UpstreamUnavailable(ISSUER)
        return response.body

    async def aclose(self) -> None:
        """Close the connections; idempotent."""
        await self._transport.aclose()
