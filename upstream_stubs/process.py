"""One service in a process of its own: its socket, its server, its end.

The rule: a service ends by SIGINT, SIGTERM or (on demand) the end of its standard input, and then
lets go of every waiting request at once, so that a stop takes no longer than the answers under way.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from upstream_stubs.opening import PeerUrls, ServiceName, open_service
from upstream_stubs.service import Stub, StubOptions

BACKLOG_COUNT: Final = 2048
GRACE_S: Final = 3
"""How long answers under way may still take when the service stops (a slow body, say)."""

log = logging.getLogger(__name__)


class PortTakenError(Exception):
    """Another program listens there."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket (port 0: any free one). Raises PortTakenError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named TCP, or asyncio leaves Nagle's algorithm on and answers come 40 ms late.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG_COUNT)
    except OSError as error:
        listener.close()
        raise PortTakenError(f"cannot listen on {host} port {port}: {error.strerror}") from error
    return listener


class Server(uvicorn.Server):
    """A server that leaves the process's signals to us: its own handling ends the process hard."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(stub: Stub, listener: socket.socket, *, ends_with_stdin: bool) -> None:
    """Serve until the process is asked to end."""
    server = Server(
        uvicorn.Config(
            stub.app,
            lifespan="off",
            access_log=False,
            log_config=None,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE_S,
        )
    )

    def stop() -> None:
        stub.stop()
        server.should_exit = True

    with end_requests_call(stop, ends_with_stdin=ends_with_stdin):
        await server.serve(sockets=[listener])


@contextmanager
def end_requests_call(stop: Callable[[], None], *, ends_with_stdin: bool) -> Iterator[None]:
    """Call ``stop`` in the running loop whenever the process is asked to end."""
    loop = asyncio.get_running_loop()
    asked = (signal.SIGINT, signal.SIGTERM)
    for number in asked:
        loop.add_signal_handler(number, stop)
    if ends_with_stdin:
        watch = threading.Thread(target=call_after_stdin, args=(loop, stop), daemon=True)
        watch.start()
    try:
        yield
    finally:
        for number in asked:
            loop.remove_signal_handler(number)


def call_after_stdin(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Wait in this thread for the end of standard input (a loop cannot watch a file)."""
    try:
        while os.read(sys.stdin.fileno(), 4096):
            pass
    except OSError:
        log.warning("standard input cannot be read, taken for closed")
    # The process may have ended for another reason just now; its loop then is closed.
    if not loop.is_closed():
        loop.call_soon_threadsafe(stop)


async def run_service(
    name: ServiceName,
    options: StubOptions,
    peers: PeerUrls,
    listener: socket.socket,
    *,
    ends_with_stdin: bool,
) -> None:
    """Open the service and serve it until the process is asked to end."""
    async with open_service(name, options, peers) as stub:
        host, port, *_ = listener.getsockname()
        log.info("listening on http://%s:%s", host, port)
        await serve(stub, listener, ends_with_stdin=ends_with_stdin)
