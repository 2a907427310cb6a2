"""The outermost end of the gateway: what would go over the network is noted and answered here."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from resolvers.upstream.feed_http import FeedAnswer, FeedHttp
from tests.contracts.twins import UpstreamTwins
from tests.truth.world import World, word_of


@dataclass(frozen=True, slots=True)
class Hit:
    """One request that reached a service, and when (s of the loop)."""

    service: str
    method: str
    path: str
    params: Mapping[str, str]
    headers: httpx.Headers
    body: bytes
    at_s: float

    def __str__(self) -> str:
        params = "&".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.method} {self.path}{'?' if params else ''}{params}"


class Wire(httpx.AsyncBaseTransport):
    """The innermost transport: notes what goes to the services and lets the twins answer.

    What they say is noted in ``world``, where there is one.
    """

    def __init__(self, twins: UpstreamTwins, world: World | None = None) -> None:
        self._network = twins.network
        self._world = world
        self.hits: list[Hit] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        service = url.host.removesuffix(".test")
        params = dict(url.params)
        at_s = round(asyncio.get_running_loop().time(), 6)
        self.hits.append(
            Hit(service, request.method, url.path, params, request.headers, request.content, at_s)
        )
        if self._world is None:
            return await self._network.handle_async_request(request)
        asked = self._world.now()
        response = await self._network.handle_async_request(request)
        word = word_of(service, request, response, asked, self._world.now())
        self._world.words.append(word)
        return response


class SilentFeed(FeedHttp):
    """A feed that holds every poll for ever."""

    async def get_json_bytes(self, *_: object, **__: object) -> FeedAnswer:
        await asyncio.Event().wait()
        raise AssertionError("unreachable: nobody sets the event")
