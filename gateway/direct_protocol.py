"""Answers without a task: HTTP/1.1 as uvicorn speaks it, that looks before it makes one.

To make a task, a scope and a cycle of messages for a request costs as much as a cheap answer. So a
request to ``/graphql`` is held until its last byte is there, and looked at once. While the door
refuses (`admission.door`) a POST is refused in the same call that brought the byte; where its
answer is at hand (`answers_at_hand`) it is given; else it is handed to uvicorn as if it had not
been held. What could be long, slow, or the last on its connection is not held: that goes the
ordinary way.
"""

import asyncio
from typing import Final

from uvicorn.config import Config
from uvicorn.server import ServerState

from gateway.exchange import LOOKED_FOR
from gateway.graphql_http import PATH
from gateway.guarded_protocol import GuardedProtocol
from gateway.replies import CLOSE, Reply, on_the_wire
from gateway.subscriptions.sockets import ABORT

HELD_LIMIT_BYTES: Final = 65_536
"""Bytes of a body that are held; whoever brings more is read by her own task."""

HELD_S: Final = 0.05
"""Seconds for which a body is held whose rest comes in other packets than its head."""


QUERY: Final = PATH + b"?"
"""How the address of a query by GET begins."""


class DirectProtocol(GuardedProtocol):
    """One connection to the application of `create_app`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._held: list[bytes] | None = None
        self._held_bytes = 0
        self._waiting: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        # What is let in has its turn later: all that is done here is done past those who wait.
        with self._graphql.at_once.overtaking():
            super().data_received(data)
        if self._held is not None and self._waiting is None:
            self._waiting = self.loop.call_later(HELD_S, self._let_in)

    def connection_lost(self, exc: Exception | None) -> None:
        self._drop()
        super().connection_lost(exc)

    def take_request(self) -> None:
        if self._may_hold():
            self._held, self._held_bytes = [], 0
        else:
            self.hand_on()

    def on_body(self, body: bytes) -> None:
        if self._held is None:
            super().on_body(body)
            return
        self._held.append(body)
        self._held_bytes += len(body)
        if self._held_bytes > HELD_LIMIT_BYTES:
            self._let_in()

    def end_request(self) -> None:
        if self._held is not None:
            reply = self._reply_to(b"".join(self._held))
            if reply is not None:
                self._drop()
                self._send(reply)
                return
            self._let_in()
            self.scope["state"][LOOKED_FOR] = True
        super().end_request()

    def drop_request(self) -> None:
        self._drop()

    def shutdown(self) -> None:
        if self._held is not None:
            self._let_in()
        super().shutdown()

    def _reply_to(self, body: bytes) -> Reply | None:
        peer = self.client[0] if self.client else None
        if self.url == PATH:
            return self._graphql.at_once.reply(self.asked, body, peer)
        return self._graphql.at_once.find(self.asked, self.url[len(QUERY) :], peer)

    def _may_hold(self) -> bool:
        method = self.parser.get_method()
        is_asked = (method == b"POST" and self.url == PATH) or (
            method == b"GET" and self.url.startswith(QUERY)
        )
        is_free = self.cycle is None or self.cycle.response_complete
        is_kept = self.parser.should_keep_alive() and CLOSE not in self.server_state.default_headers
        return (
            is_asked
            and is_free
            and is_kept
            and not (self.expect_100_continue or self.flow.write_paused)
        )

    def _let_in(self) -> None:
        """Hand what was held to uvicorn, as if it came just now.

        Its task runs what serves ``/graphql``, and not the layers that would lead it there.
        """
        held, whole = self._held, self.app
        self._drop()
        self.app = self._graphql
        self.hand_on()
        self.app = whole
        if held:
            super().on_body(b"".join(held))

    def hand_on(self) -> None:
        """Let uvicorn make a task for this request, which may cut its connection off."""
        super().hand_on()
        self.scope["state"][ABORT] = self.transport.abort

    def _drop(self) -> None:
        self._held = None
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _send(self, reply: Reply) -> None:
        """Answer at once, and wait for the next request as after any other answer."""
        self.transport.write(on_the_wire(reply, self.server_state.default_headers))
        self.server_state.total_requests += 1
        self.wait_for_next()
