"""What ties a worker to its parent: it tells that it serves, and does not outlive it."""

import os
import signal
import socket
import threading
from contextlib import suppress


class Lifeline:
    """The worker's end of the socket pair. Whatever ends the parent closes the other end."""

    def __init__(self, end: socket.socket, *, stop_limit_s: float) -> None:
        self._socket = end
        self._stop_limit_s = stop_limit_s

    def tell_serving(self) -> None:
        """Tell the parent, if there still is one."""
        with suppress(OSError):
            self._socket.send(b"s")

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
