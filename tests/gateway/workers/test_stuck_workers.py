"""A worker whose loop stands still is ended, and one that gives signs of life is not."""

import asyncio
import signal
import socket
from collections.abc import Iterator

import pytest

from gateway.workers.options import RestartOptions
from gateway.workers.supervisor import WorkerEnded, WorkerStuck
from tests.gateway.workers.crew import Crew, supervised

NERVOUS = RestartOptions(first_pause_s=0.01, stuck_s=0.4, last_words_s=0.0)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


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
