"""Workers that are none: what their parent starts, asks and ends in tests."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.workers.options import RestartOptions
from gateway.workers.supervisor import Supervisor, WorkerSignal

OPTIONS = RestartOptions(first_pause_s=0.01, longest_pause_s=0.02, stuck_s=3_600)
PATIENCE_S = 10


class FakeWorker:
    """A worker that serves and ends when it is told to."""

    def __init__(self, process_id: int) -> None:
        self.process_id = process_id
        self.sent: list[signal.Signals] = []
        self._inbox: asyncio.Queue[signal.Signals] = asyncio.Queue()
        self._beats: asyncio.Queue[None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._serves: asyncio.Future[bool] = self._loop.create_future()
        self._exit_code: asyncio.Future[int] = self._loop.create_future()

    def serve(self) -> None:
        self._serves.set_result(True)

    def beat(self) -> None:
        """Give a sign of life."""
        self._beats.put_nowait(None)

    async def beats(self) -> bool:
        await self._beats.get()
        return True

    def end(self, exit_code: int) -> None:
        if not self._exit_code.done():
            self._exit_code.set_result(exit_code)
        if not self._serves.done():
            self._serves.set_result(False)

    async def serves(self) -> bool:
        return await self._serves

    async def ended(self) -> int:
        return await self._exit_code

    def send(self, number: signal.Signals) -> None:
        self.sent.append(number)
        self._inbox.put_nowait(number)

    async def receives(self, number: signal.Signals) -> None:
        """Return when it has been sent this."""
        async with asyncio.timeout(PATIENCE_S):
            while await self._inbox.get() != number:
                pass


class Crew:
    """Starts fake workers, and lets a test wait for them."""

    def __init__(self) -> None:
        self.workers: list[FakeWorker] = []
        self.numbers: list[int] = []
        self.ends: list[WorkerSignal] = []
        self.refusal: OSError | None = None
        self._started: asyncio.Queue[FakeWorker] = asyncio.Queue()

    @asynccontextmanager
    async def start(self, _: socket.socket, number: int) -> AsyncIterator[FakeWorker]:
        if self.refusal is not None:
            refusal, self.refusal = self.refusal, None
            raise refusal
        worker = FakeWorker(len(self.workers) + 1)
        self.workers.append(worker)
        self.numbers.append(number)
        self._started.put_nowait(worker)
        yield worker

    async def next(self) -> FakeWorker:
        """The next worker that is started."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._started.get()


@asynccontextmanager
async def supervised(
    crew: Crew,
    listening: socket.socket,
    *,
    worker_count: int = 2,
    stop_limit_s: float = 60.0,
    options: RestartOptions = OPTIONS,
) -> AsyncIterator["asyncio.Task[None]"]:
    """A supervisor that runs, and has ended at the end of the block."""
    supervisor = Supervisor(
        worker_count,
        stop_limit_s=stop_limit_s,
        observe=crew.ends.append,
        options=options,
        start=crew.start,
    )
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        yield group.create_task(supervisor.run(listening))


def end_all(crew: Crew) -> None:
    for worker in crew.workers:
        worker.end(0)
