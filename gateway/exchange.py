"""One request to ``/graphql`` whose bytes are all here, and what they ask."""

import asyncio
from collections.abc import MutableMapping
from typing import Any, Final

from msgspec import Struct

from gateway.batches import Batch, entries_of, is_batch
from gateway.caller import Caller
from gateway.http_rules import READING
from gateway.request import GraphQLRequest, RequestHeaders, parse_body, parse_get, parse_post
from resolvers.upstream.deadline import Deadline

Scope = MutableMapping[str, Any]

LOOKED_FOR: Final = "looked_for"
"""In the state of a request whose answer was not at hand when its last byte came."""


def asked_in(scope: Scope, headers: RequestHeaders, body: bytes) -> GraphQLRequest:
    """What a request asks. Raises `RequestRefused` where that cannot be told."""
    if scope["method"] in READING:
        return parse_get(scope["query_string"])
    return parse_post(body, headers.media_type)


class Exchange(Struct, frozen=True):
    """A request whose bytes are all here. ``leaving`` ends when its client goes away."""

    scope: Scope
    headers: RequestHeaders
    body: bytes
    deadline: Deadline
    leaving: asyncio.Task[None]

    @property
    def is_looked_for(self) -> bool:
        """Has the server's protocol looked whether the answer is at hand?"""
        return LOOKED_FOR in self.scope.get("state", ())

    @property
    def is_read_only(self) -> bool:
        """By GET nothing is written."""
        return self.scope["method"] in READING

    @property
    def is_batch(self) -> bool:
        """Is this a list of requests, or meant to be one?"""
        return is_batch(self.body) and not self.is_read_only

    def parse(self) -> GraphQLRequest:
        """What is asked. Raises `RequestRefused` where that cannot be told."""
        return asked_in(self.scope, self.headers, self.body)

    def parse_batch(self, caller: Caller, key: str | None, limit: int) -> Batch:
        """Likewise what is asked at once, by ``caller``; ``key`` pays for it."""
        entries = entries_of(parse_body(self.body, self.headers.media_type), limit)
        return Batch(entries, self.headers, caller, key, self.deadline, self.leaving)
