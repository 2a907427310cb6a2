"""`bff serve --workers N`: the parent, which serves nothing and keeps N workers running.

The rule: all of them take connections from one socket, which the parent holds. So a connection that
nobody has taken yet survives whoever dies, and the port is free again when, and only when, all have
ended. Which worker takes one is chance; each has its own memory.
"""

import asyncio
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from gateway.workers.options import RestartOptions
from gateway.workers.process import StartWorker, Worker, worker_process

MISSED_LIMIT: Final = 2
"""Silences in a row: after one, it may be that this process had been stopped, not the worker."""


class WorkersFailed(Exception):
    """No worker can start; the text says what is known."""


@dataclass(frozen=True, slots=True)
class WorkerEnded:
    """Signal: a worker ended by itself, and is started again after a pause."""

    process_id: int
    exit_code: int
    pause_s: float


@dataclass(frozen=True, slots=True)
class _Life:
    """How a worker ended, and whether it has served before that; id 0: it never was a process."""

    process_id: int
    exit_code: int
    has_served: bool


@dataclass(frozen=True, slots=True)
class WorkerStuck:
    """Signal: the loop of a worker stood still for so long (s); it is ended."""

    process_id: int
    silent_s: float


WorkerSignal = WorkerEnded | WorkerStuck


class Supervisor:
    """Keeps ``worker_count`` workers running. They have ``stop_limit_s`` to end when asked to."""

    def __init__(
        self,
        worker_count: int,
        *,
        stop_limit_s: float,
        observe: Callable[[WorkerSignal], None],
        options: RestartOptions | None = None,
        start: StartWorker = worker_process,
    ) -> None:
        self._worker_count = worker_count
        self._stop_limit_s = stop_limit_s
        self._observe = observe
        self._options = options or RestartOptions()
        self._start = start
        self._running: set[Worker] = set()
        self._serving: set[Worker] = set()
        self._is_proven = asyncio.Event()
        self._stopping = asyncio.Event()
        self._failure: str | None = None

    async def run(self, listening: socket.socket) -> None:
        """Serve on this socket until SIGINT or SIGTERM; all workers have ended then.

        The first one starts alone: what keeps it from serving would keep all from it, and is said
        once. Raises `WorkersFailed` if a start fails while nobody serves.
        """
        loop, asked = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
        for name in asked:
            loop.add_signal_handler(name, self._stop, listening, name)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_one(listening, 0))
                await self._is_proven.wait()
                for number in range(1, self._worker_count):
                    group.create_task(self._keep_one(listening, number))
        finally:
            for name in asked:
                loop.remove_signal_handler(name)
        if self._failure is not None:
            raise WorkersFailed(self._failure)

    async def _keep_one(self, listening: socket.socket, number: int) -> None:
        """Have a worker of this number, and another when it ends, until we are asked to stop."""
        loop, pause_s = asyncio.get_running_loop(), 0.0
        while not self._stopping.is_set():
            began_s = loop.time()
            life = await self._one_life(listening, number)
            if self._stopping.is_set():
                return
            if not life.has_served and not self._is_proven.is_set():
                self._give_up(life.exit_code)
                return
            pause_s = self._options.pause_after(pause_s, loop.time() - began_s)
            self._observe(WorkerEnded(life.process_id, life.exit_code, pause_s))
            await self._pause(pause_s)

    async def _one_life(self, listening: socket.socket, number: int) -> _Life:
        """A worker from its start to its end."""
        try:
            async with self._start(listening, number) as worker:
                return await self._watch(worker)
        except OSError as error:  # no process or descriptor to be had, perhaps for a moment only
            return _Life(process_id=0, exit_code=error.errno or 1, has_served=False)

    async def _watch(self, worker: Worker) -> _Life:
        self._running.add(worker)
        try:
            if self._stopping.is_set():  # it was on its way when all were asked
                worker.send(signal.SIGTERM)
            if has_served := await worker.serves():
                self._serving.add(worker)
                self._is_proven.set()
            exit_code = await self._end_of(worker) if has_served else await worker.ended()
            return _Life(worker.process_id, exit_code, has_served)
        finally:
            self._running.discard(worker)
            self._serving.discard(worker)

    async def _end_of(self, worker: Worker) -> int:
        """The exit code of a worker that serves; one that is stuck is ended."""
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._end_when_stuck(worker))
            exit_code = await worker.ended()
            watching.cancel()
        return exit_code

    async def _end_when_stuck(self, worker: Worker) -> None:
        missed_count = 0
        while missed_count < MISSED_LIMIT:
            try:
                async with asyncio.timeout(self._options.stuck_s / MISSED_LIMIT):
                    if not await worker.beats():
                        return
                missed_count = 0
            except TimeoutError:
                missed_count += 1
        if self._stopping.is_set():
            return  # it has its own limit then
        self._observe(WorkerStuck(worker.process_id, self._options.stuck_s))
        worker.send(signal.SIGUSR2)
        await asyncio.sleep(self._options.last_words_s)
        worker.send(signal.SIGKILL)

    async def _pause(self, pause_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._stopping.wait()

    def _stop(self, listening: socket.socket, number: signal.Signals) -> None:
        """Pass the signal on; whoever does not end by it is killed. The second one means now."""
        if not self._stopping.is_set():
            self._end_all()
            listening.close()  # the port is free with the end of the last worker
            asyncio.get_running_loop().call_later(self._stop_limit_s, self._kill)
        for worker in self._running:
            # Ctrl-C in the middle of an import would be a traceback.
            worker.send(number if worker in self._serving else signal.SIGTERM)

    def _kill(self) -> None:
        for worker in self._running:
            worker.send(signal.SIGKILL)

    def _give_up(self, exit_code: int) -> None:
        self._failure = f"no worker can start (exit code {exit_code}); see its message above"
        self._end_all()
        for worker in self._running:
            worker.send(signal.SIGTERM)

    def _end_all(self) -> None:
        self._stopping.set()
        self._is_proven.set()
