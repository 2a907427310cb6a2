"""Where log lines go: one thread writes them, so that nobody waits for a terminal or a full pipe.

The rule: a line is whole or not there at all. While nobody reads our stderr, lines are kept up to a
bound; those beyond it are dropped and counted, and no request is slower for it.
"""

import atexit
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from typing import Final

LIMIT_BYTES: Final = 1_000_000
"""Of lines that wait to be written: what a busy gateway logs in a tenth of a second, and more."""

GATHERING_S: Final = 0.05
"""Seconds for which lines are gathered, to be written by one call of the system."""

STDERR: Final = 2

LAST_WRITE_S: Final = 1.0
"""Seconds that the last lines get at the end of the process."""


class LogSink:
    """Writes lines by ``write``, which may block. ``dropped_count``: those without room.

    Each number has one thread that adds to it, so none needs a lock: lines are put by the loop's.
    While lines keep coming the thread only sleeps and writes: whatever else it did, it would wait
    for the interpreter to be let go by the loop, and be woken in vain at each of its calls.
    """

    def __init__(
        self,
        write: Callable[[bytes], object],
        *,
        limit_bytes: int = LIMIT_BYTES,
        gathering_s: float = GATHERING_S,
    ) -> None:
        self._write = write
        self._limit_bytes = limit_bytes
        self._gathering_s = gathering_s
        self._lines: deque[bytes] = deque()
        self._put_bytes = 0
        self._written_bytes = 0
        self._is_awake = False
        self._wake = threading.Event()
        self._idle = threading.Event()
        self._turning = threading.Lock()
        self._idle.set()
        self._thread: threading.Thread | None = None
        self.dropped_count = 0

    def put(self, line: bytes) -> None:
        """Have a line written soon, which ends in a newline. Never waits."""
        if self._put_bytes - self._written_bytes + len(line) > self._limit_bytes:
            self.dropped_count += 1
            return
        self._put_bytes += len(line)
        self._lines.append(line)
        if not self._is_awake:
            self._begin()

    def flush(self, timeout_s: float) -> bool:
        """Wait until all that was put by now is written, or ``timeout_s``; whether it is."""
        return self._idle.wait(timeout_s)

    def _begin(self) -> None:
        with self._turning:
            self._idle.clear()
            self._is_awake = True
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="log", daemon=True)
            self._thread.start()
        self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            time.sleep(self._gathering_s)
            while self._lines:
                self._write_all()
                time.sleep(self._gathering_s)
            # From here on who puts a line wakes us again; who put one just now found us awake.
            self._is_awake = False
            if self._lines:
                self._begin()
            with self._turning:
                if not self._is_awake:
                    self._idle.set()

    def _write_all(self) -> None:
        lines = self._lines
        taken = b"".join(lines.popleft() for _ in range(len(lines)))
        with suppress(OSError):  # nobody reads any more
            self._write(taken)
        # Only now: what is being written takes room as well.
        self._written_bytes += len(taken)


def write_whole(descriptor: int, text: bytes) -> None:
    """Write all of ``text``, however long that takes."""
    rest = memoryview(text)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


@cache
def stderr_sink() -> LogSink:
    """The one of this process: two would write into each other's lines."""
    sink = LogSink(partial(write_whole, STDERR))
    atexit.register(sink.flush, LAST_WRITE_S)
    return sink
