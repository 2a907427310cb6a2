"""Running the ASGI application on its port, with a clear word when that cannot be."""

import asyncio
import gc
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import uvicorn
from fastapi import FastAPI
from uvicorn.loops.auto import auto_loop_factory

from gateway.app import Gateway
from gateway.beside import running
from gateway.direct_protocol import DirectProtocol
from gateway.replies import CLOSE
from gateway.settings import Settings
from gateway.subscriptions.connections import Connections
from gateway.subscriptions.socket_protocol import LiveSocketProtocol

DRAIN_S = 5
"""Seconds that running requests get when the process is asked to stop; more than any deadline."""

CLOSE_S = 3
"""Seconds that a process then has to close what it holds open."""

LAST_WORD_S = 0.25
"""Seconds in which who is connected when we refuse the next one may still send a request."""


class Server(uvicorn.Server):
    """A server that ends by SIGINT or SIGTERM and then returns.

    uvicorn would send itself the signal once more, which cuts short whatever its caller still has
    to close: the services of `bff dev` would outlive it.

    SIGTERM comes from somebody who has other gateways: for ``drain_s`` it goes on serving, is not
    ready any more, and closes each connection with its next answer, so that clients and load
    balancers go elsewhere before there is nobody to answer them.

    ``on_start`` is called when it serves.
    """

    def __init__(
        self,
        app: FastAPI,
        config: uvicorn.Config,
        *,
        drain_s: float,
        on_start: Callable[[], None],
    ) -> None:
        super().__init__(config)
        self._app = app
        self._drain_s = drain_s
        self._on_start = on_start
        self._drained_at_s: float | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        asked = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, self.handle_exit) for number in asked}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM and self._drain_s and self._drained_at_s is None:
            self._drained_at_s = time.monotonic() + self._drain_s
            self._app.state.is_draining = True
            self.config.encoded_headers.append(CLOSE)
            self.server_state.default_headers = [*self.server_state.default_headers, CLOSE]
        else:
            super().handle_exit(sig, frame)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Refuse who comes from now on; answer who had come before, then end."""
        loop = asyncio.get_running_loop()
        for listening in sockets or ():
            for taken in self._refuse_more(listening):
                await loop.connect_accepted_socket(self._protocol, taken)
        self._connections.end_all()
        # Who is connected may be about to send: a connection closed now would cut that off.
        await asyncio.sleep(LAST_WORD_S)
        await super().shutdown(sockets)

    def _refuse_more(self, listening: socket.socket) -> list[socket.socket]:
        """Close the socket; the connections that the system had taken in for us by then.

        Closed with them in its queue, it would cut them off, whatever they have sent.
        """
        taken: list[socket.socket] = []
        with listening.dup() as last:
            last.setblocking(False)
            for server in self.servers:
                server.close()
            listening.close()
            with suppress(OSError):  # nobody more, or no descriptor to take them in
                while True:
                    taken.append(last.accept()[0])
        return taken

    @property
    def _connections(self) -> Connections:
        gateway: Gateway = self._app.state.gateway
        return gateway.live.connections

    def _protocol(self) -> asyncio.Protocol:
        # Annotated as any protocol of asyncio, it is one of uvicorn's, which take these.
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    async def on_tick(self, counter: int) -> bool:
        if self._drained_at_s is not None:
            self._connections.drain(self._drain_s)
            if time.monotonic() >= self._drained_at_s:
                self.should_exit = True
        return await super().on_tick(counter)


def stop_limit_s(drain_s: float) -> float:
    """Seconds after which a gateway that was asked to stop has ended, or never will."""
    return drain_s + LAST_WORD_S + DRAIN_S + CLOSE_S


class PortTaken(Exception):
    """The address cannot be listened on; the text says what to do."""


def bind(settings: Settings) -> socket.socket:
    """A listening socket on the configured address; raises `PortTaken`.

    Listening at once: a client that comes before the application is ready waits for it.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # Named TCP, or asyncio leaves Nagle's algorithm on and answers come 40 ms late.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
        listening.listen(2048)
    except (OSError, UnicodeError) as error:  # UnicodeError: a host that no name server can know
        listening.close()
        reason = getattr(error, "strerror", None) or "not a host name"
        raise PortTaken(
            f"cannot listen on {settings.host}:{settings.port} ({reason}): stop what is using it, "
            "or choose another address with BFF_HOST and BFF_PORT"
        ) from error
    return listening


def run(serving: Coroutine[None, None, None]) -> None:
    """Run ``serving`` to its end on the fastest event loop there is.

    SIGTERM is taken for Ctrl-C: ``serving`` is cancelled and closes what it has opened, then
    KeyboardInterrupt is raised. (Not by sending SIGINT, which a shell's background jobs ignore.)
    """
    is_terminated = False

    async def until_terminated() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        def terminate(*_: object) -> None:
            nonlocal is_terminated
            is_terminated = True
            if task is not None:
                loop.call_soon_threadsafe(task.cancel)

        signal.signal(signal.SIGTERM, terminate)
        await serving

    _keep_what_is_loaded()
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        try:
            runner.run(until_terminated())
        except asyncio.CancelledError:
            if not is_terminated:
                raise
    if is_terminated:
        raise KeyboardInterrupt


def _keep_what_is_loaded() -> None:
    """Take the hundred thousand objects of our imports out of the garbage collector's sight.

    They live as long as the process. Looked through again and again, they cost a rebuild a third of
    its time (`make bench-events`); and what an event or a request makes is gone before the 10,000th
    object after it. For that no request may leave circles behind (`execution.executor`, `loaders`,
    `without_frames`, `task_group`): in an overload they outlive the young generations, and two
    million of them were a pause of four seconds (`make bench-faults`). Circles that libraries make
    are for `garbage`, where a gateway serves.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


async def serve_app(
    app: FastAPI,
    listening: socket.socket,
    *,
    drain_s: float = 0.0,
    on_start: Callable[[], None] = lambda: None,
) -> None:
    """Serve ``app`` on this socket until SIGINT or SIGTERM, and collect its garbage meanwhile."""
    gateway: Gateway = app.state.gateway
    server = make_server(app, drain_s=drain_s, on_start=on_start)
    async with running(gateway.garbage.run()):
        await server.serve(sockets=[listening])


def make_server(
    app: FastAPI, *, drain_s: float = 0.0, on_start: Callable[[], None] = lambda: None
) -> Server:
    """The server for ``app``; `serve(sockets=[bind(…)])` runs it until SIGINT or SIGTERM."""
    gateway: Gateway = app.state.gateway
    live = gateway.settings.live_options()
    config = uvicorn.Config(
        app,
        http=DirectProtocol,
        ws=LiveSocketProtocol,
        ws_max_size=live.message_limit_bytes,
        ws_ping_interval=live.ping_s,
        ws_ping_timeout=live.ping_s,
        ws_per_message_deflate=False,
        log_level="warning",
        access_log=False,
        lifespan="on",
        server_header=False,
        proxy_headers=False,  # how many proxies may be believed is a setting of ours
        timeout_graceful_shutdown=DRAIN_S,
    )
    return Server(app, config, drain_s=drain_s, on_start=on_start)
