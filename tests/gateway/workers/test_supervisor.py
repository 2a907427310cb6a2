"""The parent of workers: whom it starts, whom it starts again, when it gives up, how it ends."""

import asyncio
import errno
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from gateway.workers.options import RestartOptions
from gateway.workers.supervisor import (
    Supervisor,
    WorkerEnded,
    WorkersFailed,
    WorkerSignal,
    WorkerStuck,
)

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
        self.ends: list[WorkerSignal] = []
        self.refusal: OSError | None = None
        self._started: asyncio.Queue[FakeWorker] = asyncio.Queue()

    @asynccontextmanager
    async def start(self, _: socket.socket) -> AsyncIterator[FakeWorker]:
        if self.refusal is not None:
            refusal, self.refusal = self.refusal, None
            raise refusal
        worker = FakeWorker(len(self.workers) + 1)
        self.workers.append(worker)
        self._started.put_nowait(worker)
        yield worker

    async def next(self) -> FakeWorker:
        """The next worker that is started."""
        async with asyncio.timeout(PATIENCE_S):
            return await self._started.get()


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


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


async def test_the_first_worker_goes_ahead(listening: socket.socket) -> None:
    """The others are started when one serves: what stops a start is found out once."""
    crew = Crew()
    async with supervised(crew, listening, worker_count=3):
        first = await crew.next()
        await asyncio.sleep(0)
        alone_count = len(crew.workers)
        first.serve()
        for _ in range(2):
            (await crew.next()).serve()
        signal.raise_signal(signal.SIGTERM)
        await first.receives(signal.SIGTERM)
        end_all(crew)

    assert alone_count == 1
    assert len(crew.workers) == 3


async def test_a_start_that_fails_while_nobody_serves_ends_it_all(listening: socket.socket) -> None:
    """What stops the first one would stop all; the failure names the exit code."""
    crew = Crew()
    with pytest.raises(ExceptionGroup) as failures:
        async with supervised(crew, listening):
            (await crew.next()).end(2)

    assert failures.group_contains(WorkersFailed, match="exit code 2")
    assert len(crew.workers) == 1


async def test_a_worker_that_ends_is_started_again(listening: socket.socket) -> None:
    """After a pause, which is told with the exit code."""
    crew = Crew()
    async with supervised(crew, listening):
        first = await crew.next()
        first.serve()
        second = await crew.next()
        second.serve()
        first.end(-9)
        third = await crew.next()
        third.serve()
        signal.raise_signal(signal.SIGTERM)
        await third.receives(signal.SIGTERM)
        end_all(crew)

    assert crew.ends == [WorkerEnded(process_id=1, exit_code=-9, pause_s=0.01)]
    assert [worker.sent for worker in crew.workers] == [[], [signal.SIGTERM], [signal.SIGTERM]]


async def test_a_start_that_fails_beside_one_that_serves_is_tried_again(
    listening: socket.socket,
) -> None:
    """The pauses grow; those who serve are not given up for it."""
    crew = Crew()
    async with supervised(crew, listening):
        first = await crew.next()
        first.serve()
        for _ in range(3):
            (await crew.next()).end(1)
        (await crew.next()).serve()
        signal.raise_signal(signal.SIGTERM)
        await first.receives(signal.SIGTERM)
        end_all(crew)

    pauses_s = [end.pause_s for end in crew.ends if isinstance(end, WorkerEnded)]
    assert pauses_s == [0.01, 0.02, 0.02]


async def test_a_machine_without_a_process_to_spare_is_asked_again(
    listening: socket.socket,
) -> None:
    """Those who serve go on serving."""
    crew = Crew()
    async with supervised(crew, listening):
        first = await crew.next()
        crew.refusal = OSError(errno.EAGAIN, "no more processes")
        first.serve()
        (await crew.next()).serve()
        signal.raise_signal(signal.SIGTERM)
        await first.receives(signal.SIGTERM)
        end_all(crew)

    assert crew.ends == [WorkerEnded(process_id=0, exit_code=errno.EAGAIN, pause_s=0.01)]


