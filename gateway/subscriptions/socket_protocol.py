"""WebSockets as uvicorn speaks them, with bounds on what a client can make us hold.

What uvicorn leaves open: messages that come faster than they are read, in one packet, would all be
queued; pongs to a flood of pings, and the fragments of a message that never ends, would pile up;
and a socket that is closed while its client reads nothing would stay for as long as she likes.
Compression is off: a kilobyte may become a megabyte.
"""

import asyncio
from typing import Final, cast

from uvicorn._types import ASGISendEvent
from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame
from websockets.http11 import Request

from gateway.subscriptions.messages import CloseCode
from gateway.subscriptions.sockets import ABORT

UNREAD_LIMIT: Final = 256
"""Messages that have come and are not read yet: more than the burst a session allows."""

FRAGMENT_LIMIT: Final = 1_024
"""Fragments of one message; no client cuts 64 kB into more."""

PING_LIMIT: Final = 100
"""Pings, and answers to none, of one packet of the network; one is a sign of life."""

SLICE_BYTES: Final = 4_096
"""Bytes that are read at a time, of a packet that has sixty times as many: what they hold is judged
before more is read. A frame takes 4 µs, and may have six bytes."""

LAST_WORD_S: Final = 5.0
"""Seconds that a client has to take our close frame and answer it."""


class LiveSocketProtocol(WebSocketsSansIOProtocol):
    """One socket to the application of `create_app`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.close_timeout = LAST_WORD_S
        self._ping_count = 0

    def data_received(self, data: bytes) -> None:
        self._ping_count = 0
        for start in range(0, len(data), SLICE_BYTES):
            if self.transport.is_closing():
                return
            super().data_received(data[start : start + SLICE_BYTES])
        if self.conn.handshake_exc is not None:
            self.transport.close()  # uvicorn would wait for her end, for ever

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:  # the task of the application begins later
            cast("dict[str, object]", self.scope["state"])[ABORT] = self.transport.abort

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) >= FRAGMENT_LIMIT:
            self._fail("too many fragments")
            return
        super().handle_cont(event)

    def handle_pong(self, event: Frame) -> None:
        if self._is_sign_of_life():
            super().handle_pong(event)

    def handle_ping(self) -> None:
        if not self._is_sign_of_life():
            return
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()  # she reads nothing, so she is told nothing

    def send_receive_event_to_app(self) -> None:
        if self.queue.qsize() >= UNREAD_LIMIT:
            self._fail("too many messages")
            return
        if self.curr_msg_data_type == "text":
            # Else uvicorn logs a page for each; and looked at here, it is whole.
            self.frames = [b"".join(self.frames)]
            if not _is_utf8(self.frames[0]):
                self._fail("no UTF-8", CloseCode.NO_TEXT)
                return
        super().send_receive_event_to_app()

    async def send(self, message: ASGISendEvent) -> None:
        await self.writable.wait()
        if self.close_sent:  # by us, for what its client does
            raise ClientDisconnected
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # else uvicorn logs that nothing was said

    async def run_asgi(self) -> None:
        try:
            await super().run_asgi()
        finally:
            # Closed while its client reads nothing, a transport waits for her for ever.
            self.loop.call_later(self.close_timeout + 1, self.transport.abort)

    def _is_sign_of_life(self) -> bool:
        self._ping_count += 1
        if self._ping_count > PING_LIMIT:
            self._fail("too many pings")
        return self._ping_count <= PING_LIMIT

    def _fail(self, reason: str, code: CloseCode = CloseCode.POLICY) -> None:
        """Close it for what its client does."""
        self.frames = []
        if not self.close_sent:
            self.conn.fail(int(code), reason)
            self.handle_parser_exception()


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
