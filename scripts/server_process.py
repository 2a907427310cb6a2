"""A server of ours for a while on this machine: a port for it, and an end that comes with ours."""

import random
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOOPBACK: Final = "127.0.0.1"

# Below what systems give to outgoing connections. A port of that range can be taken by anybody
# while its server is down for a moment; and a client that calls there again and again is given
# that very port as its own at last, and talks to itself.
PORTS: Final = range(20_000, 32_000)

END_GRACE_S: Final = 10.0


def free_port() -> int:
    """A port of loopback where nobody listens, and which nobody is given by chance."""
    # The system's randomness: hypothesis gives all test processes the same seed of the other.
    while not _is_free(port := random.SystemRandom().choice(PORTS)):
        pass
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


@contextmanager
def leash(*command: str) -> Iterator[None]:
    """Run the command if this process ends inside the block, however it ends; else never.

    A killed process can clean nothing up. So a shell stands by that reads from a pipe of ours:
    a line lets it go, and the end of the pipe, which is our end, makes it act.
    """
    watch = subprocess.Popen(
        ["/bin/sh", "-c", 'read -r word || "$@"', "leash", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # out of reach of the Ctrl-C that ends us
    )
    try:
        yield
    finally:
        watch.communicate(b"let go\n")


def end(process: subprocess.Popen[bytes], *, grace_s: float = END_GRACE_S) -> int:
    """Ask the process to end, make it end after the grace; its exit code. Idempotent."""
    process.terminate()
    try:
        return process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def says(process: subprocess.Popen[bytes], word: bytes, *, within_s: float) -> bool:
    """Wait until the process says the word on its standard output; False: it ended before.

    Kills the process when the time is up. Closes the output: nobody would listen any more.
    """
    if process.stdout is None:
        raise ValueError("to be listened to, it is started with stdout=PIPE")
    alarm = threading.Timer(within_s, process.kill)
    alarm.start()
    try:
        with process.stdout as output:
            return any(word in line for line in output)
    finally:
        alarm.cancel()


def last_lines(path: Path, count: int) -> str:
    """The end of a log, indented to stand below a message; empty where there is no log."""
    text = path.read_text(errors="replace") if path.exists() else ""
    return "\n".join(f"  {line}" for line in text.splitlines()[-count:])
