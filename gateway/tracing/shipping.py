"""Spans on their way to who collects them: a bounded queue, and a thread that nobody waits for.

Not OpenTelemetry's own batch processor: that one writes a line to stderr for what it drops, counts
it nowhere we can look, and lets an exporter that hangs hold up the end of the process.
"""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

QUEUE_LIMIT: Final = 4_096
"""Spans that wait to be sent: some 8 MB."""

BATCH_LIMIT: Final = 512
"""Spans of one message."""

GATHERING_S: Final = 1.0
"""Seconds for which spans are gathered."""

LAST_BATCH_S: Final = 1.0
"""Seconds that the last spans get when the gateway is closed."""


class SpanCounts(Protocol):
    """What became of spans so far."""

    @property
    def sent_count(self) -> int: ...

    @property
    def dropped_count(self) -> int: ...

    @property
    def failed_count(self) -> int: ...


@dataclass(slots=True)
class Counts:
    """A `SpanCounts`: sent; dropped because the queue was full; lost with a message that failed."""

    sent_count: int = 0
    dropped_count: int = 0
    failed_count: int = 0


class Shipping:
    """Sends spans by ``exporter``, which may block, fail or hang."""

    def __init__(
        self,
        exporter: SpanExporter,
        *,
        queue_limit: int = QUEUE_LIMIT,
        gathering_s: float = GATHERING_S,
    ) -> None:
        self._exporter = exporter
        self._queue_limit = queue_limit
        self._gathering_s = gathering_s
        self._spans: deque[ReadableSpan] = deque()
        self._closing = threading.Event()
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self.counts = Counts()

    def take(self, span: ReadableSpan) -> None:
        """Have it sent soon, if there is room for it. Never waits."""
        if self._closing.is_set() or len(self._spans) >= self._queue_limit:
            self.counts.dropped_count += 1
            return
        self._spans.append(span)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="spans", daemon=True)
            self._thread.start()

    def close(self, timeout_s: float = LAST_BATCH_S) -> None:
        """Send what is left, in this time; what cannot be sent by then is dropped. Idempotent."""
        self._closing.set()
        if self._thread is not None:
            self._done.wait(timeout_s)
        self._exporter.shutdown()
        self.counts.dropped_count += len(self._spans)
        self._spans.clear()

    def _run(self) -> None:
        while not self._closing.wait(self._gathering_s):
            self._send_all()
        self._send_all()
        self._done.set()

    def _send_all(self) -> None:
        while self._spans:
            size = min(BATCH_LIMIT, len(self._spans))
            self._send([self._spans.popleft() for _ in range(size)])

    def _send(self, batch: list[ReadableSpan]) -> None:
        try:
            result = self._exporter.export(batch)
        except Exception:  # noqa: BLE001 - whatever it was, these spans are lost, and that is all
            result = SpanExportResult.FAILURE
        if result is SpanExportResult.SUCCESS:
            self.counts.sent_count += len(batch)
        else:
            self.counts.failed_count += len(batch)
