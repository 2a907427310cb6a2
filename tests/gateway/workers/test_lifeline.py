"""A worker does not outlive its parent, whatever it is doing."""

import asyncio
import signal
import socket
import subprocess
import sys

import pytest

from gateway.workers.lifeline import Lifeline
from tests.e2e.starting import REPOSITORY

WORKER = """
import signal, socket, sys, threading
from gateway.workers.lifeline import Lifeline

def stuck(*_):
    while True:
        pass

if sys.argv[2] == "stuck":
    signal.signal(signal.SIGTERM, stuck)
line = Lifeline(socket.socket(fileno=int(sys.argv[1])), stop_limit_s=0.2)
line.watch()
line.tell_serving()
threading.Event().wait()
"""


def ended_after_its_parent(how: str) -> int:
    """The exit code of a worker whose parent has ended."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            worker = subprocess.Popen(
                (sys.executable, "-c", WORKER, str(theirs.fileno()), how),
                cwd=REPOSITORY,
                pass_fds=(theirs.fileno(),),
            )
        said = ours.recv(1)
    try:
        assert said == b"s"
        return worker.wait(20)
    finally:
        worker.kill()
        worker.wait()


@pytest.mark.parametrize(("how", "exit_code"), [("idle", -signal.SIGTERM), ("stuck", 1)])
def test_a_worker_ends_with_its_parent(how: str, exit_code: int) -> None:
    """It is asked to end, as the parent would; one that is stuck ends all the same."""
    assert ended_after_its_parent(how) == exit_code


def test_nobody_need_be_there_to_be_told() -> None:
    """A worker that serves after its parent has ended does not fail over it."""
    ours, theirs = socket.socketpair()
    ours.close()

    with theirs:
        Lifeline(theirs, stop_limit_s=1.0).tell_serving()


async def test_a_loop_that_runs_gives_signs_of_life() -> None:
    """From when it serves: before that the parent waits for it in any case."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        line = Lifeline(theirs, stop_limit_s=1.0)
        async with line.beating(0.001), asyncio.timeout(10):
            await asyncio.sleep(0.02)
            with pytest.raises(BlockingIOError):
                ours.recv(1)
            line.tell_serving()
            for _ in range(3):
                assert await asyncio.get_running_loop().sock_recv(ours, 1) == b"s"


def test_a_stuck_worker_tells_where_it_is() -> None:
    """By the signal that its parent sends before the last one."""
    script = """
import asyncio, os, signal, socket
from gateway.workers.lifeline import Lifeline

async def serve():
    async with Lifeline(socket.socketpair()[0], stop_limit_s=1.0).beating(1.0):
        os.kill(os.getpid(), signal.SIGUSR2)

asyncio.run(serve())
"""
    done = subprocess.run(
        (sys.executable, "-c", script), cwd=REPOSITORY, capture_output=True, text=True, check=True
    )

    assert "in serve" in done.stderr
