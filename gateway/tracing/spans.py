"""A record and its log become spans. Pure.

What a note is about names ids of rows, which are no business of whoever reads traces: of it only
the first word is taken, the kind of call.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from gateway.request_lines import RequestLine
from gateway.request_record import OperationName
from gateway.tracing.recording import Stretch, Value
from resolvers.upstream.call_log import CALLED_OFF, CallLog, CallNote, CallStep
from resolvers.upstream.trace_context import Trace
from resolvers.upstream.transport import CallKind

SPAN_LIMIT: Final = 128
"""Spans of one request, at most."""

EVENT_LIMIT: Final = 32
"""Events of one span, at most."""

METHODS: Final[Mapping[str, str]] = {CallKind.CREATE: "POST", CallKind.CHANGE: "PATCH"}

TIMED_OUT: Final = "no answer in time"

WRITE: Final = "mutation "


def server_span(
    line: RequestLine, trace: Trace, *, method: str, began_ns: int, ended_ns: int
) -> Stretch:
    """The span of the request itself."""
    attributes: dict[str, Value] = {
        "http.request.method": method,
        "http.route": "/graphql",
        "url.path": "/graphql",
        "url.scheme": "http",
        "http.response.body.size": line.size_bytes,
        "bff.request_id": line.request_id,
        "bff.way": line.way,
        "bff.outcome": line.outcome,
        "bff.waited_ms": round(line.waited_s * 1000, 1),
        "bff.attempts": line.call_count,
    }
    attributes |= _named(line.operation)
    if line.status:
        attributes["http.response.status_code"] = int(line.status)
    else:
        attributes["bff.left"] = True
    if line.codes:
        attributes["bff.error_codes"] = sorted(set(line.codes))
        attributes["error.type"] = line.codes[0]
    parent = trace.parent
    return Stretch(
        line.operation.kind or "request",
        trace.span_id(0),
        0 if parent is None else int(parent.span_id, 16),
        began_ns,
        ended_ns,
        kind="server",
        attributes=attributes,
        is_failed=line.status >= 500 or "INTERNAL_ERROR" in line.codes,
        has_remote_parent=True,
    )


def spans_of(log: CallLog, trace: Trace, server: Stretch, *, ended_at_s: float) -> list[Stretch]:
    """``server`` and a span for each stretch in the log. ``ended_at_s``: s of the loop at its end.

    What has not ended by then, as a call that others wait for, ends with the request.
    """
    drawing = _Drawing(log, trace, server, server.ended_ns - int(ended_at_s * 1e9))
    for note in log.notes:
        drawing.add(note)
    drawing.end()
    spans = [server, *drawing.spans[: SPAN_LIMIT - 1]]
    omitted_count = log.omitted_count + len(drawing.spans) + 1 - len(spans)
    if omitted_count:
        server.attributes["bff.notes_omitted"] = omitted_count
    return spans


@dataclass(slots=True)
class _Drawing:
    """The spans so far. ``epoch_ns``: what to add to s of the loop to have Unix time."""

    log: CallLog
    trace: Trace
    server: Stretch
    epoch_ns: int
    spans: list[Stretch] = field(default_factory=list)
    _open: dict[object, Stretch] = field(default_factory=dict)
    _attempts: dict[int, list[Stretch]] = field(default_factory=dict)
    _hedges: set[int] = field(default_factory=set)
    _writing: Stretch | None = None

    def add(self, note: CallNote) -> None:
        match note.step:
            case CallStep.BEGAN:
                self._begin(note)
            case CallStep.ENDED:
                self._end_call(note)
            case CallStep.SENT:
                self._send(note)
            case CallStep.ANSWERED | CallStep.FAILED:
                self._close(note.attempt or (note.service, note.about), note)
            case CallStep.WAITED:
                self._open[note.service, note.about] = self._draw(note, "wait for projection")
            case CallStep.JOINED:
                joined = self._draw(note, "join")
                joined.attributes["bff.service"] = note.service
                self._open[note.service, note.about] = joined
            case CallStep.HEDGED:
                self._hedges.add(note.call)
                self._mark(note, "hedged")
            case _:
                self._mark(note, note.step.value.lower())

    def end(self) -> None:
        """Nothing more is noted."""
        for span in self._open.values():
            span.ended_ns = self.server.ended_ns

    def _begin(self, note: CallNote) -> None:
        if note.service == "store":
            span = self._draw(note, "store read")
        elif note.about.startswith(WRITE):
            span = self._writing = self._draw(note, "write")
            span.attributes["bff.field"] = note.about.removeprefix(WRITE)
        else:
            span = self._draw(note, "call", parent=self._writing)
            span.attributes |= _call(note)
        self._open["call", note.call] = span

    def _end_call(self, note: CallNote) -> None:
        span = self._open.get(("call", note.call))
        attempts = self._attempts.get(note.call, [])
        if span is not None and span.name == "call":
            span.attributes["bff.attempts"] = len(attempts)
        for attempt in attempts:
            # Nobody waits for it any more: a second one was faster, or the reader has left.
            if self._open.pop(attempt.span_id - self.trace.first_span_id, None) is not None:
                attempt.ended_ns = self._ns(note)
                attempt.attributes["bff.called_off"] = True
        self._close(("call", note.call), note)

    def _send(self, note: CallNote) -> None:
        attempts = self._attempts.setdefault(note.call, [])
        call = self._open.get(("call", note.call))
        span = self._draw(note, "attempt", number=note.attempt, parent=call)
        attempts.append(span)
        span.kind = "client"
        span.attributes |= _call(note)
        span.attributes["http.request.method"] = METHODS.get(_kind(note), "GET")
        span.attributes["bff.attempt"] = len(attempts)
        if note.call in self._hedges:
            self._hedges.discard(note.call)
            span.attributes["bff.hedge"] = True
        self._open[note.attempt] = span

    def _close(self, key: object, note: CallNote) -> None:
        span = self._open.pop(key, None)
        if span is None:
            return
        span.ended_ns = self._ns(note)
        if span is self._writing:
            self._writing = None
        if note.detail and note.step is not CallStep.ANSWERED:
            span.attributes["error.type"] = "timeout" if note.detail == TIMED_OUT else note.detail
            span.is_failed = note.detail != CALLED_OFF

    def _mark(self, note: CallNote, name: str) -> None:
        """An event of the call, or of the request where there is none."""
        span = self._open.get(("call", note.call), self.server)
        if len(span.events) < EVENT_LIMIT:
            span.events.append((name, self._ns(note)))

    def _draw(
        self, note: CallNote, name: str, *, number: int = 0, parent: Stretch | None = None
    ) -> Stretch:
        at_ns, number = self._ns(note), number or note.call or self.log.next_number()
        parent_id = (parent or self.server).span_id
        span = Stretch(name, self.trace.span_id(number), parent_id, at_ns, at_ns)
        self.spans.append(span)
        return span

    def _ns(self, note: CallNote) -> int:
        at_ns = self.epoch_ns + int(note.at_s * 1e9)
        return min(max(at_ns, self.server.began_ns), self.server.ended_ns)


def _call(note: CallNote) -> dict[str, Value]:
    return {"bff.service": note.service, "bff.call_kind": _kind(note)}


def _kind(note: CallNote) -> str:
    return note.about.partition(" ")[0]


def _named(operation: OperationName) -> Iterator[tuple[str, Value]]:
    if operation.kind:
        yield "graphql.operation.type", operation.kind
    if operation.name:
        yield "graphql.operation.name", operation.name
