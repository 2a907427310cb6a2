"""A worker does not outlive its parent, whatever it is doing."""

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