async def test_a_stop_closes_the_socket_and_waits_for_all(listening: socket.socket) -> None:
    """The port is free with the end of the last worker, which is the end of the parent."""
    crew = Crew()
    async with supervised(crew, listening) as running:
        workers = [await started_and_serving(crew) for _ in range(2)]
        signal.raise_signal(signal.SIGTERM)
        await workers[1].receives(signal.SIGTERM)
        workers[0].end(0)
        await asyncio.sleep(0)
        is_waiting = not running.done()
        workers[1].end(0)

    assert listening.fileno() == -1
    assert is_waiting
    assert crew.ends == []


async def started_and_serving(crew: Crew) -> FakeWorker:
    worker = await crew.next()
    worker.serve()
    return worker


async def test_a_second_signal_is_passed_on(listening: socket.socket) -> None:
    """Who asks again means now; and each is told what was asked for."""
    crew = Crew()
    async with supervised(crew, listening, worker_count=1):
        worker = await started_and_serving(crew)
        await asyncio.sleep(0.01)
        signal.raise_signal(signal.SIGTERM)
        await worker.receives(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        await worker.receives(signal.SIGINT)
        end_all(crew)

    assert worker.sent == [signal.SIGTERM, signal.SIGINT]


async def test_a_worker_on_its_way_up_is_told_plainly(listening: socket.socket) -> None:
    """Ctrl-C is SIGTERM to who does not serve yet: it has nothing to finish, and no handler."""
    crew = Crew()
    async with supervised(crew, listening):
        worker = await crew.next()
        signal.raise_signal(signal.SIGINT)
        await worker.receives(signal.SIGTERM)
        worker.end(-15)

    assert worker.sent == [signal.SIGTERM]
    assert len(crew.workers) == 1


async def test_who_does_not_end_is_killed(listening: socket.socket) -> None:
    """The end of the parent is bounded, whatever its workers do."""
    crew = Crew()
    async with supervised(crew, listening, worker_count=1, stop_limit_s=0.01):
        worker = await started_and_serving(crew)
        await asyncio.sleep(0.01)
        signal.raise_signal(signal.SIGTERM)
        await worker.receives(signal.SIGKILL)
        worker.end(-9)

    assert worker.sent == [signal.SIGTERM, signal.SIGKILL]


NERVOUS = RestartOptions(first_pause_s=0.01, stuck_s=0.4, last_words_s=0.0)


async def test_a_worker_that_is_stuck_is_ended_and_another_one_started(
    listening: socket.socket,
) -> None:
    """It serves nobody and would never end; it is asked first where it is."""
    crew = Crew()
    async with supervised(crew, listening, worker_count=1, options=NERVOUS):
        stuck = await crew.next()
        stuck.serve()
        await stuck.receives(signal.SIGKILL)
        stuck.end(-9)
        (await crew.next()).end(0)
        signal.raise_signal(signal.SIGTERM)

    assert stuck.sent[:2] == [signal.SIGUSR2, signal.SIGKILL]
    assert crew.ends[0] == WorkerStuck(1, 0.4)
    assert isinstance(crew.ends[1], WorkerEnded)


async def test_control_a_worker_that_gives_signs_of_life_is_left_alone(
    listening: socket.socket,
) -> None:
    """However long it lives: longer than a silence may last."""
    crew = Crew()
    async with supervised(crew, listening, worker_count=1, options=NERVOUS):
        worker = await crew.next()
        worker.serve()
        for _ in range(60):
            worker.beat()
            await asyncio.sleep(0.01)
        sent = list(worker.sent)
        worker.end(0)
        signal.raise_signal(signal.SIGTERM)

    assert sent == []
    assert not any(isinstance(of, WorkerStuck) for of in crew.ends)
