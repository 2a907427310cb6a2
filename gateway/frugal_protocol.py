"""HTTP/1.1 as uvicorn speaks it, that makes nothing of a request before somebody needs it.

A scope is made when a request is handed to uvicorn, not when its first byte comes. And who waits
for the next request sets no timer for it: one that runs since an earlier request is left to run,
and looks when it rings for how long it has been quiet.
"""

import asyncio

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState


class FrugalProtocol(HttpToolsProtocol):
    """One connection. Who overrides `data_received` says `stop_waiting` there."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._quiet_since_s: float | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        self.scope = None  # type: ignore[assignment]  # as uvicorn begins, too
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def hand_on(self) -> None:
        """Let uvicorn have the head that has come, as if it came just now."""
        url, headers, is_waiting = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, is_waiting
        self.headers += headers  # in place: the scope has them
        self.stop_waiting()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        is_last = not self.pipeline
        super().on_response_complete()  # which sets a timer of its own
        if is_last:
            self._quiet_since_s = self.loop.time()

    def wait_for_next(self) -> None:
        """Nothing is owed to anybody; the next request is to come in time."""
        self._quiet_since_s = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._ring_after(self.timeout_keep_alive)

    def stop_waiting(self) -> None:
        """Something has come. The timer runs on, and will see that it need not do anything."""
        self._quiet_since_s = None

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self._quiet_since_s is None:
            return  # whoever ends what is being done waits anew
        left_s = self._quiet_since_s + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self._ring_after(left_s)
        else:
            self.end_waiting()

    def end_waiting(self) -> None:
        """It was quiet for too long."""
        super().timeout_keep_alive_handler()

    def handle_websocket_upgrade(self) -> None:
        self._unset_keepalive_if_required()
        super().handle_websocket_upgrade()

    def _ring_after(self, delay_s: float) -> None:
        ring = self.timeout_keep_alive_handler
        self.timeout_keep_alive_task = self.loop.call_later(delay_s, ring)
