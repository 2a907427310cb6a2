"""One worker as its parent sees it: a process that is started, begins to serve, and ends."""

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol


class Worker(Protocol):
    """A started worker."""

    @property
    def process_id(self) -> int: ...

    async def serves(self) -> bool:
        """Wait until it serves; false if it ends before that."""

    async def beats(self) -> bool:
        """Wait for its next sign of life; false if there will be none, for it ends."""

    async def ended(self) -> int:
        """Wait for its end; its exit code, negative for a signal."""

    def send(self, number: signal.Signals) -> None:
        """Send it this signal; one that has ended gets none."""


StartWorker = Callable[[socket.socket, int], AbstractAsyncContextManager[Worker]]
"""Starts the worker of this number on a listening socket; at the end of the block it has ended, or
is killed."""


class WorkerProcess:
    """A worker in a process of its own. ``lifeline`` is our end of the socket pair to it."""

    def __init__(self, process: asyncio.subprocess.Process, lifeline: socket.socket) -> None:
        self._process = process
        self._lifeline = lifeline

    @property
    def process_id(self) -> int:
        return self._process.pid

    async def serves(self) -> bool:
        return await self._hears()

    async def beats(self) -> bool:
        return await self._hears()

    async def ended(self) -> int:
        return await self._process.wait()

    def send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def _hears(self) -> bool:
        try:
            return bool(await asyncio.get_running_loop().sock_recv(self._lifeline, 1))
        except ConnectionError:
            return False


@asynccontextmanager
async def worker_process(
    listening: socket.socket, number: int, *, folder: Path | None = None
) -> AsyncIterator[WorkerProcess]:
    """A new process on this socket, which finds its fellows in ``folder``, if there is one.

    In a session of its own: Ctrl-C goes to the whole of ours, and the parent passes it on.
    """
    ours, theirs = socket.socketpair()
    with ours:
        ours.setblocking(False)
        with theirs:
            inherited = (listening.fileno(), theirs.fileno())
            words = () if folder is None else (f"--number={number}", f"--folder={folder}")
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "gateway", "worker", *map(str, inherited), *words),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=inherited,
                start_new_session=True,
            )
        worker = WorkerProcess(process, ours)
        try:
            yield worker
        finally:
            worker.send(signal.SIGKILL)
            await process.wait()
