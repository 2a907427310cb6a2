"""The wire of an event feed: long polls, kept apart from the calls of resolvers.

A long poll waits on purpose. In the tower it would hold a place of the bulkhead all the time and
tell the breaker nothing, so a feed has a client of its own, without queue, circuit or deadline;
the loop that polls is its own retry.
"""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

import httpx

from resolvers.upstream.answers import retry_after_s
from resolvers.upstream.errors import UpstreamTimeout, UpstreamUnavailable
from resolvers.upstream.httpx_transport import HttpxTransport
from resolvers.upstream.options import UpstreamOptions
from resolvers.upstream.transport import Request

FEED_ANSWER_LIMIT_BYTES = 32 * 1024 * 1024
"""A full batch of 1,000 events with the largest rows stays well below."""

_EXPECTED_STATUSES = frozenset({HTTPStatus.OK, HTTPStatus.GONE})


class FeedAnswer(NamedTuple):
    """What a feed answered: 200 and a batch, or 410 because it does not know the cursor."""

    status: int
    body: bytes


class FeedHttp:
    """Asks one service's event feed over HTTP."""

    def __init__(
        self,
        service: str,
        base_url: str,
        *,
        innermost: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        # Two connections: the poll in flight, and the one that a cancelled poll is closing.
        options = UpstreamOptions(
            base_url=base_url, in_flight_limit=2, answer_limit_bytes=FEED_ANSWER_LIMIT_BYTES
        )
        self._service = service
        self._transport = HttpxTransport(service, options, innermost=innermost)

    async def get_json_bytes(
        self, path: str, params: Mapping[str, str], timeout_s: float
    ) -> FeedAnswer:
        """Return a 200 or a 410; waits `timeout_s` seconds at most.

        `timeout_s` must be longer than the wait that `params` ask of the service. Raises
        UpstreamTimeout, InvalidAnswer (body above 32 MiB), or UpstreamUnavailable for everything
        else; the caller may always ask again from the same cursor.
        """
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._transport.send(Request("GET", path, params))
        except TimeoutError as cause:
            raise UpstreamTimeout(self._service) from cause
        if response.status not in _EXPECTED_STATUSES:
            raise UpstreamUnavailable(self._service, retry_after_s=retry_after_s(response))
        return FeedAnswer(response.status, response.body)

    async def aclose(self) -> None:
        """Close the connections; idempotent."""
        await self._transport.aclose()
