"""The parent of workers: whom it starts, whom it starts again, when it gives up, how it ends."""

import asyncio
import errno
import signal
import socket
from collections.abc import Iterator

import pytest

from gateway.workers.supervisor import WorkerEnded, WorkersFailed
from tests.gateway.workers.crew import Crew, FakeWorker, end_all, supervised


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


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
