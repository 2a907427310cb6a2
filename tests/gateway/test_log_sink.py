"""Lines on their way to stderr: whole, in order, bounded, and never waited for."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest

from gateway.log_sink import LogSink

PATIENCE_S = 10.0


class Blocked:
    """A descriptor that takes nothing until it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.began = threading.Event()
        self.written = bytearray()

    def write(self, text: bytes) -> None:
        self.began.set()
        assert self.opened.wait(PATIENCE_S)
        self.written += text


@contextmanager
def blocked(limit_bytes: int = 1_000) -> Iterator[tuple[Blocked, LogSink]]:
    descriptor = Blocked()
    sink = LogSink(descriptor.write, limit_bytes=limit_bytes, gathering_s=0.0)
    try:
        yield descriptor, sink
    finally:
        descriptor.opened.set()


def test_lines_are_written_whole_and_in_order() -> None:
    """Whatever is gathered into one call of the system."""
    written: list[bytes] = []
    sink = LogSink(written.append, gathering_s=0.0)
    lines = [b"%d\n" % number for number in range(5_000)]

    for line in lines:
        sink.put(line)

    assert sink.flush(PATIENCE_S)
    assert b"".join(written) == b"".join(lines)
    assert sink.dropped_count == 0


def test_who_logs_does_not_wait_while_nobody_reads() -> None:
    """Lines beyond the bound are dropped and counted; those within it are written later."""
    with blocked() as (descriptor, sink):
        sink.put(b"first\n")
        assert descriptor.began.wait(PATIENCE_S)
        began_s = time.perf_counter()
        for _ in range(10_000):
            sink.put(b"0123456789\n")
        took_s = time.perf_counter() - began_s
        is_flushed = sink.flush(0.0)
        descriptor.opened.set()
        assert sink.flush(PATIENCE_S)

    assert took_s < 1.0
    assert not is_flushed
    assert sink.dropped_count == 10_000 - (1_000 - 6) // 11
    assert len(descriptor.written) <= 1_000


def test_lines_that_keep_coming_wake_nobody() -> None:
    """One that comes while others are written is written next, by a thread that is awake."""
    with blocked() as (descriptor, sink), patch.object(sink, "_begin", wraps=sink._begin) as begin:
        sink.put(b"first\n")
        assert descriptor.began.wait(PATIENCE_S)
        for _ in range(50):
            sink.put(b"next\n")
        descriptor.opened.set()
        assert sink.flush(PATIENCE_S)

        assert begin.call_count == 1
        assert descriptor.written == b"first\n" + b"next\n" * 50


def test_a_line_after_silence_wakes_the_writer_again() -> None:
    """However often all was quiet before: each line is written, and told as written."""
    written: list[bytes] = []
    sink = LogSink(written.append, gathering_s=0.0)

    for number in range(500):
        sink.put(b"%d\n" % number)
        assert sink.flush(PATIENCE_S)
        assert written[-1] == b"%d\n" % number


def test_control_a_write_that_is_waited_for_blocks() -> None:
    """The control: without the thread, the first line would hold up its caller."""
    with blocked() as (descriptor, _):
        waiting = threading.Thread(target=descriptor.write, args=(b"first\n",))
        waiting.start()
        assert descriptor.began.wait(PATIENCE_S)
        assert waiting.is_alive()
        descriptor.opened.set()
        waiting.join(PATIENCE_S)

    assert not waiting.is_alive()


@pytest.mark.parametrize("error", [BrokenPipeError, OSError])
def test_a_reader_that_has_gone_harms_nobody(error: Callable[[], Exception]) -> None:
    """Lines are lost then; the next ones are tried all the same."""
    tried: list[bytes] = []

    def fail(text: bytes) -> None:
        tried.append(text)
        raise error()

    sink = LogSink(fail, gathering_s=0.0)
    for line in (b"one\n", b"two\n"):
        sink.put(line)
        assert sink.flush(PATIENCE_S)

    assert tried == [b"one\n", b"two\n"]
