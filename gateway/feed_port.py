"""Lets a projection's feed use the HTTP of the upstream layer, errors translated on the way."""

from projections.errors import SourceUnavailable
from resolvers.upstream.errors import UpstreamError
from resolvers.upstream.feed_http import FeedHttp


class FeedPort:
    """`projections.feed.FeedHttp` over `resolvers.upstream.feed_http.FeedHttp`."""

    def __init__(self, source: str, http: FeedHttp) -> None:
        self._source = source
        self._http = http

    async def get(self, params: dict[str, str], *, timeout_s: float) -> tuple[int, bytes]:
        try:
            return await self._http.get_json_bytes("/events", params, timeout_s)
        except UpstreamError as error:
            raise SourceUnavailable(self._source, str(error)) from error
