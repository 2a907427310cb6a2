"""Gateways as the composition root wires them; only the outermost edges are ours.

What takes long to make and remembers nothing of a run (the schema, checked documents) is made once
and shared by all gateways of all runs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any
from unittest.mock import patch

import strawberry

from gateway.app import Gateway, Wires
from gateway.caller import Caller
from gateway.execution.documents import Documents
from gateway.request import GraphQLRequest, RequestHeaders
from gateway.response import Response
from gateway.settings import Settings
from projections.token_codec import TokenCodec, TokenKey, TokenKeys, disarm
from projections.token_format import key_id_of
from resolvers.schema import build_schema
from resolvers.upstream.call import Upstream
from resolvers.upstream.deadline import Deadline
from resolvers.viewer import Viewer
from tests.laws.proof.world.shared_store import StoreAtGateway
from tests.laws.proof.world.wire import Wire

KEYS = tuple(TokenKey(number, f"secret {number}".encode().ljust(32)) for number in range(1, 9))
"""The signing keys there will ever be, in the order in which they are rotated to."""

SETTINGS = Settings.model_validate(
    {"store": "redis", "attempt_timeout_s": 0.3, "request_timeout_s": 1.5}
)

schema: Callable[[], strawberry.Schema] = cache(build_schema)
_documents: dict[str, Documents] = {}


def shared_documents(*given: Any, **options: Any) -> Documents:
    """One cache of checked documents for all gateways."""
    return _documents.setdefault("all", Documents(*given, **options))


class GatewayAtHand:
    """One gateway that is open, without HTTP in front of it."""

    def __init__(
        self,
        name: str,
        store: StoreAtGateway,
        wires: Mapping[str, Wire],
        wall_clock: Callable[[], float],
    ) -> None:
        self.name = name
        self.store = store
        with (
            patch("gateway.app.build_schema", schema),
            patch("gateway.making.Documents", shared_documents),
        ):
            self.gateway = Gateway(
                SETTINGS,
                TokenKeys(KEYS[0]),
                Wires(
                    upstream=lambda service, options, to: Upstream(
                        service,
                        options,
                        transport=wires[service],
                        observe=to.circuit,
                        draw=lambda: 0.5,
                    ),
                    store=lambda *_: store,
                    wall_clock=wall_clock,
                ),
            )
        self._operations = self.gateway.operations
        self._keys = TokenKeys(KEYS[0])

    async def ask(
        self,
        query: str,
        variables: dict[str, object],
        *,
        subject: str,
        request_id: str,
        tokens: Sequence[str],
    ) -> Response:
        """Run one operation; ``tokens`` come by header.

        Raises `RequestRefused` where nothing was run.
        """
        headers = [("X-Request-Id", request_id)]
        headers += [("X-Consistency-Token", token) for token in tokens]
        raw = [(name.encode(), value.encode()) for name, value in headers]
        return await self._operations.run(
            GraphQLRequest(query, variables),
            Caller.of(RequestHeaders.of(raw), Viewer(subject)),
            deadline=Deadline.after(SETTINGS.request_timeout_s),
            is_read_only=False,
        )

    def take_keys(self, keys: TokenKeys) -> None:
        """Be restarted with these signing keys."""
        codec = TokenCodec(keys, lifetime_minutes=SETTINGS.token_lifetime_min)
        self._keys = keys
        self._operations = replace(self._operations, codec=codec)

    @property
    def codec(self) -> TokenCodec:
        """Seals and opens what it hands out."""
        return self._operations.codec

    def knows_key_of(self, text: str) -> bool:
        """Is this a text that may be a token under one of its keys, or none at all?"""
        sealed = disarm(text)
        key_id = key_id_of(sealed) if isinstance(sealed, bytes) else None
        return key_id is None or self._keys.live(key_id) is not None

    @property
    def waiting_count(self) -> int:
        """How many requests wait for the projection."""
        model = self.gateway.model
        return 0 if model is None else model.waiters.waiting_count
