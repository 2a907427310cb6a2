"""Who sees every request end: its line is written, and spans are made of it if it was recorded.

The rule: nobody waits for it, and what is neither told nor recorded costs a look or two.
"""

import asyncio
import time
from typing import Final

from gateway.replies import Reply
from gateway.request import RequestHeaders
from gateway.request_lines import AtHandLine, RequestLine, RequestLines
from gateway.request_record import UNNAMED, RequestRecord
from gateway.response import Response
from gateway.tracing.traces import Ended, Traces
from resolvers.upstream.call_log import CallLog
from resolvers.upstream.trace_context import Trace, TraceContext, unrecorded

TRACEPARENT: Final = b"traceparent"
UNSAMPLED: Final = b"-00"
"""How a context ends whose only flag is not set."""


class Witness:
    """That of one gateway; either part may be missing."""

    def __init__(self, lines: RequestLines | None = None, traces: Traces | None = None) -> None:
        self._lines = lines
        self._traces = traces
        self._tells_at_hand = lines is not None and lines.are_all_told
        self.looks_at_hand = traces is not None or self._tells_at_hand
        """Is `given_at_hand` to be called?"""

    def begin(self, headers: RequestHeaders, request_id: str) -> RequestRecord:
        """The record of a request that will take its time; services are told its trace."""
        began_at_s = time.perf_counter()
        parent = headers.trace_context
        if self._traces is None:
            return RequestRecord(began_at_s, request_id, parent)
        if not self._traces.is_recorded(parent):
            return RequestRecord(began_at_s, request_id, parent or unrecorded())
        trace = Trace.under(parent)
        log = CallLog(began_at_s=_now_s(), trace=trace)
        context = TraceContext(trace.trace_id, f"{trace.span_id(0):016x}", True, trace.state)
        return RequestRecord(began_at_s, request_id, context, log)

    def given_at_hand(
        self,
        headers: RequestHeaders,
        request_id: str,
        response: Response,
        reply: Reply,
        took_s: float,
        method: str,
    ) -> None:
        """A request was answered without a task."""
        if not self._tells_at_hand and _is_left_out(headers):
            return
        parent = headers.trace_context if TRACEPARENT in headers.values else None
        operation, size_bytes = response.operation or UNNAMED, len(reply.body)
        trace = None
        if self._traces is not None and self._traces.is_recorded(parent):
            trace = Trace.under(parent)
            line = RequestLine(
                request_id=request_id,
                operation=operation,
                way=response.way,
                status=reply.status,
                took_s=took_s,
                size_bytes=size_bytes,
            )
            self._traces.record(trace, None, Ended(line, method, 0.0))
        if self._lines is not None and self._lines.are_all_told:
            context = trace or parent
            trace_id = "" if context is None else context.trace_id
            found = AtHandLine(operation, response.way, reply.status, size_bytes)
            self._lines.tell_at_hand(request_id, trace_id, found, took_s=took_s)

    def answered(
        self, record: RequestRecord, response: Response, reply: Reply, method: str
    ) -> None:
        """A request has its answer, a refusal perhaps."""
        self._end(
            record,
            RequestLine(
                request_id=record.request_id,
                trace_id=record.trace_id,
                operation=response.operation or record.operation,
                way=response.way,
                outcome=response.outcome,
                status=reply.status,
                codes=codes_of(response),
                took_s=time.perf_counter() - record.began_at_s,
                waited_s=record.waited_s,
                call_count=record.tally.attempt_count,
                size_bytes=len(reply.body),
            ),
            method,
        )

    def left(self, record: RequestRecord, method: str) -> None:
        """The client of a request has left before its answer."""
        line = RequestLine(
            request_id=record.request_id,
            trace_id=record.trace_id,
            operation=record.operation,
            status=0,
            took_s=time.perf_counter() - record.began_at_s,
            waited_s=record.waited_s,
            call_count=record.tally.attempt_count,
        )
        self._end(record, line, method)

    def _end(self, record: RequestRecord, line: RequestLine, method: str) -> None:
        if self._lines is not None:
            self._lines.tell(line)
        log = record.log
        if self._traces is not None and log is not None and log.trace is not None:
            self._traces.record(log.trace, log, Ended(line, method, _now_s()))


def _is_left_out(headers: RequestHeaders) -> bool:
    """Does its caller say that it is not to be recorded? At a glance; what is odd is not."""
    given = headers.values.get(TRACEPARENT)
    return given is not None and len(given) == 1 and given[0].endswith(UNSAMPLED)


def codes_of(response: Response) -> list[str]:
    """The codes of the errors in this answer."""
    if isinstance(response.body, bytes):
        return []
    errors = response.body.get("errors")
    return [error["extensions"]["code"] for error in errors] if isinstance(errors, list) else []


def _now_s() -> float:
    return asyncio.get_running_loop().time()
