"""Which requests are recorded, and what becomes of them: spans on their way to a collector.

The rule: who is not recorded pays for one look. The caller's word counts (parent-based sampling),
but only so many requests a second are recorded whatever callers say, so that a header makes no
load. Nothing is made before a request has its answer: the layers note what they do (`call_log`),
and the spans are written from that.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from random import random
from typing import Final

from gateway.request_lines import RequestLine
from gateway.tracing.recording import Recorder
from gateway.tracing.shipping import Shipping, SpanCounts
from gateway.tracing.spans import server_span, spans_of
from resolvers.upstream.call_log import CallLog
from resolvers.upstream.trace_context import Trace, TraceContext

LIMIT_PER_S: Final = 200
"""Requests recorded in a second, at most: a hundredth of a processor."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A request that has its answer. ``at_s``: s of the loop."""

    line: RequestLine
    method: str
    at_s: float


class Traces:
    """Those of one gateway. ``ratio``: of the requests whose callers have not decided."""

    def __init__(
        self,
        shipping: Shipping,
        *,
        ratio: float,
        limit_per_s: int = LIMIT_PER_S,
        draw: Callable[[], float] = random,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._shipping = shipping
        self._ratio = ratio
        self._limit_per_s = limit_per_s
        self._draw = draw
        self._now_ns = now_ns
        self._second = 0
        self._begun_count = 0
        service = {"service.name": "bff", "service.version": version("bff-gateway")}
        self._recorder = Recorder(shipping.take, service)

    @property
    def counts(self) -> SpanCounts:
        """What became of spans so far."""
        return self._shipping.counts

    def is_recorded(self, parent: TraceContext | None) -> bool:
        """Whether this request is; each is to be asked for once."""
        wanted = self._draw() < self._ratio if parent is None else parent.is_sampled
        return wanted and self._has_room()

    def record(self, trace: Trace, log: CallLog | None, ended: Ended) -> None:
        """Make the spans of a request. ``log`` is None where nothing was noted: it was at hand."""
        ended_ns = self._now_ns()
        # The loop's clock is coarse, and the only one that the log knows.
        logged_s = 0.0 if log is None else ended.at_s - log.began_at_s
        began_ns = ended_ns - int(max(ended.line.took_s, logged_s) * 1e9)
        server = server_span(
            ended.line, trace, method=ended.method, began_ns=began_ns, ended_ns=ended_ns
        )
        stretches = [server]
        if log is not None:
            stretches = spans_of(log, trace, server, ended_at_s=ended.at_s)
        self._recorder.record(int(trace.trace_id, 16), trace.state, stretches)

    def close(self) -> None:
        """Send what is left; waits a second at most. Call in a thread."""
        self._shipping.close()

    def _has_room(self) -> bool:
        second = self._now_ns() // 1_000_000_000
        if second != self._second:
            self._second, self._begun_count = second, 0
        self._begun_count += 1
        return self._begun_count <= self._limit_per_s
