"""Refusals by the thousand: HTTP/1.1 as uvicorn speaks it, that can say no before there is a task.

To make a task, a scope and a cycle of messages for a request costs about as much as a cheap answer.
While the door refuses (`admission.door`), that is spent on nobody: a POST to ``/graphql`` is held
until its last byte is there, looked at once, and refused in the same call that brought the byte, or
handed to uvicorn as if it had not been held. Nothing else is held, nor is what could be long, slow,
or the last on its connection: those are refused, if at all, on the ordinary way, by the same door.
"""

import asyncio
from typing import Final, cast

from fastapi import FastAPI
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.graphql_http import PATH, GraphQLHttp, Reply

HELD_LIMIT_BYTES: Final = 65_536
"""Bytes of a body that are held; whoever brings more is read by her own task."""

CLOSE: Final = (b"connection", b"close")
"""What the server adds to every answer while it drains."""


class SheddingProtocol(HttpToolsProtocol):
    """One connection to the application of `create_app`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # uvicorn knows the application by its protocol alone, which has no state.
        self._graphql: GraphQLHttp = cast("FastAPI", config.app).state.graphql
        self._held: bytearray | None = None

    def on_headers_complete(self) -> None:
        if self._graphql.is_refusing and self._may_hold():
            self._held = bytearray()
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._held is None:
            super().on_body(body)
            return
        self._held += body
        if len(self._held) > HELD_LIMIT_BYTES:
            self._let_in()

    def on_message_complete(self) -> None:
        if self._held is not None:
            reply = self._graphql.turn_away(self.headers, bytes(self._held))
            if reply is not None:
                self._held = None
                self._send(reply)
                return
            self._let_in()
        super().on_message_complete()

    def shutdown(self) -> None:
        if self._held is not None:
            self._let_in()
        super().shutdown()

    def _may_hold(self) -> bool:
        is_free = self.cycle is None or self.cycle.response_complete
        is_kept = self.parser.should_keep_alive() and CLOSE not in self.server_state.default_headers
        return (
            self.url == PATH
            and self.parser.get_method() == b"POST"
            and is_free
            and is_kept
            and not (self.expect_100_continue or self.flow.write_paused)
        )

    def _let_in(self) -> None:
        """Hand what was held to uvicorn, as if it came just now."""
        held, self._held = self._held, None
        super().on_headers_complete()
        if held:
            super().on_body(bytes(held))

    def _send(self, reply: Reply) -> None:
        """Answer at once, and wait for the next request as after any other answer."""
        head = bytearray(STATUS_LINE[reply.status])
        for name, value in (*self.server_state.default_headers, *reply.headers):
            head += b"%b: %b\r\n" % (name, value)
        self.transport.write(bytes(head) + b"\r\n" + reply.body)
        self.server_state.total_requests += 1
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )
