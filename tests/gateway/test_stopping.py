"""SIGTERM ends what runs, whatever the process inherited."""

import signal
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]

WAITS = """
import asyncio, signal, sys
from gateway.serving import run

async def serve():
    try:
        print("up", flush=True)
        await asyncio.Event().wait()
    finally:
        print("closed", flush=True)

if "ignoring" in sys.argv:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
try:
    run(serve())
except KeyboardInterrupt:
    print("told", flush=True)
"""


def lines_of(number: signal.Signals, *arguments: str) -> list[str]:
    """What a process says that is sent this signal while it runs."""
    with subprocess.Popen(
        (sys.executable, "-c", WAITS, *arguments),
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline().strip()]
        process.send_signal(number)
        return said + process.communicate(timeout=20)[0].split()


def test_sigterm_is_a_ctrl_c() -> None:
    """What runs is cancelled, closes what it opened, and its caller is told."""
    assert lines_of(signal.SIGTERM) == ["up", "closed", "told"]


def test_ctrl_c_is_one_too() -> None:
    """The control: from the keyboard it is the same."""
    assert lines_of(signal.SIGINT) == ["up", "closed", "told"]


def test_sigterm_ends_a_background_job() -> None:
    """Shells start background jobs with SIGINT ignored; they have to end all the same."""
    assert lines_of(signal.SIGTERM, "ignoring") == ["up", "closed", "told"]
