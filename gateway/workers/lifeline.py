"""What ties a worker to its parent: it tells that it serves and lives, and does not outlive it."""

import asyncio
import faulthandler
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Lifeline:
    """The worker's end of the socket pair. Whatever ends the parent closes the other end."""

    def __init__(self, end: socket.socket, *, stop_limit_s: float) -> None:
        self._socket = end
        self._stop_limit_s = stop_limit_s
        self._is_serving = False

    def tell_serving(self) -> None:
        """Tell the parent, if there still is one."""
        self._is_serving = True
        self._say()

    @asynccontextmanager
    async def beating(self, every_s: float) -> AsyncIterator[None]:
        """Give signs of life while the block runs, from when it serves; none while it is stuck.

        Then the parent asks by SIGUSR2 where it is, which is written to stderr.
        """
        faulthandler.register(signal.SIGUSR2)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self._beat(every_s))
            try:
                yield
            finally:
                task.cancel()

    async def _beat(self, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            if self._is_serving:
                self._say()

    def _say(self) -> None:
        with suppress(OSError):
            self._socket.send(b"s", socket.MSG_DONTWAIT)

    def watch(self) -> None:
        """End this process when its parent has ended.

        In a thread of its own: a worker whose loop is stuck must not stay behind either.
        """
        threading.Thread(target=self._watch, name="lifeline", daemon=True).start()

    def _watch(self) -> None:
        with suppress(OSError):
            self._socket.recv(1)  # nobody sends anything: it returns when the other end is closed
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(self._stop_limit_s)
        os._exit(1)  # it was asked, and is still here
